"""The cards of a completed order: counted, weighed against what was bought, and sealed at once.

Whoever delivers for us hands out no card, or all of them; then the lines' own standing tells.
"""

from collections import Counter
from collections.abc import Hashable, Iterable

from django.db import transaction

from giftops.clock import db_now
from giftops.sealing import blind_index, last_four
from orders import decisions
from orders.decisions import Delivery
from orders.models import BreakKind, Card, Order, OrderLine
from orders.services import breaking, funding, moving, resolving
from orders.services.lines import has_failed, homes_of, is_done
from orders.statuses import Status
from providers.gateways.base import OrderType, RemoteCard

CODE = "card.code"
"""The blind index field under which a card is found by its full number, or by its claim link."""


def take_in(order: Order, cards: list[RemoteCard] | None) -> None:
    """Store what the provider handed out; None means that it has nothing to hand out yet.

    Where no card has to come, each line must be done: the word about the order is not enough.
    """
    lines = _lines(order)
    if cards is None or not (_must_come(order, cards) or all(map(is_done, lines))):
        return
    failed = [line for line in lines if has_failed(line)]
    match _judge(order, cards):
        case Delivery.COMPLETE if failed:
            _fulfil_but(order, cards, failed)
        case Delivery.COMPLETE:
            _fulfil(order, cards)
        case Delivery.SHORT:
            _wait_for_the_rest(order, cards)
        case Delivery.MISMATCH:
            _hold_mismatch(order, cards)


def _must_come(order: Order, cards: list[RemoteCard]) -> bool:
    return decisions.must_come(OrderType(order.type), any_came=bool(cards))


def _judge(order: Order, cards: list[RemoteCard]) -> Delivery:
    indexes = [index_of(card) for card in cards]
    foreign = Card.objects.filter(code_index__in=indexes).exclude(order=order)
    lines = _lines(order)
    return decisions.delivery_of(
        wanted=_wanted(lines) if _must_come(order, cards) else [],
        got=[_as_bought(card, home) for card, home in homes_of(lines, cards)],
        has_duplicates=max(Counter(indexes).values(), default=0) > 1,
        has_foreign=foreign.exists() or not all(card.identity for card in cards),
    )


def index_of(card: RemoteCard) -> str:
    """The blind index of what makes it this card: its number, or its claim link."""
    return blind_index(card.identity, field=CODE)


def _lines(order: Order) -> list[OrderLine]:
    return list(order.lines.all())


def _wanted(lines: list[OrderLine]) -> list[Hashable]:
    """What must have come: a card for each unit of the lines that did not fail."""
    return [
        (line.pk, line.face_value_minor, line.currency)
        for line in lines
        if not has_failed(line)
        for _ in range(line.quantity)
    ]


def _as_bought(card: RemoteCard, home: OrderLine | None) -> Hashable:
    return home and home.pk, card.face_value.minor, card.face_value.currency


def _fulfil(order: Order, cards: list[RemoteCard]) -> None:
    with transaction.atomic():
        beyond = funding.settle_in_full(order)
        moving.move(
            order, Status.FULFILLED, kind="fulfilled", text=_what_came(order, cards), held_minor=0,
            reason="", fulfilled_at=db_now(), next_look_at=None, short_since=None,
        )  # fmt: skip
        _store(order, cards, is_releasable=True)
        breaking.close_all_of(order, note="All cards arrived.")
        funding.say_if_overcharged(order, beyond)


def _what_came(order: Order, cards: list[RemoteCard]) -> str:
    match OrderType(order.type):
        case OrderType.PHYSICAL:
            return "Sent by the provider"
        case OrderType.DIGITAL:
            return "Delivered by the provider"
        case _:
            return f"{len(cards)} card stored" if len(cards) == 1 else f"{len(cards)} cards stored"


def _wait_for_the_rest(order: Order, cards: list[RemoteCard]) -> None:
    """Fewer cards than bought: wait an hour, then keep what came and open a break."""
    at = db_now()
    since = order.short_since or at
    if order.status == Status.PLACED and at - since >= decisions.SHORT_DELIVERY_PATIENCE:
        text = f"Only {len(cards)} cards came; the rest is missing."
        _fulfil_partly(order, cards, text, worth=_worth_of(_lines(order), cards))
    else:
        reason = f"{len(cards)} of {len(_wanted(_lines(order)))} cards so far."
        moving.note(order, short_since=since, reason=reason)


def _fulfil_but(order: Order, cards: list[RemoteCard], failed: list[OrderLine]) -> None:
    """Some lines failed for good: what came is ours at once, the rest is a person's to claim."""
    lines = _lines(order)
    text = (
        f"{len(failed)} of {len(lines)} lines failed at the provider; have them credited or "
        "ordered anew."
    )
    living = sum(estimate_of(line) for line in lines if not has_failed(line))
    if order.status == Status.PLACED:
        worth = living if order.cost_minor is None else order.cost_minor
        _fulfil_partly(order, cards, text, worth=worth)
    else:
        moving.note(order, reason=text)


def _fulfil_partly(order: Order, cards: list[RemoteCard], text: str, *, worth: int) -> None:
    """Spend `worth` minor units for what came; the rest stays held until somebody decides."""
    with transaction.atomic():
        left, beyond = funding.settle(order, worth), funding.spend_beyond(order, worth)
        moving.move(
            order, Status.PARTLY_FULFILLED, kind="partly_fulfilled", text=text, reason=text,
            held_minor=left,
        )  # fmt: skip
        _store(order, cards, is_releasable=True)
        breaking.open_break(
            BreakKind.DELIVERY_MISMATCH, order.account, order=order,
            text=f"{order.reference}: {text}",
        )  # fmt: skip
        funding.say_if_overcharged(order, beyond)


def _worth_of(lines: list[OrderLine], cards: list[RemoteCard]) -> int:
    """What the cards that came cost as far as we know, in minor units."""
    came = Counter(home.pk for _, home in homes_of(lines, cards) if home is not None)
    return sum(estimate_of(line) * came[line.pk] // line.quantity for line in lines)


def estimate_of(line: OrderLine) -> int:
    """What the whole line costs as far as we know, in minor units."""
    return line.cost_minor or line.face_value_minor * line.quantity


def _hold_mismatch(order: Order, cards: list[RemoteCard]) -> None:
    """More, other, or other people's cards: seal what came, show it to nobody, call a person."""
    wanted = len(_wanted(_lines(order)))
    with transaction.atomic():
        resolving.park(
            order, BreakKind.DELIVERY_MISMATCH,
            f"{len(cards)} cards came for {wanted} bought, or some are known already.",
        )  # fmt: skip
        _store(order, cards, is_releasable=False)


def _store(order: Order, cards: Iterable[RemoteCard], *, is_releasable: bool) -> None:
    """Seal what is new. What was put under lock before is released with the rest of it."""
    known = set(Card.objects.filter(order=order).values_list("code_index", flat=True))
    lines = _lines(order)
    rows: dict[str, Card] = {}
    seen = set()
    for card, home in homes_of(lines, cards):
        index = index_of(card)
        seen.add(index)
        if index not in known and index not in rows:
            rows[index] = _row(order, home or lines[0], card, index, is_releasable)
    Card.objects.bulk_create(rows.values())
    if is_releasable and known:
        locked = Card.objects.filter(order=order, is_releasable=False, code_index__in=seen)
        locked.update(is_releasable=True)


def _row(order: Order, line: OrderLine, card: RemoteCard, index: str, is_releasable: bool) -> Card:
    return Card(
        order=order, line=line, code=card.code, pin=card.pin, claim_url=card.claim_url,
        challenge=card.challenge, external_id=card.external_id[:64], code_index=index,
        last_four=last_four(card.code), currency=card.face_value.currency,
        face_value_minor=card.face_value.minor, expires_on=card.expires_on,
        is_releasable=is_releasable,
    )  # fmt: skip
