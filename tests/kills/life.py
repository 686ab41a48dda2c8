"""What the forks do: furnish, order, work (and die), take over, judge. Everything here has Django.

Each function is one whole life of a process. `offset` is how far the installation's time runs ahead
of the machine's: leases and look-ups pass without anybody waiting for them.
"""

from collections.abc import Callable, Iterable
from contextlib import ExitStack
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Min, Q

from giftops import clock
from giftops.clock import RealSource
from giftops.models import Job, PeriodicJob, User
from giftops.money import Money
from giftops.queue import run_due, sweep_jobs, sync_periodic
from orders.models import Attempt, Order, Phase
from orders.services import funding
from orders.services.drafting import Wish, create_batch
from orders.services.submitting import submit_batch
from orders.statuses import Status
from providers import services as providers
from providers.models import Product, ProviderAccount
from tests.kills import oracle, points
from tests.sandbox_client import CREDENTIALS, SandboxControl

SETTLED = {
    Status.FULFILLED,
    Status.PARTLY_FULFILLED,
    Status.NEEDS_REVIEW,
    Status.REJECTED,
    Status.CANCELLED,
    Status.WITHDRAWN,
}
LONGEST = timedelta(hours=24)
SOON = timedelta(seconds=10)  # what is put back after a kill waits less than this
MOST_STEPS = 200
_for_life = ExitStack()


class Shifted(RealSource):
    """The real clocks, some seconds ahead."""

    def __init__(self, offset: float) -> None:
        self.offset = offset

    def now(self) -> datetime:
        return super().now() + timedelta(seconds=self.offset)

    def db_now(self) -> datetime:
        return super().db_now() + timedelta(seconds=self.offset)


def live_at(offset: float) -> Shifted:
    """From here on this process lives `offset` seconds ahead."""
    source = Shifted(offset)
    _for_life.enter_context(clock.use(source))
    return source


# --- Before the kill ----------------------------------------------------------------------------


def furnish(*, url: str) -> None:
    """People, an account at the simulator, its products, its money; and a first order."""
    hire()
    username, password = CREDENTIALS
    account = providers.create_account(
        name="sandbox",
        provider="ncentiva",
        environment="sandbox",
        base_url=f"{url}/ncentiva",
        currency="USD",
        credentials={"username": username, "password": password},
    )
    ProviderAccount.objects.filter(pk=account.pk).update(
        per_second=1000,
        per_minute=60_000,
        settings={"reference_is_unique": True, "debits_at": "completed"},
    )
    providers.refresh_products(account.pk)
    funding.ask_the_provider(ProviderAccount.objects.get(pk=account.pk))
    sync_periodic()
    order(offset=0)
    sweep_jobs()
    run_due()


def hire() -> None:
    """Two who make, two who approve."""
    for name, role in (
        ("mira", "maker"),
        ("jon", "maker"),
        ("tom", "approver"),
        ("tea", "approver"),
    ):
        User.objects.create_user(name, role=f"finance_{role}", is_staff=True)


def order(
    *, offset: float, quantity: int = 1, product: str = "1410", value: str = "5.00"
) -> dict[str, Any]:
    """Draft a batch and submit it; below the limit it is approved, and its jobs wait."""
    live_at(offset)
    found = Product.objects.get(external_id=product)
    wish = Wish(
        product=found, face_value=Money.parse(value, found.currency), quantity=quantity,
        recipient_name="Ann Petrov", recipient_email="ann@example.com",
    )  # fmt: skip
    mira = User.objects.get(username="mira")
    batch = submit_batch(create_batch(mira, wish), actor=mira)
    return {"batch": str(batch.pk), "references": [o.reference for o in batch.orders.all()]}


def work(
    *,
    offset: float,
    point: str = "",
    variant: str = "",
    seed: int = 0,
    sweep: bool = False,
    write: str = points.PLACE,
) -> dict[str, Any]:
    """Run what is due, as a worker would; with a point (of that write), die there."""
    live_at(offset)
    if point:
        points.arm(point, variant, seed, write)
    if sweep:
        sweep_jobs()
    ran = 0
    while more := run_due():
        ran += more
    return {"ran": ran}


def change_account(*, offset: float, **settings: Any) -> None:
    """Change settings of the account."""
    live_at(offset)
    providers.update_account(ProviderAccount.objects.get(), settings=settings)


# --- After the kill -----------------------------------------------------------------------------


def take_over(
    *, offset: float, references: list[str], control: str, checked: int = 0
) -> dict[str, Any]:
    """Another worker goes on until everything is settled; then the oracle is asked."""
    source, began = live_at(offset), clock.db_now()
    found = oracle.facts(references)
    settle(references, source, SandboxControl(control))
    problems = oracle.problems(references, SandboxControl(control).ledger())
    return {
        "offset": source.offset,
        "found": found,
        "left": oracle.facts(references),
        "seconds": round((clock.db_now() - began).total_seconds()),
        "problems": problems + oracle.problems_of_the_chain(checked),
        "checked": oracle.last_entry(),
    }


def judge_the_house(*, offset: float) -> list[str]:
    """Everything at once, not only the orders of one trial."""
    live_at(offset)
    return oracle.problems_at_the_end()


def go_on(
    *,
    offset: float,
    references: list[str],
    control: str,
    point: str = "",
    variant: str = "",
    seed: int = 0,
) -> None:
    """The same without a judgement, for a process that is killed somewhere in it."""
    source = live_at(offset)
    if point:
        points.arm(point, variant, seed)
    settle(references, source, SandboxControl(control))


def settle(references: list[str], source: Shifted, sandbox: SandboxControl) -> None:
    """Sweep and work, and let the time pass in between, until nothing is left to do."""
    work_until(lambda: is_settled(references), source, sandbox)


def work_until(is_over: Callable[[], bool], source: Shifted, sandbox: SandboxControl) -> None:
    """Sweep and work, and let the time pass in between, until that is so; not for ever."""
    began = clock.db_now()
    for step in range(MOST_STEPS):
        if step:
            skip(source, sandbox)
        sweep_jobs()
        while run_due():
            continue
        if is_over() or clock.db_now() - began > LONGEST:
            return


def is_settled(references: Iterable[str]) -> bool:
    """Whether every order has ended or waits for a person, and no job of it is open."""
    orders, busy = Order.objects.filter(reference__in=references), at_work()
    return all(
        status in SETTLED and str(pk) not in busy
        for pk, status in orders.values_list("pk", "status")
    )


def at_work() -> set[str]:
    """The ids that a job is about which runs, or is to run in a moment."""
    jobs = Job.objects.filter(
        Q(state=Job.State.RUNNING) | Q(state=Job.State.WAITING, run_after__lt=clock.db_now() + SOON)
    )
    return {one for ids in jobs.values_list("ids", flat=True) for one in ids}


def skip(source: Shifted, sandbox: SandboxControl) -> None:
    """Let the time pass until something can happen: a lease ends, a look is due."""
    now = clock.db_now()
    moments = [
        Job.objects.filter(state=Job.State.RUNNING).aggregate(at=Min("lease_until"))["at"],
        Job.objects.filter(state=Job.State.WAITING).aggregate(at=Min("run_after"))["at"],
        Attempt.objects.filter(phase=Phase.SENDING, lease_until__gt=now).aggregate(
            at=Min("lease_until")
        )["at"],
    ]
    if Attempt.objects.filter(phase=Phase.SENDING, lease_until__lte=now).exists():
        moments.append(PeriodicJob.objects.aggregate(at=Min("next_due"))["at"])
    moments.append(now + timedelta(minutes=15))
    until = min(moment for moment in moments if moment is not None)
    seconds = max((until - now).total_seconds(), 0) + 0.25
    sandbox.advance(seconds)
    source.offset += seconds
