"""The JSON objects of the contract, made from rows of the ledger and of the catalogue."""

import json
from collections.abc import Sequence
from typing import Any

from providers.sandbox.giftcardpartners.catalogue import Named, Product, Shipping
from providers.sandbox.giftcardpartners.ledger import money
from providers.sandbox.ledger import Row

MEDIA = "https://media.example.com/faceplates"


def order_json(order: Row, lines: Sequence[Row], cards: Sequence[Row]) -> dict[str, Any]:
    """The order resource."""
    return {
        "Id": order["id"],
        "PONumber": order["po_number"],
        "Type": order["type"],
        "Status": order["status"],
        "Note": order["note"],
        "LineItems": [_line_json(order, line, cards) for line in lines],
    }


def _line_json(order: Row, line: Row, cards: Sequence[Row]) -> dict[str, Any]:
    extras = json.loads(line["extras"])
    done = line["status"] == "Completed"
    return {
        "Id": f"li-{order['id']}-{line['position']}",
        "ProductId": line["product"],
        "Quantity": line["quantity"],
        "Value": money(line["value"]),
        "Cost": money(line["cost"]),
        "Status": line["status"],
        "Theme": None,
        "Culture": extras.get("Culture"),
        "BrandingId": extras.get("BrandingId"),
        "ExternalId": extras.get("ExternalId"),
        "DigitalDeliveryAddress": extras.get("DigitalDeliveryAddress"),
        "PhysicalDeliveryAddress": extras.get("PhysicalDeliveryAddress"),
        "Personalization": extras.get("Personalization"),
        "ClaimData": [_claim_json(card) for card in cards if done and _is_claim(card, line)],
    }


def _is_claim(card: Row, line: Row) -> bool:
    return bool(card["line"] == line["id"] and card["claim_link"] is not None)


def _claim_json(card: Row) -> dict[str, Any]:
    return {
        "Id": f"c-{card['id']}",
        "ClaimLink": card["claim_link"],
        "ClaimLinkChallengeAnswer": card["challenge_answer"],
        "BarcodePath": None,
        "BarcodeType": None,
    }


def product_json(one: Product) -> dict[str, Any]:
    """A product."""
    return {
        "Id": one.id,
        "Name": one.name,
        "Type": "Physical" if one.is_plastic else "Digital",
        "DenominationType": "Variable" if one.variable else "Fixed",
        "Denominations": [money(value) for value in one.denominations],
        "CurrencyCode": one.currency,
        "CultureCodes": list(one.cultures),
        "AvailableDeliveryTypes": list(one.delivery),
        "ShortDescription": one.short or one.name,
        "LongDescription": one.long or f"<p>A gift card of {one.brand}.</p>",
        "Terms": f"<p>Issued by {one.brand}. No cash value.</p>",
        "Disclaimer": f"{one.brand} is no sponsor of this programme.",
        "RedemptionNote": None if one.is_plastic else "Open the link and enter the answer.",
        "Meta": {
            "ShippingConfiguration": {
                "FulfillmentGroup": "GROUP1" if one.is_plastic else None,
                "HasRequiredCardCarriers": one.needs_carrier,
            }
        },
        "Media": {"Faceplates": [{"Name": "Default", "Path": f"{MEDIA}/{one.id}.png"}]},
        "Cost": {"Fee": money(one.fee), "DiscountPercentage": one.discount / 100},
        "Translations": [_translation(one, culture) for culture in one.cultures],
    }


def _translation(one: Product, culture: str) -> dict[str, Any]:
    return {
        "CultureCode": culture,
        "Name": one.name,
        "Description": one.long or None,
        "TermsAndConditions": f"<p>Issued by {one.brand}. No cash value.</p>",
        "SpecialTermsAndConditions": None,
        "GeneralRedemptionInstructions": None,
        "OnlineRedemptionInstructions": None,
        "InstoreRedemptionInstructions": None,
        "PrintRedemptionInstructions": None,
    }


def shipping_json(one: Shipping) -> dict[str, Any]:
    """A shipping method."""
    return {
        "Id": one.id,
        "Name": one.name,
        "Description": one.description,
        "Cost": money(one.cost),
        "FulfillmentGroup": one.group,
    }


def carrier_json(one: Named) -> dict[str, Any]:
    """A card carrier."""
    return {"Id": one.id, "Name": one.name, "FulfillmentGroup": one.group}


def named_json(one: Named) -> dict[str, Any]:
    """A branding or a department."""
    return {"Id": one.id, "Name": one.name}
