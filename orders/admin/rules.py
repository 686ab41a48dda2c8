"""Rules: from which amount on an approver is needed, per account and role of the maker."""

from dataclasses import dataclass
from typing import Any

from django import forms
from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import URLPattern, reverse

from giftops import roles
from giftops.desk import Desk, act, tell, user_of
from giftops.models import User
from giftops.money import Money, MoneyError
from giftops.pressing import press
from orders.models import ApprovalLimit
from orders.services import limits
from orders.services.problems import Refused
from providers.models import ProviderAccount
from providers.registry import spec_for

CHANGE = "orders.change_approvallimit"
WORDS = {False: ("batch", "Batches"), True: ("issuance", "Issuances")}


class LimitForm(forms.Form):
    """Where, for whom, from what on. What is nonsense here is answered by one sentence."""

    account = forms.ModelChoiceField(ProviderAccount.objects.all())
    role = forms.CharField(max_length=32)
    limit = forms.CharField(max_length=20)


@dataclass(frozen=True, slots=True)
class Rule:
    """One line of the page: what holds for one role at one account."""

    account: ProviderAccount
    role: str
    usual: Money | None
    own: ApprovalLimit | None

    @property
    def role_label(self) -> str:
        """The role as people call it."""
        return roles.ROLES[self.role].label

    @property
    def limit(self) -> Money | None:
        """What holds; None: everything needs an approver."""
        return self.own.limit if self.own else self.usual

    @property
    def sentence(self) -> str:
        """What that means, for orders or for cards of our own, as the account has them."""
        one, many = WORDS[_issues(self.account)]
        if not self.limit:
            return f"Every {one} needs an approver."
        return f"{many} of {self.limit.format()} or more need an approver."

    @property
    def typed(self) -> str:
        """The limit as it is typed into the field."""
        return str(self.limit.decimal()) if self.limit is not None else ""


@admin.register(ApprovalLimit)
class RulesDesk(Desk):
    """All limits on one page: accounts are few, and so are the roles that order."""

    def pages(self) -> list[URLPattern]:
        return [
            self.route("set/", self.set_limit, "set"),
            self.route("<uuid:object_id>/remove/", self.remove, "remove"),
        ]

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        """What holds where, with a field to change it for those who may."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        may_change = request.user.has_perm(CHANGE)
        return self.page(
            request, "orders/rules.html", "Rules", rules=all_rules(), may_change=may_change
        )

    @act(CHANGE)
    def set_limit(self, request: HttpRequest) -> HttpResponse:
        """Say from which amount on an approver is needed."""
        actor = user_of(request)
        said = press(
            request, "approval_limit.set", lambda: _set(request, actor), refusals=(Refused,)
        )
        tell(request, said.level, said.line)
        return HttpResponseRedirect(_page())

    @act(CHANGE)
    def remove(self, request: HttpRequest, object_id: Any) -> HttpResponse:
        """Go back to what is usual."""
        found = self.find(request, object_id)
        actor = user_of(request)

        def work() -> str:
            limits.remove_limit(found, actor=actor)
            label = roles.ROLES[found.role].label.lower()
            return f"{found.account.name}: what is usual holds for a {label} again."

        said = press(request, f"approval_limit.remove:{found.pk}", work, refusals=(Refused,))
        tell(request, said.level, said.line)
        return HttpResponseRedirect(_page())


def all_rules() -> list[Rule]:
    """Every active account and every role that orders; two queries."""
    own = {(limit.account_id, limit.role): limit for limit in _limits()}
    return [
        Rule(account, role, limits.usual_limit(account.currency), own.get((account.pk, role)))
        for account in ProviderAccount.objects.filter(is_active=True).order_by("name")
        for role in limits.makers()
    ]


def _issues(account: ProviderAccount) -> bool:
    """Whether cards of our own are made there, and none bought."""
    able = spec_for(account.provider).capabilities
    return "issuer" in able and "seller" not in able


def _limits() -> Any:
    return ApprovalLimit.objects.select_related("account", "changed_by")


def _set(request: HttpRequest, actor: User) -> str:
    form = LimitForm(request.POST)
    if not form.is_valid():
        raise Refused("Name the account, the role and an amount.")
    account, role = form.cleaned_data["account"], form.cleaned_data["role"]
    try:
        limit = Money.parse(form.cleaned_data["limit"].strip(), account.currency)
    except MoneyError as problem:
        raise Refused(str(problem)) from problem
    kept = limits.set_limit(account, role, limit, actor=actor)
    return f"{account.name}: {Rule(account, role, None, kept).sentence}"


def _page() -> str:
    return reverse("admin:orders_approvallimit_changelist")
