"""What FulfillmentComplete says, truly or not (contract section 7)."""

from collections.abc import Callable
from typing import Any

from providers.sandbox.wire import dump

LARGE = 100 * 1024  # bytes of padding
FORGED_CLAIM = {
    "Id": "c-0",
    "ClaimLink": "https://claim.example.com/e/FORGED",
    "ClaimLinkChallengeAnswer": "FORGED",
    "BarcodePath": None,
    "BarcodeType": None,
}


def _forged(order: dict[str, Any]) -> bytes:
    """An order that nobody placed."""
    lines = [{**line, "ClaimData": [FORGED_CLAIM]} for line in order["LineItems"]]
    strange = {"Id": "000000000000", "PONumber": "FORGED", "Status": "Completed"}
    return dump({**order, **strange, "LineItems": lines})


def _lie(order: dict[str, Any]) -> bytes:
    """Our order, with a status and claim links that it does not have."""
    lines = [{**line, "ClaimData": [FORGED_CLAIM]} for line in order["LineItems"]]
    status = "Failed" if order["Status"] == "Completed" else "Completed"
    return dump({**order, "Status": status, "LineItems": lines})


BODIES: dict[str, Callable[[dict[str, Any]], bytes]] = {
    "order": dump,
    "forged": _forged,
    "lie": _lie,
    "empty": lambda _order: b"",
    "not_json": lambda _order: b"<html>fulfilled</html>",
    "large": lambda order: dump({**order, "Padding": "x" * LARGE}),
}
