"""The faults that only a provider of this shape can have."""

from collections.abc import Callable
from typing import Any

from providers.sandbox.cp_extender.certificate import as_png
from providers.sandbox.cp_extender.edits import (
    add,
    drop,
    first_twice,
    on_history,
    on_numbers,
    padded,
    picture,
    say,
    under_other_key,
    with_foreign_row,
    with_other_dates,
    without_keys,
    write_differently,
)
from providers.sandbox.cp_extender.plan import Meddling, Plan
from providers.sandbox.faults import Commits, Kind, Params
from providers.sandbox.mutations import Targets
from providers.sandbox.shaping import Change, Shape, copy, edit, put
from providers.sandbox.wire import Reply, html_reply, json_reply

LOGIN = frozenset({"login"})
RESERVE = frozenset({"reserveIds"})
CREATE = frozenset({"createGiftcard"})
AUTHORIZE = frozenset({"authorizeGiftcard"})
COMPLETE = frozenset({"confirmAuthorization", "cancelAuthorization"})
CHECK = frozenset({"balanceCheck"})
PICTURE = frozenset({"certificate"})
TARGETS = Targets(
    texts=("Id", "AuthCode", "APItoken", "CPCustomerID", "Status", "Version", "Type"),
    numbers=("AuthorizedAmount", "Balance", "AvailableBalance", "Amount"),
)


def _minor(amount: float) -> int:
    """Main units as minor units."""
    return round(amount * 100)


def _meddling(act: str) -> Shape:
    def change(plan: Plan, params: Params) -> None:
        plan.meddling.append(Meddling(act=act, minor=_minor(params.get("amount", 0))))

    return change


def _says(name: str, what: str, where: frozenset[str], change: Change, **defaults: Any) -> Kind:
    """The answer says something else than what happened."""
    return Kind(name=name, what=what, operations=where, defaults=defaults, damage=edit(change))


def _does(name: str, what: str, where: frozenset[str], change: Shape, **defaults: Any) -> Kind:
    """Something else happens."""
    return Kind(name=name, what=what, operations=where, defaults=defaults, shape=change)


def _shows(name: str, what: str, change: Callable[[bytes, Params], bytes], **rest: Any) -> Kind:
    """The certificate is no such picture."""
    kind = rest.pop("kind", "image/jpeg")
    damage = picture(change, kind)
    return Kind(name=name, what=what, operations=PICTURE, defaults=rest, damage=damage)


def _refusal(name: str, what: str, status: int, where: frozenset[str] | None, text: str) -> Kind:
    return Kind(
        name=name,
        what=what,
        commits=Commits.NEVER,
        operations=where,
        defaults={"message": text},
        answer=lambda params: json_reply(status, {"Message": params["message"]}),
    )


KINDS = (
    _refusal(
        "bad_request_known",
        "400 with a text of the provider's document",
        400,
        RESERVE | CREATE | AUTHORIZE | COMPLETE | LOGIN,
        "Bad Request",
    ),
    _refusal("not_found_known", "404 with the text for an unknown card", 404, None, "Id not found"),
    _refusal(
        "already_exists",
        "400 that claims there is a card of this number",
        400,
        CREATE,
        "GiftcardId Already Exists",
    ),
    _refusal(
        "not_reserved",
        "400 that claims the number is not reserved",
        400,
        CREATE,
        "GiftcardId Not Reserved",
    ),
    _refusal("no_balance", "400, whatever is on the card", 400, AUTHORIZE, "No Balance Remaining"),
    Kind(
        name="not_found_html",
        what="404 with a page",
        commits=Commits.NEVER,
        answer=lambda _params: html_reply(404, "The resource cannot be found"),
    ),
    # Tokens
    _says("token_malformed", "no JWT", LOGIN, say("APItoken", "text"), text="not-a-jwt"),
    _says("token_other_key", "the token under another key", LOGIN, under_other_key, key="ApiToken"),
    Kind(
        name="token_revoked_early",
        what="a token that is worth nothing `after` seconds later, whatever it says",
        defaults={"after": 0.0},
        operations=LOGIN,
    ),
    # Numbers
    _does("numbers_capped", "at most `most` numbers", RESERVE, copy("most", "most", int), most=5),
    _does(
        "numbers_extra",
        "`numbers` more than asked",
        RESERVE,
        copy("extra", "numbers", int),
        numbers=1,
    ),
    _says("numbers_twice", "the same number twice in an answer", RESERVE, on_numbers(first_twice)),
    Kind(
        name="numbers_repeated",
        what="`numbers` of them were given before",
        defaults={"numbers": 1},
        operations=RESERVE,
        damage=lambda _reply, _params, _targets: None,
    ),
    _says(
        "number_malformed",
        "the first number is `text` (or null)",
        RESERVE,
        on_numbers(lambda numbers, params: [params["text"], *numbers[1:]]),
        text="99/5323 57538",
    ),
    _does(
        "reservation_lapses",
        "the numbers lapse `after` seconds later, a pool's too",
        RESERVE,
        copy("lapses_after", "after"),
        after=0.0,
    ),
    _does(
        "reissued_to_stranger",
        "the numbers lapse `after` seconds later, and strangers create cards on them",
        RESERVE,
        copy("stranger_after", "after"),
        after=0.0,
    ),
    # Cards
    _says(
        "create_other_id",
        "the answer names the card `id`, the card has the number asked for",
        CREATE,
        say("Id", "id"),
        id="WEB-0000000000000001",
    ),
    _says(
        "create_other_form",
        "the answer writes the number in another way",
        CREATE,
        write_differently,
    ),
    _does(
        "create_renamed",
        "the card gets a number of the system's own",
        CREATE,
        put("is_renamed", lambda _plan, _params: True),
    ),
    _does(
        "create_value_off",
        "the card's value is `by` off",
        CREATE,
        copy("value_off", "by", _minor),
        by=1.0,
    ),
    _does(
        "create_dated_off",
        "`Issued` is `hours` off",
        CREATE,
        copy("dated_off", "hours", lambda hours: hours * 3600.0),
        hours=24.0,
    ),
    _does(
        "delayed_visibility",
        "look-ups do not see the card for `seconds` (0 to 1200)",
        CREATE,
        copy("unfound_for", "seconds"),
        seconds=600.0,
    ),
    # Authorizations
    _says(
        "authorized_amount",
        "the answer says another amount: more, zero or negative",
        AUTHORIZE,
        say("AuthorizedAmount", "amount"),
        amount=0.0,
    ),
    _says(
        "authorized_off",
        "the answer says `by` more than is held",
        AUTHORIZE,
        add("AuthorizedAmount"),
        by=1.0,
    ),
    _says("auth_code_missing", "no AuthCode", AUTHORIZE, drop("AuthCode")),
    _says("auth_code_empty", "the AuthCode is `text`", AUTHORIZE, say("AuthCode", "text"), text=""),
    _says(
        "authorized_type",
        "the answer is about another type",
        AUTHORIZE,
        say("Type", "type"),
        type="loyalty",
    ),
    _does(
        "authorized_partial",
        "no more than `amount` is held, whatever is on the card",
        AUTHORIZE,
        copy("held_most", "amount", _minor),
        amount=1.0,
    ),
    Kind(
        name="no_effect",
        what="204, and nothing was done",
        commits=Commits.NEVER,
        operations=COMPLETE,
        answer=lambda _params: Reply(204),
    ),
    _does(
        "opposite_effect",
        "Confirm cancels, Cancel confirms",
        COMPLETE,
        put("is_opposite", lambda _plan, _params: True),
    ),
    *(
        _does(
            f"stranger_{act}s",
            f"right after it: {what}",
            CREATE | AUTHORIZE | COMPLETE,
            _meddling(act),
            **defaults,
        )
        for act, what, defaults in (
            ("spend", "a stranger spends up to `amount` from the card", {"amount": 5.0}),
            ("hold", "a stranger holds up to `amount` on the card", {"amount": 5.0}),
            ("release", "the oldest hold of a stranger is released", {}),
        )
    ),
    # Readings
    _says("status_unknown", "the status is `text`", CHECK, say("Status", "text"), text="reserved"),
    _says("type_unknown", "the type is `text`", CHECK, say("Type", "text"), text="loyalty"),
    _says(
        "foreign_card",
        "the answer is about the card `id`",
        CHECK,
        say("Id", "id"),
        id="WEB-0000000000000001",
    ),
    _says("balance_off", "Balance is `by` off, the rest is not", CHECK, add("Balance"), by=0.01),
    _says(
        "history_keys_missing",
        "the rows of the history lack `keys`",
        CHECK,
        on_history(without_keys),
        keys=["Location", "Document"],
    ),
    _says(
        "history_foreign_row",
        "a row that belongs to nobody",
        CHECK,
        on_history(with_foreign_row),
        activity="Historical Summary",
        amount=-5.0,
    ),
    _says("history_null", "History is null", CHECK, on_history(lambda _rows, _params: None)),
    _says("history_other_dates", "dates in ISO 8601", CHECK, on_history(with_other_dates)),
    # Certificates
    _shows(
        "certificate_html",
        "a page",
        lambda _true, _params: b"<html><body>Sign in</body></html>",
        kind="text/html; charset=utf-8",
    ),
    _shows("certificate_png", "a PNG", lambda _true, _params: as_png(), kind="image/png"),
    _shows("certificate_mislabelled", "a PNG that is called a JPEG", lambda _t, _p: as_png()),
    _shows(
        "certificate_unlabelled",
        "the picture as application/octet-stream",
        lambda true, _params: true,
        kind="application/octet-stream",
    ),
    _shows("certificate_large", "the picture, padded to `mebibytes`", padded, mebibytes=50),
    _shows("certificate_empty", "no byte", lambda _true, _params: b""),
    _shows("certificate_cut", "half of the picture", lambda true, _params: true[: len(true) // 2]),
)
