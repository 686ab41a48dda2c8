"""GiftCard Partners' answers about orders, cards, funds and tokens in our words; pure functions.

What is for sale is read in `goods.py`.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from giftops.money import Money
from providers.gateways import fields
from providers.gateways.answers import reading
from providers.gateways.base import (
    OrderRequest,
    OrderType,
    Page,
    RawAnswer,
    RemoteBalance,
    RemoteCard,
    RemoteLine,
    RemoteOrder,
    Standing,
)
from providers.gateways.client import Grant
from providers.gateways.errors import AnswerMismatch
from providers.gateways.fields import FieldError, Json
from providers.gateways.giftcardpartners import build, wire
from providers.gateways.giftcardpartners.answers import body_of, has, page_of
from providers.gateways.http import Call
from providers.gateways.strict_json import storable

_TYPES = {text.casefold(): order_type for order_type, text in wire.ORDER_TYPES.items()}
_DONE = (Standing.COMPLETED, Standing.CANCELLED)

# Of an order; its lines hold claim links and addresses, its webhook settings a secret of ours.
_KEPT = {key.lower() for key in (wire.ID, wire.PO_NUMBER, wire.TYPE, wire.STATUS, wire.NOTE)}

# --- Signing in ---------------------------------------------------------------------------------


def token(call: Call, raw: RawAnswer) -> Grant:
    """Read a token. A life time that makes no sense counts as a minute, and is told."""
    item = body_of(call, raw)
    return reading(call, lambda: _grant(item))


def _grant(item: Json) -> Grant:
    value = fields.text(item, wire.VALUE, longest=8192)
    if not wire.TOKEN.fullmatch(value):
        raise FieldError(f"{wire.VALUE} is not a token")
    try:
        seconds = fields.integer(item, wire.EXPIRES_IN)
    except FieldError as problem:
        return Grant(value=value, seconds=wire.LIFE_IF_UNSAID, problem=str(problem))
    if seconds <= 0:
        problem_text = f"{wire.EXPIRES_IN} is not more than nothing"
        return Grant(value=value, seconds=wire.LIFE_IF_UNSAID, problem=problem_text)
    return Grant(value=value, seconds=min(seconds, wire.LONGEST_LIFE))


# --- Orders -------------------------------------------------------------------------------------


def placed_order(raw: RawAnswer, request: OrderRequest, *, currency: str) -> RemoteOrder:
    """Read the answer to POST /v1/Orders; AnswerMismatch if it is about another order than ours."""
    call = build.place_order(request)
    found = order(call, raw, currency=currency)
    differing = _differences(found, request)
    if differing:
        raise AnswerMismatch(
            f"{call}: the answer names another {' and '.join(differing)}", http_status=raw.status
        )
    return found


def order(call: Call, raw: RawAnswer, *, currency: str) -> RemoteOrder:
    """Read one order."""
    item = body_of(call, raw)
    return reading(call, lambda: _order(item, currency))


def named_order(call: Call, raw: RawAnswer, *, currency: str) -> RemoteOrder:
    """Read an order that was asked for by name; AnswerMismatch if it is another one."""
    found = order(call, raw, currency=currency)
    _refuse_other(call, raw, found.external_id)
    return found


def _refuse_other(call: Call, raw: RawAnswer, external_id: str) -> None:
    if external_id != call.ids[wire.ORDER_ID]:
        raise AnswerMismatch(f"{call}: another order came", http_status=raw.status)


def orders_page(call: Call, raw: RawAnswer, *, page: int, currency: str) -> Page[RemoteOrder]:
    size = wire.HISTORY_PAGE_SIZE
    return page_of(call, raw, page, size, lambda item: _order(item, currency))


@dataclass(frozen=True, slots=True)
class Listed:
    """One entry of the history, as far as a look-up needs it. "" for orders without a reference."""

    external_id: str
    reference: str


def listed_page(call: Call, raw: RawAnswer, *, page: int, size: int) -> Page[Listed]:
    """Read whose orders a page of the history lists, whatever else they hold."""
    return page_of(call, raw, page, size, _listed)


def _listed(item: Json) -> Listed:
    if not has(item, wire.PO_NUMBER):
        raise FieldError(f"{wire.PO_NUMBER} is missing")
    reference = fields.optional_text(item, wire.PO_NUMBER)
    return Listed(external_id=fields.identifier(item, wire.ID), reference=reference)


def _order(item: Json, currency: str) -> RemoteOrder:
    text = fields.text(item, wire.STATUS, longest=200)
    lines = fields.objects(item, wire.LINES)
    return RemoteOrder(
        external_id=fields.identifier(item, wire.ID),
        reference=fields.optional_text(item, wire.PO_NUMBER, longest=200) or None,
        status_text=text,
        standing=standing_of(text),
        lines=tuple(_line(line, currency) for line in lines),
        type=_type(item),
        payload=storable({key: value for key, value in item.items() if key.lower() in _KEPT}),
    )


def _type(item: Json) -> OrderType | None:
    """The type they name, None if they name none; one we do not know is not ours to guess."""
    text = fields.optional_text(item, wire.TYPE, longest=64).casefold()
    if text and text not in _TYPES:
        raise FieldError(f"{wire.TYPE} is not one we know")
    return _TYPES.get(text)


def _line(item: Json, currency: str) -> RemoteLine:
    text = fields.optional_text(item, wire.STATUS, longest=200)
    return RemoteLine(
        product_id=fields.text(item, wire.PRODUCT_ID, longest=wire.LONGEST_ID),
        face_value=fields.amount(item, wire.VALUE, currency),
        quantity=fields.integer(item, wire.QUANTITY),
        line_id=fields.optional_text(item, wire.EXTERNAL_ID, longest=200),
        external_id=fields.optional_text(item, wire.ID, longest=wire.LONGEST_ID),
        status_text=text,
        standing=standing_of(text) if text else None,
        cost=_cost(item, currency),
    )


def _cost(item: Json, currency: str) -> Money | None:
    cost = fields.optional_amount(item, wire.COST, currency)
    if cost is not None and cost.minor < 0:
        raise FieldError(f"{wire.COST} is less than nothing")
    return cost


def standing_of(text: str) -> Standing:
    """Exact after trimming and without case; anything else is a text for a person."""
    return wire.STANDINGS.get(text.strip().casefold(), Standing.UNMAPPED)


def _differences(found: RemoteOrder, request: OrderRequest) -> list[str]:
    """What the order they tell has otherwise than the one we sent; what is not told is equal."""
    got, asked = found.lines, request.lines
    is_same = {
        "reference": found.reference in (None, request.reference),
        "type": found.type in (None, request.type),
        "number of lines": len(got) == len(asked),
        "product": _count(line.product_id for line in got)
        == _count(line.product_id for line in asked),
        "amount": _count(line.face_value for line in got)
        == _count(line.face_value for line in asked),
        "quantity": _count(line.quantity for line in got)
        == _count(line.quantity for line in asked),
    }
    differing = [name for name, same in is_same.items() if not same]
    return differing or ([] if _lines_fit(got, request) else ["line"])


def _count(values: Iterable[Any]) -> Counter[Any]:
    return Counter(values)


def _lines_fit(got: tuple[RemoteLine, ...], request: OrderRequest) -> bool:
    """Whether each line they tell is one of ours: by our id where they repeat it."""
    ours = {line.line_id: _goods(line) for line in request.lines if line.line_id}
    named = [line for line in got if line.line_id]
    if len({line.line_id for line in named}) != len(named):
        return False
    if any(ours.get(line.line_id) != _goods(line) for line in named):
        return False
    return _count(map(_goods, got)) == _count(map(_goods, request.lines))


def _goods(line: Any) -> tuple[str, Money, int]:
    """What a line buys, theirs or ours."""
    return line.product_id, line.face_value, line.quantity


# --- Cards --------------------------------------------------------------------------------------


def cards(call: Call, raw: RawAnswer, *, currency: str) -> list[RemoteCard] | None:
    """Read the claim links in an order; None while it is not done or none of them is there yet.

    Digital deliveries may have none, plastic has none. How many there must be, the caller knows.
    """
    item = body_of(call, raw)
    _refuse_other(call, raw, reading(call, lambda: fields.identifier(item, wire.ID)))
    return reading(call, lambda: _cards(item, currency))


def _cards(item: Json, currency: str) -> list[RemoteCard] | None:
    told = _order(item, currency)
    if told.standing not in _DONE:
        return None
    lines = fields.objects(item, wire.LINES)
    per_line = [_cards_of(line, currency) for line in lines]
    must_have = told.type is None or told.type.must_hand_out_cards
    if told.standing == Standing.COMPLETED and must_have and _lacks_all(told, per_line):
        return None
    return [card for found in per_line for card in found]


def _lacks_all(told: RemoteOrder, per_line: Iterable[list[RemoteCard]]) -> bool:
    """Whether there is no claim link at all, although a line is alive."""
    is_alive = any(line.standing != Standing.CANCELLED for line in told.lines)
    return is_alive and not any(per_line)


def _cards_of(line: Json, currency: str) -> list[RemoteCard]:
    """The claim links of one line; an entry without a link is not one yet."""
    if line.get(wire.CLAIM_DATA) is None:
        return []
    told = _line(line, currency)
    entries = fields.objects(line, wire.CLAIM_DATA)
    return [_card(entry, told) for entry in entries if entry.get(wire.CLAIM_LINK) not in (None, "")]


def _card(entry: Json, line: RemoteLine) -> RemoteCard:
    link = fields.text(entry, wire.CLAIM_LINK, longest=2000)
    if not link.startswith("https://") or not link.isprintable() or " " in link:
        raise FieldError(f"{wire.CLAIM_LINK} is not an https address")
    return RemoteCard(
        claim_url=link,
        challenge=fields.optional_text(entry, wire.CHALLENGE, longest=200),
        face_value=line.face_value,
        line_id=line.line_id,
        line_external_id=line.external_id,
        external_id=fields.optional_text(entry, wire.ID, longest=wire.LONGEST_ID),
    )


# --- Funds and status ---------------------------------------------------------------------------


def balance(call: Call, raw: RawAnswer, *, currency: str) -> RemoteBalance:
    """Read the funds; another currency than the account's is an AnswerMismatch."""
    item = body_of(call, raw)
    found = reading(call, lambda: _balance(item, fields.currency(item, wire.CURRENCY, currency)))
    if found.available.currency != currency:
        raise AnswerMismatch(
            f"{call}: the account is kept in {found.available.currency}, not in {currency}",
            http_status=raw.status,
        )
    return found


def _balance(item: Json, code: str) -> RemoteBalance:
    return RemoteBalance(
        available=fields.amount(item, wire.AVAILABLE, code),
        pending=fields.optional_amount(item, wire.PENDING, code),
    )


def status(call: Call, raw: RawAnswer) -> str:
    """What they say of their service, in their word."""
    item = body_of(call, raw)
    return reading(call, lambda: fields.text(item, wire.STATUS, longest=60))
