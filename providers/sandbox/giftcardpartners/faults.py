"""The faults that only a provider of this shape can have."""

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from providers.sandbox.faults import Commits, Kind, Params
from providers.sandbox.giftcardpartners import orders
from providers.sandbox.mutations import Targets, find
from providers.sandbox.shaping import (
    Change,
    Damage,
    Shape,
    Step,
    edit,
    fall_back,
    put,
    resumed,
    twist,
)
from providers.sandbox.wire import Reply, dump, html_reply, json_reply

DUPLICATE = "Duplicate order. PO number must be unique."
PURCHASES = frozenset({"createOrder"})
WITH_ORDERS = PURCHASES | {"getOrder", "listOrders"}
TOKENS = frozenset({"createToken"})
TARGETS = Targets(
    texts=("Id", "Value", "CurrencyCode", "Status"),
    numbers=("Value", "Available", "ExpiresIn", "Cost", "Fee", "TotalCount"),
)


def _refuse(status: int) -> Callable[[Params], Reply]:
    return lambda params: json_reply(status, {"Message": params["message"]})


def _conflict(params: Params) -> Reply:
    ids = [params["id"]] if params["id"] else []
    return json_reply(409, {"Message": DUPLICATE, "PreviousOrderIds": ids})


def _on_conflict(change: Callable[[Reply], Reply]) -> Damage:
    return lambda reply, _params, _targets: change(reply) if reply.status == 409 else None


def _without_ids(reply: Reply) -> Reply:
    return replace(reply, body=dump({"Message": reply.json()["Message"]}))


def _shift(key: str) -> Change:
    def change(value: Any, params: Params) -> bool:
        lines = _lines(value)
        for line in lines:
            line[key] += params["by"]
        return bool(lines)

    return change


def _swap_product(value: Any, params: Params) -> bool:
    lines = _lines(value)
    for line in lines:
        line["ProductId"] = params["product"]
    return bool(lines)


def _lines(value: Any) -> list[Any]:
    return [line for holder, key in find(value, "LineItems") for line in holder[key]]


def _orders(value: Any) -> list[Any]:
    return [holder for holder, _key in find(value, "LineItems")]


def _echo(value: Any, params: Params) -> bool:
    spots = _orders(value)
    for holder in spots:
        holder["PONumber"] = params["reference"]
    return bool(spots)


def _drop_id(value: Any, _params: Params) -> bool:
    return bool([holder.pop("Id", None) for holder in _orders(value)])


def _no_value(value: Any, _params: Params) -> bool:
    value["AccessToken"] = value.pop("Value")
    return True


def _expires(make: Callable[[int, Params], Any]) -> Change:
    def change(value: Any, params: Params) -> bool:
        value["ExpiresIn"] = make(value["ExpiresIn"], params)
        return True

    return change


def _camel_case(reply: Reply, _params: Params, _targets: Targets) -> Reply | None:
    try:
        value = json.loads(reply.body)
    except ValueError:
        return None
    return replace(reply, body=dump(_lowered(value)))


def _lowered(value: Any) -> Any:
    if isinstance(value, dict):
        return {_camel(key): _lowered(inner) for key, inner in value.items()}
    return [_lowered(inner) for inner in value] if isinstance(value, list) else value


def _camel(key: str) -> str:
    return "poNumber" if key == "PONumber" else key[:1].lower() + key[1:]


def _only(status: str) -> Shape:
    """`after` seconds later that status, and nothing else."""
    return put("steps", lambda _plan, params: [(params["after"], status)])


def _unknown(_plan: Any, params: Params) -> list[Step]:
    return [(0.0, params["text"]), *resumed(0.0, params, orders.COMPLETED)]


def _hidden(plan: Any, params: Params) -> None:
    plan.unlisted_for = float(params["seconds"])
    plan.unfound_for = plan.unlisted_for if params["by_id"] else 0.0


def _kind(name: str, what: str, shape: Shape, **defaults: Any) -> Kind:
    return Kind(name=name, what=what, defaults=defaults, operations=PURCHASES, shape=shape)


def _never(name: str, what: str, answer: Callable[[Params], Reply], **defaults: Any) -> Kind:
    return Kind(
        name=name,
        what=what,
        commits=Commits.NEVER,
        defaults=defaults,
        operations=PURCHASES,
        answer=answer,
    )


def _lying(name: str, what: str, change: Change, **defaults: Any) -> Kind:
    return Kind(
        name=name, what=what, defaults=defaults, operations=WITH_ORDERS, damage=edit(change)
    )


def _token(name: str, what: str, change: Change, **defaults: Any) -> Kind:
    return Kind(name=name, what=what, defaults=defaults, operations=TOKENS, damage=edit(change))


KINDS = (
    _never(
        "bad_request_known",
        "400 with a text of the provider's own",
        _refuse(400),
        message="ProductId is not known",
    ),
    _never(
        "insufficient_funds",
        "422, whatever the deposit",
        _refuse(422),
        message="Insufficient funds",
    ),
    _never(
        "conflict_spurious",
        "409 that claims the PO number is taken, by the order `id` (null: without one)",
        _conflict,
        id=None,
    ),
    Kind(
        name="conflict_without_ids",
        what="the 409 of a used PO number, without PreviousOrderIds",
        operations=PURCHASES,
        damage=_on_conflict(_without_ids),
    ),
    Kind(
        name="conflict_html",
        what="the 409 of a used PO number, as a page",
        operations=PURCHASES,
        damage=_on_conflict(lambda _reply: html_reply(409, "Conflict")),
    ),
    Kind(
        name="conflict_foreign_id",
        what="the 409 of a used PO number, with the id of somebody else's order",
        operations=PURCHASES,
        damage=_on_conflict(lambda reply: reply),
    ),
    _lying("line_value_off", "the answer says another value", _shift("Value"), by=1),
    _lying("quantity_off", "the answer says another quantity", _shift("Quantity"), by=1),
    _lying(
        "line_product_swapped", "the answer says another product", _swap_product, product="UBER-L"
    ),
    _lying("missing_id", "an order without its id", _drop_id),
    _lying(
        "echo_other_reference",
        "an order under the PO number of somebody else",
        _echo,
        reference="somebody-else",
    ),
    Kind(name="camel_case", what="all keys in camelCase", damage=_camel_case),
    Kind(
        name="paging_shift",
        what="`rows` orders of strangers appear right after a page was read",
        defaults={"rows": 3},
        operations=frozenset({"listOrders"}),
        damage=lambda reply, _params, _targets: reply,
    ),
    _token("token_malformed", "a token under another key than Value", _no_value),
    _token("token_expires_zero", "ExpiresIn is 0", _expires(lambda _true, _params: 0)),
    _token("token_expires_negative", "ExpiresIn is negative", _expires(lambda true, _p: -true)),
    _token("token_expires_string", "ExpiresIn is a string", _expires(lambda true, _p: str(true))),
    _token(
        "token_expires_minutes", "ExpiresIn is in minutes", _expires(lambda true, _p: true // 60)
    ),
    Kind(
        name="token_revoked_early",
        what="a token that is worth nothing `after` seconds later, whatever ExpiresIn says",
        defaults={"after": 0.0},
        operations=TOKENS,
    ),
    _kind("duplicate_claim_link", "the same claim link twice in one order", twist("duplicate")),
    _kind("foreign_claim_link", "the claim link of another order", twist("foreign")),
    _kind("extra_claim_data", "`cards` more cards than ordered", twist("extra", "cards"), cards=1),
    _kind(
        "short_claim_data", "`cards` fewer cards than ordered", twist("missing", "cards"), cards=1
    ),
    _kind(
        "line_failed",
        "the line at `position` fails alone, with its money back",
        twist("fail_line", "position"),
        position=1,
    ),
    _kind(
        "status_jump",
        "Completed at once, however large",
        put("steps", lambda _plan, _params: [(0.0, orders.COMPLETED)]),
    ),
    _kind(
        "pending",
        "completed `after` seconds later, however small",
        _only(orders.COMPLETED),
        after=5.0,
    ),
    _kind(
        "pending_forever",
        "Pending, and nothing follows",
        put("steps", lambda _plan, _params: []),
    ),
    _kind(
        "failed",
        "fails `after` seconds later instead of being completed",
        _only(orders.FAILED),
        after=5.0,
    ),
    _kind("cancelled", "is cancelled `after` seconds later", _only(orders.CANCELLED), after=5.0),
    _kind(
        "status_regression",
        "Completed, `after` seconds later back to `to`, and perhaps Completed again",
        fall_back(orders.COMPLETED),
        after=5.0,
        to=orders.PENDING,
        resume_after=None,
    ),
    _kind(
        "status_unknown",
        "a status that no document lists",
        put("steps", _unknown),
        text="Awaiting Fulfilment Partner",
        resume_after=None,
    ),
    _kind(
        "delayed_visibility",
        "the list does not show it for `seconds` (0 to 1200); `by_id`: nor does the look-up",
        _hidden,
        seconds=600.0,
        by_id=False,
    ),
)
