"""JSON without liberties."""

import contextlib
import json
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from providers.gateways.strict_json import JsonError, decode, decode_object, encode, storable


@pytest.mark.parametrize(
    "body",
    [
        b'{"a": NaN}',
        b'{"a": Infinity}',
        b'{"a": -Infinity}',
        b'{"a": 1e400}',
        b'{"a": 1e-400}',
        b'{"a": ' + b"9" * 50 + b"}",
        b'{"a": 0.' + b"9" * 50 + b"}",
        b'{"a": ' + b"9" * 5000 + b"}",
        b'{"a": 1, "a": 2}',
        b'{"a": {"b": 1, "b": 1}}',
        b"[" * 40 + b"]" * 40,
        b"[" * 100_000,
        b'{"a":' * 40 + b"1" + b"}" * 40,
        b'{"a": "\xff"}',
        "\ufeff{}".encode(),
        '{"a": 1}'.encode("utf-16"),
        b"",
        b"{",
        b"{} {}",
        b"{'a': 1}",
        b"<html></html>",
    ],
)
def test_what_the_standard_decoder_lets_pass_is_refused(body: bytes) -> None:
    with pytest.raises(JsonError):
        decode(body)


def test_amounts_are_decimals_to_the_digit() -> None:
    assert decode(b'{"a": 25.10, "b": 25}') == {"a": Decimal("25.10"), "b": 25}
    assert str(decode(b"25.10")) == "25.10"


@pytest.mark.parametrize("body", [b"[]", b"1", b"null", b"true", b'"x"', b"1.5"])
def test_an_object_is_an_object(body: bytes) -> None:
    with pytest.raises(JsonError, match="not an object"):
        decode_object(body)


def test_errors_do_not_repeat_what_was_read() -> None:
    with pytest.raises(JsonError) as caught:
        decode(b'{"cardNumber": "6006491234567890"')

    assert "6006" not in str(caught.value)
    assert caught.value.__context__ is None


@pytest.mark.parametrize("text", ["a\x00b", "\ud800"])
def test_texts_that_postgresql_cannot_store_are_refused(text: str) -> None:
    with pytest.raises(JsonError):
        storable({"a": [text]})


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**12), 10**12) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=12,
)


@given(JSON)
def test_ordinary_json_is_read_like_the_standard_decoder_reads_it(value: object) -> None:
    body = json.dumps(value).encode()

    assert decode(body) == json.loads(body)


@given(st.binary(max_size=60))
def test_no_bytes_make_it_fail_in_another_way(body: bytes) -> None:
    with contextlib.suppress(JsonError):
        decode(body)


@given(st.decimals(allow_nan=False, allow_infinity=False, min_value=-(10**15), max_value=10**15))
def test_a_decimal_is_written_to_the_digit_and_never_as_a_float(value: Decimal) -> None:
    written = encode({"a": [value]})

    assert json.loads(written, parse_float=Decimal, parse_int=Decimal) == {"a": [value]}
    assert b"e" not in written.lower()


@given(JSON)
def test_what_is_written_can_be_read_again(value: object) -> None:
    assert json.loads(encode(value)) == value
