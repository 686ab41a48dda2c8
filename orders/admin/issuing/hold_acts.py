"""What the buttons on a hold's page press: one POST each, one service call, one sentence."""

from collections.abc import Callable
from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, QueryDict
from django.urls import URLPattern, reverse

from giftops.desk import Desk, act, tell, user_of
from giftops.models import User
from giftops.money import Money, MoneyError
from giftops.pressing import press
from giftops.stepping_up import problem_with_password
from orders.admin.buy_form import amount_of
from orders.admin.issuing.hold_page import HOLDS, RESOLVES, proposal_of
from orders.models import Authorization, Resolution
from orders.services.issuing.holds import authorizing, deciding_holds, finishing
from orders.services.problems import InvalidOrder, LostTheRace, Refused
from providers.gateways.errors import ProviderError

REFUSALS = (Refused, ProviderError)
NOTHING_OPEN = "There is no open proposal any more: somebody decided meanwhile."
CHANGED = "Something else is proposed now than what you saw. Look at it again."
WHAT_IS_IT = "Choose what this hold is."


class HoldActs(Desk):
    """The changing half of the desk of holds."""

    def act_routes(self) -> list[URLPattern]:
        """One address per button."""
        views: dict[str, Callable[..., HttpResponse]] = {
            "take": self.take, "give_back": self.give_back, "withdraw": self.withdraw,
            "propose": self.propose, "confirm": self.confirm, "drop": self.drop,
        }  # fmt: skip
        return [
            self.route(f"<uuid:object_id>/{name.replace('_', '-')}/", view, name)
            for name, view in views.items()
        ]

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
    proposal = _proposal(hold)
    if str(proposal.pk) != seen:
        raise LostTheRace(CHANGED)
    deciding_holds.confirm(proposal, actor=actor)
    return "Confirmed and carried out."


def _drop(hold: Authorization, actor: User) -> str:
    deciding_holds.drop(_proposal(hold), actor=actor)
    return "The proposal is off the table. The hold stays in doubt."


def _proposal(hold: Authorization) -> Resolution:
    proposal = proposal_of(hold)
    if proposal is None:
        raise LostTheRace(NOTHING_OPEN)
    return proposal
