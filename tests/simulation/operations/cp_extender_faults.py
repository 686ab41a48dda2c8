"""What can go wrong at CP Extender: the provider's own library, with parameters drawn.

Left out is what no client can survive: a till that says "done" and does nothing or the opposite,
or that denies a card that it has.
"""

from random import Random
from typing import Any

from providers.sandbox.mutations import MUTATIONS
from tests.simulation.faults import ON_THE_WAY, FaultKind, Sampler

RESERVE, CREATE, AUTHORIZE = "reserveIds", "createGiftcard", "authorizeGiftcard"
CONFIRM, CANCEL = "confirmAuthorization", "cancelAuthorization"
CHECK, LOGIN, CUSTOMER = "balanceCheck", "login", "customerFromId"
WRITES = (CREATE, RESERVE, AUTHORIZE, CONFIRM, CANCEL)
FINISH = (CONFIRM, CANCEL)
READS = (CHECK, LOGIN, CUSTOMER)
WITH_BODY = (RESERVE, CREATE, AUTHORIZE, *READS)
SIGNED = (*WRITES, CHECK, CUSTOMER)
LONGEST_LATE = 840.0  # the fault model's 15 minutes, less the way there
LONGEST_HIDDEN = 1100.0  # its 20 minutes, less the way there

LIES = frozenset(
    {
        *("status_unknown", "type_unknown", "foreign_card", "balance_off", "history_null"),
        *("history_keys_missing", "history_foreign_row", "history_other_dates"),
        *(f"mutate_{name}" for name in MUTATIONS),
    }
)
"""Readings that say something else than what is there."""


def _may_commit(random: Random) -> dict[str, Any]:
    return {"commit": random.random() < 0.5}


def _late(random: Random) -> dict[str, Any]:
    answer = random.choice(("504", "hang"))
    return {"delay": random.uniform(5, LONGEST_LATE), "answer": answer}


def _wrong_length(random: Random) -> dict[str, Any]:
    return {"size": random.choice((-7, -1, 1, 40))}


def _some_numbers(random: Random) -> dict[str, Any]:
    return {"numbers": random.choice((1, 2, 5))}


def _soon(random: Random) -> dict[str, Any]:
    return {"after": random.choice((1.0, 600.0, 3600.0, 3900.0))}


def _amount(random: Random) -> dict[str, Any]:
    return {"amount": random.choice((0.0, -5.0, 9999.0))}


def _by(random: Random) -> dict[str, Any]:
    return {"by": random.choice((-1.0, 1.0))}


def _theirs(random: Random) -> dict[str, Any]:
    return {"amount": random.choice((1.37, 2.41, 0.59))}


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
    *_kinds("latency", lambda random: {"seconds": random.choice((1.0, 12.0, 29.0, 60.0))}),
    *_kinds("timeout_before_commit timeout_after_commit reset_before_commit reset_after_commit"),
    *_kinds("truncated_json overlong_body gzip_bomb"),
    *_kinds("slow_drip", lambda random: {"seconds": random.choice((0.01, 0.5))}),
    *_kinds("wrong_content_length", _wrong_length),
    *_kinds("half_headers html_200 html_502 empty_200", _may_commit),
    *_kinds("no_content_204", _may_commit, *WITH_BODY),
    *_kinds("redirect_301 redirect_302 redirect_307 redirect_308", _may_commit),
    *_kinds("bad_request_unknown", None, *SIGNED),
    *_kinds("bad_request_html", _may_commit, *SIGNED),
    *_kinds("http_500 http_502 http_503 http_504", _may_commit),
    *_kinds("http_401 http_403 rate_limited rate_limited_no_hint"),
    *_kinds("http_404 not_found_html"),
    *_kinds("not_found_known", None, *WRITES, LOGIN),
    *_kinds("bad_request_known", None, *WRITES, LOGIN),
    *_kinds("late_commit", _late, *WRITES),
    # Numbers
    *_kinds("numbers_capped", lambda random: {"most": random.choice((1, 2))}, RESERVE),
    *_kinds("numbers_extra numbers_repeated", _some_numbers, RESERVE, share=0.3),
    *_kinds("numbers_twice number_malformed", None, RESERVE, share=0.3),
    *_kinds("reservation_lapses reissued_to_stranger", _soon, RESERVE, share=0.3),
    # Cards
    *_kinds("already_exists not_reserved", None, CREATE, share=0.3),
    *_kinds("create_other_id create_other_form create_renamed", None, CREATE),
    *_kinds("create_value_off", _by, CREATE, share=0.2),
    *_kinds("create_dated_off", lambda random: {"hours": random.choice((-24.0, 24.0))}, CREATE),
    *_kinds(
        "delayed_visibility", lambda random: {"seconds": random.uniform(1, LONGEST_HIDDEN)}, CREATE
    ),
    # Holds
    *_kinds("no_balance auth_code_missing auth_code_empty authorized_type", None, AUTHORIZE),
    *_kinds("authorized_amount", _amount, AUTHORIZE),
    *_kinds("authorized_off", lambda random: {"by": 500.0}, AUTHORIZE),
    *_kinds("authorized_partial", lambda random: {"amount": random.choice((1, 3))}, AUTHORIZE),
    *_kinds("stranger_spends stranger_holds", _theirs, CREATE, AUTHORIZE, *FINISH, share=0.3),
    *_kinds("stranger_releases", None, AUTHORIZE, *FINISH),
    # Lies
    *_kinds("status_unknown type_unknown foreign_card balance_off", None, CHECK),
    *_kinds("history_keys_missing history_foreign_row history_null", None, CHECK),
    *_kinds("history_other_dates", None, CHECK),
    *_kinds("token_malformed token_other_key", None, LOGIN),
    *_kinds(
        "token_revoked_early", lambda random: {"after": random.choice((0.0, 5.0, 60.0))}, LOGIN
    ),
    *_kinds(" ".join(f"mutate_{name}" for name in MUTATIONS), None, *WITH_BODY),
)
