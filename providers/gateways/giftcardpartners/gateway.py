"""GiftCard Partners, B2B API v1 (docs/contracts/giftcardpartners.md).

What is odd about it:
- We sign in with a token that lives for a while and is shared by all processes (`client.Tokens`).
- Keys come in PascalCase or camelCase; we send the one and read both.
- An order may be done at once or stay pending; it has many lines, one for each recipient. A line
  repeats our id of it.
- Our reference goes out as `PONumber`. There is no look-up by it: the history is read instead.
- A duplicate is a 409 that may name the earlier order; a deposit that is too small is a 422.
- They ring when an order is done, at an address that each order names; what they say then is not
  believed, only asked about.
"""

from collections.abc import Iterator, Mapping

from providers.gateways.base import (
    OptionKind,
    OrderRequest,
    Page,
    RawAnswer,
    RemoteBalance,
    RemoteCard,
    RemoteOption,
    RemoteOrder,
    RemoteProduct,
    Slot,
    UnreadableItem,
)
from providers.gateways.client import Client, SignIn
from providers.gateways.errors import AnswerMismatch, MalformedResponse
from providers.gateways.giftcardpartners import build, check, goods, history, parse, wire


class GiftCardPartnersGateway:
    """A seller that keeps a deposit; one object for one account and one task."""

    slug = "giftcardpartners"
    order_types = tuple(wire.ORDER_TYPES)
    lines_per_order = wire.LINES_PER_ORDER
    recovery = wire.RECOVERY
    rings_doorbell = True

    def __init__(self, client: Client, *, currency: str) -> None:
        self._client = client
        self._currency = currency

    @staticmethod
    def headers(credentials: Mapping[str, str]) -> dict[str, str]:
        """JSON back; who we are says the token."""
        return {"Accept": "application/json"}

    @staticmethod
    def sign_in(credentials: Mapping[str, str]) -> SignIn:
        """How a token is asked for and read (contract section 3)."""
        call = build.create_token(credentials)
        return SignIn(call=call, read=lambda raw: parse.token(call, raw))

    # Seller

    def list_products(self) -> Iterator[RemoteProduct | UnreadableItem]:
        """Read the catalogue; MalformedResponse if its end was not reached for certain."""
        seen, unreadable = set[str](), 0
        for number in range(1, wire.MOST_PAGES + 1):
            call = build.list_products(number)
            page = goods.products_page(call, self._client.read(call), page=number)
            yield from page.items
            yield from page.unreadable
            seen.update(product.external_id for product in page.items)
            unreadable += len(page.unreadable)
            if page.is_last:
                break
        else:
            raise MalformedResponse("the catalogue has no end")
        if len(seen) + unreadable < (page.total or 0):
            raise MalformedResponse("the catalogue changed while it was read")

    def check_request(self, request: OrderRequest) -> None:
        """See `check.check_request`."""
        check.check_request(request, currency=self._currency)

    def reserve_slot(self) -> Slot:
        """Take a place in the rate budget."""
        return self._client.reserve_slot()

    def renew_slot(self, slot: Slot) -> Slot:
        """Say when a reserved write can really go."""
        return self._client.renew_slot(slot)

    def place_order(self, request: OrderRequest, *, slot: Slot) -> RemoteOrder:
        """Buy what the lines say; ValueError, and nothing sent, for what `check_request` refuses.

        Signs in first if there is no token. What fails then is a ProviderUnavailable or
        ProviderMisconfigured, nothing was executed.
        """
        self.check_request(request)
        return self.read_placed(self._client.write(build.place_order(request), slot), request)

    def read_placed(self, raw: RawAnswer, request: OrderRequest) -> RemoteOrder:
        """Read an answer to `place_order` again, or for the first time."""
        return parse.placed_order(raw, request, currency=self._currency)

    def find_order(self, reference: str) -> RemoteOrder | None:
        """Look for our reference in the history, newest first; see `history.find`.

        None only if the history was read to its end. What is found is asked for by its id.
        """
        external_id = history.find(self._client, reference)
        if external_id is None:
            return None
        order = self.get_order(external_id)
        if order.reference != reference:
            raise AnswerMismatch("the order behind an entry of the history is another one")
        return order

    def get_order(self, external_id: str) -> RemoteOrder:
        """Ask for an order by their name for it; AnswerMismatch if another one comes."""
        call = build.get_order(external_id)
        return parse.named_order(call, self._client.read(call), currency=self._currency)

    def get_cards(self, external_id: str) -> list[RemoteCard] | None:
        """Fetch the claim links of an order; None while they are not ready."""
        call = build.get_order(external_id, operation="get_cards")
        return parse.cards(call, self._client.read(call), currency=self._currency)

    def list_orders(self, page: int = 1) -> Page[RemoteOrder]:
        """Read a page of the order history, newest first."""
        call = build.list_orders(page, wire.HISTORY_PAGE_SIZE)
        return parse.orders_page(call, self._client.read(call), page=page, currency=self._currency)

    # DepositHolder

    def get_balance(self) -> RemoteBalance:
        """Ask for our funds: those we can spend and those on their way."""
        call = build.get_balance()
        return parse.balance(call, self._client.read(call), currency=self._currency)

    # OptionLister

    def list_options(self) -> Iterator[RemoteOption | UnreadableItem]:
        """Read the four lists an order may choose from."""
        for kind in OptionKind:
            call = build.list_options(kind)
            raw = self._client.read(call)
            yield from goods.options(call, raw, kind=kind, currency=self._currency)

    def test_connection(self) -> str:
        """Ask for balance and status: the first needs address, credentials and permission."""
        balance = self.get_balance()
        call = build.get_status()
        status = parse.status(call, self._client.read(call))
        pending = f", {balance.pending.format()} on its way" if balance.pending else ""
        return (
            f"GiftCard Partners answered: {balance.available.format()} available{pending}; "
            f"it calls its service {status}."
        )
