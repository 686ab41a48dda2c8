"""Our words for what every provider has in common, and what a gateway must be able to do.

A gateway implements the protocols it has (`Seller`, `DepositHolder`, `OptionLister`, `Issuer`,
`CertificateSource`); pages, actions and jobs appear for what it can do. Nothing here knows the ORM,
HTTP or a concrete provider.

Money is `giftops.money.Money`: integer minor units plus ISO 4217 currency. Times are aware UTC.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Any, Generic, Protocol, TypeVar, runtime_checkable

from giftops.money import Money

T = TypeVar("T")


class Standing(StrEnum):
    """How an order stands at the provider, in our words. All but `cancelled` mean: it lives."""

    ACCEPTED = "accepted"
    PROCESSING = "processing"
    ON_HOLD = "on_hold"
    LOW_FUNDS = "low_funds"
    OUT_OF_STOCK = "out_of_stock"
    COMPLETED = "completed"
    CANCELLED = "cancelled"
    UNMAPPED = "unmapped"  # a text the contract does not know: a person must read it


class ProductKind(StrEnum):
    FIXED = "fixed"
    VARIABLE = "variable"


class OrderType(StrEnum):
    """How the cards of an order reach whom they are for."""

    CODES = "codes"  # to us, as codes
    DIGITAL = "digital_delivery"  # to the recipients, by the provider: e-mail or text message
    LINKS = "links"  # to us, as claim links
    PHYSICAL = "physical_shipment"  # to the recipients, as plastic, by post

    @property
    def must_hand_out_cards(self) -> bool:
        """Whether an order is only done once we hold a code or link for each card."""
        return self in (OrderType.CODES, OrderType.LINKS)

    @property
    def needs_recipient(self) -> bool:
        return self in (OrderType.DIGITAL, OrderType.PHYSICAL)


@dataclass(frozen=True, slots=True, kw_only=True)
class PostalAddress:
    """Where plastic is sent; `country` as ISO 3166-1 alpha-2."""

    name: str
    line_1: str
    line_2: str = ""
    city: str
    state: str
    postcode: str
    country: str = "US"


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestLine:
    product_id: str  # theirs
    face_value: Money  # of one card
    quantity: int
    line_id: str = ""  # ours; repeated by providers that know such a thing
    recipient_name: str = ""
    recipient_email: str = ""
    recipient_phone: str = ""  # E.164
    address: PostalAddress | None = None
    shipping_method_id: str = ""
    carrier_id: str = ""  # the card carrier that the plastic is mounted on
    branding_id: str = ""
    from_name: str = ""
    from_email: str = ""
    message: str = ""
    deliver_on: date | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderRequest:
    reference: str  # ours, the same through every retry: it names the purchase
    lines: tuple[RequestLine, ...]
    type: OrderType = OrderType.CODES
    note: str = ""
    department_id: str = ""
    doorbell_url: str = field(default="", repr=False)  # they may call it when the order is done


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoteLine:
    """A line as the provider tells it; what it does not tell stays empty and proves nothing."""

    product_id: str
    face_value: Money
    quantity: int
    line_id: str = ""  # ours, repeated
    external_id: str = ""  # theirs
    status_text: str = ""
    standing: Standing | None = None  # None: this provider has one status for the whole order
    cost: Money | None = None  # what they charge for the whole line


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoteOrder:
    """An order as the provider tells it.

    `reference` is None if they did not repeat ours, `lines` are empty if they did not say what was
    bought: neither proves anything.
    """

    external_id: str
    reference: str | None
    status_text: str  # exactly as it came
    standing: Standing
    lines: tuple[RemoteLine, ...]
    type: OrderType | None = None
    placed_at: datetime | None = None
    payload: Mapping[str, Any] = field(default_factory=dict, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoteCard:
    """One card we bought: a code or a claim link. No secret reaches a repr, a log, a traceback."""

    code: str = field(default="", repr=False)
    pin: str = field(default="", repr=False)
    claim_url: str = field(default="", repr=False)
    challenge: str = field(default="", repr=False)  # what opens the claim link
    face_value: Money
    expires_on: date | None = None
    line_id: str = ""  # ours, of the line it belongs to, if they say so
    line_external_id: str = ""  # theirs
    external_id: str = ""

    @property
    def identity(self) -> str:
        """The secret that makes it this card and no other."""
        return self.code or self.claim_url


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoteProduct:
    """Something that can be bought.

    Fixed products have `denominations` (`face_value` too if it is the only one), others a range.
    Texts are the provider's own, with whatever markup they hold.
    """

    external_id: str
    name: str
    brand: str
    currency: str
    kind: ProductKind
    face_value: Money | None = None
    denominations: tuple[Money, ...] = ()
    minimum: Money | None = None
    maximum: Money | None = None
    is_available: bool = True
    order_types: tuple[OrderType, ...] = (OrderType.CODES,)
    needs_carrier: bool = False
    fulfillment_group: str = ""
    fee: Money | None = None  # per card
    discount_percent: Decimal = Decimal(0)  # off the face value
    description: str = ""
    terms: str = ""
    payload: Mapping[str, Any] = field(default_factory=dict, repr=False)


class OptionKind(StrEnum):
    SHIPPING_METHOD = "shipping_method"
    CARRIER = "carrier"
    BRANDING = "branding"
    DEPARTMENT = "department"


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoteOption:
    """One entry of a short list that an order may choose from."""

    kind: OptionKind
    external_id: str
    name: str
    description: str = ""
    cost: Money | None = None
    fulfillment_group: str = ""  # fits products of the same group; "" fits all


@dataclass(frozen=True, slots=True, kw_only=True)
class UnreadableItem:
    """One item of a list that could not be read; the rest of the list is still good."""

    position: str  # "page 2, item 17"
    problem: str  # safe sentence
    external_id: str = ""  # theirs, if at least that could be read


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoteBalance:
    available: Money
    pending: Money | None = None


class ReservationType(StrEnum):
    SINGLE = "single"  # one number, for a while
    POOL = "pool"  # many numbers, for good


@dataclass(frozen=True, slots=True, kw_only=True)
class ReserveRequest:
    """Numbers to be set aside for us. They promise nothing about a repetition: it reserves more."""

    name: str  # ours, to recognise it by; they accept the same name twice
    agency: str  # the company or campaign that the numbers are for
    type: ReservationType = ReservationType.SINGLE
    count: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class ReservedNumbers:
    """The numbers as they came, in their order; whether they are new and enough is judged later."""

    numbers: tuple[str, ...] = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateRequest:
    """A card to be created on a number that is reserved for us: never on one of their choosing."""

    number: str = field(repr=False)
    code: str  # their name for the kind of card
    value: Money
    customer_id: str
    sale_id: str = ""  # ours; what the card is paid with, unless points are
    points: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CreatedCard:
    """The number that they say the card has; whether it is the one we sent is judged later."""

    number: str = field(repr=False)


class CardStanding(StrEnum):
    """How a card stands at its issuer, in our words."""

    ACTIVE = "active"
    EXPIRED = "expired"
    VOIDED = "voided"
    UNMAPPED = "unmapped"  # a text the contract does not know


@dataclass(frozen=True, slots=True, kw_only=True)
class CardMovement:
    """One entry of a card's history as they tell it; what they leave out stays empty."""

    activity: str
    on: date | None = None  # no time, no zone
    amount: Money | None = None
    location: str = ""
    document: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class CardReading:
    """What a card is worth at the moment of asking: `available` is `balance` less `held`."""

    number: str = field(repr=False)
    kind: str  # "giftcard"
    status_text: str  # exactly as it came
    standing: CardStanding
    balance: Money
    held: Money  # by open authorizations, all of them, ours and others'
    available: Money
    history: tuple[CardMovement, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """A certificate as they drew it; it shows the number, so it is as secret as that."""

    content: bytes = field(repr=False)
    content_type: str = "image/jpeg"


@dataclass(frozen=True, slots=True, kw_only=True)
class HoldRequest:
    """Money to be held on a card. Neither key nor look-up: a repetition would hold it twice."""

    number: str = field(repr=False)
    sale_id: str  # ours
    amount: Money


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoteHold:
    """A hold they granted: at most what was asked for, and only `auth_code` can finish it."""

    external_id: str
    amount: Money
    auth_code: str = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoteCustomer:
    external_id: str
    name: str = ""
    email: str = ""


class CertificateStanding(StrEnum):
    """How a gift certificate stands in its book, in our words."""

    ACTIVE = "active"
    DISABLED = "disabled"
    EXPIRED = "expired"
    USED = "used"
    UNMAPPED = "unmapped"  # a text the contract does not know


class TransactionKind(StrEnum):
    INITIAL = "initial"
    DEBIT = "debit"
    AMEND = "amend"
    UNMAPPED = "unmapped"


class AllocationKind(StrEnum):
    ALLOCATE = "allocate"
    DEALLOCATE = "deallocate"
    UNMAPPED = "unmapped"


@dataclass(frozen=True, slots=True, kw_only=True)
class CertificateTransaction:
    """One entry of a certificate's history; they give it no id.

    `amount` is in minor units of `currency`, signed as they tell it; `kind_text` is exactly as it
    came. The same entry may come otherwise in another answer: `at` with or without fractions of a
    second, `kind_text` in other letters.
    """

    kind: TransactionKind
    kind_text: str
    at: datetime
    amount: int
    currency: str
    accounting_code: str = ""
    reference: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class CertificateAllocation:
    """A certificate given to, or taken from, one of their customers' accounts."""

    kind: AllocationKind
    kind_text: str
    at: datetime | None
    account: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoteCertificate:
    """A gift certificate as its book tells it, contradictions included.

    Amounts are in minor units of `currency`: `amount` was put on it, `used` was spent, `remaining`
    is left. A book has a million of them, so nothing here is wrapped in `Money`.
    """

    external_id: str
    code: str = field(repr=False)
    status_text: str  # exactly as it came
    standing: CertificateStanding
    currency: str
    amount: int
    remaining: int
    used: int
    accounting_code: str = ""
    expires_on: date | None = None
    created_at: datetime | None = None
    created_by: str = ""
    changed_at: datetime | None = None  # None: never changed since it was created
    changed_by: str = ""
    attributes: tuple[tuple[str, str], ...] = ()  # name and value, as they were set over there
    allocations: tuple[CertificateAllocation, ...] = ()
    transactions: tuple[CertificateTransaction, ...] = ()


@dataclass(frozen=True, slots=True)
class RawItem:
    """One item of a list, cut out of its page and not read yet: what is unchanged never is."""

    external_id: str
    content: bytes = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Slice:
    """Items `offset` to `offset + limit` of a list of `records`, as they say.

    `items` may be fewer than `limit` although more follow; `unreadable` are items without an id.
    """

    items: tuple[RawItem, ...]
    offset: int
    limit: int
    records: int
    unreadable: tuple[UnreadableItem, ...] = ()


class CertificateOrder(StrEnum):
    """By what a list of certificates may be sorted."""

    CREATED = "created"
    CHANGED = "changed"  # those that were never changed have no such time


@dataclass(frozen=True, slots=True, kw_only=True)
class RawAnswer:
    """What came back, before anybody parsed it. `headers` is a safe subset, names in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes = field(repr=False)
    received_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Slot:
    """Permission to send one write at `at` (database clock), not before. It may be far away."""

    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Page(Generic[T]):
    """One page of a list, counted from 1. `unreadable` items were set aside, not dropped."""

    items: tuple[T, ...]
    page: int
    total_pages: int
    unreadable: tuple[UnreadableItem, ...] = ()
    total: int | None = None  # items of the whole list, if they say so

    @property
    def is_last(self) -> bool:
        return self.page >= self.total_pages or not (self.items or self.unreadable)


@dataclass(frozen=True, slots=True, kw_only=True)
class Recovery:
    """What a provider promises about a purchase whose answer was lost; the cautious default."""

    look_ups: tuple[timedelta, ...] = tuple(timedelta(seconds=s) for s in (15, 60, 240, 600, 1200))
    """When to ask for it, counted from the last send."""
    replays_for: timedelta | None = None
    """How long after the first send the same bytes may safely be sent again; None: never."""
    adopts_first_duplicate: bool = True
    """Whether "we have this reference" on a first send may be our own order, or never is."""


class Gateway(Protocol):
    """One account at one provider. Every method may raise a `ProviderError`, and nothing else."""

    slug: str

    def test_connection(self) -> str:
        """Ask something harmless and say in one sentence that it worked."""


@runtime_checkable
class Seller(Protocol):
    """A provider we buy cards from."""

    slug: str
    order_types: tuple[OrderType, ...]
    lines_per_order: int
    recovery: Recovery
    rings_doorbell: bool  # whether they call an address that an order names when it is done

    def list_products(self) -> Iterator[RemoteProduct | UnreadableItem]:
        """Every product, page after page. Ends normally only if the listing reached its end."""

    def check_request(self, request: OrderRequest) -> None:
        """Raise `ValueError` with a sentence if this provider cannot take such an order."""

    def reserve_slot(self) -> Slot:
        """Take a place in the account's rate budget for one write. Does not wait.

        The slot may be far away. It never lapses: a write that comes late is let through as soon
        as the limits allow. NotSent while the circuit breaker is open.
        """

    def renew_slot(self, slot: Slot) -> Slot:
        """Ask again, on coming back, when a reserved write can really go; keeps its turn."""

    def place_order(self, request: OrderRequest, *, slot: Slot) -> RemoteOrder:
        """Send one order, once; never repeats by itself. The slot is used up.

        Waits for the slot if it is at most 5 seconds away, else raises `RateLimited`, nothing sent.
        """

    def read_placed(self, raw: RawAnswer, request: OrderRequest) -> RemoteOrder:
        """Read an answer to `place_order`; pure. Same result and errors as `place_order` itself."""

    def find_order(self, reference: str) -> RemoteOrder | None:
        """Look an order up by our reference; None if the provider says there is none."""

    def get_order(self, external_id: str) -> RemoteOrder:
        """Read an order by their id; `ProviderRejected` if they do not know it."""

    def get_cards(self, external_id: str) -> list[RemoteCard] | None:
        """The codes or links of a completed order; None while they are not ready."""

    def list_orders(self, page: int = 1) -> Page[RemoteOrder]:
        """One page of the order history, whoever placed them."""


@runtime_checkable
class DepositHolder(Protocol):
    """A provider where we keep money."""

    slug: str

    def get_balance(self) -> RemoteBalance:
        """What they say we have, now. Never cached."""


@runtime_checkable
class OptionLister(Protocol):
    """A provider with shipping methods, carriers, brandings or departments to choose from."""

    slug: str

    def list_options(self) -> Iterator[RemoteOption | UnreadableItem]:
        """Every entry of every list. Ends normally only if all of them were read whole."""


@runtime_checkable
class Issuer(Protocol):
    """A provider at which we issue cards of our own and hold money on them.

    Each write is sent once, in a slot of `reserve_slot` as at a `Seller`, and has a pure twin that
    reads a recorded answer to it with the same result and errors. The `check_…` methods raise
    `ValueError` with a sentence for what the issuer could not take; writes refuse it too.
    """

    slug: str
    single_lives: timedelta  # how long a single number stays reserved, counted from the send
    numbers_per_pool: int  # more are silently not given, as far as is known

    def reserve_slot(self) -> Slot:
        """Take a place in the account's rate budget for one write. Does not wait."""

    def renew_slot(self, slot: Slot) -> Slot:
        """Ask again, on coming back, when a reserved write can really go; keeps its turn."""

    def check_reserve(self, request: ReserveRequest) -> None:
        """Agency, name, count."""

    def reserve(self, request: ReserveRequest, *, slot: Slot) -> ReservedNumbers:
        """Have numbers set aside; there may be fewer than were asked for."""

    def read_reserved(self, raw: RawAnswer, request: ReserveRequest) -> ReservedNumbers:
        """Read an answer to `reserve`."""

    def check_create(self, request: CreateRequest) -> None:
        """Number, code, value, customer; a sale or points, not both."""

    def create(self, request: CreateRequest, *, slot: Slot) -> CreatedCard:
        """Create a card on a reserved number. `DuplicateReference` if the number has a card
        already, `NotReserved` if it is not (or no longer) reserved; nothing was created then."""

    def read_created(self, raw: RawAnswer, request: CreateRequest) -> CreatedCard:
        """Read an answer to `create`."""

    def check_balance(self, number: str) -> CardReading | None:
        """What the card is worth now; None if they say that there is no such card."""

    def get_certificate(self, number: str) -> Picture | None:
        """The card as a picture; None if they say that there is none. Anything that is not such a
        picture, or is too big, is a `MalformedResponse`."""

    def check_authorize(self, request: HoldRequest) -> None:
        """Number, sale, amount."""

    def authorize(self, request: HoldRequest, *, slot: Slot) -> RemoteHold:
        """Hold money on a card; `ProviderRejected` if it is void, expired or empty."""

    def read_authorized(self, raw: RawAnswer, request: HoldRequest) -> RemoteHold:
        """Read an answer to `authorize`; `AnswerMismatch` for an amount that was not asked for."""

    def confirm(self, number: str, auth_code: str, *, slot: Slot) -> None:
        """Take the whole of a hold. `HoldIsOver` if it was cancelled or is not there."""

    def read_confirmed(self, raw: RawAnswer) -> None:
        """Read an answer to `confirm`."""

    def cancel(self, number: str, auth_code: str, *, slot: Slot) -> None:
        """Give the whole of a hold back. `HoldIsOver` if it was confirmed or is not there."""

    def read_cancelled(self, raw: RawAnswer) -> None:
        """Read an answer to `cancel`."""

    def find_customer(self, *, external_id: str = "", email: str = "") -> RemoteCustomer | None:
        """A customer by number or by e-mail address; None if they say that there is none."""


@runtime_checkable
class CertificateSource(Protocol):
    """A provider that keeps a book of gift certificates, which we only read.

    Nothing is promised about two slices of one list: rows come, go and move between them.
    """

    slug: str
    certificates_per_slice: int  # at most, unless an account's book allows more

    def list_certificates(
        self,
        *,
        offset: int = 0,
        limit: int | None = None,
        by: CertificateOrder = CertificateOrder.CREATED,
        newest_first: bool = False,
    ) -> Slice:
        """One slice of the book; `limit` is `certificates_per_slice` if it is not given, and they
        may give less. Whatever is none (a page to sign in, another document, another offset than
        was asked for) is a `MalformedResponse`, so that it wipes nothing."""

    def read_certificate(self, item: RawItem) -> RemoteCertificate:
        """Read an item of a slice; pure. ValueError with a safe sentence if it cannot be read."""

    def find_certificate(self, external_id: str) -> RawItem | None:
        """One certificate; None if they say, in their words, that there is none."""

    def list_allocations(self, external_id: str) -> list[CertificateAllocation]:
        """The whole history of whom it was given to; `ProviderRejected` if there is none such."""

    def list_transactions(self, external_id: str) -> list[CertificateTransaction]:
        """The whole history of its amounts; `ProviderRejected` if there is none such."""


CAPABILITIES: Mapping[str, type] = {
    "seller": Seller,
    "deposit_holder": DepositHolder,
    "option_lister": OptionLister,
    "issuer": Issuer,
    "certificate_source": CertificateSource,
}


def capabilities(gateway: type | object) -> frozenset[str]:
    """The names of the protocols that a gateway (or its class) implements."""
    return frozenset(name for name, protocol in CAPABILITIES.items() if _has(gateway, protocol))


def _has(gateway: type | object, protocol: type) -> bool:
    methods = (name for name in vars(protocol) if not name.startswith("_"))
    return all(hasattr(gateway, name) for name in methods if callable(getattr(protocol, name)))
