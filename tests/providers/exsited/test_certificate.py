"""One certificate, from the bytes of a slice to our words: what is read and what is refused."""

import json
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from giftops.money import EXPONENTS, MOST
from providers.gateways.base import (
    AllocationKind,
    CertificateAllocation,
    CertificateStanding,
    CertificateTransaction,
    RawItem,
    RemoteCertificate,
    TransactionKind,
)
from providers.gateways.exsited import parse, wire
from tests.providers.exsited.conftest import (
    BOOK,
    FULL,
    TRANSACTION,
    UUID,
    changed,
    cut,
    item,
    with_transaction,
)
from tests.recorded import recorded_json

SENTENCE_MAY_NOT_SAY = ("GC-FAXVJ7GCW", "CANARY", "saeed", "J51VQS", "INV-7")


def refusal(raw: RawItem) -> str:
    """What is said of an item that cannot be read: nothing that stands in it."""
    with pytest.raises(ValueError) as caught:  # noqa: PT011 - what it says is looked at below
        parse.certificate(raw)
    seen: BaseException | None = caught.value
    while seen is not None:
        said = f"{seen} {seen!r} {vars(seen)}"
        assert not any(secret in said for secret in SENTENCE_MAY_NOT_SAY), said
        seen = seen.__context__
    return str(caught.value)


# --- What is told -------------------------------------------------------------------------------


def test_a_certificate_of_the_list_is_read_whole() -> None:
    assert parse.certificate(item()) == RemoteCertificate(
        external_id=UUID,
        code="GC-FAXVJ7GCW",
        status_text="ACTIVE",
        standing=CertificateStanding.ACTIVE,
        currency="AUD",
        amount=109_000,
        remaining=84_050,
        used=24_950,
        accounting_code="Gift Certificate",
        expires_on=date(2031, 9, 24),
        created_at=datetime(2025, 8, 10, 7, 0, 13, tzinfo=UTC),
        created_by="saeed",
        changed_at=datetime(2025, 9, 1, 12, 30, tzinfo=UTC),
        changed_by="api",
        attributes=(("Campaign", "Summer"),),
        allocations=(
            CertificateAllocation(
                kind=AllocationKind.ALLOCATE,
                kind_text="ALLOCATE",
                at=datetime(2025, 8, 11, 9, tzinfo=UTC),
                account="J51VQS",
            ),
            CertificateAllocation(
                kind=AllocationKind.DEALLOCATE,
                kind_text="DEALLOCATE",
                at=datetime(2025, 8, 12, 9, tzinfo=UTC),
                account="J51VQS",
            ),
        ),
        transactions=(
            moved(TransactionKind.INITIAL, 100_000, datetime(2025, 8, 10, 7, 0, 14, 253_100)),
            moved(TransactionKind.AMEND, 9_000, datetime(2025, 8, 13, 7, 0, 14, 10)),
            moved(TransactionKind.DEBIT, -20_000, datetime(2025, 9, 1, 12, 30), "INV-77"),
            moved(TransactionKind.DEBIT, -4_950, datetime(2025, 9, 1, 12, 30), "INV-78"),
        ),
    )


def moved(
    kind: TransactionKind, minor: int, at: datetime, reference: str = ""
) -> CertificateTransaction:
    return CertificateTransaction(
        kind=kind,
        kind_text=kind.value.upper(),
        at=at.replace(tzinfo=UTC),
        amount=minor,
        currency="AUD",
        accounting_code="Gift Certificate",
        reference=reference,
    )


def test_a_certificate_by_itself_is_written_otherwise_and_read_the_same() -> None:
    told = recorded_json("exsited/certificate")["gift_certificate"]

    found = parse.certificate(cut(json.dumps(told)))

    assert (found.amount, found.remaining, found.used) == (109_000, 109_000, 0)
    assert (found.changed_at, found.changed_by, found.attributes) == (None, "", ())
    assert (found.transactions[0].kind, found.transactions[0].kind_text) == (
        TransactionKind.INITIAL,
        "Initial",
    )


def test_no_value_is_an_empty_text_a_null_or_nothing() -> None:
    keys = ("expiry_date", "created_by", "created_on", "last_updated_by", "last_updated_on")

    empty, null, missing = (
        parse.certificate(item(**dict.fromkeys(keys, value))) for value in ("", None, ...)
    )

    assert empty == null == missing
    assert (empty.expires_on, empty.created_at, empty.created_by) == (None, None, "")


@pytest.mark.parametrize(
    ("text", "standing"),
    [
        ("ACTIVE", CertificateStanding.ACTIVE),
        (" Disabled", CertificateStanding.DISABLED),
        ("expired", CertificateStanding.EXPIRED),
        ("USED", CertificateStanding.USED),
        ("ACTIVATED", CertificateStanding.UNMAPPED),
        ("Gültig", CertificateStanding.UNMAPPED),
    ],
)
def test_a_status_is_kept_as_it_came_and_mapped_only_if_it_is_known(
    text: str, standing: CertificateStanding
) -> None:
    found = parse.certificate(item(status=text))

    assert (found.status_text, found.standing) == (text.strip(), standing)


def test_kinds_are_known_in_any_case_and_others_kept() -> None:
    told = [changed(TRANSACTION, type=text) for text in ("debit", "Amend", "Refund")]
    given = [{"account": "J1", "type": text, "date": ""} for text in ("allocate", "Lend")]

    found = parse.certificate(item(transactions=told, allocations=given))

    assert [one.kind for one in found.transactions] == ["debit", "amend", "unmapped"]
    assert [one.kind for one in found.allocations] == ["allocate", "unmapped"]
    assert [one.kind_text for one in found.allocations] == ["allocate", "Lend"]


def test_two_equal_debits_are_two() -> None:
    found = parse.certificate(item(transactions=[TRANSACTION, TRANSACTION]))

    assert found.transactions[0] == found.transactions[1]


def test_contradictions_are_handed_on() -> None:
    found = parse.certificate(item(remaining_balance="9999.00", used_amount="-5.00"))

    assert (found.amount, found.remaining, found.used) == (109_000, 999_900, -500)


ATTRIBUTES: dict[str, tuple[Any, tuple[str, str]]] = {
    "plain": ({"name": "a", "value": "b"}, ("a", "b")),
    "with an id": ({"attribute": {"id": "1", "name": "a"}, "value": "b"}, ("a", "b")),
    "empty": ({"name": "a", "value": ""}, ("a", "")),
    "null": ({"name": "a", "value": None}, ("a", "")),
    "no value": ({"name": "a"}, ("a", "")),
    "a number": ({"name": "a", "value": 5}, ("a", "5")),
    "true": ({"name": "a", "value": True}, ("a", "true")),
    "many": ({"name": "a", "value": ["x", "é", 1.5]}, ("a", '["x","é",1.5]')),
    "foreign": ({"name": "Größe", "value": "☃"}, ("Größe", "☃")),
}


@pytest.mark.parametrize(("told", "found"), ATTRIBUTES.values(), ids=ATTRIBUTES)
def test_an_attribute_is_read_in_either_form(told: Any, found: tuple[str, str]) -> None:
    assert parse.certificate(item(custom_attributes=[told])).attributes == (found,)


# --- Amounts ------------------------------------------------------------------------------------

AMOUNTS: dict[str, tuple[str, int]] = {
    "two digits": ('"1090.50"', 109_050),
    "five digits": ('"1090.50000"', 109_050),
    "none": ('"1090"', 109_000),
    "nothing": ('"0.00000"', 0),
    "less than nothing": ('"-12.34"', -1234),
    "a number": ("1090.5", 109_050),
    "a long number": ("1090.50000", 109_050),
    "a whole number": ("1090", 109_000),
    "a number in powers": ("10905E-1", 109_050),
    "a number in larger powers": ("1E+2", 10_000),
    "the most": (f'"{MOST // 100}.00"', MOST),
}


@pytest.mark.parametrize(("written", "minor"), AMOUNTS.values(), ids=AMOUNTS)
def test_an_amount_is_read_exactly(written: str, minor: int) -> None:
    text = json.dumps(changed(FULL, amount="SAY")).replace('"SAY"', written)

    assert parse.certificate(cut(text)).amount == minor


NO_AMOUNTS = [
    *('"1,000.00"', '"NaN"', '"Infinity"', '"1e30"', '"1E5"', '""', '" "', '"CANARY"'),
    *('"1090.505"', '"1090.500001"', '"1090."', '".5"', '"+5.00"', '" 5.00"', '"5.00 "'),
    *('"१०.००"', '"$5.00"', '"1 000.00"', '"0x10"', '"--5"', '"5.00\\n"'),
    *("1090.505", "1e30", "1e400", "1E-9", "-1e30", "123456789012345678901234567890"),
    *("null", "true", "false", "[]", "{}", '["5.00"]', '{"amount":"5.00"}'),
    *("NaN", "Infinity", "-Infinity", "01", "1.", "0.000000000000000000000000000001"),
    f'"{MOST // 100 + 1}.00"',
    *("1e999999999", "1e9999999999999999999999", "1" * 5000, f"1.{'1' * 5000}", "1E-999999999"),
]


@pytest.mark.parametrize("written", NO_AMOUNTS)
@pytest.mark.parametrize("key", ["amount", "remaining_balance", "used_amount"])
def test_what_is_no_amount_is_refused_without_repeating_it(written: str, key: str) -> None:
    text = json.dumps(changed(FULL, **{key: "SAY"})).replace('"SAY"', written)

    assert written.strip('"') not in refusal(cut(text)) or len(written) < 8


@pytest.mark.parametrize("number", ["1e999999999", "1e9999999999999999999999", "9" * 100_000])
@pytest.mark.parametrize("way", ["{}", "[{}]", '{{"a":{}}}'])
def test_a_number_without_end_is_not_written_out(number: str, way: str) -> None:
    told = changed(FULL, custom_attributes=[{"name": "a", "value": "SAY"}])
    text = json.dumps(told).replace('"SAY"', way.format(number))

    try:
        ((_, value),) = parse.certificate(cut(text)).attributes
    except ValueError:
        return
    assert len(value) < 30


@pytest.mark.parametrize("written", NO_AMOUNTS)
def test_what_is_no_amount_of_a_transaction_is_refused(written: str) -> None:
    text = with_transaction(amount="SAY").content.decode().replace('"SAY"', written)

    refusal(cut(text))


@given(
    minor=st.integers(-MOST, MOST),
    currency=st.sampled_from(sorted(EXPONENTS)),
    padding=st.integers(0, 5),
    is_text=st.booleans(),
)
def test_every_amount_comes_back_as_it_was_written(
    minor: int, currency: str, padding: int, is_text: bool
) -> None:
    digits = EXPONENTS[currency]
    written = f"{Decimal(minor).scaleb(-digits):.{min(5, digits + padding)}f}"
    written = f'"{written}"' if is_text else written
    text = with_transaction(amount="SAY", currency=currency).content.decode()
    text = text.replace('"SAY"', written)
    if len(written.strip('"-').partition(".")[0]) > 15:
        refusal(cut(text)) if is_text else None
        return

    assert parse.certificate(cut(text)).transactions[0].amount == minor


@given(st.text(max_size=20) | st.floats().map(repr) | st.decimals().map(str))
@example("1e2")
@example("٣.٠٠")
def test_a_text_is_read_as_the_amount_it_is_or_refused(text: str) -> None:
    raw = item(amount=text)
    try:
        found = parse.certificate(raw).amount
    except ValueError:
        return

    assert found == Decimal(text) * 100


@pytest.mark.parametrize("currency", ["", " ", "XXX", "AU", "A$", "dollars", None, 36, "AUD\x00"])
def test_a_currency_that_nobody_knows_is_refused(currency: Any) -> None:
    refusal(item(currency=currency))
    refusal(with_transaction(currency=currency))


def test_an_amount_has_the_digits_of_its_currency() -> None:
    assert parse.certificate(with_transaction(currency="JPY", amount="500.00000"))
    assert "JPY" in refusal(with_transaction(currency="JPY", amount="500.50"))
    (found,) = parse.certificate(with_transaction(currency="KWD", amount="1.125")).transactions
    assert (found.amount, found.currency) == (1125, "KWD")


# --- Times --------------------------------------------------------------------------------------

TIMES = {
    "2025-08-10T07:00:13Z": datetime(2025, 8, 10, 7, 0, 13, tzinfo=UTC),
    "2025-08-10 07:00:13.25310": datetime(2025, 8, 10, 7, 0, 13, 253_100, tzinfo=UTC),
    "2025-08-10 07:00:13": datetime(2025, 8, 10, 7, 0, 13, tzinfo=UTC),
    "2025-08-10T07:00:13.123Z": datetime(2025, 8, 10, 7, 0, 13, 123_000, tzinfo=UTC),
    "2025-08-10T17:00:13+10:00": datetime(2025, 8, 10, 7, 0, 13, tzinfo=UTC),
    "9999-12-31T23:59:59Z": datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC),
}


@pytest.mark.parametrize(("text", "moment"), TIMES.items())
def test_a_time_is_read_in_either_form_and_is_utc_without_a_zone(
    text: str, moment: datetime
) -> None:
    found = parse.certificate(item(created_on=text))

    assert found.created_at == moment
    assert found.created_at is not None
    assert found.created_at.tzinfo is UTC


@pytest.mark.parametrize("text", ["2031-09-24T10:00:00Z", "2031-09-24", "2031-09-24 23:59:59.99"])
def test_of_an_expiry_only_the_day_counts(text: str) -> None:
    assert parse.certificate(item(expiry_date=text)).expires_on == date(2031, 9, 24)


NO_TIMES = [
    *("yesterday", "NULL", "2025-08-10", "2025-13-10T07:00:13Z", "2025-08-10T25:00:13Z"),
    *("10/08/2025 07:00:13", "1754809213", "20250810T070013Z", "2025-08-10x07:00:13Z"),
    *("2025-02-30T07:00:13Z", "0000-00-00 00:00:00", "2025-08-10T07:00:13Zjunk", " "),
    *("0001-01-01T00:00:00+10:00", "2025-W32-7T07:00:13Z", "२०२५-08-10T07:00:13Z"),
    *("2025-08-10T070013.123Z", "2025/08/10T07:00:13Z", "2025-08-10T07.00.13Z"),
]


@pytest.mark.parametrize("text", NO_TIMES)
@pytest.mark.parametrize("key", ["created_on", "last_updated_on", "expiry_date"])
def test_what_is_no_time_is_refused(text: str, key: str) -> None:
    if key == "expiry_date" and text == "2025-08-10":
        return  # a day is enough for an expiry

    refusal(item(**{key: text}))


def test_a_transaction_has_a_time() -> None:
    for text in ("", None, ..., "yesterday", 5):
        refusal(with_transaction(date=text))


# --- Texts, keys, shapes ------------------------------------------------------------------------

TEXTS = ("uuid", "code", "status", "accounting_code", "created_by", "last_updated_by")


@pytest.mark.parametrize("key", TEXTS)
@pytest.mark.parametrize("value", ["a\x00b", "x" * 3000, 7, 7.5, True, [], {}, ["x"]])
def test_a_text_that_is_none_or_cannot_be_kept_is_refused(key: str, value: Any) -> None:
    refusal(item(**{key: value}))


@pytest.mark.parametrize("key", TEXTS)
@pytest.mark.parametrize("half", [r"\ud800", r"\udc00", r"\ud800x", r"\udc00\ud800"])
def test_half_a_character_is_refused(key: str, half: str) -> None:
    refusal(cut(json.dumps(changed(FULL, **{key: "SAY"})).replace("SAY", half)))


@pytest.mark.parametrize("bad", [b"\xff", b"\xed\xa0\x80", b"\xc0\x80", b"\x00", b"\x1f"])
def test_bytes_that_are_no_text_are_refused(bad: bytes) -> None:
    text = json.dumps(changed(FULL, accounting_code="SAY")).encode()

    refusal(RawItem(UUID, text.replace(b"SAY", b"CANARY" + bad)))


def test_a_text_deep_inside_is_as_strict() -> None:
    refusal(with_transaction(reference="CANARY\x00"))
    refusal(with_transaction(reference="x" * 3000))
    refusal(item(allocations=[{"account": "J\x00", "type": "ALLOCATE", "date": ""}]))
    refusal(item(custom_attributes=[{"name": "a", "value": "\x00"}]))
    refusal(item(custom_attributes=[{"name": "a", "value": "x" * 3000}]))


REQUIRED = ("uuid", "code", "status", "currency", "amount", "remaining_balance", "used_amount")
LISTS = ("custom_attributes", "allocations", "transactions")


@pytest.mark.parametrize("key", [*REQUIRED, *LISTS, "accounting_code"])
@pytest.mark.parametrize("value", [..., None])
def test_what_is_needed_and_left_out_is_refused(key: str, value: Any) -> None:
    refusal(item(**{key: value}))


@pytest.mark.parametrize("key", [one for one in REQUIRED])
def test_what_is_needed_is_not_blank(key: str) -> None:
    refusal(item(**{key: "  "}))


@pytest.mark.parametrize("key", LISTS)
@pytest.mark.parametrize("value", ["", "x", 7, {}, [None], ["x"], [7], [[]], [{}]])
def test_a_list_that_is_none_is_refused(key: str, value: Any) -> None:
    refusal(item(**{key: value}))


@pytest.mark.parametrize("content", [b"", b"null", b"7", b"[]", b"{}", b"{", b"CANARY", b"\xff"])
def test_what_is_no_certificate_is_refused(content: bytes) -> None:
    refusal(RawItem(UUID, content))


def test_what_is_nested_without_end_is_refused() -> None:
    refusal(cut(json.dumps(changed(FULL, more="SAY")).replace('"SAY"', "[" * 9999 + "]" * 9999)))


def test_an_item_is_only_read_under_its_own_name() -> None:
    refusal(RawItem("another", item().content))


KEYS = sorted(wire.Certificate.__struct_fields__)
DEEP_KEYS = sorted({*wire.Transaction.__struct_fields__, *wire.Allocation.__struct_fields__})


@pytest.mark.parametrize("is_last", [True, False])
@pytest.mark.parametrize("form", ['"{}":', '"{}" \t:\n', "escaped"])
@pytest.mark.parametrize("key", KEYS)
def test_a_key_that_is_there_twice_is_refused(key: str, form: str, is_last: bool) -> None:
    again = escaped(key) if form == "escaped" else form.format(key)
    value = json.dumps(FULL[key])
    text = json.dumps(FULL)
    text = f"{text[:-1]},{again}{value}}}" if is_last else f"{{{again}{value},{text[1:]}"

    assert "twice" in refusal(cut(text))


@pytest.mark.parametrize("key", DEEP_KEYS)
def test_a_key_that_is_there_twice_deep_inside_is_refused(key: str) -> None:
    text = json.dumps(FULL)
    place = text.index(f'"{key}":', text.index('"allocations"'))

    assert "twice" in refusal(cut(f'{text[:place]}"{key}":"J51VQS",{text[place:]}'))


def escaped(key: str) -> str:
    return f'"\\u{ord(key[0]):04x}{key[1:]}":'


def test_a_key_left_out_does_not_hide_one_that_is_there_twice() -> None:
    less = json.dumps(changed(FULL, created_by=...))

    assert "twice" in refusal(cut(f'{less[:-1]},"amount":"1.00"}}'))


def test_an_escaped_colon_does_not_hide_a_key_that_is_there_twice() -> None:
    for colon in (r"\u003a", r"\u003A"):
        less = json.dumps(changed(FULL, created_by="SAY")).replace("SAY", colon)

        assert parse.certificate(cut(less)).created_by == ":"
        assert "twice" in refusal(cut(f'{less[:-1]},"amount":"1.00"}}'))


@given(st.text(alphabet='":\\ué\u2028☃ab{}[],', max_size=30))
@example(":")
@example('":"')
@example("\\u0000")
@example("\\u003a")
def test_a_text_may_hold_anything_that_can_be_kept(text: str) -> None:
    for is_ascii in (True, False):
        raw = cut(json.dumps(changed(FULL, created_by=text), ensure_ascii=is_ascii))
        assert parse.certificate(raw).created_by == text


def test_fields_that_nobody_described_change_nothing() -> None:
    more = {"unexpectedField": {"deep": [1, {"er": None}]}, "__class__": "x"}
    told = changed(FULL, **more, transactions=[one | more for one in FULL["transactions"]])

    assert parse.certificate(cut(json.dumps(told))) == parse.certificate(item())


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@given(key=st.sampled_from(KEYS), value=json_values)
def test_whatever_stands_in_a_field_it_is_read_or_refused_in_a_sentence(
    key: str, value: Any
) -> None:
    raw = item(**{key: value})
    try:
        found = parse.certificate(raw)
    except ValueError:
        refusal(raw)
        return

    assert isinstance(found, RemoteCertificate)


@given(st.binary(max_size=60))
def test_whatever_bytes_there_are_nothing_else_is_raised(content: bytes) -> None:
    refusal(RawItem(UUID, content))


# --- Secrets, and the quick way -------------------------------------------------------------------


def test_a_code_is_in_no_repr() -> None:
    assert "GC-FAXVJ7GCW" not in f"{item()!r} {parse.certificate(item())!r}"


@pytest.mark.parametrize("number", range(len(BOOK["gift_certificates"])))
def test_what_is_recorded_needs_no_second_reading(
    number: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = BOOK["gift_certificates"][number]
    told = {key: value for key, value in told.items() if key != "custom_attributes"}
    monkeypatch.setattr(parse, "decode_object", pytest.fail)

    parse.certificate(cut(json.dumps(told | {"custom_attributes": []}), told["uuid"]))
