"""Exsited's certificates in our words; pure functions, and quick: a book has a million of them.

A certificate goes from bytes to `RemoteCertificate` with nothing but typed structs between. What
is refused is said with the name of the field, never with its value.
"""

from datetime import UTC, date, datetime
from decimal import Decimal
from functools import lru_cache
from typing import Any

import msgspec

from giftops.money import EXPONENTS, MOST, Money, MoneyError
from providers.gateways.base import (
    AllocationKind,
    CertificateAllocation,
    CertificateStanding,
    CertificateTransaction,
    RawItem,
    RemoteCertificate,
    TransactionKind,
)
from providers.gateways.exsited import wire
from providers.gateways.exsited.answers import decoded
from providers.gateways.fields import FieldError
from providers.gateways.strict_json import decode_object, storable

_CERTIFICATE = msgspec.json.Decoder(wire.Certificate, float_hook=Decimal)
_AS_WRITTEN = msgspec.json.Encoder(decimal_format="number")


def certificate(item: RawItem) -> RemoteCertificate:
    """Read an item of a slice; FieldError or JsonError (ValueErrors) if it cannot be read."""
    told = decoded(_CERTIFICATE, item.content)
    if _is_doubtful(item.content, told):
        storable(decode_object(item.content))
    if told.uuid != item.external_id:
        raise FieldError("the certificate has another uuid than its item")
    currency, status = _currency(told.currency), _required(told.status, "the status")
    return RemoteCertificate(
        external_id=told.uuid,
        code=_required(told.code, "the code"),
        status_text=status,
        standing=standing_of(status),
        currency=currency,
        amount=_minor(told.amount, currency, "the amount"),
        remaining=_minor(told.remaining_balance, currency, "what remains"),
        used=_minor(told.used_amount, currency, "what was used"),
        accounting_code=told.accounting_code,
        expires_on=_day(told.expiry_date, "the day of expiry"),
        created_at=_moment(told.created_on, "the time of creation"),
        created_by=told.created_by or "",
        changed_at=_moment(told.last_updated_on, "the time of the last change"),
        changed_by=told.last_updated_by or "",
        attributes=tuple(map(_attribute, told.custom_attributes)),
        allocations=tuple(map(allocation, told.allocations)),
        transactions=tuple(map(transaction, told.transactions)),
    )


def allocation(told: wire.Allocation) -> CertificateAllocation:
    """Read one entry of whom it was given to; FieldError if it cannot be read."""
    kind = _required(told.type, "the type of an allocation")
    return CertificateAllocation(
        kind=wire.ALLOCATION_KINDS.get(kind.casefold(), AllocationKind.UNMAPPED),
        kind_text=kind,
        at=_moment(told.date, "the time of an allocation"),
        account=_required(told.account, "the account of an allocation"),
    )


def transaction(told: wire.Transaction) -> CertificateTransaction:
    """Read one entry of its amounts; FieldError if it cannot be read."""
    kind, currency = _required(told.type, "the type of a transaction"), _currency(told.currency)
    at = _moment(told.date, "the time of a transaction")
    if at is None:
        raise FieldError("the time of a transaction is missing")
    return CertificateTransaction(
        kind=wire.TRANSACTION_KINDS.get(kind.casefold(), TransactionKind.UNMAPPED),
        kind_text=kind,
        at=at,
        amount=_minor(told.amount, currency, "the amount of a transaction"),
        currency=currency,
        accounting_code=told.accounting_code or "",
        reference=told.reference or "",
    )


def standing_of(text: str) -> CertificateStanding:
    """Exact after trimming and without case; anything else is a text for a person."""
    return wire.STANDINGS.get(text.strip().casefold(), CertificateStanding.UNMAPPED)


# --- What typed reading does not see ------------------------------------------------------------


def _is_doubtful(content: bytes, told: wire.Certificate) -> bool:
    r"""Whether it must be read with all care: a key may be there twice, or a text hold a NUL.

    A NUL can only be written as `\u0000`. What was read, written again, has as many colons as it
    had (but for those that were written as `\u003a`), less those of what was not read: unknown
    keys, nulls, keys that are there twice.
    """
    if b"\\" in content and any(escaped in content for escaped in _DOUBTFUL):
        return True
    return content.count(b":") != msgspec.json.encode(told).count(b":")


_DOUBTFUL = (rb"\u0000", rb"\u003")


# --- Fields -------------------------------------------------------------------------------------


def _required(text: str, what: str) -> str:
    stripped = text.strip()
    if not stripped:
        raise FieldError(f"{what} is missing")
    return stripped


def _currency(text: str) -> str:
    code = text.strip().upper()
    if code not in EXPONENTS:
        raise FieldError("the currency is not one we know")
    return code


def _minor(value: Any, currency: str, what: str) -> int:
    """An amount, text or number, in minor units; nothing is rounded."""
    try:
        if type(value) is str:
            return _minor_in(value, currency)
        if type(value) in (int, Decimal):
            return _minor_of(value, currency)
    except MoneyError:
        pass  # said below, without the amount
    raise FieldError(f"{what} is not an amount of {currency}")


def _minor_of(number: int | Decimal, currency: str) -> int:
    """The same of a number, which may be written in powers of ten: 1E+2."""
    text = str(number)
    if "E" in text:
        return Money.from_decimal(number, currency).minor
    return _minor_in(text, currency)


@lru_cache(maxsize=10_000)
def _minor_in(text: str, currency: str) -> int:
    """The same of a text. Remembered: a certificate says most of its amounts more than once."""
    if not wire.AMOUNT.fullmatch(text):
        raise MoneyError("That is not an amount.")
    shifted = Decimal(text).scaleb(EXPONENTS[currency])  # exact, `AMOUNT` has at most 20 digits
    minor = int(shifted)
    if minor != shifted or abs(minor) > MOST:
        raise MoneyError("That is not an amount of this currency.")
    return minor


def _moment(text: str | None, what: str) -> datetime | None:
    """A time in one of their two forms, None if there is none; one without a zone is UTC."""
    if not text:
        return None
    if len(text) < len("YYYY-MM-DDTHH:MM:SS") or text[4] + text[7] + text[10:14:3] not in _MARKS:
        raise FieldError(f"{what} is not a time")  # though `fromisoformat` may take it
    try:
        moment = datetime.fromisoformat(text)
        if moment.tzinfo is None:
            return datetime.fromisoformat(f"{text}Z")  # three times as quick as `replace`
        return moment if moment.tzinfo is UTC else moment.astimezone(UTC)
    except (ValueError, OverflowError):
        raise FieldError(f"{what} is not a time") from None


_MARKS = ("--T:", "-- :")


def _day(text: str | None, what: str) -> date | None:
    """The day of a time in any of their forms, None if there is none."""
    if not text:
        return None
    if len(text) > len("YYYY-MM-DD"):
        _moment(text, what)
    try:
        return date.fromisoformat(text[:10])
    except ValueError:
        raise FieldError(f"{what} is not a day") from None


def _attribute(told: wire.Attribute) -> tuple[str, str]:
    """Name and value; a value that is no text is told as it is written in JSON."""
    name = told.name or (told.attribute.name if told.attribute else "") or ""
    value = told.value
    if value is None:
        value = ""
    elif type(value) is not str:
        value = _AS_WRITTEN.encode(value).decode()
    if len(value) > wire.LONGEST_ATTRIBUTE:
        raise FieldError("a custom attribute is too long")
    return _required(name, "the name of a custom attribute"), value
