"""What the faults do to an answer; each says False where there is nothing to do."""

from collections.abc import Callable
from typing import Any

from providers.sandbox.faults import Params
from providers.sandbox.mutations import find
from providers.sandbox.shaping import Change


def on_items(change: Callable[[list[Any], Params], Any]) -> Change:
    """Edit the certificates of a page; an empty one has none."""

    def edit(value: Any, params: Params) -> bool:
        if not value.get("gift_certificates"):
            return False
        value["gift_certificates"] = change(value["gift_certificates"], params)
        return True

    return edit


def on_pagination(change: Callable[[dict[str, Any], Params], None]) -> Change:
    """Edit the pagination of the list or of a history."""

    def edit(value: Any, params: Params) -> bool:
        found = [holder[key] for holder, key in find(value, "pagination")]
        for one in found:
            change(one, params)
        return bool(found)

    return edit


def add_records(pagination: dict[str, Any], params: Params) -> None:
    """More or fewer records, written as they were."""
    true = pagination["records"]
    pagination["records"] = type(true)(max(0, int(true) + int(params["by"])))


def say_in_pagination(*keys: str) -> Callable[[dict[str, Any], Params], None]:
    """`value` under these keys."""

    def change(pagination: dict[str, Any], params: Params) -> None:
        pagination |= dict.fromkeys(keys, params["value"])

    return change


def say(key: str) -> Change:
    """`value` under that key, in the first certificate or token of an answer."""

    def change(value: Any, params: Params) -> bool:
        spots = list(find(value, key))
        for holder, name in spots[:1]:
            holder[name] = params["value"]
        return bool(spots)

    return change


def rename(key: str) -> Change:
    """What stands under `key` stands under another one."""

    def change(value: Any, params: Params) -> bool:
        if key not in value:
            return False
        value[params["key"]] = value.pop(key)
        return True

    return change


def as_v4(value: Any, _params: Params) -> bool:
    """The list in the envelope of the next version (contract section 10)."""
    value["object"], value["data"] = "list", value.pop("gift_certificates")
    return True
