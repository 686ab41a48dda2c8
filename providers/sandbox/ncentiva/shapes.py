"""The JSON objects of the contract, made from rows of the ledger."""

from collections.abc import Sequence
from typing import Any

from providers.sandbox.clock import iso
from providers.sandbox.ledger import Row
from providers.sandbox.ncentiva.ledger import money


def order_json(order: Row, lines: Sequence[Row]) -> dict[str, Any]:
    """An order; what differs between the lines of a bulk order is left out."""
    body: dict[str, Any] = {
        "name": order["name"],
        "status": order["status"],
        "customerReference": order["reference"],
    }
    if len({line["product"] for line in lines}) == 1:
        body["giftCardTypeId"] = lines[0]["product"]
    if len({line["amount"] for line in lines}) == 1:
        body["amount"] = lines[0]["amount"]
    body["quantity"] = sum(line["quantity"] for line in lines)
    return {**body, "currency": order["currency"], "createdDate": iso(order["shown_at"])}


def inventory_item(row: Row) -> dict[str, Any]:
    """A product as the contract shows it."""
    return {
        "giftCardTypeId": row["id"],
        "name": row["name"],
        "brand": row["brand"],
        "currency": row["currency"],
        "denominationType": "variable" if row["value"] is None else "fixed",
        "cardValue": money(row["value"]),
        "minAmount": money(row["least"]),
        "maxAmount": money(row["most"]),
        "available": bool(row["available"]),
    }


def card_json(row: Row) -> dict[str, Any]:
    """A card as the contract shows it."""
    return {
        "cardNumber": row["card_number"],
        "pin": row["pin"],
        "claimUrl": row["claim_url"],
        "amount": row["amount"],
        "currency": row["currency"],
        "expiryDate": row["expiry_date"],
    }


def cart_item(row: Row) -> dict[str, Any]:
    """A line of the cart as the contract shows it."""
    item = {
        "itemId": row["item_id"],
        "giftCardTypeId": row["product"],
        "amount": row["amount"],
        "quantity": row["quantity"],
    }
    return item if row["reference"] is None else {**item, "orderReference": row["reference"]}
