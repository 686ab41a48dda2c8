"""How a story at the issuer is told: numbers first, then cards on them, then holds on the cards.

Each step needs the one before, so each is carried out here and now, unless the worker was quicker.
"""

import time
from collections.abc import Callable, Collection, Iterable

from django.core.management.base import CommandError

from giftops.models import User
from giftops.money import Money
from orders.demo.issuing_stories import IssuingStory
from orders.issuing_states import CardState, HoldState, ReservationState
from orders.models import Authorization, Card, Reservation
from orders.services.issuing.cards import balances, creating, issuing
from orders.services.issuing.cards.card_wishes import CardWish
from orders.services.issuing.holds import authorizing
from orders.services.issuing.reservations import reserving
from providers.models import ProviderAccount

CUSTOMERS = tuple(f"20593784{number}" for number in range(40, 47))
"""Customers whom the simulated issuer knows."""
KIND_OF_CARD = "GC"
PATIENCE = 30.0  # seconds for one step
TICK = 0.1  # seconds between two looks
NUMBERS_UNDER_WAY = frozenset({ReservationState.REQUESTED, ReservationState.SENDING})
CARDS_UNDER_WAY = frozenset({CardState.WAITING, CardState.CREATING})
HOLDS_UNDER_WAY = frozenset({HoldState.REQUESTED, HoldState.PRECHECKED, HoldState.SENDING})


def tell_issued(story: IssuingStory, account: ProviderAccount) -> Reservation:
    """Take the story as far as it goes. Raises CommandError if the issuer takes too long."""
    maker, wanted = User.objects.get(username=story.maker), story.wanted
    if wanted.count is None:
        reservation = reserving.request_single(
            account, actor=maker, agency=wanted.agency, name=story.title
        )
    else:
        reservation = reserving.request_pool(
            account, actor=maker, agency=wanted.agency, name=story.title, count=wanted.count,
            low_stock_at=wanted.low_stock_at,
        )  # fmt: skip
    _carry_out(reservation, reserving.send_reservation, NUMBERS_UNDER_WAY)
    if wanted.values:
        _hold(story, maker, _issue(story, maker, reservation))
    return reservation


def wishes_for(values: Iterable[str], currency: str) -> list[CardWish]:
    """A card of each value (main units), for the known customers in turn."""
    return [
        CardWish(
            customer_id=CUSTOMERS[position % len(CUSTOMERS)], code=KIND_OF_CARD,
            value=Money.parse(value, currency),
        )
        for position, value in enumerate(values)
    ]  # fmt: skip


def _issue(story: IssuingStory, maker: User, reservation: Reservation) -> list[Card]:
    account = reservation.account
    issuance = issuing.draft_issuance(
        account, actor=maker, wishes=wishes_for(story.wanted.values, account.currency),
        pool=reservation.pool, title=story.title, may_repeat=True,
    )  # fmt: skip
    issuing.submit_issuance(issuance, actor=maker)
    cards = list(issuance.cards.order_by("position"))
    for card in cards:
        _carry_out(card, creating.create_card, CARDS_UNDER_WAY)
    return cards


def _hold(story: IssuingStory, maker: User, cards: list[Card]) -> None:
    """Hold on cards that were read before; a card that did not come to be is passed by."""
    for wish in story.wanted.holds:
        card = cards[wish.position - 1]
        if card.state != CardState.ACTIVE:
            continue
        hold = authorizing.request_hold(
            card, actor=maker, amount=Money.parse(wish.amount, card.currency), note=wish.note,
            takes_partial=wish.takes_partial,
        )  # fmt: skip
        _carry_out(hold, authorizing.authorize, HOLDS_UNDER_WAY)
        balances.read_card(card)


def _carry_out(
    thing: Reservation | Card | Authorization,
    work: Callable[[str], None],
    under_way: Collection[str],
) -> None:
    """Do the work of its job; where a worker has it in hand already, wait for that."""
    work(str(thing.pk))
    ends = time.monotonic() + PATIENCE
    thing.refresh_from_db()
    while thing.state in under_way:
        if time.monotonic() > ends:
            raise CommandError(f"{thing}: still {thing.get_state_display().lower()}.")
        time.sleep(TICK)
        thing.refresh_from_db()
