"""What can go wrong with a GiftCard Partners order: the provider's own library, with parameters."""

from random import Random
from typing import Any

from providers.sandbox.giftcardpartners.orders import CANCELLED, FAILED, PENDING
from providers.sandbox.mutations import MUTATIONS
from tests.simulation.faults import ON_THE_WAY, FaultKind, Sampler

BUY, GET, HISTORY = "createOrder", "getOrder", "listOrders"
TOKEN, BALANCE, PRODUCTS = "createToken", "getAccountBalance", "listProducts"
READS = (TOKEN, GET, HISTORY, BALANCE, PRODUCTS)
SIGNED = (BUY, GET, HISTORY, BALANCE, PRODUCTS)
LONGEST_LATE = 840.0  # the fault model's 15 minutes, less the way there
LONGEST_HIDDEN = 1100.0  # its 20 minutes, less the way there


def _may_commit(random: Random) -> dict[str, Any]:
    return {"commit": random.random() < 0.5}


def _late(random: Random) -> dict[str, Any]:
    answer = random.choice(("504", "hang"))
    return {"delay": random.uniform(5, LONGEST_LATE), "answer": answer}


def _hidden(random: Random) -> dict[str, Any]:
    return {"seconds": random.uniform(1, LONGEST_HIDDEN), "by_id": random.random() < 0.3}


def _resumes(random: Random) -> dict[str, Any]:
    return {"resume_after": random.choice((None, 60.0, 3000.0))}


def _wrong_length(random: Random) -> dict[str, Any]:
    return {"size": random.choice((-7, -1, 1, 40))}


def _regresses(random: Random) -> dict[str, Any]:
    """What went back to pending goes on; money that was given back stays so."""
    to, after = random.choice((PENDING, FAILED, CANCELLED)), random.choice((1.0, 30.0))
    return {"to": to, "after": after, "resume_after": 400.0 if to == PENDING else None}


def _some_line(random: Random) -> dict[str, Any]:
    return {"position": random.randrange(1, 6)}


def _by_one(random: Random) -> dict[str, Any]:
    return {"by": random.choice((-1, 1))}


def _soon(random: Random) -> dict[str, Any]:
    return {"after": random.choice((1.0, 40.0, 900.0))}


def _kinds(
    names: str, sample: Sampler | None = None, *operations: str, share: float = 0.45
) -> list[FaultKind]:
    chosen = {"sample": sample} if sample else {}
    return [
        FaultKind(name=name, operations=frozenset(operations) or None, share=share, **chosen)  # type: ignore[arg-type]
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
    *_kinds("bad_request_unknown", None, *SIGNED),
    *_kinds("bad_request_html", _may_commit, *SIGNED),
    *_kinds("http_500 http_502 http_503 http_504", _may_commit),
    *_kinds("http_401 http_403 rate_limited rate_limited_no_hint"),
    *_kinds("http_404", None, BUY, TOKEN, BALANCE, PRODUCTS),
    *_kinds("bad_request_known", None, BUY),
    # Funds and duplicates
    *_kinds("insufficient_funds", None, BUY, share=0.6),
    *_kinds("conflict_without_ids conflict_html conflict_foreign_id", None, BUY),
    *_kinds("conflict_spurious", None, BUY, share=0.05),
    *_kinds("late_commit", _late, BUY),
    *_kinds("delayed_visibility", _hidden, BUY),
    # Delivery
    *_kinds("duplicate_claim_link foreign_claim_link extra_claim_data", None, BUY),
    *_kinds("short_claim_data status_jump", None, BUY),
    *_kinds("line_failed", _some_line, BUY),
    *_kinds("pending failed cancelled", _soon, BUY),
    *_kinds("pending_forever", None, BUY, share=0.25),
    *_kinds("status_regression", _regresses, BUY),
    *_kinds("status_unknown", _resumes, BUY),
    # Lies
    *_kinds("line_value_off quantity_off", _by_one, BUY, GET, HISTORY),
    *_kinds("line_product_swapped missing_id echo_other_reference", None, BUY, GET, HISTORY),
    *_kinds("camel_case"),
    *_kinds("paging_shift", None, HISTORY),
    *_kinds("token_malformed token_expires_zero token_expires_negative", None, TOKEN),
    *_kinds("token_expires_string token_expires_minutes", None, TOKEN),
    *_kinds(
        "token_revoked_early", lambda random: {"after": random.choice((0.0, 5.0, 60.0))}, TOKEN
    ),
    *_kinds(" ".join(f"mutate_{name}" for name in MUTATIONS)),
)
