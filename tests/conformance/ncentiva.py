"""Ncentiva in the kit."""

from base64 import b64encode

from giftops.identity import new_id, reference_for
from giftops.money import Money
from providers.gateways.base import OrderRequest, OrderType, RequestLine
from tests.conformance.subject import Fault, SellerSubject, Special, Truth
from tests.sandbox_client import SandboxControl


class Ncentiva(SellerSubject):
    slug = "ncentiva"
    credentials = {"username": "sandbox", "password": "sandbox"}
    operations = {
        "place_order": ("createOrder",),
        "find_order": ("getOrderByCustomerReference",),
        "get_order": ("getOrder",),
        "get_cards": ("getOrderCards",),
        "list_orders": ("listOrders",),
        "list_products": ("listInventory",),
        "get_balance": ("getBalance",),
    }
    faults = {
        Special.REFUSED: Fault(kind="bad_request_known"),
        Special.MAINTENANCE: Fault(kind="maintenance"),
        Special.FALSE_DUPLICATE: Fault(kind="duplicate_reference"),
        Special.OTHER_REFERENCE: Fault(kind="echo_other_reference"),
        Special.OTHER_PRODUCT: Fault(kind="mutate_negative", params={"field": "giftCardTypeId"}),
        Special.OTHER_VALUE: Fault(kind="amount_off_by_one"),
        Special.OTHER_QUANTITY: Fault(kind="quantity_off_by_one"),
        Special.NO_ID: Fault(kind="missing_name"),
        Special.SHORT_CARDS: Fault(kind="missing_cards"),
        Special.UNKNOWN_STATUS: Fault(kind="status_unknown"),
    }
    cannot = {
        Special.NO_FUNDS: "it takes every order and parks it as API Low Fund",
    }

    def begin(self, control: SandboxControl) -> None:
        control.settings(environment="unlimited")
        control.add_funds(1_000_000)
        control.freeze()

    def request(self, order_type: OrderType) -> OrderRequest:
        return _order("1234", Money(2500, "USD"))

    def other_request(self) -> OrderRequest:
        return _order("1302", Money(4000, "USD"))

    def truth(self, control: SandboxControl, reference: str) -> list[Truth]:
        return [
            Truth(
                external_id=order["name"],
                cards=tuple(card["card_number"] for card in order["cards"]),
            )
            for order in control.ledger()["orders"]
            if order["reference"] == reference
        ]

    def funds(self, control: SandboxControl) -> int:
        return int(control.ledger()["balance_minor"])

    def secrets(self, control: SandboxControl) -> list[str]:
        cards = [card for order in control.ledger()["orders"] for card in order["cards"]]
        links = [card["claim_url"] for card in cards if card["claim_url"]]
        pair = ":".join(self.credentials.values())
        return [b64encode(pair.encode()).decode(), *(card["card_number"] for card in cards), *links]


def _order(product_id: str, value: Money) -> OrderRequest:
    line = RequestLine(product_id=product_id, face_value=value, quantity=1)
    return OrderRequest(reference=reference_for(new_id()), lines=(line,))


SUBJECT = Ncentiva()
