"""Rows that are broken on purpose: what is told of them is not what is true."""

from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any

Quirks = dict[str, Any]
NAN = float("nan")
GONE = {"gone": True}  # a field with this value is left out


def _say(given: Quirks) -> Quirks:
    return {"say": {str(given["field"]): given["value"]}}


# How a row is broken: the parameters with their defaults, and the quirk that they make.
BREAKS: Mapping[str, tuple[Quirks, Callable[[Quirks], Quirks]]] = {
    "remaining_off": ({"by": 1.0}, lambda given: {"remaining_off": float(given["by"])}),
    "sum_off": ({"by": 1.0}, lambda given: {"sum_off": float(given["by"])}),
    "mixed_currency": ({"currency": "JPY"}, lambda given: {"mixed": str(given["currency"])}),
    "thousands": ({"field": "amount", "value": "1,000.00"}, _say),
    "nan": ({"field": "amount", "value": NAN}, _say),
    "nan_text": ({"field": "amount", "value": "NaN"}, _say),
    "huge": ({"field": "amount", "value": 1e30}, _say),
    "null": ({"field": "amount", "value": None}, _say),
    "bool": ({"field": "amount", "value": True}, _say),
    "say": ({"field": "amount", "value": ""}, _say),
    "drop": ({"field": "uuid"}, lambda given: {"say": {str(given["field"]): GONE}}),
}


def add_quirk(quirks: Quirks, given: Mapping[str, Any]) -> None:
    """Break a row once more: `how` with its parameters. KeyError when there is no such way."""
    defaults, make = BREAKS[given["how"]]
    made = make({name: given.get(name, default) for name, default in defaults.items()})
    for name, value in made.items():
        quirks[name] = quirks[name] | value if name == "say" and name in quirks else value


def shown(value: dict[str, Any], quirks: Quirks) -> dict[str, Any]:
    """The JSON of a certificate as it is told."""
    if not quirks:
        return value
    if "remaining_off" in quirks:
        value["remaining_balance"] = _shifted(value["remaining_balance"], quirks["remaining_off"])
    last = value["transactions"][-1:]
    for transaction in last:
        if "sum_off" in quirks:
            transaction["amount"] = _shifted(transaction["amount"], quirks["sum_off"])
        transaction["currency"] = quirks.get("mixed", transaction["currency"])
    said = {**value, **quirks.get("say", {})}
    return {field: what for field, what in said.items() if what != GONE}


def _shifted(amount: str | float, by: float) -> str | float:
    """An amount, `by` main units more, written as it was."""
    if isinstance(amount, str):
        return str(Decimal(amount) + Decimal(str(by)))
    return float(Decimal(str(amount)) + Decimal(str(by)))
