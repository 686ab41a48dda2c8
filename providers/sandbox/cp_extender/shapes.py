"""The JSON objects of the contract, made from rows of the ledger and of the catalogue."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from providers.sandbox.cp_extender.catalogue import ADDRESS_KEYS, Customer
from providers.sandbox.cp_extender.ledger import OPEN, money
from providers.sandbox.ledger import Row

PENDING = "Pending Charge"


def date(seconds: float) -> str:
    """Unix time as the contract's date in UTC: `02/25/2020`."""
    return datetime.fromtimestamp(int(seconds), UTC).strftime("%m/%d/%Y")


def card_json(
    card: Row, movements: Sequence[Row], holds: Sequence[Row], pending_in: str | None
) -> dict[str, Any]:
    """A card with its history; `pending_in`: the location under which open holds are in it."""
    balance = sum(row["minor"] for row in movements)
    held = [row for row in holds if row["state"] == OPEN]
    total = sum(row["held"] for row in held)
    rows = [_history_json(row) for row in movements]
    if pending_in is not None:
        rows += [_pending_json(row, pending_in) for row in held]
    return {
        "Id": card["number"],
        "Type": "giftcard",
        "Status": card["status"],
        "Balance": money(balance),
        "OpenAuthorizations": money(total),
        "AvailableBalance": money(balance - total),
        "History": rows,
    }


def _history_json(row: Row) -> dict[str, Any]:
    return {
        "Activity": row["activity"],
        "Date": date(row["shown_at"]),
        "Amount": money(row["minor"]),
        "Location": row["location"],
        "Document": row["document"],
    }


def _pending_json(hold: Row, location: str) -> dict[str, Any]:
    return {
        "Activity": PENDING,
        "Date": date(hold["placed_at"]),
        "Amount": money(-hold["held"]),
        "Location": location,
        "Document": hold["sale_id"],
    }


def hold_json(hold: Row) -> dict[str, Any]:
    """The answer to Authorize."""
    return {
        "RequestId": hold["request_id"],
        "Type": "giftcard",
        "AuthorizedAmount": money(hold["held"]),
        "AuthCode": hold["auth_code"],
    }


def customer_json(one: Customer) -> dict[str, Any]:
    """A customer."""
    names = {"FullName": one.name, "FirstName": one.first, "LastName": one.last}
    address = {
        "Company": one.company,
        **names,
        **dict(zip(ADDRESS_KEYS, one.address, strict=True)),
    }
    return {
        "CustomerInfo": {
            "CPCustomerID": one.number,
            "Category": one.category,
            "Company": one.company,
            **names,
            "Email": one.email,
            "NewsletterSubscribe": "Y" if one.newsletter else "N",
            "BillAddress": address,
            "ShipAddress": dict(address),
        }
    }


STATUS = {
    "Status": "Ok",
    "GlobalDefaults": {
        "eCommerceControlDefaults": {"StrId": "99", "DrwId": "99"},
        "installationSettings": {
            "UsrId": "Z",
            "MgGcProductType": "giftvoucher",
            "CpGcItemNo": "GIFTCARD",
        },
    },
}
VERSION = {"Version": "1.0.0.0"}
