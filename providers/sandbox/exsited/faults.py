"""The faults that only a provider of this shape can have."""

from collections.abc import Callable
from typing import Any

from providers.sandbox.exsited.edits import (
    add_records,
    as_v4,
    on_items,
    on_pagination,
    rename,
    say,
    say_in_pagination,
)
from providers.sandbox.faults import Commits, Kind, Params
from providers.sandbox.mutations import Targets
from providers.sandbox.shaping import Change, edit
from providers.sandbox.wire import Reply, json_reply

SIGN_IN = "/exsited/login"
TOKENS = frozenset({"createToken", "createTokenAlias"})
LIST = frozenset({"listGiftCertificates"})
LISTS = LIST | {"listAllocations", "listTransactions"}
ONE = frozenset({"getGiftCertificate"})
WRITES = frozenset(
    f"{act}GiftCertificate"
    for act in "create update delete disable enable allocate deallocate amend".split()
)
READS = LISTS | ONE
DATA = READS | WRITES
WITH_STATUS = (LIST | ONE | WRITES) - {"deleteGiftCertificate"}
TARGETS = Targets(
    texts=("uuid", "code", "access_token", "amount", "currency", "status"),
    numbers=("records", "limit", "offset", "expires_in"),
)


def _says(name: str, what: str, where: frozenset[str], change: Change, **defaults: Any) -> Kind:
    """The answer says something else than what is true."""
    return Kind(name=name, what=what, operations=where, defaults=defaults, damage=edit(change))


def _never(
    name: str, what: str, where: frozenset[str], answer: Callable[[Params], Reply], **defaults: Any
) -> Kind:
    return Kind(
        name=name,
        what=what,
        commits=Commits.NEVER,
        operations=where,
        defaults=defaults,
        answer=answer,
    )


def _with_book(name: str, what: str, where: frozenset[str], **defaults: Any) -> Kind:
    """A fault that the provider itself plays: it needs the book, the tokens or the connection."""
    return Kind(
        name=name,
        what=what,
        operations=where,
        defaults=defaults,
        damage=lambda _reply, _params, _targets: None,
    )


def _errors(status: int) -> Callable[[Params], Reply]:
    return lambda params: json_reply(
        status, {"errors": [{"code": "VALIDATION_ERROR", "message": params["message"]}]}
    )


KINDS = (
    _never(
        "bad_request_known",
        "400 with a text about a field",
        DATA | TOKENS,
        _errors(400),
        message="amount is required",
    ),
    _never(
        "error_in_200", "200 with errors in it", DATA, _errors(200), message="Something went wrong"
    ),
    _never(
        "signed_out",
        "302 to the sign-in page, where a page with 200 waits",
        DATA | TOKENS,
        lambda _params: Reply(302, {"Location": SIGN_IN}),
    ),
    _with_book(
        "bad_request_sticks",
        "a 400 (unasked: on a good request too) that the next request of its connection gets again",
        READS,
        unasked=True,
        message="limit must be a whole number of at least 1",
    ),
    # Tokens
    _says(
        "token_other_key",
        "the token under another key",
        TOKENS,
        rename("access_token"),
        key="token",
    ),
    _says("token_malformed", "no token of RFC 6750", TOKENS, say("access_token"), value="not a\n"),
    _says("token_expires", "expires_in is `value`", TOKENS, say("expires_in"), value=0),
    _says("token_expires_text", "expires_in is a text", TOKENS, say("expires_in"), value="3600"),
    Kind(
        name="token_revoked_early",
        what="a token that is worth nothing `after` seconds later, whatever it says",
        defaults={"after": 0.0},
        operations=TOKENS,
    ),
    _with_book("token_taken", "right after it somebody else logs in, which ends our token", DATA),
    # Pages
    _with_book(
        "shift",
        "right after a page, rows come, go and change: which ones depends on `seed`",
        LIST,
        come=2,
        go=2,
        change=4,
        seed="shift",
    ),
    _with_book("endless_pages", "the book starts over after its last page, and never ends", LIST),
    _with_book(
        "offset_ignored",
        "the first page again (claims: under the offset that was asked for)",
        LIST,
        claims=False,
    ),
    _says("page_empty", "a page without rows", LIST, on_items(lambda _items, _params: [])),
    _says(
        "page_short",
        "no more than `most` rows",
        LIST,
        on_items(lambda items, params: items[: int(params["most"])]),
        most=5,
    ),
    _says(
        "page_repeats",
        "the first row again at the end of the page",
        LIST,
        on_items(lambda items, _params: [*items, items[0]]),
    ),
    _says(
        "page_of_strangers",
        "rows that are no objects",
        LIST,
        on_items(lambda items, params: [params["value"], *items[1:]]),
        value=None,
    ),
    _says("page_null", "null in place of the rows", LIST, on_items(lambda _items, _params: None)),
    _says(
        "page_other_key",
        "the rows under another key",
        LIST,
        rename("gift_certificates"),
        key="payments",
    ),
    _says("page_v4", "the envelope of version 4", LIST, as_v4),
    _says("records_off", "`records` is `by` off", LISTS, on_pagination(add_records), by=-5),
    _says(
        "records_unreadable",
        "`records` is `value`",
        LISTS,
        on_pagination(say_in_pagination("records")),
        value="many",
    ),
    _says(
        "next_page_foreign",
        "the links lead to another host",
        LISTS,
        on_pagination(say_in_pagination("next_page", "previous_page")),
        value="http://127.0.0.1:9/api/v3/gift_certificates?limit=100&offset=100",
    ),
    _says(
        "no_links",
        "the links are `value`",
        LISTS,
        on_pagination(say_in_pagination("next_page", "previous_page")),
        value=None,
    ),
    # Certificates
    _says("status_unknown", "a status is `value`", WITH_STATUS, say("status"), value="ON_HOLD"),
    _says(
        "foreign_certificate",
        "the answer is about another certificate",
        ONE,
        say("uuid"),
        value="00000000-0000-4000-8000-000000000000",
    ),
)
