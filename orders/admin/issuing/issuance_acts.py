"""What the buttons of an issuance and of its cards press: one POST, one service call, one line."""

from collections.abc import Callable
from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import URLPattern, reverse

from giftops.desk import Desk, act, tell, user_of
from giftops.models import User
from giftops.pressing import press
from giftops.stepping_up import problem_with_password
from orders.admin.issuing import issuance_card
from orders.admin.issuing.issuance_page import APPROVES, MAKES
from orders.models import Issuance
from orders.services.issuing.cards import issuing
from orders.services.problems import Refused
from providers.gateways.errors import ProviderError

REFUSALS = (Refused, ProviderError)


class IssuanceActs(Desk):
    """The changing half of the issuance desk."""

    def act_routes(self) -> list[URLPattern]:
        """One address per button."""
        views: dict[str, Callable[..., HttpResponse]] = {
            "submit": self.submit, "approve": self.approve, "decline": self.decline,
            "withdraw": self.withdraw, "pause": self.pause, "resume": self.resume,
        }  # fmt: skip
        of_cards: dict[str, Callable[..., HttpResponse]] = {
            "ask": self.ask, "retry": self.retry, "propose": self.propose, "confirm": self.confirm,
            "drop": self.drop,
        }  # fmt: skip
        return [
            *(self.route(f"<uuid:object_id>/{name}/", view, name) for name, view in views.items()),
            *(
                self.route(f"card/<uuid:object_id>/{name}/", view, f"card_{name}")
                for name, view in of_cards.items()
            ),
        ]

    @act(MAKES)
    def submit(self, request: HttpRequest, object_id: Any) -> HttpResponse:
        return self._do(request, object_id, "submit", _submit)

    @act(APPROVES)
    def approve(self, request: HttpRequest, object_id: Any) -> HttpResponse:
        """Agree to exactly what was seen; the password again, because it makes money."""
        issuance, seen = self.find(request, object_id), request.POST.get("fingerprint", "")
        if problem := problem_with_password(request, action="issuance.approved", obj=issuance):
            return self.detail(request, issuance, status=422, password_error=problem)

        def work(issuance: Issuance, actor: User) -> str:
            issuing.approve_issuance(issuance, actor=actor, fingerprint=seen)
            return f"Approved: {in_words(issuance)}, to be created."

        return self._do(request, object_id, "approve", work)

    @act(APPROVES)
    def decline(self, request: HttpRequest, object_id: Any) -> HttpResponse:
        def work(issuance: Issuance, actor: User) -> str:
            issuing.decline_issuance(issuance, actor=actor, reason=request.POST.get("reason", ""))
            return f"{issuance} is declined; {issuance.maker.get_short_name()} sees why."

        return self._do(request, object_id, "decline", work)

    @act(MAKES)
    def withdraw(self, request: HttpRequest, object_id: Any) -> HttpResponse:
        return self._do(request, object_id, "withdraw", _withdraw)

    @act(MAKES)
    def pause(self, request: HttpRequest, object_id: Any) -> HttpResponse:
        return self._do(request, object_id, "pause", _pause)

    @act(MAKES)
    def resume(self, request: HttpRequest, object_id: Any) -> HttpResponse:
        return self._do(request, object_id, "resume", _resume)

    @act("orders.ask_provider")
    def ask(self, request: HttpRequest, object_id: Any) -> HttpResponse:
        return issuance_card.ask(self, request, object_id)

    @act(MAKES)
    def retry(self, request: HttpRequest, object_id: Any) -> HttpResponse:
        return issuance_card.retry(self, request, object_id)

    @act("orders.resolve_order")
    def propose(self, request: HttpRequest, object_id: Any) -> HttpResponse:
        return issuance_card.propose(self, request, object_id)

    @act("orders.resolve_order")
    def confirm(self, request: HttpRequest, object_id: Any) -> HttpResponse:
        return issuance_card.confirm(self, request, object_id)

    @act("orders.resolve_order")
    def drop(self, request: HttpRequest, object_id: Any) -> HttpResponse:
        return issuance_card.drop(self, request, object_id)

    def _do(
        self, request: HttpRequest, object_id: Any, name: str, work: Callable[[Issuance, User], str]
    ) -> HttpResponse:
        """Carry out once; then show the issuance again, with one sentence on what came of it."""
        issuance = self.find(request, object_id)
        actor = user_of(request)
        purpose = f"issuance.{name}:{issuance.pk}"
        said = press(request, purpose, lambda: work(issuance, actor), refusals=REFUSALS)
        tell(request, said.level, said.line)
        if said.is_done:
            page = reverse("admin:orders_issuance_change", args=[issuance.pk])
            return HttpResponseRedirect(page)
        fresh = self.find(request, issuance.pk)
        return self.detail(request, fresh, status=said.status, entered=request.POST)


def in_words(issuance: Issuance) -> str:
    """Its size: "500 cards · USD 12,500.00"."""
    cards = "1 card" if issuance.card_count == 1 else f"{issuance.card_count:,} cards"
    return f"{cards} · {issuance.total.format()}"


def _submit(issuance: Issuance, actor: User) -> str:
    issuing.submit_issuance(issuance, actor=actor)
    if issuing.needs_approval(issuance):
        return f"{in_words(issuance)}: waiting for an approver."
    return f"{in_words(issuance)}: to be created."


def _withdraw(issuance: Issuance, actor: User) -> str:
    issuing.withdraw_issuance(issuance, actor=actor)
    return f"What was not sent of {issuance} is withdrawn."


def _pause(issuance: Issuance, actor: User) -> str:
    issuing.pause_issuance(issuance, actor=actor)
    return f"{issuance} is paused. What is on its way arrives."


def _resume(issuance: Issuance, actor: User) -> str:
    issuing.resume_issuance(issuance, actor=actor)
    return f"{issuance} goes on."
