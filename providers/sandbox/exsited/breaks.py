"""Rows that are broken on purpose: what is told of them is not what is true."""

from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any

Quirks = dict[str, Any]
NAN = float("nan")

BREAKS: Mapping[str, tuple[dict[str, Any], Callable[[Mapping[str, Any]], Quirks]]] = {
    "remaining_off": ({"by": 1.0}, lambda given: {"remaining_off": given["by"]}),
    "sum_off": ({"by": 1.0}, lambda given: {"sum_off": given["by"]}),
    "mixed_currency": ({"currency": "JPY"}, lambda given: {"mixed": given["currency"]}),
    "thousands": ({"field": "amount"}, lambda given: _say(given, "1,000.00")),
    "nan": ({"field": "amount"}, lambda given: _say(given, NAN)),
    "nan_text": ({"field": "amount"}, lambda given: _say(given, "NaN")),
    "huge": ({"field": "amount"}, lambda given: _say(given, 1e30)),
    "null": ({"field": "amount"}, lambda given: _say(given, None)),
    "bool": ({"field": "amount"}, lambda given: _say(given, True)),
    "say": ({"field": "amount", "value": ""}, lambda given: _say(given, given["value"])),
    "drop": ({"field": "uuid"}, lambda given: {"drop": [given["field"]]}),
}


def _say(given: Mapping[str, Any], value: Any) -> Quirks:
    return {"say": {given["field"]: value}}


def shown(value: dict[str, Any], quirks: Quirks) -> dict[str, Any]:
    """The JSON of a certificate as it is told; changes `value`."""
    if not quirks:
        return value
    if "remaining_off" in quirks:
        value["remaining_balance"] = _shifted(value["remaining_balance"], quirks["remaining_off"])
    last = value["transactions"][-1:]
    for transaction in last:
        if "sum_off" in quirks:
            transaction["amount"] = _shifted(transaction["amount"], quirks["sum_off"])
        transaction["currency"] = quirks.get("mixed", transaction["currency"])
    value |= quirks.get("say", {})
    for field in quirks.get("drop", ()):
        value.pop(field, None)
    return value


def _shifted(amount: str | float, by: float) -> str | float:
    """An amount, `by` main units more, written as it was."""
    if isinstance(amount, str):
        return str(Decimal(amount) + Decimal(str(by)))
    return float(Decimal(str(amount)) + Decimal(str(by)))
