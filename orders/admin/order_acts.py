"""What the buttons on an order's page press: one POST each, one service call, one sentence."""

from collections.abc import Callable
from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import URLPattern, reverse

from giftops.desk import Desk, act, tell, user_of
from giftops.models import User
from giftops.pressing import Done, Said, press
from giftops.stepping_up import problem_with_password
from orders.admin.proposals import open_proposal, seen_proposal
from orders.models import Order, Resolution
from orders.services import deciding, drafting, following, resuming, submitting
from orders.services.problems import Refused
from providers.gateways.errors import ProviderError

REFUSALS = (Refused, ProviderError)


class OrderActs(Desk):
    """The changing half of the order desk."""

    def act_routes(self) -> list[URLPattern]:
        """One address per button."""
        views: dict[str, Callable[..., HttpResponse]] = {
            "ask": self.ask,
            "submit": self.submit,
            "withdraw": self.withdraw,
            "send_again": self.send_again,
            "resume": self.resume,
            "retry": self.retry,
            "propose": self.propose,
            "confirm": self.confirm,
            "drop": self.drop,
        }
        return [
            self.route(f"<uuid:object_id>/{name.replace('_', '-')}/", view, name)
            for name, view in views.items()
        ]

    @act("orders.ask_provider")
    def ask(self, request: HttpRequest, object_id: Any) -> HttpResponse:
        return self._do(request, object_id, "ask", lambda order, _: following.ask_now(order))

    @act("orders.add_order")
    def submit(self, request: HttpRequest, object_id: Any) -> HttpResponse:
        return self._do(request, object_id, "submit", _submit)

    @act("orders.add_order")
    def withdraw(self, request: HttpRequest, object_id: Any) -> HttpResponse:
        return self._do(request, object_id, "withdraw", _withdraw)

    @act("orders.add_order")
    def send_again(self, request: HttpRequest, object_id: Any) -> HttpResponse:
        return self._do(request, object_id, "send_again", _send_again)

    @act("orders.add_order")
    def resume(self, request: HttpRequest, object_id: Any) -> HttpResponse:
        return self._do(request, object_id, "resume", _resume)

    @act("orders.add_order")
    def retry(self, request: HttpRequest, object_id: Any) -> HttpResponse:
        return self._do(request, object_id, "retry", _retry)

    @act("orders.resolve_order")
    def propose(self, request: HttpRequest, object_id: Any) -> HttpResponse:
        def work(order: Order, actor: User) -> str:
            if request.POST.get("decision") not in Resolution.Decision.values:
                raise Refused("Choose what this order is.")
            deciding.propose(
                order,
                actor=actor,
                decision=request.POST["decision"],
                reason=request.POST.get("reason", ""),
                external_id=request.POST.get("external_id", "")[:64],
            )
            return "Proposed. A second person has to confirm it."

        return self._do(request, object_id, "propose", work)

    @act("orders.resolve_order")
    def confirm(self, request: HttpRequest, object_id: Any) -> HttpResponse:
        """Carry out what a colleague proposed; the password again, because it decides on money."""
        order = self.find(request, object_id)
        if problem := problem_with_password(request, action="order.confirmed", obj=order):
            return self.detail(request, order, status=422, password_error=problem)
        seen = request.POST.get("proposal", "")
        return self._do(request, object_id, "confirm", lambda it, actor: _confirm(it, actor, seen))

    @act("orders.resolve_order")
    def drop(self, request: HttpRequest, object_id: Any) -> HttpResponse:
        return self._do(request, object_id, "drop", _drop)

    def _do(
        self,
        request: HttpRequest,
        object_id: Any,
        name: str,
        work: Callable[[Order, User], str | Done],
    ) -> HttpResponse:
        """Carry out once; then show the order again, with one sentence on what came of it."""
        order = self.find(request, object_id)
        actor = user_of(request)
        said = press(
            request, f"order.{name}:{order.pk}", lambda: work(order, actor), refusals=REFUSALS
        )
        if said.is_done:
            tell(request, said.level, said.line)
            return HttpResponseRedirect(reverse("admin:orders_order_change", args=[order.pk]))
        return self._refused(request, order, said)

    def _refused(self, request: HttpRequest, order: Order, said: Said) -> HttpResponse:
        tell(request, said.level, said.line)
        order = self.find(request, order.pk)
        return self.detail(request, order, status=said.status, entered=request.POST)


def _submit(order: Order, actor: User) -> str:
    batch = submitting.submit_batch(order.batch, actor=actor)
    if submitting.needs_approval(batch):
        return f"{batch.total.format()} waits for an approver."
    return f"1 order queued · {batch.total.format()}. It is sent in a moment."


def _withdraw(order: Order, actor: User) -> str:
    submitting.withdraw_order(order, actor=actor)
    return f"{order.reference} is withdrawn. Nothing was sent."


def _send_again(order: Order, actor: User) -> str:
    submitting.send_again(order, actor=actor)
    return f"{order.reference} is queued again."


def _resume(order: Order, actor: User) -> str:
    resuming.resume_order(order, actor=actor)
    return f"{order.reference} is sent again in a moment."


def _retry(order: Order, actor: User) -> Done:
    batch = drafting.retry_as_new(order, actor=actor)
    link = reverse("admin:orders_batch_change", args=[batch.pk])
    return Done(f"Drafted again as {batch}; nothing is sent yet.", link, "Look at it and submit")


def _confirm(order: Order, actor: User, seen: str) -> str:
    deciding.confirm(seen_proposal(order, seen), actor=actor)
    return "Confirmed and carried out."


def _drop(order: Order, actor: User) -> str:
    deciding.drop(open_proposal(order), actor=actor)
    return "The proposal is off the table. The order stays held for a person."
