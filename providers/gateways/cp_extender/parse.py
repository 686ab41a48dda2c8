"""CP Extender's answers in our words; pure functions from `RawAnswer` to dataclasses or errors."""

from datetime import date
from typing import Any

from providers.gateways import fields
from providers.gateways.answers import raise_for_status, reading
from providers.gateways.base import (
    CardMovement,
    CardReading,
    CardStanding,
    CreatedCard,
    CreateRequest,
    HoldRequest,
    Picture,
    RawAnswer,
    RemoteCustomer,
    RemoteHold,
    ReservedNumbers,
    ReserveRequest,
)
from providers.gateways.cp_extender import build, wire
from providers.gateways.cp_extender.answers import body_of, is_absent, part, refusal
from providers.gateways.errors import AnswerMismatch, MalformedResponse
from providers.gateways.fields import FieldError, Json
from providers.gateways.http import Call
from providers.gateways.strict_json import storable

# --- Numbers and cards --------------------------------------------------------------------------


def reserved(raw: RawAnswer, request: ReserveRequest) -> ReservedNumbers:
    """Read the numbers as they came, in whatever form: that is judged by who keeps them."""
    call = build.reserve(request)
    item = body_of(call, raw)
    return reading(call, lambda: ReservedNumbers(numbers=_numbers(item)))


def _numbers(item: Json) -> tuple[str, ...]:
    return tuple(_told(value) for value in fields.items(item, wire.GIFT_CARDS))


def _told(value: Any) -> str:
    """A text that can be stored, exactly as it came."""
    if not isinstance(value, str) or len(value) > wire.LONGEST_TEXT:
        raise FieldError(f"{wire.GIFT_CARDS} holds something that is no text, or too long")
    storable(value)
    return value


def created(raw: RawAnswer, request: CreateRequest) -> CreatedCard:
    """Read the number that they say the new card has."""
    call = build.create(request)
    item = body_of(call, raw)
    return reading(call, lambda: CreatedCard(number=_number_in(part(item, wire.CARD))))


def _number_in(card: Json) -> str:
    return _number(card.get(wire.CARD_NUMBER), wire.CARD_NUMBER)


def _number(value: Any, key: str) -> str:
    """A number exactly as it came: not even spaces around it are dropped."""
    if not isinstance(value, str) or not wire.NUMBER.fullmatch(value):
        raise FieldError(f"{key} is not the number of a card")
    return value


def balance(call: Call, raw: RawAnswer, *, currency: str) -> CardReading | None:
    """Read what a card is worth; AnswerMismatch if it is another one, or does not add up."""
    if is_absent(raw, wire.NO_SUCH_CARD):
        return None
    item = body_of(call, raw)
    card = reading(call, lambda: _card(part(item, wire.CARD), currency))
    problem = _problem_with_card(card, call.ids[wire.CARD_ID])
    if problem:
        raise AnswerMismatch(f"{call}: {problem}", http_status=raw.status)
    return card


def _problem_with_card(card: CardReading, number: str) -> str:
    if card.number != number:
        return "another card came"
    if not _is_gift_card(card.kind):
        return "it is not a gift card"
    if card.available != card.balance - card.held:
        return "what is available is not the balance less what is held"
    return ""


def _is_gift_card(kind: str) -> bool:
    return kind.casefold() == wire.GIFT_CARD


def _card(card: Json, currency: str) -> CardReading:
    text = fields.text(card, wire.STATUS, longest=wire.LONGEST_STATUS)
    held = fields.amount(card, wire.HELD, currency)
    if held.minor < 0:
        raise FieldError(f"{wire.HELD} is less than nothing")
    return CardReading(
        number=_number_in(card),
        kind=fields.text(card, wire.TYPE, longest=wire.LONGEST_TEXT),
        status_text=text,
        standing=standing_of(text),
        balance=fields.amount(card, wire.FUNDS, currency),
        held=held,
        available=fields.amount(card, wire.AVAILABLE, currency),
        history=tuple(_movement(row, currency) for row in fields.objects(card, wire.HISTORY)),
    )


def standing_of(text: str) -> CardStanding:
    """Exact after trimming and without case; anything else is a text for a person."""
    return wire.STANDINGS.get(text.strip().casefold(), CardStanding.UNMAPPED)


def _movement(row: Json, currency: str) -> CardMovement:
    return CardMovement(
        activity=_text(row, wire.ACTIVITY),
        on=_day(row, wire.DATE),
        amount=fields.optional_amount(row, wire.AMOUNT, currency),
        location=_text(row, wire.LOCATION),
        document=_text(row, wire.DOCUMENT),
    )


def _text(item: Json, key: str) -> str:
    return fields.optional_text(item, key, longest=wire.LONGEST_TEXT)


def _day(item: Json, key: str) -> date | None:
    """A day as month, day, year; None if missing."""
    text = _text(item, key)
    if not text:
        return None
    found = wire.DAY.fullmatch(text)
    if not found:
        raise FieldError(f"{key} is not a day")
    month, day, year = map(int, found.groups())
    try:
        return date(year, month, day)
    except ValueError:
        raise FieldError(f"{key} is not a day") from None


def certificate(call: Call, raw: RawAnswer) -> Picture | None:
    """Read a picture: called a JPEG by them, and a whole one by its first and last bytes."""
    if is_absent(raw, wire.NO_SUCH_CARD):
        return None
    raise_for_status(call, raw, refusal=refusal)
    if raw.headers.get("content-type", "").partition(";")[0].strip().lower() != wire.JPEG:
        raise MalformedResponse(f"{call}: the answer is not a JPEG", http_status=raw.status)
    if len(raw.body) > wire.LARGEST_CERTIFICATE:
        raise MalformedResponse(f"{call}: the picture is too big", http_status=raw.status)
    if not raw.body.startswith(wire.JPEG_BEGINS) or not raw.body.endswith(wire.JPEG_ENDS):
        raise MalformedResponse(f"{call}: the picture is not a whole JPEG", http_status=raw.status)
    return Picture(content=raw.body, content_type=wire.JPEG)


# --- Holds --------------------------------------------------------------------------------------


def authorized(raw: RawAnswer, request: HoldRequest) -> RemoteHold:
    """Read a hold; AnswerMismatch if it is not of more than nothing and at most what we asked."""
    call = build.authorize(request)
    item = body_of(call, raw)
    hold = reading(call, lambda: _hold(item, request.amount.currency))
    kind = reading(call, lambda: _text(item, wire.TYPE))
    if not 0 < hold.amount.minor <= request.amount.minor:
        raise AnswerMismatch(f"{call}: another amount is held", http_status=raw.status)
    if kind and not _is_gift_card(kind):
        raise AnswerMismatch(f"{call}: the hold is not on a gift card", http_status=raw.status)
    return hold


def _hold(item: Json, currency: str) -> RemoteHold:
    code = item.get(wire.AUTH_CODE)
    if not isinstance(code, str) or not wire.AUTH_CODE_FORM.fullmatch(code):
        raise FieldError(f"{wire.AUTH_CODE} is not a code")
    return RemoteHold(
        external_id=fields.optional_text(item, wire.REQUEST_ID, longest=wire.LONGEST_ID),
        amount=fields.amount(item, wire.AUTHORIZED_AMOUNT, currency),
        auth_code=code,
    )


def finished(call: Call, raw: RawAnswer) -> None:
    """Read the answer to Confirm or Cancel, which says everything by its status."""
    raise_for_status(call, raw, refusal=refusal, is_empty=True)


# --- Customers, status --------------------------------------------------------------------------


def customer(call: Call, raw: RawAnswer) -> RemoteCustomer | None:
    """Read a customer; AnswerMismatch if it is another one than was asked for."""
    if is_absent(raw, wire.NO_SUCH_CUSTOMER):
        return None
    item = body_of(call, raw)
    found = reading(call, lambda: _customer(part(item, wire.CUSTOMER)))
    asked_id, asked_email = call.ids.get(wire.CUSTOMER_ID), call.ids.get(wire.EMAIL_ADDRESS, "")
    is_other_email = asked_email and found.email.casefold() not in ("", asked_email.casefold())
    if asked_id not in (None, found.external_id) or is_other_email:
        raise AnswerMismatch(f"{call}: another customer came", http_status=raw.status)
    return found


def _customer(item: Json) -> RemoteCustomer:
    return RemoteCustomer(
        external_id=fields.identifier(item, wire.CUSTOMER_NO, longest=wire.LONGEST_ID),
        name=_name_of(item),
        email=fields.optional_text(item, wire.EMAIL_OF_CUSTOMER, longest=wire.LONGEST_EMAIL),
    )


def _name_of(item: Json) -> str:
    """The whole name, else its parts, else the company."""
    keys = (wire.FULL_NAME, wire.FIRST_NAME, wire.LAST_NAME, wire.COMPANY)
    whole, first, last, company = (
        fields.optional_text(item, key, longest=wire.LONGEST_CUSTOMER_NAME) for key in keys
    )
    return whole or f"{first} {last}".strip() or company


def status(call: Call, raw: RawAnswer) -> str:
    """What they say of their service, in their word."""
    item = body_of(call, raw)
    return reading(call, lambda: fields.text(item, wire.STATUS, longest=wire.LONGEST_STATUS))


def version(call: Call, raw: RawAnswer) -> str:
    item = body_of(call, raw)
    return reading(call, lambda: fields.text(item, wire.VERSION, longest=wire.LONGEST_STATUS))
