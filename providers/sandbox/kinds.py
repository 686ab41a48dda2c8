"""The fault library: the kinds of faults that any provider can suffer."""

import gzip
from collections.abc import Callable, Iterable
from dataclasses import replace
from functools import lru_cache

from providers.sandbox.faults import Commits, Kind, Params
from providers.sandbox.mutations import MUTATIONS, Targets, mutate
from providers.sandbox.wire import Misbehaviour, Reply, Wrong, html_reply

MEBIBYTE = 1024 * 1024
GATEWAY_ERRORS = {
    500: "Internal server error",
    502: "Bad gateway",
    503: "Service unavailable",
    504: "Endpoint request timed out",
}

Refuse = Callable[[int, str], Reply]  # (status, message) -> a refusal in the provider's own shape


def _wire(kind: Wrong) -> Callable[[Params], Reply]:
    def answer(params: Params) -> Reply:
        wrong = Misbehaviour(kind, seconds=params.get("seconds", 0.0), size=params.get("size", 0))
        return Reply(200, {"Content-Type": "application/json"}, b"{}", wrong)

    return answer


def _spoil(kind: Wrong) -> Callable[[Reply, Params, Targets], Reply | None]:
    def damage(reply: Reply, params: Params, _targets: Targets) -> Reply | None:
        wrong = Misbehaviour(kind, seconds=params.get("seconds", 0.0), size=params.get("size", 0))
        return replace(reply, misbehaviour=wrong)

    return damage


def _late(refuse: Refuse) -> Callable[[Params], Reply]:
    hang = _wire(Wrong.HANG)
    return lambda params: (
        refuse(504, GATEWAY_ERRORS[504]) if params["answer"] == "504" else hang(params)
    )


def _redirect(status: int) -> Callable[[Params], Reply]:
    return lambda params: Reply(status, {"Location": params["location"]}, b"")


def _delayed(reply: Reply, params: Params, _targets: Targets) -> Reply:
    return replace(reply, delay=float(params["seconds"]))


def _bomb(reply: Reply, params: Params, _targets: Targets) -> Reply:
    headers = {**reply.headers, "Content-Encoding": "gzip"}
    body = gzip.compress(reply.body) + _blank_mebibyte() * int(params["mebibytes"])
    return replace(reply, headers=headers, body=body)


@lru_cache(maxsize=1)
def _blank_mebibyte() -> bytes:
    return gzip.compress(b" " * MEBIBYTE)  # gzip files may be concatenated (RFC 1952, 2.2)


def _mutation(name: str) -> Callable[[Reply, Params, Targets], Reply | None]:
    return lambda reply, params, targets: mutate(reply, name, targets, params["field"])


def _plain_400(refuse: Refuse) -> Callable[[Params], Reply]:
    return lambda params: refuse(400, params["message"])


def _refusal(refuse: Refuse, status: int, message: str) -> Callable[[Params], Reply]:
    return lambda _params: refuse(status, message)


def _too_many(refuse: Refuse) -> Callable[[Params], Reply]:
    def answer(params: Params) -> Reply:
        refusal, wait = refuse(429, "Too many requests"), params.get("retry_after")
        hint = {} if wait is None else {"Retry-After": str(wait)}
        return replace(refusal, headers={**refusal.headers, **hint})

    return answer


def common_kinds(writes: Iterable[str], refuse: Refuse) -> list[Kind]:
    """The kinds for a provider whose operations with side effects are `writes`."""
    return [
        *_wire_kinds(frozenset(writes), refuse),
        *_http_kinds(refuse),
        *(
            Kind(name=f"mutate_{name}", what=what, defaults={"field": None}, damage=_mutation(name))
            for name, what in MUTATIONS.items()
        ),
    ]


def _wire_kinds(writes: frozenset[str], refuse: Refuse) -> list[Kind]:
    never, wait = Commits.NEVER, {"seconds": 120.0}
    return [
        Kind(
            name="latency",
            what="the true answer, `seconds` late",
            defaults={"seconds": 2.0},
            damage=_delayed,
        ),
        Kind(
            name="timeout_before_commit",
            what="no answer for `seconds`; nothing was done",
            commits=never,
            defaults=wait,
            answer=_wire(Wrong.HANG),
        ),
        Kind(
            name="timeout_after_commit",
            what="done, but no answer for `seconds`",
            defaults=wait,
            answer=_wire(Wrong.HANG),
        ),
        Kind(
            name="late_commit",
            what="504 (answer=hang: silence for `seconds`); done `delay` seconds later (0 to 900)",
            commits=Commits.LATER,
            defaults={"delay": 600.0, "answer": "504", **wait},
            operations=writes,
            answer=_late(refuse),
        ),
        Kind(
            name="reset_before_commit",
            what="connection reset; nothing was done",
            commits=never,
            answer=_wire(Wrong.RESET),
        ),
        Kind(
            name="reset_after_commit",
            what="done, then connection reset",
            answer=_wire(Wrong.RESET),
        ),
        Kind(
            name="half_headers",
            what="the head of the answer stops in the middle",
            answer=_wire(Wrong.HALF_HEADERS),
        ),
        Kind(
            name="truncated_json",
            what="half of the true body under its full Content-Length",
            damage=_spoil(Wrong.TRUNCATED),
        ),
        Kind(
            name="slow_drip",
            what="the true body, one byte every `seconds`",
            defaults={"seconds": 0.5},
            damage=_spoil(Wrong.DRIP),
        ),
        Kind(
            name="overlong_body",
            what="the true body and blanks up to `size` bytes, without Content-Length",
            defaults={"size": 32 * MEBIBYTE},
            damage=_spoil(Wrong.OVERLONG),
        ),
        Kind(
            name="gzip_bomb",
            what="the true body and `mebibytes` of blanks, compressed",
            defaults={"mebibytes": 64},
            damage=_bomb,
        ),
        Kind(
            name="wrong_content_length",
            what="Content-Length is `size` too large (negative: too small)",
            defaults={"size": -7},
            damage=_spoil(Wrong.WRONG_LENGTH),
        ),
    ]


def _http_kinds(refuse: Refuse) -> list[Kind]:
    hostile = {"location": "http://127.0.0.1:9/hostile"}
    login = "<h1>Please sign in</h1>"
    return [
        Kind(
            name="html_200",
            what="200 with a log-in page",
            answer=lambda _params: html_reply(200, login),
        ),
        _never("html_502", "502 with a page", lambda _params: html_reply(502, "Bad gateway")),
        Kind(
            name="empty_200",
            what="200 without a body",
            answer=lambda _params: Reply(200, {"Content-Type": "application/json"}),
        ),
        Kind(name="no_content_204", what="204", answer=lambda _params: Reply(204)),
        *(
            _never(f"redirect_{status}", f"{status} to `location`", _redirect(status), hostile)
            for status in (301, 302, 307, 308)
        ),
        _never(
            "bad_request_unknown",
            "400 with a text that no document lists",
            _plain_400(refuse),
            {"message": "Something went wrong with your request"},
        ),
        _never(
            "bad_request_html",
            "400 with a page",
            lambda _params: html_reply(400, "The request could not be satisfied"),
        ),
        _never("http_401", "401", _refusal(refuse, 401, "Unauthorized")),
        _never("http_403", "403", _refusal(refuse, 403, "Forbidden")),
        _never("http_404", "404", _refusal(refuse, 404, "Data not found")),
        _never(
            "rate_limited", "429 with Retry-After (seconds)", _too_many(refuse), {"retry_after": 2}
        ),
        _never("rate_limited_no_hint", "429 without Retry-After", _too_many(refuse)),
        *(
            _never(f"http_{status}", f"{status} with JSON", _refusal(refuse, status, text))
            for status, text in GATEWAY_ERRORS.items()
        ),
    ]


def _never(
    name: str, what: str, answer: Callable[[Params], Reply], defaults: Params | None = None
) -> Kind:
    return Kind(name=name, what=what, commits=Commits.NEVER, defaults=defaults or {}, answer=answer)
