"""The simulated Exsited as its contract says, deviations of section 3 included."""

import re
from typing import Any

import pytest

from tests.sandbox.exsited.conftest import AMOUNT, NOON, Account, refusal

STAMP = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{5}")
ISO = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")


# What a certificate looks like


def test_create_answers_as_the_provider_does(account: Account) -> None:
    created = account.new(
        amount="1090",
        expiry_date="2031-09-24",
        code={"length": "12", "prefix": "GC-FA", "suffix": "AUD"},
        custom_attributes=[{"name": "Channel", "value": "Web"}],
    )

    uuid, code = created["uuid"], created["code"]
    assert re.fullmatch(r"GC-FA[A-Z2-7]{7}", code)
    assert created == {
        "status": "ACTIVE",
        "accounting_code": "Gift Certificate",
        "code": code,
        "amount": "1090.00",
        "remaining_balance": "1090.00",
        "used_amount": "0.00",
        "currency": "AUD",
        "expiry_date": "2031-09-24T10:00:00Z",
        "created_by": "api",
        "created_on": "2026-01-01T00:00:00Z",
        "last_updated_by": "",
        "last_updated_on": "",
        "uuid": uuid,
        "custom_attributes": [{"attribute": {"id": "1", "name": "Channel"}, "value": "Web"}],
        "allocations": [],
        "transactions": [
            {
                "date": "2026-01-01T00:00:00Z",
                "type": "Initial",
                "accounting_code": "Gift Certificate",
                "amount": "1090.00",
                "currency": "AUD",
                "reference": "",
            }
        ],
    }
    assert account.look(uuid) == created


def test_the_list_writes_the_same_in_another_way(account: Account) -> None:
    account.clock.advance(0.25)
    uuid = account.new(custom_attributes=[{"attribute": {"name": "Shop"}, "value": "1"}])["uuid"]

    listed = account.listed(uuid)

    assert listed["amount"] == listed["remaining_balance"] == "100.00000"
    assert listed["used_amount"] == "0.00000"
    assert listed["expiry_date"] == listed["last_updated_on"] == ""
    assert listed["created_on"] == "2026-01-01T00:00:00Z"
    assert listed["custom_attributes"] == [{"name": "Shop", "value": "1"}]
    [transaction] = listed["transactions"]
    assert transaction["type"] == "INITIAL"
    assert transaction["date"] == "2026-01-01 00:00:00.25000"


def test_amounts_in_the_list_are_texts_or_bare_numbers(account: Account) -> None:
    rows, _ = account.page(limit=60)

    types = {type(each["amount"]) for one in rows for each in one["transactions"]}
    assert types == {str, float}
    assert all(re.fullmatch(r"\d+\.\d{5}", one["amount"]) for one in rows)
    assert all(STAMP.fullmatch(each["date"]) for one in rows for each in one["transactions"])
    assert all(ISO.fullmatch(each["date"]) for one in rows for each in one["allocations"])


def test_a_code_of_its_own_may_be_left_out(account: Account) -> None:
    first, second = account.new(), account.new()

    assert len(first["code"]) == len(second["code"]) == 12
    assert first["code"] != second["code"]
    assert first["uuid"] != second["uuid"]


# Pages


def test_the_newest_come_first_twenty_a_page(account: Account) -> None:
    rows, pagination = account.page()

    ages = [one["created_on"] for one in rows]
    assert ages == sorted(ages, reverse=True)
    assert len(rows) == 20
    assert pagination == {
        "records": 60,
        "limit": 20,
        "offset": 0,
        "previous_page": "NULL",
        "next_page": "https://api.exsited.example/api/v3/gift_certificates?limit=20&offset=20",
    }


def test_the_last_page_has_no_next(account: Account) -> None:
    rows, pagination = account.page(limit=50, offset=50)

    assert len(rows) == 10
    assert pagination["next_page"] == "NULL"
    assert pagination["previous_page"].endswith("?limit=50&offset=0")
    assert account.page(offset=60)[0] == []
    assert account.page(offset=10**17)[0] == []


FIELDS = {
    "created_on": lambda one: one["created_on"],
    "last_updated_on": lambda one: one["last_updated_on"],
    "code": lambda one: one["code"],
    "expiry_date": lambda one: one["expiry_date"],
    "amount": lambda one: float(one["amount"]),
}


@pytest.mark.parametrize("field", FIELDS)
def test_rows_are_sorted_both_ways(account: Account, field: str) -> None:
    key = FIELDS[field]
    up, _ = account.page(limit=60, order_by=field, direction="asc")
    down, _ = account.page(limit=60, order_by=field, direction="desc")

    assert [key(one) for one in up] == sorted(key(one) for one in up)
    assert down == up[::-1]
    assert len({one["uuid"] for one in up}) == 60


@pytest.mark.parametrize("direction", ["asc", "desc"])
def test_pages_of_any_size_cover_the_book(account: Account, direction: str) -> None:
    whole = account.uuids(limit=60, direction=direction, order_by="last_updated_on")
    parts = [
        uuid
        for offset in range(0, 60, 7)
        for uuid in account.uuids(
            limit=7, offset=offset, direction=direction, order_by="last_updated_on"
        )
    ]

    assert parts == whole


@pytest.mark.parametrize(
    ("query", "same"),
    [
        ({"order_by": "asc"}, {"order_by": "created_on", "direction": "asc"}),
        ({"order_by": "desc"}, {}),
        ({"order_by": "ASC"}, {"direction": "asc"}),
        ({"direction": "None"}, {}),
        ({"direction": "SortDirection.DESC"}, {}),
        ({"direction": "sideways", "order_by": "code"}, {"order_by": "code"}),
        ({"order_by": ""}, {}),
        ({"filter": "gift_certificates/status eq 'ACTIVE'"}, {}),
    ],
)
def test_odd_orders_are_tolerated(
    account: Account, query: dict[str, Any], same: dict[str, Any]
) -> None:
    assert account.uuids(**query) == account.uuids(**same)


@pytest.mark.parametrize(
    "query",
    ["limit=0", "limit=101", "limit=-1", "limit=x", "limit=", "offset=-1", "offset=x"]
    + ["offset=", "offset=1.5", "order_by=colour"],
)
def test_pages_that_cannot_be_are_refused(account: Account, query: str) -> None:
    assert refusal(account.get(f"?{query}")) == (400, "VALIDATION_ERROR")


def test_an_account_may_have_larger_pages(account: Account) -> None:
    account.print_book(300)
    account.settings(largest_page=250)

    rows, pagination = account.page(limit=250)

    assert len(rows) == pagination["limit"] == 250
    assert account.get("?limit=251").status == 400


def test_a_limit_may_be_cut_without_a_word(account: Account) -> None:
    account.settings(largest_page=10, clamps_limit=True)

    rows, pagination = account.page(limit=50, offset=5)

    assert len(rows) == pagination["limit"] == 10
    assert pagination["offset"] == 5


# Histories


def test_histories_have_pages_whose_numbers_are_texts(account: Account) -> None:
    uuid = account.new()["uuid"]
    for number in range(4):
        account.clock.advance(60)
        account.act(uuid, "spend", amount=1, reference=f"INV-{number}")

    told = account.get(f"/{uuid}/transactions?limit=2&offset=1").json()

    assert told == {
        "gift_certificate": {
            "transactions": [
                {
                    "date": f"2026-01-01T00:0{minute}:00Z",
                    "type": "Debit",
                    "accounting_code": "Gift Certificate",
                    "amount": "-1.00",
                    "currency": "AUD",
                    "reference": f"INV-{minute - 1}",
                }
                for minute in (1, 2)
            ],
            "pagination": {
                "records": "5",
                "limit": "2",
                "offset": "1",
                "previous_page": "NULL",
                "next_page": "NULL",
            },
        }
    }


def test_histories_can_be_read_backwards(account: Account) -> None:
    uuid = account.new()["uuid"]
    account.post(f"/{uuid}/allocate", {"account": "J51VQS"})
    account.clock.advance(60)
    account.post(f"/{uuid}/deallocate", {"account": "J51VQS"})

    def types(query: str) -> list[str]:
        told = account.get(f"/{uuid}/allocations{query}").json()["gift_certificate"]
        return [one["type"] for one in told["allocations"]]

    assert types("") == types("?direction=asc") == ["ALLOCATE", "DEALLOCATE"]
    assert types("?direction=desc") == ["DEALLOCATE", "ALLOCATE"]


# Changing


def test_a_certificate_is_changed(account: Account) -> None:
    before = account.new(custom_attributes=[{"name": "a", "value": 1}])
    account.clock.advance(60)

    body = {
        "gift_certificate": {
            "accounting_code": "Other",
            "expiry_date": "2032-01-31",
            "code": {"length": 10, "prefix": "X-"},
            "custom_attributes": [],
        }
    }
    answer = account.ask("PATCH", f"/api/v3/gift_certificates/{before['uuid']}", body)

    after = answer.json()["gift_certificate"]
    assert answer.status == 200
    assert after == {
        **before,
        "accounting_code": "Other",
        "expiry_date": "2032-01-31T10:00:00Z",
        "code": after["code"],
        "custom_attributes": [],
        "last_updated_by": "api",
        "last_updated_on": "2026-01-01T00:01:00Z",
    }
    assert re.fullmatch("X-[A-Z2-7]{8}", after["code"])
    assert account.look(before["uuid"]) == after


def test_what_a_change_does_not_name_stays(account: Account) -> None:
    before = account.new(expiry_date="2031-09-24", custom_attributes=[{"name": "a", "value": 1}])

    body: dict[str, Any] = {"gift_certificate": {}}
    account.ask("PATCH", f"/api/v3/gift_certificates/{before['uuid']}", body)

    updated = {"last_updated_by": "api", "last_updated_on": "2026-01-01T00:00:00Z"}
    assert account.look(before["uuid"]) == {**before, **updated}


@pytest.mark.parametrize("times", [1, 2])
def test_disable_and_enable_may_be_repeated(account: Account, times: int) -> None:
    uuid = account.new()["uuid"]

    for act, status in (("disable", "DISABLED"), ("enable", "ACTIVE")):
        for _ in range(times):
            answer = account.post(f"/{uuid}/{act}")

        assert (answer.status, answer.json()["gift_certificate"]["status"]) == (200, status)
        assert account.listed(uuid)["status"] == status


def test_it_is_given_to_an_account_and_taken_back(account: Account) -> None:
    uuid = account.new()["uuid"]
    given = account.post(f"/{uuid}/allocate", {"account": "J51VQS"})

    assert given.json()["gift_certificate"]["allocations"] == [
        {"account": "J51VQS", "type": "ALLOCATE", "date": "2026-01-01T00:00:00Z"}
    ]
    assert account.post(f"/{uuid}/allocate", {"account": "J51VQS"}).status == 400
    assert account.post(f"/{uuid}/deallocate", {"account": "OTHER"}).status == 400
    assert account.post(f"/{uuid}/deallocate", {"account": "J51VQS"}).status == 200
    assert account.post(f"/{uuid}/deallocate", {"account": "J51VQS"}).status == 400


def test_amend_sets_the_balance(account: Account) -> None:
    uuid = account.new()["uuid"]
    account.act(uuid, "spend", amount=30)

    answer = account.post(f"/{uuid}/amend", {"amount": "45.50", "accounting_code": "Promo"})

    told = answer.json()["gift_certificate"]
    amounts = [told[name] for name in ("amount", "remaining_balance", "used_amount")]
    assert answer.status == 200
    assert amounts == ["75.50", "45.50", "30.00"]
    assert [(one["type"], one["amount"]) for one in told["transactions"]] == [
        ("Initial", "100.00"),
        ("Debit", "-30.00"),
        ("Amend", "-24.50"),
    ]
    assert told["transactions"][-1]["accounting_code"] == "Promo"


def test_amend_stays_above_what_was_used(account: Account) -> None:
    uuid = account.new()["uuid"]
    account.act(uuid, "spend", amount=30)

    answer = account.post(f"/{uuid}/amend", {"amount": "29.99"})

    assert refusal(answer) == (400, "INSUFFICIENT_BALANCE")
    assert account.look(uuid)["remaining_balance"] == "70.00"


def test_what_was_spent_is_a_debit(account: Account) -> None:
    uuid = account.new()["uuid"]

    account.act(uuid, "spend", amount="100", reference="INV-7")

    told = account.look(uuid)
    assert told["status"] == "USED"
    assert told["remaining_balance"] == "0.00"
    assert told["used_amount"] == "100.00"
    assert told["transactions"][-1]["reference"] == "INV-7"
    assert (
        account.control("POST", f"certificates/{uuid}", {"act": "spend", "amount": 1}).status == 400
    )


def test_deleted_is_gone_for_good(account: Account) -> None:
    uuid = account.new()["uuid"]

    answer = account.ask("DELETE", f"/api/v3/gift_certificates/{uuid}")

    assert (answer.status, answer.body) == (204, b"")
    assert answer.headers["Content-Type"] == "application/json"
    assert refusal(account.get(f"/{uuid}")) == (404, "RESOURCE_NOT_FOUND")
    assert account.page()[1]["records"] == 60


def test_what_was_used_cannot_be_deleted(account: Account) -> None:
    uuid = account.new()["uuid"]
    account.act(uuid, "spend", amount=1)

    answer = account.ask("DELETE", f"/api/v3/gift_certificates/{uuid}")

    assert refusal(answer) == (400, "VALIDATION_ERROR")
    assert account.get(f"/{uuid}").status == 200


# What is refused


@pytest.mark.parametrize(
    "wrong",
    [
        {"accounting_code": None},
        {"accounting_code": ""},
        {"amount": None},
        {"amount": "0"},
        {"amount": "-1"},
        {"amount": "1,000.00"},
        {"amount": "1e3"},
        {"amount": "0.001"},
        {"amount": True},
        {"amount": 1e30},
        {"amount": [1]},
        {"currency": "aud"},
        {"currency": "AUDX"},
        {"currency": 36},
        {"status": "USED"},
        {"expiry_date": ""},
        {"expiry_date": "24.09.2031"},
        {"expiry_date": "20310924"},
        {"code": "GC-1"},
        {"code": {"length": 3}},
        {"code": {"length": "x"}},
        {"code": {"length": True}},
        {"code": {"length": 6, "prefix": "GC-"}},
        {"code": {"prefix": 1}},
        {"custom_attributes": {}},
        {"custom_attributes": ["a"]},
        {"custom_attributes": [{"value": 1}]},
        {"accounting_code": "\ud800"},
    ],
)
def test_certificates_that_cannot_be_are_refused(account: Account, wrong: dict[str, Any]) -> None:
    assert refusal(account.post("", {**AMOUNT, **wrong})) == (400, "VALIDATION_ERROR")
    assert account.page()[1]["records"] == 60


@pytest.mark.parametrize("amount", ["25", "25.5", "25.50000", 25, 25.5])
def test_amounts_are_texts_or_numbers(account: Account, amount: Any) -> None:
    assert account.new(amount=amount)["amount"] in ("25.00", "25.50")


@pytest.mark.parametrize("body", [b"", b"[]", b"{}", b'{"gift_certificate": 1}', b"{", b"\xff"])
def test_bodies_that_cannot_be_read_are_refused(account: Account, body: bytes) -> None:
    answer = account.ask("POST", "/api/v3/gift_certificates", body)

    assert refusal(answer) == (400, "VALIDATION_ERROR")


@pytest.mark.parametrize(
    ("method", "rest"),
    [("GET", ""), ("PATCH", ""), ("DELETE", ""), ("GET", "/allocations"), ("GET", "/transactions")]
    + [("POST", f"/{act}") for act in "disable enable allocate deallocate amend".split()],
)
def test_an_unknown_certificate_is_told_so(account: Account, method: str, rest: str) -> None:
    body = {"gift_certificate": {"account": "J1", "amount": "1"}}
    answer = account.ask(method, f"/api/v3/gift_certificates/no-such{rest}", body)

    assert refusal(answer) == (404, "RESOURCE_NOT_FOUND")


def test_other_paths_and_methods_are_refused(account: Account) -> None:
    assert refusal(account.ask("GET", "/api/v3/invoices")) == (404, "RESOURCE_NOT_FOUND")
    answer = account.ask("PUT", "/api/v3/gift_certificates")
    assert refusal(answer) == (405, "METHOD_NOT_ALLOWED")
    assert answer.headers["Allow"] == "GET, POST"


def test_too_many_requests_are_slowed_down(account: Account) -> None:
    account.settings(per_second=1)
    account.clock.advance(10)
    account.get()

    answer = account.get()

    assert refusal(answer) == (429, "TOO_MANY_REQUESTS")
    assert answer.headers["Retry-After"] == "1"


def test_a_large_book_adds_up(account: Account) -> None:
    account.print_book(2000, seed="sums")

    book = account.book()

    assert len(book) == len({one["uuid"] for one in book}) == len({one["code"] for one in book})
    assert {one["status"] for one in book} == {"ACTIVE", "DISABLED", "EXPIRED", "USED"}
    for one in book:
        total = sum(each["minor"] for each in one["transactions"])
        assert total == one["remaining_minor"] == one["amount_minor"] - one["used_minor"] >= 0
        ats = [each["at"] for each in one["transactions"]]
        assert ats == sorted(ats)
        assert ats[-1] < NOON
    assert 7000 < sum(len(one["transactions"]) for one in book) < 9000
    assert 3500 < sum(len(one["allocations"]) for one in book) < 4500
