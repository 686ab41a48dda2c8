"""What can go wrong with an Ncentiva order: the provider's own library, with parameters drawn."""

from random import Random
from typing import Any

from providers.sandbox.mutations import MUTATIONS
from providers.sandbox.ncentiva.orders import CANCELLED, OUT_OF_STOCK, PROCESSING
from tests.simulation.faults import ON_THE_WAY, FaultKind, Sampler

BUY, FIND, GET, CARDS = "createOrder", "getOrderByCustomerReference", "getOrder", "getOrderCards"
BALANCE, HISTORY, INVENTORY = "getBalance", "listOrders", "listInventory"
READS = (FIND, GET, CARDS, BALANCE, HISTORY, INVENTORY)
LONGEST_LATE = 840.0  # the fault model's 15 minutes, less the way there
LONGEST_HIDDEN = 1100.0  # its 20 minutes, less the way there


def _may_commit(_random: Random) -> dict[str, Any]:
    return {"commit": _random.random() < 0.5}


def _late(random: Random) -> dict[str, Any]:
    answer = random.choice(("504", "hang"))
    return {"delay": random.uniform(5, LONGEST_LATE), "answer": answer}


def _resumes(random: Random) -> dict[str, Any]:
    return {"resume_after": random.choice((None, 60.0, 3000.0))}


def _wrong_length(random: Random) -> dict[str, Any]:
    return {"size": random.choice((-7, -1, 1, 40))}


def _regresses(random: Random) -> dict[str, Any]:
    to = random.choice((PROCESSING, OUT_OF_STOCK, CANCELLED))
    after = random.choice((1.0, 30.0))
    return {"to": to, "after": after, "resume_after": None if to == CANCELLED else 400.0}


def _kinds(names: str, sample: Sampler | None = None, *operations: str) -> list[FaultKind]:
    chosen = {"sample": sample} if sample else {}
    return [
        FaultKind(name=name, operations=frozenset(operations) or None, **chosen)  # type: ignore[arg-type]
        for name in names.split()
    ]


FAULTS = (
    *_kinds(" ".join(ON_THE_WAY)),
    *_kinds("latency", lambda random: {"seconds": random.choice((1.0, 12.0, 30.0, 60.0))}),
    *_kinds("timeout_before_commit timeout_after_commit reset_before_commit reset_after_commit"),
    *_kinds("truncated_json overlong_body gzip_bomb"),
    *_kinds("slow_drip", lambda random: {"seconds": random.choice((0.01, 0.5))}),
    *_kinds("wrong_content_length", _wrong_length),
    *_kinds("half_headers html_200 html_502 empty_200 no_content_204", _may_commit),
    *_kinds("redirect_301 redirect_302 redirect_307 redirect_308", _may_commit),
    *_kinds("bad_request_unknown bad_request_html", _may_commit),
    *_kinds("http_500 http_502 http_503 http_504", _may_commit),
    *_kinds("http_401 http_403 rate_limited rate_limited_no_hint"),
    *_kinds("http_404", None, BUY, BALANCE, HISTORY, INVENTORY),
    *_kinds("maintenance bad_request_known"),
    *_kinds("duplicate_reference", None, BUY),
    *_kinds("late_commit", _late, BUY),
    *_kinds(
        "delayed_visibility", lambda random: {"seconds": random.uniform(1, LONGEST_HIDDEN)}, BUY
    ),
    *_kinds("clock_skew", lambda random: {"hours": random.choice((-24.0, 24.0))}, BUY),
    *_kinds(
        "duplicate_code foreign_code extra_cards missing_cards status_jump cancelled", None, BUY
    ),
    *_kinds("status_regression", _regresses, BUY),
    *_kinds("status_unknown out_of_stock low_fund on_hold", _resumes, BUY),
    *_kinds("amount_off_by_one quantity_off_by_one", lambda random: {"by": random.choice((-1, 1))}),
    *_kinds("missing_name echo_other_reference", None, BUY, GET, FIND, HISTORY),
    *_kinds("paging_shift", None, HISTORY),
    *_kinds(" ".join(f"mutate_{name}" for name in MUTATIONS)),
)
