"""What is played with an issuer: each write as an act that is ready to go, each read of a card."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from providers.gateways.base import RawAnswer, RemoteHold
from tests.conformance.issuer_subject import IssuerSubject
from tests.conformance.stage import Stage

Read = Callable[[Any, str, IssuerSubject], Any]

ISSUER_READ: dict[str, Read] = {
    "check_balance": lambda gateway, number, subject: gateway.check_balance(number),
    "get_certificate": lambda gateway, number, subject: gateway.get_certificate(number),
    "find_customer": lambda gateway, number, subject: gateway.find_customer(
        external_id=subject.customer[0]
    ),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Act:
    """One write, ready to be sent: everything it needs is there already."""

    name: str
    send: Callable[[Any], Any]
    read: Callable[[Any, RawAnswer], Any]
    times: Callable[[], int]
    """How often it really happened, by the simulator's ledger."""
    hidden: tuple[str, ...] = field(repr=False)
    """What no error may say."""


class IssuerStage(Stage):
    """The gateway of an issuer on our side, its simulator on the other."""

    subject: IssuerSubject

    # Facts to start from

    def number(self) -> str:
        """A number that is reserved for us."""
        gateway = self.gateway()
        request = self.subject.reserve_request()
        (number,) = gateway.reserve(request, slot=gateway.reserve_slot()).numbers
        return str(number)

    def card(self) -> str:
        """The number of a card that is there."""
        gateway, number = self.gateway(), self.number()
        gateway.create(self.subject.create_request(number), slot=gateway.reserve_slot())
        return number

    def hold(self, number: str) -> tuple[RemoteHold, str]:
        """Money that is held on this card, and the sale it is held for."""
        gateway, request = self.gateway(), self.subject.hold_request(number)
        return gateway.authorize(request, slot=gateway.reserve_slot()), request.sale_id

    # Acts

    def act(self, name: str) -> Act:
        """One of the writes, with all that comes before it done."""
        made: Act = getattr(self, f"_{name}")()
        return made

    def play(self, act: Act, attempt: str = "") -> Any:
        """Send it, once."""
        return act.send(self.gateway(attempt))

    def read(self, name: str, number: str) -> Any:
        """Do one of the reads, about this card if it is about one."""
        return ISSUER_READ[name](self.gateway(), number, self.subject)

    def _reserve(self) -> Act:
        request = self.subject.reserve_request()
        return Act(
            name="reserve",
            send=lambda gateway: gateway.reserve(request, slot=gateway.reserve_slot()),
            read=lambda gateway, raw: gateway.read_reserved(raw, request),
            times=lambda: len(self.subject.numbers(self.control, request.name)),
            hidden=(request.name,),
        )

    def _create(self) -> Act:
        request = self.subject.create_request(self.number())
        return Act(
            name="create",
            send=lambda gateway: gateway.create(request, slot=gateway.reserve_slot()),
            read=lambda gateway, raw: gateway.read_created(raw, request),
            times=lambda: len(self.subject.card_values(self.control, request.sale_id)),
            hidden=(request.number, request.sale_id, request.customer_id),
        )

    def _authorize(self) -> Act:
        request = self.subject.hold_request(self.card())
        return Act(
            name="authorize",
            send=lambda gateway: gateway.authorize(request, slot=gateway.reserve_slot()),
            read=lambda gateway, raw: gateway.read_authorized(raw, request),
            times=lambda: len(self.subject.holds(self.control, request.sale_id)),
            hidden=(request.number, request.sale_id),
        )

    def _confirm(self) -> Act:
        return self._finish("confirm", "confirmed")

    def _cancel(self) -> Act:
        return self._finish("cancel", "cancelled")

    def _finish(self, name: str, done: str) -> Act:
        number = self.card()
        hold, sale_id = self.hold(number)

        def send(gateway: Any) -> None:
            getattr(gateway, name)(number, hold.auth_code, slot=gateway.reserve_slot())

        def times() -> int:
            return sum(one.state == done for one in self.subject.holds(self.control, sale_id))

        return Act(
            name=name,
            send=send,
            read=lambda gateway, raw: getattr(gateway, f"read_{done}")(raw),
            times=times,
            hidden=(number, hold.auth_code),
        )
