"""A sheet of customers becomes cards, or a sentence for each row that cannot."""

import pytest

from giftops.money import Money
from orders.services.issuing.cards import wish_sheets
from orders.services.issuing.cards.wish_sheets import TEMPLATE, UnreadableSheet, read_sheet, text_of
from tests.orders.issuing.cards import wish

USD_50 = Money(5000, "USD")


def test_the_template_reads_back():
    text = TEMPLATE + "1001,Ann Petrov,ann@example.com,GC,25.00,\r\n1002,,,GC,50,700\r\n"

    sheet = read_sheet(text, currency="USD")

    assert sheet.problems == []
    assert sheet.wishes == [
        wish(customer_name="Ann Petrov", customer_email="ann@example.com", row=2),
        wish(customer_id="1002", value=USD_50, points=700, row=3),
    ]


def test_columns_may_stand_in_any_order_and_others_beside_them():
    sheet = read_sheet("Amount;Note;Customer\n25;gold;1001\n", currency="USD", code="GC")

    assert sheet.wishes == [wish(row=2)]


def test_without_names_the_columns_are_those_of_the_template():
    sheet = read_sheet("1001\tAnn\t\tGC\t25.00\n\n", currency="USD")

    assert sheet.wishes == [wish(customer_name="Ann", row=1)]


def test_blank_cells_take_what_is_given_for_all():
    sheet = read_sheet("customer,value\n1001,\n1002,50", currency="USD", code="GC",
                       value=Money(2500, "USD"))  # fmt: skip

    assert [one.value.minor for one in sheet.wishes] == [2500, 5000]
    assert {one.code for one in sheet.wishes} == {"GC"}


@pytest.mark.parametrize(
    ("written", "minor"),
    [("25", 2500), ("$25.50", 2550), ("USD 25.00", 2500), ("1,250.00", 125_000), ("-5", -500)],
)
def test_amounts_are_read_as_sheets_write_them(written, minor):
    sheet = read_sheet(f'customer,value\n1001,"{written}"', currency="USD", code="GC")

    assert [one.value.minor for one in sheet.wishes] == [minor]


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("1001,,,GC,", "Row 2: give the value."),
        ("1001,,,GC,25.001", "Row 2: write the value like 25.00."),
        ("1001,,,GC,=1+1", "Row 2: write the value like 25.00."),
        ("1001,,,GC,25,many", "Row 2: write the points as digits only."),
        ("1001,,,GC,25,,surplus", "Row 2: there are more columns than in the template."),
        ("1" * 1001, "Row 2: this is too long to be one card."),
    ],
)
def test_a_row_that_cannot_be_read_says_why(line, problem):
    sheet = read_sheet(TEMPLATE + line, currency="USD")

    assert (sheet.wishes, sheet.problems) == ([], [problem])


def test_a_bad_row_does_not_hide_the_others():
    sheet = read_sheet(TEMPLATE + "1001,,,GC,x\n1002,,,GC,25", currency="USD")

    assert [one.customer_id for one in sheet.wishes] == ["1002"]
    assert len(sheet.problems) == 1


def test_a_sheet_without_an_end_is_cut_off():
    sheet = read_sheet("1,,,GC,1\n" * (wish_sheets.MOST_ROWS + 5), currency="USD")

    assert len(sheet.wishes) == wish_sheets.MOST_ROWS
    assert len(sheet.problems) == 1


def test_a_file_is_text():
    assert text_of("\ufeffcustomer,ü".encode()) == "customer,ü"


@pytest.mark.parametrize(
    "data",
    [
        b"PK\x03\x04 a workbook",
        b"a\x00b",
        b"\xff\xfea",
        "ü".encode("latin-1"),
        b"1" * 1024**2 + b"1",
    ],
)
def test_a_file_that_is_none_is_refused(data):
    with pytest.raises(UnreadableSheet):
        text_of(data)
