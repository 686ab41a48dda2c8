import ast
import io
import json
import logging
import logging.config
from datetime import UTC, datetime
from decimal import Decimal
from uuid import UUID

import pytest
import structlog
from django.conf import settings as configured

from giftops import logs
from giftops.money import Money

CODE = "6006491234567890"
DASHED = "6006-4912-3456-7890"
SECRET = "opaque-Credential-77"


@pytest.fixture
def written(monkeypatch):
    """Write a log line through everything a real one goes through; give what comes out."""
    out = io.StringIO()
    handler = logging.StreamHandler(out)
    formatter = structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=[structlog.stdlib.add_log_level],
        processors=list(logs.last_processors("json")),
    )
    handler.setFormatter(formatter)
    logger = logging.getLogger("test.written")
    monkeypatch.setattr(logger, "handlers", [handler])
    monkeypatch.setattr(logger, "propagate", False)
    monkeypatch.setattr(logger, "disabled", False)  # by whatever set up logging again meanwhile
    logging.disable(logging.NOTSET)
    logger.setLevel(logging.DEBUG)

    def write(event="happened", exc_info=None, **fields):
        structlog.get_logger("test.written").info(event, exc_info=exc_info, **fields)
        return out.getvalue()

    write.plain = logger
    write.out = out
    return write


@pytest.fixture(autouse=True)
def _forget_secrets(monkeypatch):
    monkeypatch.setattr(logs, "_secrets", set())
    monkeypatch.setattr(logs, "_secret_pattern", None)


def test_listed_fields_are_written(written):
    line = json.loads(written("order_placed", order="GO-TEST-01", attempts=2, status="placed"))

    assert (line["event"], line["order"], line["attempts"]) == ("order_placed", "GO-TEST-01", 2)


def test_a_field_that_is_not_listed_is_not_written(written):
    line = json.loads(written(recipient_email="a@example.com"))

    assert line["recipient_email"] == logs.UNLISTED


def test_an_app_can_list_its_own_fields(written, monkeypatch):
    monkeypatch.setattr(logs, "_allowed", set(logs._allowed))

    logs.allow_fields("shelf")

    assert json.loads(written(shelf="top"))["shelf"] == "top"


@pytest.mark.parametrize(
    "name",
    [
        "code", "codes", "pin", "card_code", "password", "token", "access_token", "AccessToken",
        "authorization", "Authorization", "credentials", "api_key", "secret", "cookie",
        "claim_url", "auth_code", "request_body",
    ],
)  # fmt: skip
def test_a_field_named_like_a_secret_is_emptied(written, monkeypatch, name):
    monkeypatch.setattr(logs, "_allowed", {*logs._allowed, name})

    line = json.loads(written(**{name: "x7Y"}))

    assert line[name] == logs.HIDDEN


def test_the_http_status_that_django_structlog_calls_code_stays(written):
    assert json.loads(written(code=200))["code"] == 200
    assert logs._clean_field("code", 6006) == logs.HIDDEN


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (f"card {CODE} failed", "card ••••7890 failed"),
        (f"card {DASHED} failed", "card ••••7890 failed"),
        ("6006 4912 3456 7890", "••••7890"),
        ("ABCD-1234-EFGH-5678.", "••••5678."),
        ("123456789012", "••••9012"),
        ("12345678901", "12345678901"),
        ("at 2026-11-21T22:14:15.288351Z", "at 2026-11-21T22:14:15.288351Z"),
        ("12345678-1234-1234-1234-123456789012", "12345678-1234-1234-1234-123456789012"),
        ("GO-TEST-01HZX3K9V6Q2M4N8P0R5S7T9WB", "GO-TEST-01HZX3K9V6Q2M4N8P0R5S7T9WB"),
        ("GET /cards/?q=6006 HTTP/1.1", "GET /cards/?… HTTP/1.1"),
        ("https://h.example/a?token=abc", "https://h.example/a?…"),
        ("really? yes", "really? yes"),
    ],
)
def test_text_is_searched_for_what_looks_like_a_code(text, expected):
    assert logs.clean_text(text) == expected


def test_a_registered_secret_is_written_nowhere(written):
    logs.keep_secret(SECRET, "short")

    text = written(
        f"sent {SECRET}",
        reason=SECRET,
        ids=[SECRET, {"deep": f"..{SECRET}.."}],
        request="a short way",
    )

    assert SECRET not in text
    assert text.count(logs.HIDDEN) == 4
    assert "a short way" in text


def test_our_own_keys_are_registered_secrets():
    logs.keep_our_keys()

    for key in (
        configured.SECRET_KEY,
        configured.GIFTOPS_INDEX_KEY,
        configured.GIFTOPS_AUDIT_KEY,
        configured.GIFTOPS_SEALING_KEYS[0].partition(":")[2],
    ):
        assert logs.clean_text(f"key={key}") == "key=[hidden]"


def test_a_traceback_shows_neither_local_variables_nor_codes(written):
    def fails(given):
        kept = f"local {given}"
        raise ValueError(f"cannot use {CODE}", len(kept))

    try:
        fails("".join(["value", "-of-a-", "variable"]))
    except ValueError:
        text = written("failed", exc_info=True)

    assert "ValueError" in text
    assert "in fails" in text
    assert CODE not in text
    assert "value-of-a-variable" not in text


def test_lines_of_other_libraries_are_cleaned_too(written):
    logs.keep_secret(SECRET)

    written.plain.warning("library says %s and %s", CODE, SECRET)

    text = written.out.getvalue()
    assert CODE not in text
    assert SECRET not in text
    assert "••••7890" in text


def test_values_are_plain_data_or_only_their_kind():
    class Thing:
        def __repr__(self):
            return SECRET

    given = {
        "a": UUID(int=5),
        "b": datetime(2026, 1, 1, tzinfo=UTC),
        "c": Decimal("1.50"),
        "d": Thing(),
        "e": b"raw bytes",
        "f": ValueError(f"about {CODE}"),
        "g": 6006491234567890,
        "h": 42,
        "i": None,
        "pin": "1234",
        "j": Money(1, "USD"),
    }

    assert logs.clean(given) == {
        "a": "00000000-0000-0000-0000-000000000005",
        "b": "2026-01-01 00:00:00+00:00",
        "c": "1.50",
        "d": "[Thing]",
        "e": "[9 bytes]",
        "f": "ValueError: about ••••7890",
        "g": "••••7890",
        "h": 42,
        "i": None,
        "pin": "[hidden]",
        "j": "USD 0.01",
    }


@pytest.mark.parametrize("style", ["json", "console"])
def test_every_handler_writes_through_the_redaction(style):
    configuration = logs.configuration(level="INFO", style=style)

    formatters = {handler["formatter"] for handler in configuration["handlers"].values()}
    processors = configuration["formatters"]["redacted"]["processors"]

    assert formatters == {"redacted"}
    assert logs.redact in processors[:-1]
    assert all(not logger.get("handlers") for logger in configuration["loggers"].values())


def test_queries_and_addresses_are_never_logged_in_full():
    levels = configured.LOGGING["loggers"]

    assert {name: levels[name]["level"] for name in ("django.db.backends", "urllib3")} == {
        "django.db.backends": "INFO",
        "urllib3": "CRITICAL",
    }


def test_every_field_that_our_code_writes_is_listed():
    """Otherwise the line says "[unlisted field]" on the day somebody needs it."""
    unlisted = [
        f"{path}:{call.lineno} {keyword.arg}"
        for app in ("giftops", "providers", "orders")
        for path in (configured.BASE_DIR / app).rglob("*.py")
        for call in ast.walk(ast.parse(path.read_text()))
        if is_log_call(call)
        for keyword in call.keywords
        if keyword.arg not in {*logs._allowed, "exc_info"}
    ]

    assert unlisted == []


def is_log_call(node):
    is_method = isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)
    return (
        is_method
        and isinstance(node.func.value, ast.Name)
        and node.func.value.id in ("log", "logger")
    )
