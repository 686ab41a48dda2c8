"""Ncentiva, purchaser API (docs/contracts/ncentiva.md; https://docs.ncentiva.com).

What is odd about it:
- Everything is asynchronous: an order is accepted first, whatever our funds, and only its status
  tells what became of it. There are no webhooks and no cancellation.
- An order is one card. The reference goes out as `orderReference` and is asked for as
  `customerReference`.
- Maintenance is a 400 that only its text tells from a refusal.
- Amounts are sent in whole currency units.
- The shared cart for bulk orders is not used: one order per card has its own reference each.
"""

from base64 import b64encode
from collections.abc import Iterator, Mapping

from providers.gateways.base import (
    OrderRequest,
    OrderType,
    Page,
    RawAnswer,
    Recovery,
    RemoteBalance,
    RemoteCard,
    RemoteOrder,
    RemoteProduct,
    Slot,
    UnreadableItem,
)
from providers.gateways.client import Client
from providers.gateways.errors import MalformedResponse
from providers.gateways.ncentiva import build, parse, wire


class NcentivaGateway:
    """A seller that keeps a deposit; one object for one account and one task."""

    slug = "ncentiva"
    order_types = (OrderType.CODES,)
    lines_per_order = 1
    recovery = Recovery()
    rings_doorbell = False

    def __init__(self, client: Client, *, currency: str) -> None:
        self._client = client
        self._currency = currency

    @staticmethod
    def headers(credentials: Mapping[str, str]) -> dict[str, str]:
        """HTTP Basic (contract section 2, RFC 7617) and JSON both ways."""
        pair = f"{credentials['username']}:{credentials['password']}"
        return {
            "Authorization": f"Basic {b64encode(pair.encode()).decode()}",
            "Accept": "application/json",
        }

    # Seller

    def list_products(self) -> Iterator[RemoteProduct | UnreadableItem]:
        """Read the inventory; MalformedResponse if its end was not reached for certain."""
        seen, total = 0, None
        for number in range(1, wire.MOST_PAGES + 1):
            call = build.list_products(number)
            page = parse.products_page(call, self._client.read(call), page=number)
            yield from page.items
            yield from page.unreadable
            seen += len(page.items) + len(page.unreadable)
            total = total if page.total is None else page.total
            if page.is_last:
                break
        else:
            raise MalformedResponse("the inventory has no end")
        if total is not None and seen < total:
            raise MalformedResponse("the inventory changed while it was read")

    def check_request(self, request: OrderRequest) -> None:
        """See `build.check_request`."""
        build.check_request(request, currency=self._currency)

    def reserve_slot(self) -> Slot:
        """Take a place in the rate budget."""
        return self._client.reserve_slot()

    def renew_slot(self, slot: Slot) -> Slot:
        """Say when a reserved write can really go."""
        return self._client.renew_slot(slot)

    def place_order(self, request: OrderRequest, *, slot: Slot) -> RemoteOrder:
        """Buy one card; ValueError, and nothing sent, for what `check_request` refuses."""
        self.check_request(request)
        return self.read_placed(self._client.write(build.place_order(request), slot), request)

    def read_placed(self, raw: RawAnswer, request: OrderRequest) -> RemoteOrder:
        """Read an answer to `place_order` again, or for the first time."""
        return parse.placed_order(raw, request, currency=self._currency)

    def find_order(self, reference: str) -> RemoteOrder | None:
        """Ask for an order by our reference."""
        call = build.find_order(reference)
        return parse.found_order(call, self._client.read(call), currency=self._currency)

    def get_order(self, external_id: str) -> RemoteOrder:
        """Ask for an order by their name for it; AnswerMismatch if another one comes."""
        call = build.get_order(external_id)
        return parse.named_order(call, self._client.read(call), currency=self._currency)

    def get_cards(self, external_id: str) -> list[RemoteCard] | None:
        """Fetch the codes of a completed order."""
        call = build.get_cards(external_id)
        return parse.cards(call, self._client.read(call), currency=self._currency)

    def list_orders(self, page: int = 1) -> Page[RemoteOrder]:
        """Read a page of the order history, newest first."""
        call = build.list_orders(page)
        return parse.orders_page(call, self._client.read(call), page=page, currency=self._currency)

    # DepositHolder

    def get_balance(self) -> RemoteBalance:
        """Ask for our funds."""
        call = build.get_balance()
        return parse.balance(call, self._client.read(call), currency=self._currency)

    def test_connection(self) -> str:
        """Ask for the balance: it needs the address, the credentials and the permission."""
        return f"Ncentiva answered: {self.get_balance().available.format()} available."
