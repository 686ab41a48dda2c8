"""Faults of the simulated Exsited: what an answer says, and what really happened."""

import json
from typing import Any

import pytest

from providers.sandbox.exsited import SimulatedExsited
from providers.sandbox.faults import Commits, Kind
from providers.sandbox.wire import Reply
from tests.sandbox.exsited.conftest import AMOUNT, LOGIN, Account, refusal

KINDS = list(SimulatedExsited().faults.kinds.values())
OPERATIONS = {one.id: one for one in SimulatedExsited.operations}
WRITES = [one.id for one in OPERATIONS.values() if one.writes]
ANYWHERE = [kind for kind in KINDS if kind.operations is None]
OWN = [kind for kind in KINDS if kind.operations is not None and kind.name != "late_commit"]
WITHOUT_JSON = {"signIn", "deleteGiftCertificate"}


def pairs(kinds: list[Kind], operations: list[str]) -> list[Any]:
    return [
        pytest.param(kind, operation, id=f"{kind.name}-{operation}")
        for kind in kinds
        for operation in operations
        if kind.operations is None or operation in kind.operations
    ]


class Scene:
    """A certificate that nobody used, and a good request of every operation."""

    def __init__(self, account: Account) -> None:
        self.account = account
        account.log_in()
        self.uuid = account.new()["uuid"]
        account.post(f"/{self.uuid}/allocate", {"account": "J0"})
        account.post(f"/{self.uuid}/disable")

    def send(self, operation: str) -> Reply:
        """One good request, with a token that is good."""
        if "createToken" not in operation:
            self.account.token = self.account.told("POST", "tokens")["access_token"]
        found = OPERATIONS[operation]
        query = "?offset=1" if operation.startswith("list") else ""
        body = {
            "createToken": LOGIN,
            "createTokenAlias": LOGIN,
            "createGiftCertificate": {"gift_certificate": AMOUNT},
            "updateGiftCertificate": {"gift_certificate": {"expiry_date": "2031-09-24"}},
            "allocateGiftCertificate": {"gift_certificate": {"account": "J1"}},
            "deallocateGiftCertificate": {"gift_certificate": {"account": "J0"}},
            "amendGiftCertificate": {"gift_certificate": {"amount": "70"}},
        }.get(operation)
        return self.account.ask(found.method, found.path.replace("{uuid}", self.uuid) + query, body)

    def changes(self) -> int:
        """How often anything was changed over the wire."""
        return len([one for one in self.account.told("GET", "changes") if one["who"] == "api"])


@pytest.fixture
def scene(account: Account) -> Scene:
    return Scene(account)


def test_every_kind_says_what_it_is() -> None:
    assert len(KINDS) >= 27 + 12 + 25
    assert all(kind.what for kind in KINDS)
    assert all(kind.name and kind.operations for kind in OWN)


@pytest.mark.parametrize("operation", WRITES)
def test_a_write_takes_effect_exactly_when_the_fault_says_so(
    account: Account, operation: str
) -> None:
    expected = {Commits.NEVER: (0, 0), Commits.FIRST: (1, 1), Commits.LATER: (0, 1)}
    for kind in [one for one in KINDS if one.operations is None or operation in one.operations]:
        account.told("DELETE", "faults")
        scene = Scene(account)
        before = scene.changes()
        account.arm(kind.name, operation=operation)

        scene.send(operation)
        at_once = scene.changes() - before
        arrival = account.journal()[-1]
        account.clock.advance(901)
        in_the_end = scene.changes() - before

        assert (kind.name, at_once, in_the_end) == (kind.name, *expected[kind.commits])
        assert arrival["executed"] == kind.commits.value
        assert arrival["operation"] == operation


@pytest.mark.parametrize("operation", OPERATIONS)
def test_every_operation_can_suffer_every_common_fault(account: Account, operation: str) -> None:
    scene = Scene(account)
    for kind in ANYWHERE:
        account.told("DELETE", "faults")
        account.arm(kind.name, operation=operation)

        reply = scene.send(operation)

        arrival = account.journal()[-1]
        is_mutation = kind.name.startswith("mutate_")
        assert reply.status < 600
        assert arrival["faults"] == [kind.name] or is_mutation
        assert not (is_mutation and operation in WITHOUT_JSON and arrival["faults"])


@pytest.mark.parametrize(("kind", "operation"), pairs(OWN, list(OPERATIONS)))
def test_every_fault_of_its_own_bites_once(scene: Scene, kind: Kind, operation: str) -> None:
    scene.account.arm(kind.name, operation=operation)

    scene.send(operation)
    first = scene.account.journal()[-1]
    scene.account.clock.advance(1)
    scene.send(operation)

    assert first["faults"] == [kind.name]
    assert scene.account.journal()[-1]["faults"] == []


# Pages


KNOWN = ("created", "deleted")


def pages(account: Account, limit: int = 20, most: int = 30) -> list[list[str]]:
    """The uuids of all pages, read as the contract says: until offset + limit reaches records."""
    found: list[list[str]] = []
    offset = 0
    while len(found) < most:
        rows, pagination = account.page(limit=limit, offset=offset, direction="asc")
        found.append([one["uuid"] for one in rows])
        offset += limit
        if offset >= pagination["records"]:
            break
    return found


def test_rows_come_go_and_change_between_two_pages(account: Account) -> None:
    before = set(account.uuids(limit=100))
    account.arm("shift", {"come": 3, "go": 2, "change": 4}, count=None)

    read = pages(account)

    account.told("DELETE", "faults")
    after = set(account.uuids(limit=100))
    changes = account.told("GET", "changes")
    kinds = [one["what"] for one in changes]
    assert len(read) == 4  # 60 rows in pages of 20, and one more page for what came
    assert (kinds.count("created"), kinds.count("deleted")) == (12, 8)
    assert kinds.count("changed") == 16
    came, went = ({one["uuid"] for one in changes if one["what"] == what} for what in KNOWN)
    assert after == (before | came) - went
    assert after & before < before


def test_what_shifts_depends_on_the_seed_only(account: Account) -> None:
    def shifted(seed: str) -> list[tuple[str, str]]:
        account.told("POST", "reset")
        account.log_in()
        account.arm("shift", {"seed": seed}, count=2)
        pages(account)
        return [(one["what"], one["uuid"]) for one in account.told("GET", "changes")]

    once, again, other = shifted("a"), shifted("a"), shifted("b")

    assert once == again
    assert once != other


def test_what_shifted_still_adds_up(account: Account) -> None:
    for _ in range(10):
        account.told("POST", "shift", {"come": 5, "go": 3, "change": 20})

    book = account.book()

    assert len(book) == 60 + 10 * (5 - 3)
    for one in book:
        assert sum(each["minor"] for each in one["transactions"]) == one["remaining_minor"]
        assert one["remaining_minor"] == one["amount_minor"] - one["used_minor"] >= 0
    for field in ("created_on", "last_updated_on", "code", "amount", "expiry_date"):
        assert len(set(account.uuids(limit=100, order_by=field))) == 80


def test_a_book_can_go_on_for_ever(account: Account) -> None:
    account.arm("endless_pages", count=None)

    read = pages(account, limit=25, most=10)

    assert len(read) == 10
    assert all(read)
    assert read[3] == (read[0] + read[1])[15:40]


@pytest.mark.parametrize("claims", [True, False])
def test_the_first_page_can_come_again(account: Account, claims: bool) -> None:
    true = account.uuids(limit=20)
    account.arm("offset_ignored", {"claims": claims})

    rows, pagination = account.page(limit=20, offset=20)

    assert [one["uuid"] for one in rows] == true
    assert pagination["offset"] == (20 if claims else 0)


@pytest.mark.parametrize("name", ["offset_ignored", "endless_pages", "shift"])
def test_a_page_that_cannot_be_stays_refused(account: Account, name: str) -> None:
    account.arm(name)

    assert account.get("?limit=0&offset=x").status == 400

    assert account.get("?offset=20").status == 200
    assert [one["faults"] for one in account.journal()[-2:]] == [[], [name]]


def test_a_page_in_the_middle_can_be_empty(account: Account) -> None:
    account.arm("page_empty", skip=1)

    assert [len(page) for page in pages(account)] == [20, 0, 20]


def test_a_page_can_be_short_or_repeat_a_row(account: Account) -> None:
    account.arm("page_short", {"most": 3})
    account.arm("page_repeats")

    assert len(account.uuids()) == 3
    repeating = account.uuids()
    assert len(repeating) == 21
    assert len(set(repeating)) == 20


@pytest.mark.parametrize("by", [-5, 5, -1000])
def test_records_can_be_wrong(account: Account, by: int) -> None:
    account.arm("records_off", {"by": by}, count=2)
    uuid = account.uuids()[0]

    history = account.get(f"/{uuid}/transactions").json()["gift_certificate"]

    true = len(history["transactions"])
    assert history["pagination"]["records"] == str(max(0, true + by))
    assert account.page()[1]["records"] == 60


def test_links_can_lead_elsewhere(account: Account) -> None:
    account.arm("next_page_foreign", {"value": "https://evil.example/"})
    account.arm("no_links", {"value": ""})

    foreign, none = account.page()[1], account.page()[1]

    assert foreign["next_page"] == foreign["previous_page"] == "https://evil.example/"
    assert none["next_page"] == none["previous_page"] == ""


def test_a_page_can_be_another_document(account: Account) -> None:
    for name in ("page_other_key", "page_v4", "page_null", "page_of_strangers"):
        account.arm(name)

    other, version_4, null, strange = (account.get().json() for _ in range(4))

    assert "payments" in other
    assert len(version_4["data"]) == 20
    assert version_4["object"] == "list"
    assert null["gift_certificates"] is None
    assert strange["gift_certificates"][0] is None


# Tokens and the connection


def test_somebody_else_can_end_our_token_between_two_pages(account: Account) -> None:
    account.arm("token_taken")

    assert account.get().status == 200
    assert refusal(account.get()) == (401, "UNAUTHORIZED")
    account.log_in()
    assert account.get().status == 200


def test_a_token_can_end_early(account: Account) -> None:
    account.arm("token_revoked_early", {"after": 5})
    assert account.log_in().json()["expires_in"] == 3600

    account.clock.advance(5)

    assert account.get().status == 401


@pytest.mark.parametrize(
    ("name", "key", "value"),
    [
        ("token_malformed", "access_token", "not a\n"),
        ("token_expires", "expires_in", 0),
        ("token_expires_text", "expires_in", "3600"),
        ("token_other_key", "token", None),
    ],
)
def test_a_token_can_be_told_wrongly(
    account: Account, name: str, key: str, value: str | int | None
) -> None:
    account.arm(name)

    told = account.log_in().json()

    assert told[key] == value or (value is None and "access_token" not in told)


def test_a_400_sticks_to_its_connection(account: Account) -> None:
    account.arm("bad_request_sticks", {"unasked": False})
    account.connection = "1"
    assert account.get("?limit=0").status == 400

    account.connection = "2"
    elsewhere = account.get()
    account.connection = "1"
    again, afterwards = account.get(), account.get()

    assert elsewhere.status == afterwards.status == 200
    assert refusal(again) == (400, "VALIDATION_ERROR")
    assert "limit" in again.json()["errors"][0]["message"]


def test_a_400_can_come_unasked_and_stick(account: Account) -> None:
    account.arm("bad_request_sticks")

    assert [account.get().status for _ in range(3)] == [400, 400, 200]


def test_a_data_call_can_lead_to_the_page_to_sign_in(account: Account) -> None:
    account.arm("signed_out")
    account.arm("html_200")

    signed_out, page = account.get(), account.get()

    assert (signed_out.status, signed_out.headers["Location"]) == (302, "/exsited/login")
    assert (page.status, page.headers["Content-Type"]) == (200, "text/html; charset=utf-8")


def test_errors_can_come_with_200(account: Account) -> None:
    account.arm("error_in_200")

    assert refusal(account.get()) == (200, "VALIDATION_ERROR")


# Late


def test_a_late_amend_is_refused_when_money_was_spent_meanwhile(account: Account) -> None:
    uuid = account.new()["uuid"]
    account.arm("late_commit", {"delay": 60}, operation="amendGiftCertificate")
    assert account.post(f"/{uuid}/amend", {"amount": "20"}).status == 504

    account.act(uuid, "spend", amount=30)
    account.clock.advance(60)

    assert account.look(uuid)["remaining_balance"] == "70.00"
    assert [one["outcome"] for one in account.told("GET", "ledger")["postponed"]] == ["refused"]


def test_what_the_list_says_can_be_spoilt_as_json(account: Account) -> None:
    account.arm("mutate_nan", {"field": "amount"})

    assert b'"amount":NaN' in account.get().body
    assert json.loads(account.get().body)
