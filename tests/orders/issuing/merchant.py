"""A merchant: the real gateway at the simulated CP Extender, whose ledger says what really is."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from typing import Any

from giftops import clock
from providers import services as providers
from providers.models import ProviderAccount
from providers.sandbox.cp_extender import SimulatedCPExtender
from tests.orders.conftest import InProcess, ProvidersClock, Time
from tests.orders.issuing.conftest import Passing

BASE_URL = "http://127.0.0.1:8010/cp_extender"


class Merchant(Passing):
    """What a test does there and sees."""

    def __init__(self, account: ProviderAccount, wire: InProcess, time: Time) -> None:
        self.account, self.wire, self.time = account, wire, time
        self.simulated: Any = wire.simulated

    def arm(self, name: str, operation: str | None = None, *, times: int = 1, **params: Any):
        """A fault of the simulator: `arm("numbers_extra", "reserveIds", numbers=3)`."""
        self.simulated.faults.arm(name, params=params, operation=operation, count=times)

    def reserved(self) -> list[str]:
        """Every number that is or was set aside there, oldest first."""
        return self._column("SELECT number FROM reservations ORDER BY id")

    def _column(self, query: str) -> list[Any]:
        return [row[0] for row in self.simulated.ledger.rows(query)]


@contextmanager
def open_merchant() -> Iterator[Merchant]:
    """An account at a merchant with customers and kinds of cards."""
    with ExitStack() as stack:
        time = stack.enter_context(clock.use(Time(datetime(2026, 3, 2, 9, tzinfo=UTC))))
        simulated = SimulatedCPExtender(clock=ProvidersClock(time), seed="tests")
        stack.callback(simulated.close)
        wire = InProcess(simulated)  # type: ignore[arg-type]
        stack.enter_context(providers.use_transport(lambda account: wire))
        account = providers.create_account(
            name="merchant-test", provider="cp_extender", environment="sandbox", currency="USD",
            base_url=BASE_URL, credentials={"user_name": "sandbox", "password": "sandbox"},
        )  # fmt: skip
        yield Merchant(account, wire, time)
