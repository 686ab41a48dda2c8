"""GiftCard Partners in the kit."""

from uuid import uuid4

from giftops.identity import new_id, reference_for
from giftops.money import Money
from providers.gateways.base import OrderRequest, OrderType, PostalAddress, RequestLine
from providers.gateways.errors import ProviderRejected
from providers.sandbox.giftcardpartners.claims import make_token
from tests.conformance.subject import Fault, SellerSubject, Special, Truth
from tests.sandbox_client import SandboxControl

ADDRESS = PostalAddress(
    name="Ann Example", line_1="1 Main Street", city="Boston", state="MA", postcode="02101"
)
MOST_TOKENS = 400
UNNAMED = ("Data.0.PONumber = None", "Data.0.PONumber = ''")  # as orders placed by hand are


class GiftCardPartners(SellerSubject):
    slug = "giftcardpartners"
    credentials = {"email": "sandbox@example.com", "access_token": "sandbox"}
    operations = {
        "place_order": ("createOrder",),
        "find_order": ("listOrders", "getOrder"),
        "get_order": ("getOrder",),
        "get_cards": ("getOrder",),
        "list_orders": ("listOrders",),
        "list_products": ("listProducts",),
        "get_balance": ("getAccountBalance",),
        "list_options": (
            "listShippingMethods",
            "listCarriers",
            "listBrandings",
            "listDepartments",
        ),
    }
    faults = {
        Special.REFUSED: Fault(kind="bad_request_known"),
        Special.NO_FUNDS: Fault(kind="insufficient_funds"),
        Special.FALSE_DUPLICATE: Fault(kind="conflict_spurious"),
        Special.OTHER_REFERENCE: Fault(kind="echo_other_reference"),
        Special.OTHER_PRODUCT: Fault(kind="line_product_swapped"),
        Special.OTHER_VALUE: Fault(kind="line_value_off"),
        Special.OTHER_QUANTITY: Fault(kind="quantity_off"),
        Special.NO_ID: Fault(kind="missing_id"),
        Special.SHORT_CARDS: Fault(kind="short_claim_data"),
        Special.UNKNOWN_STATUS: Fault(kind="status_unknown"),
    }
    cannot = {
        Special.MAINTENANCE: "it has no words for it; a 503 says as much",
    }
    unknown_words = ProviderRejected
    blind_spots = {"find_order": dict.fromkeys(UNNAMED, "sending it again is refused by a 409")}
    lies = {
        "echo_other_reference": "a history that names another reference everywhere has none of "
        "ours; sending it again is refused by a 409"
    }
    names_duplicates = True

    def begin(self, control: SandboxControl) -> None:
        control.settings(
            pending_above=0, token_lifetime=10**8, per_second=None, per_minute=None, webhooks=False
        )
        control.add_funds(10_000_000)
        control.freeze()

    def request(self, order_type: OrderType) -> OrderRequest:
        return _order(order_type, *LINES[order_type])

    def other_request(self) -> OrderRequest:
        return _order(OrderType.LINKS, {"product_id": "UBER-L", "value": 1500, "quantity": 1})

    def truth(self, control: SandboxControl, reference: str) -> list[Truth]:
        return [
            Truth(
                external_id=order["id"],
                cards=tuple(card["claim_link"] for card in order["cards"] if card["claim_link"]),
            )
            for order in control.ledger()["orders"]
            if order["reference"] == reference
        ]

    def funds(self, control: SandboxControl) -> int:
        return int(control.ledger()["available_minor"])

    def secrets(self, control: SandboxControl) -> list[str]:
        cards = [card for order in control.ledger()["orders"] for card in order["cards"]]
        links = [card["claim_link"] for card in cards if card["claim_link"]]
        seed = control.settings()["seed"]
        return [*links, *(make_token(seed, ordinal) for ordinal in range(1, MOST_TOKENS))]


LINES = {
    OrderType.LINKS: (
        {"product_id": "PRODUCTA", "value": 2500, "quantity": 2},
        {"product_id": "TRGT-VAR", "value": 1733, "quantity": 1},
    ),
    OrderType.DIGITAL: (
        {"product_id": "SBUX-D", "value": 1000, "quantity": 1, "recipient_email": "a@example.com"},
        {"product_id": "SBUX-D", "value": 500, "quantity": 1, "recipient_phone": "+15555555555"},
    ),
    OrderType.PHYSICAL: (
        {
            "product_id": "VISA-P",
            "value": 5000,
            "quantity": 3,
            "address": ADDRESS,
            "shipping_method_id": "STANDARD",
            "carrier_id": "DEFAULT",
        },
    ),
}


def _order(order_type: OrderType, *lines: dict) -> OrderRequest:
    return OrderRequest(
        reference=reference_for(new_id()),
        type=order_type,
        lines=tuple(_line(**line) for line in lines),
    )


def _line(value: int, **fields: object) -> RequestLine:
    return RequestLine(face_value=Money(value, "USD"), line_id=uuid4().hex, **fields)


SUBJECT = GiftCardPartners()
