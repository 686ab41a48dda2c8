"""Lists of people as they come out of sheets and mail programs."""

import pytest

from orders.admin.pasting import addresses_in, people_in


@pytest.mark.parametrize(
    ("row", "name", "email", "phone"),
    [
        ("Ann Petrov, ann@example.com", "Ann Petrov", "ann@example.com", ""),
        ("Ann Petrov\tann@example.com", "Ann Petrov", "ann@example.com", ""),
        ("Ann;Petrov;ann@example.com", "Ann Petrov", "ann@example.com", ""),
        ('"Petrov, Ann", ann@example.com', "Petrov, Ann", "ann@example.com", ""),
        ("Ann Petrov <ann@example.com>", "Ann Petrov", "ann@example.com", ""),
        ("ann@example.com", "", "ann@example.com", ""),
        ("Bo, +1 (555) 555-0123", "Bo", "", "+15555550123"),
        ("Bo, 5555550123", "Bo", "", "5555550123"),
        ("Bo Lind", "Bo Lind", "", ""),
    ],
)
def test_a_row_is_read_however_it_is_separated(row, name, email, phone):
    (person,), problems = people_in(row)

    assert (person.name, person.email, person.phone, problems) == (name, email, phone, [])


def test_rows_keep_their_numbers_past_titles_and_empty_lines():
    people, _ = people_in("Name\tE-mail\n\nAnn\tann@example.com\n\nBo\tbo@example.com\n")

    assert [(person.row, person.name) for person in people] == [(3, "Ann"), (5, "Bo")]


def test_a_row_that_is_far_too_long_is_named_and_the_rest_is_read():
    people, problems = people_in("x" * 5000 + "\nann@example.com")

    assert [person.row for person in people] == [2]
    assert problems == ["Row 1: this is too long to be one person."]


@pytest.mark.parametrize(
    "row",
    [
        "Ann Petrov; 1 Main Street; ; Springfield; IL; 62701; US",
        "Ann Petrov; 1 Main Street; ; Springfield; IL; 62701; ",
        "Ann Petrov; 1 Main Street; ; Springfield; IL; 62701",
        "Ann Petrov; 1 Main Street; Springfield; IL; 62701; us",
        "Ann Petrov\t1 Main Street\tSpringfield\tIL\t62701",
    ],
)
def test_second_line_and_country_of_an_address_may_be_left_out(row):
    (person,), problems = addresses_in(row)

    place = person.address
    assert problems == []
    assert (place.name, place.line_1, place.line_2) == ("Ann Petrov", "1 Main Street", "")
    assert (place.city, place.state, place.postcode) == ("Springfield", "IL", "62701")
    assert place.country == "US"


@pytest.mark.parametrize("row", ["Ann Petrov", "Ann; 1 Main St; Springfield", "a;b;c;d;e;f;g;h"])
def test_an_address_that_cannot_be_told_apart_is_named_by_its_row(row):
    people, problems = addresses_in(f"Name; Street\n{row}")

    assert people == []
    assert problems[0].startswith("Row 2: write it like “Name; street;")
