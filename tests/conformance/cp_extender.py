"""CP Extender in the kit."""

from giftops.identity import new_id, reference_for
from giftops.money import Money
from providers.gateways.base import CreateRequest, HoldRequest, ReservationType, ReserveRequest
from providers.gateways.errors import (
    AnswerMismatch,
    DuplicateReference,
    HoldIsOver,
    MalformedResponse,
    NotReserved,
    ProviderRejected,
)
from providers.sandbox.cp_extender.numbers import make_jwt
from tests.conformance.issuer_subject import IssuerSubject, TrueHold, Words
from tests.conformance.subject import Fault
from tests.sandbox_client import CPExtenderControl, SandboxControl

VALUE, HELD = Money(10_000, "USD"), Money(4000, "USD")
A_TOKEN_BEGINS = make_jwt("", {}).partition(".")[0]
A_204_SAYS_NO_MORE = "a 204 says that it was done, and nothing else; the next balance tells"


class CPExtender(IssuerSubject):
    slug = "cp_extender"
    credentials = {"user_name": "sandbox", "password": "sandbox"}
    operations = {
        "reserve": ("reserveIds",),
        "create": ("createGiftcard",),
        "authorize": ("authorizeGiftcard",),
        "confirm": ("confirmAuthorization",),
        "cancel": ("cancelAuthorization",),
        "check_balance": ("balanceCheck",),
        "get_certificate": ("certificate",),
        "find_customer": ("customerFromEmail", "customerFromId"),
    }
    says = {
        "a reservation is refused": Words(
            method="reserve", fault=Fault(kind="bad_request_known"), becomes=ProviderRejected
        ),
        "there is a card of this number": Words(
            method="create", fault=Fault(kind="already_exists"), becomes=DuplicateReference
        ),
        "the number is not reserved": Words(
            method="create", fault=Fault(kind="not_reserved"), becomes=NotReserved
        ),
        "nothing is left on the card": Words(
            method="authorize", fault=Fault(kind="no_balance"), becomes=ProviderRejected
        ),
        "more is held than was asked for": Words(
            method="authorize",
            fault=Fault(kind="authorized_off"),
            becomes=AnswerMismatch,
            exists=True,
        ),
        "nothing is held": Words(
            method="authorize",
            fault=Fault(kind="authorized_amount"),
            becomes=AnswerMismatch,
            exists=True,
        ),
        "it is held on something else": Words(
            method="authorize",
            fault=Fault(kind="authorized_type"),
            becomes=AnswerMismatch,
            exists=True,
        ),
        "a hold without its code": Words(
            method="authorize",
            fault=Fault(kind="auth_code_missing"),
            becomes=MalformedResponse,
            exists=True,
        ),
        "no such hold to take": Words(
            method="confirm", fault=Fault(kind="not_found_known"), becomes=HoldIsOver
        ),
        "no such hold to give back": Words(
            method="cancel", fault=Fault(kind="not_found_known"), becomes=HoldIsOver
        ),
    }
    silent_writes = ("confirm", "cancel")
    customer = ("2059378440", "dana.whitfield@example.com")
    blind_spots = {
        "reserve": {"GiftCards.0 = ''": "what is no number is kept in quarantine with its batch"}
    }
    lies = {
        "no_effect": A_204_SAYS_NO_MORE,
        "opposite_effect": A_204_SAYS_NO_MORE,
        "not_found_known": "their own word for a card or customer that is not there",
    }

    def begin(self, control: SandboxControl) -> None:
        control.settings(token_lifetime=10**8, per_second=None, per_minute=None)
        control.freeze()

    def reserve_request(
        self, count: int = 1, type: ReservationType = ReservationType.SINGLE
    ) -> ReserveRequest:
        name = reference_for(new_id())
        return ReserveRequest(name=name, agency="Website", type=type, count=count)

    def create_request(self, number: str) -> CreateRequest:
        return CreateRequest(
            number=number,
            code="GC",
            value=VALUE,
            customer_id=self.customer[0],
            sale_id=reference_for(new_id()),
        )

    def hold_request(self, number: str) -> HoldRequest:
        return HoldRequest(number=number, sale_id=reference_for(new_id()), amount=HELD)

    def numbers(self, control: SandboxControl, name: str) -> list[str]:
        rows = control.ledger()["reservations"]
        return [row["number"] for row in rows if row["request_name"] == name]

    def card_values(self, control: SandboxControl, sale_id: str) -> dict[str, int]:
        cards = [card for card in control.ledger()["cards"] if card["sale_id"] == sale_id]
        return {card["number"]: card["balance_minor"] for card in cards}

    def holds(self, control: SandboxControl, sale_id: str) -> list[TrueHold]:
        rows = [row for row in control.ledger()["holds"] if row["sale_id"] == sale_id]
        return [
            TrueHold(auth_code=row["auth_code"], minor=row["held_minor"], state=row["state"])
            for row in rows
        ]

    def lapse(self, control: SandboxControl, number: str) -> None:
        CPExtenderControl(control.base_url).lapse(number)

    def secrets(self, control: SandboxControl) -> list[str]:
        ledger = control.ledger()
        numbers = [row["number"] for row in ledger["reservations"] + ledger["cards"]]
        return [A_TOKEN_BEGINS, *numbers, *(row["auth_code"] for row in ledger["holds"])]


SUBJECT = CPExtender()
