"""Accounts at providers: what they can do, how fast, whether they are held back.

The address and the credentials are set by a command and only shown here: the address as it is, the
credentials as a fingerprint.
"""

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import URLPattern, reverse
from django.utils.safestring import SafeString

from giftops import audit, show
from giftops.desk import Desk, act, tell
from giftops.once import OnceError, once
from giftops.pressing import FIELD, press
from providers import services
from providers.gateways.errors import ProviderError
from providers.models import CircuitState, ProviderAccount, ProviderCall
from providers.registry import spec_for

TONES = {"sandbox": show.AMBER, "uat": show.AMBER, "production": show.GREEN}
CAPABILITIES = {
    "seller": "sells cards",
    "deposit_holder": "holds a deposit",
    "issuer": "issues our own cards",
}


class LimitsForm(forms.ModelForm):
    """What may be changed here: how fast we ask, and whether we ask at all."""

    class Meta:
        model = ProviderAccount
        fields = ("per_minute", "per_second", "is_active")

    def clean(self) -> dict[str, Any]:
        """A second cannot hold more than its minute."""
        data = super().clean() or {}
        minute, second = data.get("per_minute"), data.get("per_second")
        if minute and second and second > minute:
            self.add_error("per_second", "That is more in a second than in a whole minute.")
        return data


@admin.register(ProviderAccount)
class AccountDesk(Desk):
    """One page per account: its state, its limits, a harmless question to try it."""

    detail_template = "providers/account.html"
    heading = "Providers"
    empty_title = "No provider is connected"
    empty_text = (
        "Connect one with manage.py provider_account; its credentials are typed there, never here."
    )
    empty_icon = "hub"
    list_display = ("account", "environment_pill", "state", "limits", "address", "fingerprint")

    def pages(self) -> list[URLPattern]:
        """What the buttons of an account press."""
        return [
            self.route("<uuid:object_id>/limits/", self.limits_view, "limits"),
            self.route("<uuid:object_id>/test/", self.test, "test"),
        ]

    def get_queryset(self, request: HttpRequest) -> Any:
        """Rows with their breaker."""
        rows = super().get_queryset(request).select_related("circuit").defer("credentials")
        return rows.order_by("name")

    def detail_context(self, request: HttpRequest, obj: ProviderAccount) -> dict[str, Any]:
        spec = spec_for(obj.provider)
        may_change = request.user.has_perm("providers.change_provideraccount")
        return {
            "title": obj.name,
            "crumbs": [("Providers", reverse("admin:providers_provideraccount_changelist"))],
            "spec": spec,
            "capabilities": [CAPABILITIES.get(one, one) for one in sorted(spec.capabilities)],
            "circuit": CircuitState.objects.filter(account=obj).first(),
            "pill": state_of(obj),
            "form": LimitsForm(instance=obj) if may_change else None,
            "may_change": may_change,
            "calls": _last_calls(obj, request),
        }

    @act("providers.change_provideraccount")
    def limits_view(self, request: HttpRequest, object_id: Any) -> HttpResponse:
        """Change how fast we ask, or switch the account off or on."""
        account = self.find(request, object_id)
        before = _kept(account)
        form = LimitsForm(request.POST, instance=account)
        if not form.is_valid():
            return self.detail(request, account, status=422, form=form)

        def work() -> dict[str, str]:
            account.save(update_fields=form.changed_data)  # nothing that a colleague just changed
            audit.record(
                "account.changed", actor=request.user, obj=account, request=request,
                was=before, now=_kept(account),
            )  # fmt: skip
            return {}

        try:
            once(
                request.POST.get(FIELD, ""),
                user=request.user,
                purpose=f"account.limits:{account.pk}",
                work=work,
            )
        except OnceError as problem:
            tell(request, messages.ERROR, str(problem))
        else:
            tell(request, messages.SUCCESS, f"{account.name} is changed.")
        return HttpResponseRedirect(_page_of(account))

    @act("providers.change_provideraccount")
    def test(self, request: HttpRequest, object_id: Any) -> HttpResponse:
        """Ask the provider something harmless and say what came of it."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        account = self.find(request, object_id)
        said = press(
            request,
            f"account.test:{account.pk}",
            lambda: services.test_connection(account),
            refusals=(ProviderError,),
        )
        tell(request, said.level, said.line)
        return HttpResponseRedirect(_page_of(account))

    @admin.display(description="account")
    def account(self, account: ProviderAccount) -> SafeString:
        return show.two_lines(account.name, spec_for(account.provider).label)

    @admin.display(description="environment")
    def environment_pill(self, account: ProviderAccount) -> SafeString:
        return show.pill(TONES[account.environment], account.get_environment_display())

    @admin.display(description="state")
    def state(self, account: ProviderAccount) -> SafeString:
        return state_of(account)

    @admin.display(description="at most")
    def limits(self, account: ProviderAccount) -> str:
        return f"{account.per_minute} a minute, {account.per_second} a second"

    @admin.display(description="address")
    def address(self, account: ProviderAccount) -> SafeString:
        return show.code(account.base_url)

    @admin.display(description="credentials")
    def fingerprint(self, account: ProviderAccount) -> SafeString:
        return show.code(account.credentials_fingerprint or show.EMPTY)


def state_of(account: ProviderAccount) -> SafeString:
    """Whether the account is used, held back, or switched off."""
    circuit = getattr(account, "circuit", None)
    if not account.is_active:
        return show.pill(show.DARK, "Switched off")
    if circuit is not None and circuit.is_open:
        return show.pill(show.RED, "Held back")
    return show.pill(show.GREEN, "In use")


def _kept(account: ProviderAccount) -> dict[str, Any]:
    return {name: getattr(account, name) for name in LimitsForm.Meta.fields}


def _last_calls(account: ProviderAccount, request: HttpRequest) -> list[ProviderCall]:
    if not request.user.has_perm("providers.view_providercall"):
        return []
    calls = ProviderCall.objects.filter(account=account).order_by("-created_at")
    return list(calls.defer("request_body", "response_body")[:8])


def _page_of(account: ProviderAccount) -> str:
    return reverse("admin:providers_provideraccount_change", args=[account.pk])
