"""The JSON objects of the contract, with the deviations of its section 3."""

import time
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

from providers.sandbox.exsited.certificate import Allocation, Certificate, Transaction

NO_PAGE = "NULL"
EXPIRY_HOUR = "T10:00:00Z"
LINK = "https://api.exsited.example/api/v3/gift_certificates"  # nobody should follow it


def money(minor: int, places: int = 2) -> str:
    """Minor units as decimal text: 2500 -> 25.00, in the list 25.00000."""
    sign, value = ("-", -minor) if minor < 0 else ("", minor)
    return f"{sign}{value // 100}.{value % 100:02d}{'0' * (places - 2)}"


def stamp(seconds: float) -> str:
    """Unix time as it stands in the list's transactions: `2025-08-10 07:00:14.25310`."""
    day, clock = _day_and_clock(int(seconds))
    return f"{day} {clock}.{int(seconds % 1 * 100_000):05d}"


def iso(seconds: float) -> str:
    """Unix time as everywhere else: `2025-08-10T07:00:14Z`."""
    day, clock = _day_and_clock(int(seconds))
    return f"{day}T{clock}Z"


def _day_and_clock(seconds: int) -> tuple[str, str]:
    """Both halves of a time; a large book has few days, and each is written once."""
    days, rest = divmod(seconds, 86_400)
    return date(days), f"{rest // 3600:02d}:{rest // 60 % 60:02d}:{rest % 60:02d}"


@lru_cache(maxsize=10_000)
def date(days: int) -> str:
    """Days since 1970 as a date."""
    return time.strftime("%Y-%m-%d", time.gmtime(days * 86_400))


def one_json(one: Certificate) -> dict[str, Any]:
    """A certificate by itself."""
    return {
        **_head(one, 2),
        "custom_attributes": [
            {"attribute": {"id": str(position), "name": name}, "value": value}
            for position, (name, value) in enumerate(one.attributes, start=1)
        ],
        "allocations": [allocation_json(each) for each in one.allocations],
        "transactions": [transaction_json(each) for each in one.transactions],
    }


def item_json(one: Certificate, bare: bool) -> dict[str, Any]:
    """A certificate in the list; `bare`: the amounts of its transactions are numbers."""
    return {
        **_head(one, 5),
        "custom_attributes": [{"name": name, "value": value} for name, value in one.attributes],
        "allocations": [allocation_json(each) for each in one.allocations],
        "transactions": [_listed_transaction(each, bare) for each in one.transactions],
    }


def _head(one: Certificate, places: int) -> dict[str, Any]:
    return {
        "status": one.status,
        "accounting_code": one.accounting_code,
        "code": one.code,
        "amount": money(one.amount, places),
        "remaining_balance": money(one.remaining, places),
        "used_amount": money(one.used, places),
        "currency": one.currency,
        "expiry_date": one.expires_on and one.expires_on + EXPIRY_HOUR,
        "created_by": one.created_by,
        "created_on": iso(one.created_at),
        "last_updated_by": one.updated_by,
        "last_updated_on": iso(one.updated_at) if one.updated_at else "",
        "uuid": one.uuid,
    }


def allocation_json(one: Allocation) -> dict[str, Any]:
    """One allocation."""
    return {"account": one.account, "type": one.type, "date": iso(one.at)}


def transaction_json(one: Transaction) -> dict[str, Any]:
    """One transaction, outside the list."""
    return {
        "date": iso(one.at),
        "type": one.type.capitalize(),
        "accounting_code": one.accounting_code,
        "amount": money(one.minor),
        "currency": one.currency,
        "reference": one.reference,
    }


def _listed_transaction(one: Transaction, bare: bool) -> dict[str, Any]:
    return {
        "accounting_code": one.accounting_code,
        "type": one.type,
        "date": stamp(one.at),
        "amount": one.minor / 100 if bare else money(one.minor, 5),
        "currency": one.currency,
        "reference": one.reference,
    }


def pagination_json(records: int, limit: int, offset: int) -> dict[str, Any]:
    """The pagination of the list: numbers, and links where there is a page."""
    before, after = offset - limit, offset + limit
    return {
        "records": records,
        "limit": limit,
        "offset": offset,
        "previous_page": _link(limit, max(0, before)) if offset > 0 else NO_PAGE,
        "next_page": _link(limit, after) if after < records else NO_PAGE,
    }


def sub_list_json(
    name: str, rows: Sequence[Mapping[str, Any]], limit: int, offset: int
) -> dict[str, Any]:
    """A history with its pagination, whose numbers are texts."""
    pagination = pagination_json(len(rows), limit, offset)
    texts = {key: str(pagination[key]) for key in ("records", "limit", "offset")}
    page = rows[offset : offset + limit]
    links = {"previous_page": NO_PAGE, "next_page": NO_PAGE}
    return {"gift_certificate": {name: page, "pagination": texts | links}}


def _link(limit: int, offset: int) -> str:
    return f"{LINK}?limit={limit}&offset={offset}"
