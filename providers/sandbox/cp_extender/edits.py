"""What is wrong with an answer that was edited on its way."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from providers.sandbox.faults import Params
from providers.sandbox.kinds import MEBIBYTE
from providers.sandbox.mutations import Targets, decoded, find
from providers.sandbox.shaping import Change, Damage
from providers.sandbox.wire import Reply, dump


def say(key: str, param: str) -> Change:
    """Give every `key` what the parameter says."""

    def change(value: Any, params: Params) -> bool:
        spots = list(find(value, key))
        for holder, name in spots:
            holder[name] = params[param]
        return bool(spots)

    return change


def add(key: str) -> Change:
    """Add the parameter `by` to every `key`."""

    def change(value: Any, params: Params) -> bool:
        spots = list(find(value, key))
        for holder, name in spots:
            holder[name] = round(holder[name] + params["by"], 2)
        return bool(spots)

    return change


def drop(key: str) -> Change:
    """Leave every `key` out."""

    def change(value: Any, _params: Params) -> bool:
        return bool([holder.pop(name) for holder, name in list(find(value, key))])

    return change


def on_numbers(change: Callable[[list[Any], Params], list[Any]]) -> Change:
    """Change the list of numbers of ReserveIds."""

    def within(value: Any, params: Params) -> bool:
        if not value.get("GiftCards"):
            return False
        value["GiftCards"] = change(value["GiftCards"], params)
        return True

    return within


def first_twice(numbers: list[Any], _params: Params) -> list[Any]:
    """The first number again in the place of the last; a single one gets a twin."""
    return [*(numbers[:-1] if len(numbers) > 1 else numbers), numbers[0]]


def repeat_numbers(
    reply: Reply, params: Params, earlier: Callable[[list[str]], list[str]]
) -> Reply | None:
    """Put numbers that were given before in the place of as many new ones."""
    numbers = (decoded(reply) or {}).get("GiftCards", [])
    old = earlier(numbers)[: min(int(params["numbers"]), len(numbers))]
    if not old:
        return None
    return replace(reply, body=dump({"GiftCards": [*old, *numbers[len(old) :]]}))


def write_differently(value: Any, _params: Params) -> bool:
    """The number of a card with a blank for the dash, in lower case."""
    card = value.get("GiftCard", {})
    card["Id"] = card.get("Id", "").replace("-", " ").lower()
    return True


def on_history(change: Callable[[list[Any], Params], Any]) -> Change:
    """Change the history of BalanceCheck."""

    def within(value: Any, params: Params) -> bool:
        card = value.get("GiftCard", {})
        if not card.get("History"):
            return False
        card["History"] = change(card["History"], params)
        return True

    return within


def without_keys(rows: list[Any], params: Params) -> list[Any]:
    """Rows of a history that lack `keys`."""
    return [{key: text for key, text in row.items() if key not in params["keys"]} for row in rows]


def with_foreign_row(rows: list[Any], params: Params) -> list[Any]:
    """A history with one row more."""
    row = {
        "Activity": params["activity"],
        "Date": rows[0]["Date"],
        "Amount": params["amount"],
        "Location": "Elsewhere",
        "Document": None,
    }
    return [*rows, row]


def with_other_dates(rows: list[Any], _params: Params) -> list[Any]:
    """A history whose dates are in ISO 8601."""

    def turned(text: str) -> str:
        month, day, year = text.split("/")
        return f"{year}-{month}-{day}T00:00:00"

    return [{**row, "Date": turned(row["Date"])} for row in rows]


def under_other_key(value: Any, params: Params) -> bool:
    """The token under another key."""
    value[params["key"]] = value.pop("APItoken")
    return True


def picture(change: Callable[[bytes, Params], bytes], kind: str = "image/jpeg") -> Damage:
    """Damage to a certificate: other bytes, or another type."""

    def damage(reply: Reply, params: Params, _targets: Targets) -> Reply | None:
        if reply.status != 200:
            return None
        return replace(reply, headers={"Content-Type": kind}, body=change(reply.body, params))

    return damage


def padded(true: bytes, params: Params) -> bytes:
    """The picture and zeros behind it."""
    return true.ljust(int(params["mebibytes"] * MEBIBYTE), b"\0")
