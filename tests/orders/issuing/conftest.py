"""A desk to try the issuing services at: an account, an issuer that plays a script, time to move.

`desk` speaks to a scripted issuer (scripted.py): whatever a test wants to hear. `merchant` is a
real gateway at a simulated issuer, whose ledger tells the truth (merchant.py). Everything else is
real: session, rate budget, breaker, journal, jobs. The clock is one that only a test moves.
"""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.utils.module_loading import import_string

from giftops import clock
from giftops.identity import new_id, reference_for
from giftops.models import User
from giftops.money import Money
from giftops.queue import run_due, sweep_jobs
from giftops.sealing import blind_index, last_four
from orders.issuing_states import CardState, IssuanceState, NumberState, ReservationState
from orders.models import Card, Issuance, Pool, Reservation, ReservedNumber
from orders.services import sweeping
from providers import services as providers
from providers.gateways.base import ReservationType
from providers.models import ProviderAccount
from providers.registry import PROVIDERS
from tests.orders.conftest import Time
from tests.orders.issuing.scripted import SLUG, SPEC, Script, fresh, number

SWEEP = "orders.tasks_issuing.sweep_issuing"
USD_25 = Money(2500, "USD")


class Passing:
    """Work is done and time passes."""

    time: Time

    def work(self) -> None:
        """Run whatever is due now, as a worker would."""
        while run_due():
            pass

    def pass_time(
        self, *, hours: float = 0, minutes: float = 0, seconds: float = 0, steps: int = 40
    ) -> None:
        """Let time pass in steps of at least 5 s, with the sweeps and all due jobs at each."""
        end = self.time.moment + timedelta(hours=hours, minutes=minutes, seconds=seconds)
        step = max((end - self.time.moment) / steps, timedelta(seconds=5))
        while self.time.moment < end:
            self.time.moment = min(end, self.time.moment + step)
            sweep_jobs()
            providers.probe_circuits()
            sweeping.sweep_orders()
            import_string(SWEEP)()
            self.work()


class Desk(Passing):
    """What a test does and sees: people act, time passes, the script tells what was asked."""

    def __init__(self, account: ProviderAccount, script: Script, time: Time) -> None:
        self.account, self.script, self.time = account, script, time

    def says(self, operation: str, *answers: Any) -> None:
        """What the issuer answers next to this operation; see `Script`."""
        self.script.says(operation, *answers)

    def sent(self, operation: str) -> list[dict[str, Any]]:
        return self.script.sent(operation)

    # Rows that are simply there, without anybody having asked for them

    def pool(self, maker: User, count: int = 5, **fields: Any) -> Pool:
        """A pool with so many numbers left."""
        usual = {"agency": "Harbor Street", "name": f"Pool {Pool.objects.count() + 1}"}
        pool = Pool.objects.create(account=self.account, **usual | fields)
        if count:
            self.reserved(maker, pool=pool, count=count)
        return pool

    def reserved(
        self, maker: User, *, pool: Pool | None = None, count: int = 1, **fields: Any
    ) -> Reservation:
        """A reservation that brought what it asked for; without a pool a single one."""
        row = new_id()
        usual = {
            "id": row, "reference": reference_for(row), "asked": count, "received": count,
            "agency": pool.agency if pool else "Harbor Street", "name": "Numbers",
            "type": ReservationType.POOL if pool else ReservationType.SINGLE, "maker": maker,
            "state": ReservationState.RESERVED, "sent_at": clock.db_now(),
        }  # fmt: skip
        reservation = Reservation.objects.create(account=self.account, pool=pool, **usual | fields)
        expires_at = None if pool else reservation.sent_at + timedelta(hours=1)
        for position in range(1, count + 1):
            plain = number(next(self.script.ordinals))
            ReservedNumber.objects.create(
                account=self.account, reservation=reservation, position=position, number=plain,
                number_index=blind_index(plain, field="reserved_number.number"),
                last_four=last_four(plain), expires_at=expires_at,
            )  # fmt: skip
        return reservation

    def issuance(self, maker: User, count: int = 1, value: Money = USD_25, **fields: Any):
        """An issuance under way with cards that wait for a number; in their order."""
        usual = {
            "currency": value.currency, "total_minor": value.minor * count, "card_count": count,
            "state": IssuanceState.RUNNING, "maker": maker, "last_editor": maker,
        }  # fmt: skip
        issuance = Issuance.objects.create(account=self.account, **usual | fields)
        for position in range(1, count + 1):
            self.card(maker, state=CardState.WAITING, issuance=issuance, position=position)
        return issuance

    def card(self, maker: User, value: Money = USD_25, **fields: Any) -> Card:
        """One card; unless told otherwise it is active here and at the issuer."""
        row, state = new_id(), fields.pop("state", CardState.ACTIVE)
        usual = {
            "id": row, "state": state, "currency": value.currency, "sale_id": reference_for(row),
            "face_value_minor": value.minor, "gift_card_code": "GC", "customer_id": "1001",
            "is_releasable": False,
        }  # fmt: skip
        if "issuance" not in fields:
            fields["issuance"] = self.issuance(
                maker, 0, value, card_count=1, total_minor=value.minor
            )
        if state not in (CardState.DRAFT, CardState.WAITING):
            usual |= self._issued(maker, row, value, state)
        return Card.objects.create(account=self.account, **usual | fields)

    def _issued(self, maker: User, row: Any, value: Money, state: str) -> dict[str, Any]:
        is_created = state == CardState.ACTIVE
        kept = self.reserved(maker).numbers.get()
        becomes = NumberState.CREATED if is_created else NumberState.CREATING
        ReservedNumber.objects.filter(pk=kept.pk).update(state=becomes)
        kept.refresh_from_db()
        if not is_created:
            return {"number": kept}
        plain = kept.number.reveal()
        self.script.cards[plain] = fresh(plain, value, document=reference_for(row))
        return {
            "number": kept, "code": plain, "code_index": blind_index(plain, field="card.code"),
            "last_four": kept.last_four, "is_releasable": True, "balance_minor": value.minor,
            "held_minor": 0, "asked_at": clock.db_now(), "issued_at": clock.db_now(),
        }  # fmt: skip


@pytest.fixture
def desk(db: None, settings: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[Desk]:
    settings.DEBUG = True  # the account's address is on loopback
    monkeypatch.setitem(PROVIDERS, SLUG, SPEC)
    with ExitStack() as stack:
        time = stack.enter_context(clock.use(Time(datetime(2026, 3, 2, 9, tzinfo=UTC))))
        script = Script()
        stack.enter_context(providers.use_transport(lambda account: script))
        account = providers.create_account(
            name="issuer-test", provider=SLUG, environment="sandbox", currency="USD",
            base_url="http://127.0.0.1:8010/scripted", credentials={"username": "sandbox"},
        )  # fmt: skip
        yield Desk(account, script, time)


@pytest.fixture
def merchant(db: None, settings: Any) -> Iterator[Any]:
    """A real gateway at the simulated issuer (merchant.py)."""
    from tests.orders.issuing.merchant import open_merchant

    settings.DEBUG = True  # the simulated provider listens on loopback
    with open_merchant() as merchant:
        yield merchant


@pytest.fixture
def jon(user: Callable[..., User]) -> User:
    """A second maker."""
    return user("finance_maker", username="jon", first_name="Jon")
