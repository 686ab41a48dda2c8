"""Behind the curtain of the simulated Exsited: its book, its staff, rows that are wrong."""

import json
import math
import threading
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import requests

from providers.sandbox.exsited import SimulatedExsited
from tests.sandbox.exsited.conftest import BOOK, LOGIN, NOON, TOKEN, Account
from tests.sandbox_client import SandboxProcess

CHANGED = "2026-01-01T00:01:00Z"


def sums(one: dict[str, Any]) -> tuple[Decimal, Decimal, Decimal]:
    """Remaining, amount less used, and the sum of the transactions, as they are told."""
    told = [Decimal(one[name]) for name in ("remaining_balance", "amount", "used_amount")]
    total = sum((Decimal(str(each["amount"])) for each in one["transactions"]), Decimal(0))
    return told[0], told[1] - told[2], total


# The book


def test_the_same_seed_prints_the_same_book(account: Account) -> None:
    def printed(size: int, seed: str) -> list[dict[str, Any]]:
        account.print_book(size, seed=seed)
        return account.page(limit=100, direction="asc")[0]

    first, other = printed(80, "a"), printed(80, "b")

    assert first == printed(80, "a")
    assert {one["uuid"] for one in first}.isdisjoint(one["uuid"] for one in other)
    assert [one["uuid"] for one in printed(40, "a")] == [one["uuid"] for one in first[:40]]


def test_a_book_ends_on_the_day_that_is_asked_for(account: Account) -> None:
    account.print_book(50, until=NOON - 10 * 86_400 + 7)

    last = max(one["updated_at"] or one["created_at"] for one in account.book())

    assert NOON - 60 * 86_400 < last < NOON - 10 * 86_400


@pytest.mark.parametrize("size", [0, 1, 3])
def test_a_book_can_be_tiny(account: Account, size: int) -> None:
    account.print_book(size)

    rows, pagination = account.page()
    assert (len(rows), pagination["records"]) == (size, size)
    account.told("POST", "shift", {"come": 0, "go": 2, "change": 2})
    assert account.page()[1]["records"] == max(0, size - 2)


def test_a_large_book_is_read_at_any_offset(tmp_path: Path) -> None:
    provider = SimulatedExsited(tmp_path / "book.sqlite3")
    reader = Account(provider, None)
    reader.log_in()

    reader.print_book(20_000)

    for field in ("created_on", "last_updated_on"):
        for offset in (0, 10_000, 19_950):
            rows, pagination = reader.page(limit=100, offset=offset, order_by=field)
            assert len(rows) == min(100, 20_000 - offset)
            assert pagination["records"] == 20_000
    provider.close()


def test_the_book_outlives_a_restart(tmp_path: Path) -> None:
    path = tmp_path / "book.sqlite3"
    provider = SimulatedExsited(path)
    reader = Account(provider, None)
    reader.log_in()
    uuid = reader.new()["uuid"]
    provider.close()

    provider = SimulatedExsited(path)
    again = Account(provider, None)
    again.token = reader.token

    assert again.uuids(limit=1) == [uuid]
    assert again.page()[1]["records"] == 61
    provider.close()


def test_what_was_taken_back_leaves_no_trace_in_the_pages(account: Account) -> None:
    """A control request that fails half-way is rolled back; the pages must not remember it."""
    before = account.uuids(limit=100)
    uuid = before[0]
    account.act(uuid, "amend", amount=500)

    answer = account.control("POST", "shift", {"come": 3, "go": 1, "change": "x"})

    assert answer.status == 400
    assert account.uuids(limit=100) == before
    account.told("POST", "shift", {"come": 1, "go": 0, "change": 0})
    assert account.uuids(limit=100)[1:] == before


def test_reset_prints_the_first_book_again(account: Account) -> None:
    before = account.uuids(limit=100)
    account.told("POST", "shift", {"come": 9, "go": 9, "change": 9})

    account.told("POST", "reset")

    account.log_in()
    assert account.uuids(limit=100) == before
    assert account.told("GET", "changes") == []


def test_the_state_counts(account: Account) -> None:
    account.new()

    state = account.told("GET", "state")

    assert sum(state["certificates"].values()) == 61
    assert state["changes"] == 1
    assert (state["provider"], state["faults_armed"]) == ("exsited", 0)


def test_the_ledger_is_read_in_parts(account: Account) -> None:
    whole = account.book()

    first = account.told("GET", "ledger?most=25")["certificates"]
    rest = account.told("GET", f"ledger?after={first[-1]['id']}")["certificates"]

    assert first + rest == whole
    assert account.told("GET", f"ledger/{whole[7]['uuid']}") == whole[7]


# The staff


def test_somebody_else_adds_a_certificate(account: Account) -> None:
    one = account.told("POST", "certificates", {"amount": "25", "currency": "NZD"})

    told = account.look(one["uuid"])
    assert (told["amount"], told["currency"]) == ("25.00", "NZD")
    assert told["created_by"] == "mara.ellis"
    assert account.uuids(limit=1) == [one["uuid"]]


def test_what_the_staff_does_is_seen_at_once_and_noted(account: Account) -> None:
    uuid = account.new()["uuid"]
    account.clock.advance(60)
    for act, given in [
        ("spend", {"amount": 30}),
        ("amend", {"amount": "50.00"}),
        ("allocate", {"account": "J1"}),
        ("deallocate", {"account": "J1"}),
        ("expire", {}),
    ]:
        account.act(uuid, act, **given)

    listed = account.listed(uuid)
    assert listed["status"] == account.look(uuid)["status"] == "EXPIRED"
    assert listed["last_updated_on"] == CHANGED
    assert listed["last_updated_by"] == "mara.ellis"
    assert [one["type"] for one in listed["transactions"]] == ["INITIAL", "DEBIT", "AMEND"]
    assert len(listed["allocations"]) == 2
    assert account.uuids(limit=1, order_by="last_updated_on") == [uuid]
    changes = account.told("GET", "changes?after=1")
    assert [one["what"] for one in changes] == ["spent", "amended"] + [
        "allocated",
        "deallocated",
        "switched",
    ]
    assert {(one["uuid"], one["who"]) for one in changes} == {(uuid, "mara.ellis")}


def test_the_staff_deletes_even_what_was_used(account: Account) -> None:
    uuid = account.new()["uuid"]
    account.act(uuid, "spend", amount=1)

    assert account.act(uuid, "delete") == {"deleted": uuid}

    assert account.get(f"/{uuid}").status == 404
    assert uuid not in account.uuids(limit=100)


def test_any_status_can_be_set_by_hand(account: Account) -> None:
    uuid = account.new()["uuid"]

    account.act(uuid, "status", status="ON_HOLD")

    assert account.look(uuid)["status"] == account.listed(uuid)["status"] == "ON_HOLD"


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("certificates/nobody", {"act": "spend", "amount": 1}),
        ("certificates", {"amount": "x"}),
        ("shift", {"rows": 3}),
        ("settings", {"colour": 1}),
        ("settings", {"largest_page": "x"}),
        ("book", {}),
    ],
)
def test_what_makes_no_sense_is_refused(account: Account, path: str, body: dict[str, Any]) -> None:
    assert account.control("POST", path, body).status == 400


@pytest.mark.parametrize(
    "given",
    [
        {"act": "dance"},
        {},
        {"act": "spend", "amount": 100.01},
        {"act": "spend", "amount": 0},
        {"act": "spend", "amount": 0.001},
        {"act": "deallocate", "account": "J1"},
        {"act": "break", "how": "softly"},
        {"act": "older_copy"},
        {"act": "vanish", "index": 5},
    ],
)
def test_acts_that_cannot_be_change_nothing(account: Account, given: dict[str, Any]) -> None:
    uuid = account.new()["uuid"]
    before = account.told("GET", f"ledger/{uuid}")

    assert account.control("POST", f"certificates/{uuid}", given).status == 400

    assert account.told("GET", f"ledger/{uuid}") == before


# Rows that are wrong


def test_remaining_can_differ_from_what_is_left(account: Account) -> None:
    uuid = account.new()["uuid"]

    account.act(uuid, "break", how="remaining_off", by=-0.01)

    for one in (account.look(uuid), account.listed(uuid)):
        assert sums(one) == (Decimal("99.99"), Decimal(100), Decimal(100))
    assert account.told("GET", f"ledger/{uuid}")["remaining_minor"] == 10_000


@pytest.mark.parametrize("again", [0, 1])
def test_transactions_can_sum_up_to_something_else(account: Account, again: int) -> None:
    """With one certificate more, so that both ways to write an amount in the list are met."""
    uuid = [account.new()["uuid"] for _ in range(1 + again)][-1]

    account.act(uuid, "break", how="sum_off", by=2.5)

    for one in (account.look(uuid), account.listed(uuid)):
        assert sums(one) == (Decimal(100), Decimal(100), Decimal("102.5"))


def test_currencies_can_be_mixed(account: Account) -> None:
    uuid = account.new()["uuid"]

    account.act(uuid, "break", how="mixed_currency", currency="NZD")

    one = account.listed(uuid)
    assert (one["currency"], one["transactions"][0]["currency"]) == ("AUD", "NZD")


@pytest.mark.parametrize(
    ("how", "value"),
    [
        ("thousands", "1,000.00"),
        ("nan_text", "NaN"),
        ("huge", 1e30),
        ("null", None),
        ("bool", True),
    ],
)
def test_an_amount_can_be_none(account: Account, how: str, value: Any) -> None:
    uuid = account.new()["uuid"]

    account.act(uuid, "break", how=how)
    account.act(uuid, "break", how="say", field="remaining_balance", value=[1])

    for one in (account.look(uuid), account.listed(uuid)):
        assert one["amount"] == value
        assert type(one["amount"]) is type(value)


def test_an_amount_can_be_not_a_number_in_json(account: Account) -> None:
    uuid = account.new()["uuid"]

    account.act(uuid, "break", how="nan", field="used_amount")

    assert b'"used_amount":NaN' in account.get(f"/{uuid}").body
    assert math.isnan(account.listed(uuid)["used_amount"])


def test_a_uuid_can_be_missing(account: Account) -> None:
    uuid = account.new()["uuid"]

    account.act(uuid, "break", how="drop")

    rows, pagination = account.page(limit=1)
    assert "uuid" not in rows[0]
    assert (rows[0]["amount"], pagination["records"]) == ("100.00000", 61)
    assert account.get(f"/{uuid}").status == 200


def test_what_is_broken_can_be_mended(account: Account) -> None:
    uuid = account.new()["uuid"]
    before = account.look(uuid), account.listed(uuid)
    account.act(uuid, "break", how="thousands")
    account.act(uuid, "break", how="drop", field="currency")
    assert account.look(uuid) != before[0]

    account.act(uuid, "mend")

    assert (account.look(uuid), account.listed(uuid)) == before


def test_a_row_can_be_twice_in_one_page(account: Account) -> None:
    uuid = account.new()["uuid"]

    account.act(uuid, "duplicate")

    assert account.uuids(limit=2) == [uuid, uuid]
    assert account.page()[1]["records"] == 62


def test_an_older_copy_can_follow_the_row(account: Account) -> None:
    uuid = account.new()["uuid"]
    account.clock.advance(60)
    account.act(uuid, "spend", amount=40)

    account.act(uuid, "older_copy")

    newer, older = account.page(limit=2, offset=60, direction="asc")[0]
    assert (newer["uuid"], older["uuid"]) == (uuid, uuid)
    assert (newer["remaining_balance"], older["remaining_balance"]) == ("60.00000", "100.00000")
    assert (newer["last_updated_on"], older["last_updated_on"]) == (CHANGED, "")
    assert account.look(uuid)["remaining_balance"] == "60.00"


def test_the_histories_of_a_broken_row_stay_readable(account: Account) -> None:
    uuid = account.new()["uuid"]
    account.act(uuid, "break", how="drop", field="transactions")
    account.act(uuid, "break", how="say", field="allocations", value="none")

    for name in ("transactions", "allocations"):
        assert account.get(f"/{uuid}/{name}").json()["gift_certificate"][name] == []


def test_what_comes_is_new(account: Account) -> None:
    account.clock.advance(60)

    [uuid] = account.told("POST", "shift", {"come": 1, "go": 0, "change": 0})["came"]

    one = account.look(uuid)
    assert (one["created_on"], one["last_updated_on"]) == (CHANGED, "")
    assert [each["date"] for each in one["transactions"]] == [CHANGED]


def test_two_debits_can_be_equal(account: Account) -> None:
    uuid = account.new()["uuid"]

    account.act(uuid, "spend", amount=10, times=2, reference="INV-9")

    for one in (account.look(uuid), account.listed(uuid)):
        assert one["transactions"][1] == one["transactions"][2]
        assert sums(one) == (Decimal(80), Decimal(80), Decimal(80))


@pytest.mark.parametrize("touch", [True, False])
def test_a_transaction_can_vanish(account: Account, touch: bool) -> None:
    uuid = account.new()["uuid"]
    account.act(uuid, "spend", amount=10)
    account.act(uuid, "spend", amount=20)
    account.clock.advance(60)

    account.act(uuid, "vanish", index=1, touch=touch)

    one = account.look(uuid)
    assert [each["amount"] for each in one["transactions"]] == ["100.00", "-20.00"]
    assert sums(one) == (Decimal(80), Decimal(80), Decimal(80))
    assert (one["last_updated_on"] == CHANGED) == touch


def test_a_transaction_can_become_another_one(account: Account) -> None:
    uuid = account.new()["uuid"]
    account.act(uuid, "spend", amount=10)
    account.act(uuid, "spend", amount=20)

    account.act(uuid, "rewrite", index=1, amount="-15.00")

    one = account.listed(uuid)
    assert float(one["transactions"][1]["amount"]) == -15.0
    assert sums(one) == (Decimal(65), Decimal(65), Decimal(65))


# Over HTTP


def test_a_kept_alive_connection_repeats_its_400(sandbox: SandboxProcess) -> None:
    control, base = sandbox.exsited, f"{sandbox.url}/exsited"
    control.reset()
    token = requests.post(base + TOKEN, json=LOGIN, timeout=5).json()["access_token"]
    headers = {"Authorization": f"Bearer {token}"}
    control.arm("bad_request_sticks", {"unasked": False}, operation="listGiftCertificates")

    with requests.Session() as kept, requests.Session() as fresh:
        statuses = [
            session.get(base + BOOK + query, headers=headers, timeout=5).status_code
            for session, query in [(fresh, ""), (kept, "?limit=0"), (fresh, "")]
            + [(kept, "?limit=1"), (kept, "?limit=1")]
        ]

    assert statuses == [200, 400, 200, 400, 200]


def test_several_read_while_the_book_moves(sandbox: SandboxProcess) -> None:
    control, base = sandbox.exsited, f"{sandbox.url}/exsited"
    control.reset()
    control.print_book(500)
    token = requests.post(base + TOKEN, json=LOGIN, timeout=5).json()["access_token"]
    control.arm("shift", count=None)
    failures: list[Any] = []

    def read() -> None:
        with requests.Session() as session:
            session.headers["Authorization"] = f"Bearer {token}"
            for offset in range(0, 500, 50):
                url = f"{base}{BOOK}?limit=50&offset={offset}&order_by=last_updated_on"
                page = json.loads(session.get(url, timeout=30).content)
                if len({one["uuid"] for one in page["gift_certificates"]}) != 50:
                    failures.append(page["pagination"])

    readers = [threading.Thread(target=read) for _ in range(4)]
    for one in readers:
        one.start()
    for one in readers:
        one.join()

    assert failures == []
    assert control.state()["changes"] == 4 * 10 * 8
    assert len(control.certificates()) == 500
    control.reset()
