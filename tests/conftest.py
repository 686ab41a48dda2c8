"""What every test may ask for; nothing leaves this machine or touches the checkout's `var/`."""

import itertools
import logging
import socket
from collections.abc import Callable, Iterator
from typing import Any

import hypothesis
import pytest
from django.conf import settings
from django.db import connection, connections
from django.test import Client, TransactionTestCase

from giftops import append_only
from giftops.addresses import is_listed
from giftops.models import User

# How long one example takes says nothing on a machine that runs other tests beside it.
hypothesis.settings.register_profile("giftops", deadline=None)
hypothesis.settings.load_profile("giftops")

PASSWORD = "correct horse battery staple"
_numbers = itertools.count(1)


@pytest.fixture(autouse=True)
def _loopback_only(monkeypatch: pytest.MonkeyPatch) -> None:
    """Fail a test that would speak to another machine."""
    connect = socket.socket.connect

    def guarded(self: socket.socket, address: Any) -> None:
        if isinstance(address, tuple) and not is_local(address[0]):
            raise AssertionError(f"A test tried to reach {address[0]}.")
        connect(self, address)

    monkeypatch.setattr(socket.socket, "connect", guarded)


def is_local(host: str) -> bool:
    """Say whether the host is this machine."""
    return host in ("localhost", "") or is_listed(host, ["127.0.0.0/8", "::1"])


@pytest.fixture
def user(db: None) -> Callable[..., User]:
    """Make a person: `user("finance_maker")`, `user("auditor", username="ann")`."""

    def make(role: str = "", **fields: Any) -> User:
        fields.setdefault("username", f"{role or 'person'}-{next(_numbers)}")
        fields.setdefault("is_staff", role not in ("", "partner"))
        password = fields.pop("password", PASSWORD)
        return User.objects.create_user(role=role, password=password, **fields)

    return make


@pytest.fixture
def client_of(user: Callable[..., User]) -> Callable[..., Client]:
    """Give a signed-in browser: `client_of("auditor")`, or of a person made before."""

    def make(person: User | str, **options: Any) -> Client:
        client = Client(**options)
        client.force_login(
            user(person) if isinstance(person, str) else person,
            backend="django.contrib.auth.backends.ModelBackend",
        )
        return client

    return make


@pytest.fixture
def on_postgresql() -> bool:
    """Say which of the two databases this run uses."""
    return connections["default"].vendor == "postgresql"


@pytest.fixture(autouse=True)
def _empty_directory() -> Iterator[None]:
    """Leave no files of one test to the next: the audit anchor and the spool start empty."""
    yield
    logging.disable(logging.NOTSET)  # `manage.py run` quietens its own process
    for path in (settings.GIFTOPS_VAR / "audit.anchor", *settings.GIFTOPS_SPOOL.glob("*")):
        path.unlink(missing_ok=True)


@pytest.fixture(autouse=True, scope="session")
def _append_only_tables_empty_between_tests() -> Iterator[None]:
    """Lift the triggers for the flush after a test with real transactions, and only for it."""
    flush = TransactionTestCase._fixture_teardown
    operations: dict[str, append_only.ForbidChanges] = {}

    def emptied(self: TransactionTestCase) -> None:
        operations.update(operations or append_only.declared(connection))
        with connection.cursor() as cursor:
            for operation in operations.values():
                for statement in operation.drop_sql(connection):
                    cursor.execute(statement)
        flush(self)
        append_only.restore(connection)

    TransactionTestCase._fixture_teardown = emptied  # type: ignore[method-assign]
    yield
    TransactionTestCase._fixture_teardown = flush  # type: ignore[method-assign]
