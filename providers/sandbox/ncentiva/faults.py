"""The faults that only a provider of this shape can have."""

from typing import Any

from providers.sandbox.faults import Commits, Kind, Params
from providers.sandbox.mutations import Targets, find
from providers.sandbox.ncentiva import orders
from providers.sandbox.shaping import (
    Change,
    Shape,
    Step,
    copy,
    edit,
    fall_back,
    put,
    resumed,
    twist,
)
from providers.sandbox.wire import Reply, json_reply

PURCHASES = frozenset({"createOrder", "checkoutCart"})
WITH_ORDERS = PURCHASES | {"getOrder", "getOrderByCustomerReference", "listOrders"}
MAINTENANCE = "Our site is currently on maintenance. You can resume your order after 10 minutes!"
KNOWN = "Gift Card Type with ID 1234 not found"
TARGETS = Targets(
    texts=("name", "cardNumber", "currency"),
    numbers=("amount", "balance", "total", "cardValue", "minAmount", "totalRecords"),
)


def _bad_request(params: Params) -> Reply:
    return json_reply(400, {"code": "BAD_REQUEST", "message": params["message"]})


def _shift(key: str) -> Change:
    def change(value: Any, params: Params) -> bool:
        spots = [(holder, name) for holder, name in find(value, key) if _is_number(holder[name])]
        for holder, name in spots:
            holder[name] += params["by"]
        return bool(spots)

    return change


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _echo(value: Any, params: Params) -> bool:
    spots = [holder for holder in _orders(value) if "customerReference" in holder]
    for holder in spots:
        holder["customerReference"] = params["reference"]
    return bool(spots)


def _drop_name(value: Any, _params: Params) -> bool:
    return bool([holder.pop("name", None) for holder in _orders(value)])


def _orders(value: Any) -> list[Any]:
    rows = value.get("data", [value])
    return [one for one in rows if isinstance(one, dict)]


def _parked(status: str) -> Shape:
    """Processing as usual, then `status`, and perhaps Completed after all."""

    def make(plan: Any, params: Params) -> list[Step]:
        (first, _), (last, _) = plan.steps[0], plan.steps[-1]
        resume = resumed(last, params, orders.COMPLETED)
        return [(first, orders.PROCESSING), (last, status), *resume]

    return put("steps", make)


def _unknown(plan: Any, params: Params) -> list[Step]:
    first = plan.steps[0][0]
    return [(first, params["text"]), *resumed(first, params, orders.COMPLETED)]


def _kind(name: str, what: str, shape: Shape, **defaults: Any) -> Kind:
    return Kind(name=name, what=what, defaults=defaults, operations=PURCHASES, shape=shape)


KINDS = (
    Kind(
        name="bad_request_known",
        what="400 with a text of the provider's document",
        commits=Commits.NEVER,
        defaults={"message": KNOWN},
        answer=_bad_request,
    ),
    Kind(
        name="maintenance",
        what="400 that tells of maintenance",
        commits=Commits.NEVER,
        defaults={"message": MAINTENANCE},
        answer=_bad_request,
    ),
    Kind(
        name="duplicate_reference",
        what="400 that claims the reference is taken",
        commits=Commits.NEVER,
        defaults={"message": "Duplicate customer reference"},
        operations=PURCHASES | {"addCartItem"},
        answer=_bad_request,
    ),
    Kind(
        name="amount_off_by_one",
        what="the answer says another amount",
        defaults={"by": 1},
        damage=edit(_shift("amount")),
    ),
    Kind(
        name="quantity_off_by_one",
        what="the answer says another quantity",
        defaults={"by": 1},
        damage=edit(_shift("quantity")),
    ),
    Kind(
        name="missing_name",
        what="an order without its name",
        operations=WITH_ORDERS,
        damage=edit(_drop_name),
    ),
    Kind(
        name="echo_other_reference",
        what="an order under the reference of somebody else",
        defaults={"reference": "somebody-else"},
        operations=WITH_ORDERS,
        damage=edit(_echo),
    ),
    Kind(
        name="paging_shift",
        what="`rows` orders of strangers appear right after a page was read",
        defaults={"rows": 3},
        operations=frozenset({"listOrders"}),
        damage=lambda reply, _params, _targets: reply,
    ),
    _kind("duplicate_code", "the same code twice in one order", twist("duplicate")),
    _kind("foreign_code", "the code of another order", twist("foreign")),
    _kind("extra_cards", "`cards` more cards than ordered", twist("extra", "cards"), cards=1),
    _kind("missing_cards", "`cards` fewer cards than ordered", twist("missing", "cards"), cards=1),
    _kind(
        "status_jump",
        "Completed at once, without Processing",
        put("steps", lambda _plan, _params: [(0.0, orders.COMPLETED)]),
    ),
    _kind(
        "status_regression",
        "Completed, `after` seconds later back to `to`, and perhaps Completed again",
        fall_back(orders.COMPLETED),
        after=5.0,
        to=orders.PROCESSING,
        resume_after=None,
    ),
    _kind(
        "status_unknown",
        "a status that no document lists",
        put("steps", _unknown),
        text="Awaiting Fulfilment Partner",
        resume_after=None,
    ),
    _kind("out_of_stock", "parks as out of stock", _parked(orders.OUT_OF_STOCK), resume_after=None),
    _kind(
        "low_fund",
        "parks for lack of funds, whatever the balance",
        _parked(orders.LOW_FUND),
        resume_after=None,
    ),
    _kind("on_hold", "parks on hold", _parked(orders.ON_HOLD), resume_after=None),
    _kind("cancelled", "is cancelled instead of completed", _parked(orders.CANCELLED)),
    _kind(
        "delayed_visibility",
        "look-ups do not see it for `seconds` (0 to 1200)",
        copy("hidden_for", "seconds"),
        seconds=600.0,
    ),
    _kind(
        "clock_skew",
        "createdDate is `hours` off (-24 to 24)",
        put("shown_shift", lambda _plan, params: params["hours"] * 3600.0),
        hours=24.0,
    ),
)
