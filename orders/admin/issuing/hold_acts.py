"""What the buttons on a hold's page press: one POST each, one service call, one sentence."""

from collections.abc import Callable
from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, QueryDict
from django.urls import URLPattern, reverse

from giftops import guard
from giftops.desk import Desk, act, tell, user_of
from giftops.models import User
from giftops.money import Money, MoneyError
from giftops.pressing import press
from giftops.stepping_up import problem_with_password
from orders.admin.buy_form import amount_of
from orders.admin.issuing.hold_page import ASKS, HOLDS, RESOLVES
from orders.admin.proposals import open_proposal, seen_proposal
from orders.issuing_states import HoldState
from orders.models import Authorization, Resolution
from orders.services.issuing.holds import authorizing, deciding_holds, finishing, judging
from orders.services.problems import InvalidOrder, Refused
from providers.gateways.errors import ProviderError

REFUSALS = (Refused, ProviderError)
IS_KNOWN = "Somebody knows by now what became of it; there is nothing to ask about."
WHAT_IS_IT = "Choose what this hold is."


class HoldActs(Desk):
    """The changing half of the desk of holds."""

    def act_routes(self) -> list[URLPattern]:
        """One address per button."""
        views: dict[str, Callable[..., HttpResponse]] = {
            "ask_now": self.ask_now, "take": self.take, "give_back": self.give_back,
            "withdraw": self.withdraw,
            "propose": self.propose, "confirm": self.confirm, "drop": self.drop,
        }  # fmt: skip
        return [
            self.route(f"<uuid:object_id>/{name.replace('_', '-')}/", view, name)
            for name, view in views.items()
        ]

    @act(ASKS)
    def ask_now(self, request: HttpRequest, object_id: Any) -> HttpResponse:
        """One look at the card for a hold without an answer; holds and takes nothing."""
        return self._do(request, object_id, "ask_now", _ask_now)

    @act(HOLDS)
    def take(self, request: HttpRequest, object_id: Any) -> HttpResponse:
        return self._do(request, object_id, "take", _take)

    @act(HOLDS)
    def give_back(self, request: HttpRequest, object_id: Any) -> HttpResponse:
        return self._do(request, object_id, "give_back", _give_back)

    @act(HOLDS)
    def withdraw(self, request: HttpRequest, object_id: Any) -> HttpResponse:
        return self._do(request, object_id, "withdraw", _withdraw)

    @act(RESOLVES)
    def propose(self, request: HttpRequest, object_id: Any) -> HttpResponse:
        """First of two people: what the hold is."""
        request.sensitive_post_parameters = ("auth_code",)  # type: ignore[attr-defined]
        return self._do(
            request, object_id, "propose", lambda hold, actor: _propose(hold, actor, request.POST)
        )

    @act(RESOLVES)
    def confirm(self, request: HttpRequest, object_id: Any) -> HttpResponse:
        """Carry out what a colleague proposed; the password again, because it decides on money."""
        hold, seen = self.find(request, object_id), request.POST.get("proposal", "")
        if problem := problem_with_password(request, action="authorization.decided", obj=hold):
            return self.detail(request, hold, status=422, password_error=problem)
        return self._do(request, object_id, "confirm", lambda it, actor: _confirm(it, actor, seen))

    @act(RESOLVES)
    def drop(self, request: HttpRequest, object_id: Any) -> HttpResponse:
        return self._do(request, object_id, "drop", _drop)

    def _do(
        self,
        request: HttpRequest,
        object_id: Any,
        name: str,
        work: Callable[[Authorization, User], str],
    ) -> HttpResponse:
        """Carry out once; then show the hold again, with one sentence on what came of it."""
        hold = self.find(request, object_id)
        actor = user_of(request)
        wrong: dict[str, str] = {}

        def carry_out() -> str:
            try:
                return work(hold, actor)
            except InvalidOrder as problem:
                wrong[problem.field] = str(problem)
                raise

        said = press(request, f"authorization.{name}:{hold.pk}", carry_out, refusals=REFUSALS)
        if said.is_done:
            tell(request, said.level, said.line)
            page = reverse("admin:orders_authorization_change", args=[hold.pk])
            return HttpResponseRedirect(page)
        if not wrong:
            tell(request, said.level, said.line)
        fresh, status = self.find(request, hold.pk), 422 if wrong else said.status
        return self.detail(request, fresh, status=status, entered=request.POST, wrong=wrong)


def _ask_now(hold: Authorization, actor: User) -> str:
    if hold.state != HoldState.UNKNOWN:
        raise Refused(IS_KNOWN)
    if guard.is_quarantined():
        raise Refused(guard.status())
    judging.resolve_hold(hold.pk)
    return hold.events.latest("id").text


def _take(hold: Authorization, actor: User) -> str:
    finishing.confirm_hold(hold, actor=actor)
    return f"{_granted(hold)} is taken in a moment."


def _give_back(hold: Authorization, actor: User) -> str:
    finishing.cancel_hold(hold, actor=actor)
    return f"{_granted(hold)} is given back in a moment."


def _withdraw(hold: Authorization, actor: User) -> str:
    authorizing.withdraw_hold(hold, actor=actor)
    return "Withdrawn. Nothing was sent."


def _granted(hold: Authorization) -> str:
    return hold.granted.format() if hold.granted else hold.requested.format()


def _propose(hold: Authorization, actor: User, wish: QueryDict) -> str:
    decision = wish.get("decision", "")
    if decision not in Resolution.Decision.values:
        raise InvalidOrder(WHAT_IS_IT, "decision")
    deciding_holds.propose(
        hold, actor=actor, decision=decision, reason=wish.get("reason", ""),
        auth_code=wish.get("auth_code", ""), amount=_amount(wish, hold),
    )  # fmt: skip
    return "Proposed. A second person has to confirm it."


def _amount(wish: QueryDict, hold: Authorization) -> Money | None:
    typed = wish.get("amount", "").strip()
    try:
        return amount_of(typed, hold.currency) if typed else None
    except MoneyError as problem:
        raise InvalidOrder(str(problem), "amount") from None


def _confirm(hold: Authorization, actor: User, seen: str) -> str:
    deciding_holds.confirm(seen_proposal(hold, seen), actor=actor)
    return "Confirmed and carried out."


def _drop(hold: Authorization, actor: User) -> str:
    deciding_holds.drop(open_proposal(hold), actor=actor)
    return "The proposal is off the table. The hold stays in doubt."
