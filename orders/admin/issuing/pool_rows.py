"""What the reservations desk shows of pools, of single numbers, and of what went wrong."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.core.paginator import Page, Paginator
from django.db.models import (
    Count,
    Exists,
    F,
    OuterRef,
    Prefetch,
    QuerySet,
    prefetch_related_objects,
)
from django.http import HttpRequest

from giftops import show
from giftops.clock import db_now
from giftops.show import BLUE, DARK, GREEN, GREY, RED
from orders.admin.issuing import issuing_pills
from orders.admin.pills import Share
from orders.issuing_states import CardState, NumberState, ReservationState
from orders.models import Card, Pool, Reservation, ReservedNumber
from orders.services.issuing.cards import promises
from orders.services.issuing.reservations import stock
from orders.services.issuing.reservations.opening import ENDED_WITH_NOTHING
from orders.services.issuing.reservations.stock import Stock
from orders.weighing.reservations import MARGIN
from providers.gateways.base import ReservationType

_CLAIMS = Card.objects.filter(number=OuterRef("pk"))
NUMBERS_A_PAGE = 50
MOST_SINGLES = 20
MOST_LOST = 20
UNDER_WAY = (ReservationState.REQUESTED, ReservationState.SENDING, ReservationState.UNKNOWN)
ALIVE = (*UNDER_WAY, ReservationState.NEEDS_REVIEW)
IN_HAND = (
    NumberState.RESERVED, NumberState.CREATING, NumberState.IN_DOUBT, NumberState.NEEDS_REVIEW,
)  # fmt: skip
TABS: tuple[tuple[str, str, tuple[str, ...]], ...] = (
    ("All", "", ()),
    ("Left", "left", (NumberState.RESERVED,)),
    ("Created", "created", (NumberState.CREATED,)),
    ("In use", "used", (NumberState.CREATING, NumberState.IN_DOUBT, NumberState.NEEDS_REVIEW)),
    ("Expired", "expired", (NumberState.EXPIRED, NumberState.RETIRED)),
    ("In quarantine", "quarantined", (NumberState.QUARANTINED,)),
)


@dataclass(frozen=True, slots=True)
class PoolRow:
    """A pool with its bar. `cut` is a request that brought fewer than it asked for."""

    pool: Pool
    stock: Stock
    shares: list[Share]
    cut: Reservation | None
    under_way: int
    promised: int

    @property
    def missing(self) -> int:
        """How many numbers would have to be asked for again."""
        return self.cut.asked - self.cut.received if self.cut else 0

    @property
    def free(self) -> int:
        """Numbers that are left and that no card has a claim on."""
        return max(self.stock.left - self.promised, 0)

    @property
    def in_bar(self) -> int:
        """How many numbers the whole bar stands for."""
        return sum(part.count for part in self.shares)


@dataclass(frozen=True, slots=True)
class SingleRow:
    """A single number that is under way or in hand, with its clock."""

    reservation: Reservation
    number: ReservedNumber | None
    clock: str
    is_usable: bool


def rows_of(pools: Iterable[Pool]) -> list[PoolRow]:
    """The pools with their bars, in a few queries however many numbers they have."""
    pools = list(pools)
    found, cut, under_way = stock.stocks(pools), _cut(pools), _under_way(pools)
    promised = _promised(pools)
    return [
        PoolRow(
            pool,
            found[pool.pk],
            shares_of(found[pool.pk]),
            cut.get(pool.pk),
            under_way.get(pool.pk, 0),
            promised.get(pool.pk, 0),
        )
        for pool in pools
    ]


def shares_of(found: Stock) -> list[Share]:
    """The coloured parts of a pool's bar; what is left of it is the empty rest."""
    parts = (
        Share(GREEN, "created", found.created),
        Share(BLUE, "in use", found.in_use),
        Share(DARK, "expired or retired", found.expired + found.retired),
        Share(RED, "in quarantine", found.quarantined),
        Share(GREY, "left", found.left),
    )
    return [part for part in parts if part.count]


def singles() -> list[SingleRow]:
    """Single numbers that are being asked for or can still become a card; the newest first."""
    asked = Reservation.objects.filter(type=ReservationType.SINGLE)
    alive = asked.filter(state__in=ALIVE) | asked.filter(numbers__state__in=IN_HAND)
    rows = alive.select_related("account").order_by("-id").distinct()
    now = db_now()
    shown = rows.prefetch_related(Prefetch("numbers", _with_claims()))[:MOST_SINGLES]
    return [_single(row, now) for row in shown]


def single(reservation: Reservation) -> SingleRow:
    """The number of one request for a single number, with its clock."""
    prefetch_related_objects([reservation], Prefetch("numbers", _with_claims()))
    return _single(reservation, db_now())


def clock_of(number: ReservedNumber, now: datetime) -> tuple[str, bool]:
    """How long a number lasts, in words, and whether a card may still be created on it."""
    if number.state != NumberState.RESERVED or number.expires_at is None:
        return str(number.get_state_display()), number.state == NumberState.RESERVED
    left = (number.expires_at - now).total_seconds()
    usable = left - MARGIN.total_seconds()
    if left <= 0:
        return "Lapsed: the provider gives it to somebody else", False
    if usable <= 0:
        return f"{show.duration(left)} left, too little to use it", False
    return f"{show.duration(left)} left, usable for {show.duration(usable)}", True


def quarantined() -> QuerySet[Reservation]:
    """Requests whose numbers cannot be right."""
    rows = Reservation.objects.filter(state=ReservationState.QUARANTINED)
    return rows.select_related("account", "pool").order_by("-id")


def numbers_context(numbers: QuerySet[ReservedNumber], request: HttpRequest) -> dict[str, Any]:
    """A page of masked numbers, with the usual filters as tabs."""
    shown = request.GET.get("show", "")
    states = next((states for _, name, states in TABS if name == shown), ())
    if states:
        numbers = numbers.filter(state__in=states)
    return {
        "numbers": page_of(numbers, request),
        "number_tabs": [
            (label, f"show={name}" if name else "", name == shown) for label, name, _ in TABS
        ],
        "keep": f"show={shown}" if states else "",
    }


def page_of(numbers: QuerySet[ReservedNumber], request: HttpRequest) -> Page[Any]:
    """Fifty of them, each with its card for those who may see that it exists; never the number."""
    page = Paginator(numbers.defer("number").order_by("-id"), NUMBERS_A_PAGE).get_page(
        request.GET.get("p")
    )
    may_see = request.user.has_perm("orders.view_card")
    cards = _cards_on(list(page)) if may_see else {}
    now = db_now()
    shown: Any = page
    shown.object_list = [
        (number, issuing_pills.pill_of(number), cards.get(number.pk), clock_of(number, now)[0])
        for number in page
    ]
    return page


def _cards_on(numbers: list[ReservedNumber]) -> dict[UUID | None, Card]:
    cards = Card.objects.filter(number__in=numbers).exclude(state=CardState.WITHDRAWN)
    return {card.number_id: card for card in cards.only("pk", "state", "number_id")}


def _with_claims() -> QuerySet[ReservedNumber]:
    return ReservedNumber.objects.defer("number").annotate(is_promised=Exists(_CLAIMS))


def _single(reservation: Reservation, now: datetime) -> SingleRow:
    number: Any = next(iter(reservation.numbers.all()), None)
    if number is None:
        return SingleRow(reservation, None, "", False)
    clock, is_usable = clock_of(number, now)
    if is_usable and number.is_promised:
        return SingleRow(reservation, number, f"{clock}, promised to a card", False)
    return SingleRow(reservation, number, clock, is_usable)


def _cut(pools: list[Pool]) -> dict[UUID | None, Reservation]:
    """The latest request of each pool that was cut short and not asked for again; one query."""
    again = Reservation.objects.filter(tops_up=OuterRef("pk")).exclude(state__in=ENDED_WITH_NOTHING)
    rows = Reservation.objects.filter(
        ~Exists(again), pool__in=pools, state=ReservationState.RESERVED, received__lt=F("asked")
    )
    return {row.pool_id: row for row in rows.order_by("id")}


def _under_way(pools: list[Pool]) -> dict[UUID | None, int]:
    """How many requests of each pool are not answered yet; one query."""
    rows = Reservation.objects.filter(pool__in=pools, state__in=UNDER_WAY).order_by()
    return dict(rows.values_list("pool").annotate(count=Count("id")))


def _promised(pools: list[Pool]) -> dict[UUID, int]:
    """How many cards of each pool wait for a number; one query."""
    waiting = Card.objects.filter(issuance__pool__in=pools, state__in=promises.CLAIMING)
    rows = waiting.order_by().values_list("issuance__pool").annotate(count=Count("id"))
    return {pool: count for pool, count in rows if pool is not None}
