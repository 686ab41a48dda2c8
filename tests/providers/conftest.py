"""Accounts, stubbed providers and a clock that tests move by hand."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from giftops import clock
from providers import services
from providers.models import ProviderAccount
from tests.stubs import StubProvider

CREDENTIALS = {"username": "sandbox", "password": "CANARY-password"}
START = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)

MakeAccount = Callable[..., ProviderAccount]


class MovingClock:
    """Both clocks of the house, moved by sleeping or by hand."""

    def __init__(self) -> None:
        self.moment = START
        self.slept: list[float] = []

    def now(self) -> datetime:
        return self.moment

    def db_now(self) -> datetime:
        return self.moment

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.moment += timedelta(seconds=max(seconds, 0))

    def pass_(self, seconds: float) -> None:
        """Let time go by without anybody sleeping."""
        self.moment += timedelta(seconds=seconds)


@pytest.fixture
def moving_clock() -> Iterator[MovingClock]:
    with clock.use(MovingClock()) as source:
        yield source  # type: ignore[misc]


@pytest.fixture
def make_account(db: None, settings: Any) -> MakeAccount:
    """Make an account at a simulated provider: `make_account(name="other", per_minute=5)`."""
    settings.DEBUG = True  # loopback is allowed

    def make(**fields: Any) -> ProviderAccount:
        values: dict[str, Any] = {
            "name": "main",
            "provider": "ncentiva",
            "environment": "sandbox",
            "base_url": "http://127.0.0.1:8001/ncentiva",
            "credentials": CREDENTIALS,
        }
        return services.create_account(**values | fields)

    return make


@pytest.fixture
def account(make_account: MakeAccount) -> ProviderAccount:
    return make_account()


@pytest.fixture
def stub() -> Iterator[StubProvider]:
    """Carries the requests of every account."""
    provider = StubProvider()
    with ExitStack() as stack:
        stack.enter_context(services.use_transport(lambda account: provider))
        yield provider
