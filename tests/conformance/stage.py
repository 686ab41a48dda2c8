"""Where the scenes are played: one account at one simulated provider, over real HTTP."""

from collections.abc import Callable, Mapping
from typing import Any, Self

import pytest

from providers import services
from providers.gateways.base import OrderRequest, RawAnswer, RemoteOrder
from providers.models import ProviderAccount, ProviderCall
from tests.conformance.subject import Fault, SellerSubject, Special, Subject, Truth
from tests.sandbox_client import SandboxControl

Read = Callable[[Any, RemoteOrder], Any]

READS: dict[str, Read] = {
    "find_order": lambda gateway, order: gateway.find_order(order.reference),
    "get_order": lambda gateway, order: gateway.get_order(order.external_id),
    "get_cards": lambda gateway, order: gateway.get_cards(order.external_id),
    "list_orders": lambda gateway, order: gateway.list_orders(1),
    "list_products": lambda gateway, order: list(gateway.list_products()),
    "get_balance": lambda gateway, order: gateway.get_balance(),
    "list_options": lambda gateway, order: list(gateway.list_options()),
}


class Stage:
    """The gateway on our side, the simulator's control end points on the other."""

    def __init__(self, subject: Subject, control: SandboxControl, account: ProviderAccount) -> None:
        self.subject = subject
        self.control = control
        self.account = account

    def gateway(self, attempt: str = "") -> Any:
        """A gateway as every task makes its own."""
        return services.gateway_for(self.account, attempt_ref=attempt)

    def arm(self, fault: Fault, method: str, count: int | None = 1) -> None:
        """Let `count` requests of this method of the gateway (None: all) meet the fault."""
        for operation in self.subject.operations[method]:
            self.control.arm(fault.kind, dict(fault.params), operation=operation, count=count)

    def neighbour(
        self, name: str, *, base_url: str = "", credentials: Mapping[str, str] | None = None
    ) -> Self:
        """The same provider for another account of ours, with a breaker and budget of its own."""
        account = services.create_account(
            name=name,
            provider=self.subject.slug,
            environment="sandbox",
            base_url=base_url or self.account.base_url,
            credentials=credentials or self.subject.credentials,
            per_second=1000,
            per_minute=100_000,
        )
        return type(self)(self.subject, self.control, account)

    def calls(self, attempt: str) -> list[ProviderCall]:
        """The journal's rows of one attempt."""
        return list(ProviderCall.objects.of_attempt(attempt))

    def answers(self, after: int) -> list[RawAnswer]:
        """The journal's answers but for the first `after`, in the order they came."""
        calls = ProviderCall.objects.order_by("created_at", "id")[after:]
        return [_raw(call) for call in calls if call.response_body is not None]


class SellerStage(Stage):
    """What is played with a provider that we buy from."""

    subject: SellerSubject

    def buy(self, request: OrderRequest, attempt: str = "") -> Any:
        """Place the order, once."""
        gateway = self.gateway(attempt)
        return gateway.place_order(request, slot=gateway.reserve_slot())

    def bought(self, request: OrderRequest | None = None) -> RemoteOrder:
        """An order that is there, as a fact to start from."""
        request = request or self.subject.request(self.subject.order_types[0])
        order: RemoteOrder = self.buy(request)
        return RemoteOrder(
            external_id=order.external_id,
            reference=request.reference,
            status_text=order.status_text,
            standing=order.standing,
            lines=order.lines,
        )

    def read(self, name: str, order: RemoteOrder) -> Any:
        """Do one of the reads, about this order if it is about one."""
        return READS[name](self.gateway(), order)

    def special(self, special: Special) -> Fault:
        """How this simulator plays it; skips, with the reason, what this provider never says."""
        if special in self.subject.cannot:
            pytest.skip(
                f"{self.subject.spec.label} never {special}: {self.subject.cannot[special]}"
            )
        return self.subject.faults[special]

    def truth(self, reference: str) -> list[Truth]:
        """What the simulator really has under this reference."""
        return self.subject.truth(self.control, reference)


def _raw(call: ProviderCall) -> RawAnswer:
    return RawAnswer(
        status=call.http_status or 0,
        headers=dict(call.response_headers),
        body=call.response_body.reveal_bytes(),
        received_at=call.created_at,
    )
