"""One seed, from the first step to quiescence."""

import hashlib
import traceback
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from random import Random
from time import process_time
from typing import Any
from uuid import UUID

from django.db import OperationalError
from django.db.models import Min

from giftops import clock, identity, queue
from giftops.models import Job, PeriodicJob
from giftops.queue import doorbell
from orders.services.problems import Refused
from providers import services as providers
from providers.gateways import errors
from providers.gateways.errors import ProviderError
from providers.models import ProviderAccount
from tests.simulation import checks
from tests.simulation.courier import Courier
from tests.simulation.crashes import POINTS, Interference
from tests.simulation.doorbell import Broker
from tests.simulation.faults import FaultPlan
from tests.simulation.house import Captured, House, SimulatedClock
from tests.simulation.operations import OPERATIONS, SELLERS
from tests.simulation.operations.base import Operation, Resolved
from tests.simulation.scheduler import Actor, Crash, Scheduler, Violation
from tests.simulation.sends import SendRule
from tests.simulation.sent import Sent
from tests.simulation.time import VirtualTime
from tests.simulation.transport import InProcess, Wire

STEPS = 60
STEPS_OF_MONEY = {
    *("place_order", "resume_order", "follow_order", "resolve_order"),
    *("send_reservation", "resolve_reservation", "create_card", "resolve_card"),
    *("authorize_hold", "resolve_hold", "finish_hold", "resolve_finish"),
}
"""All other jobs are housekeeping."""
NOT_STEPS = {"sweeper", "courier"}
ALL_IN_ONE = 0.25
"""The share of seeds in which all operations take part; the others are about one that sells, or
about the one that was named."""
ALARMS = {"job_failed", "job_not_settled", "sweep.failed", "attempt.not_settled"}
TIMELINES = (
    "SELECT o.reference, e.at, e.kind, e.old_status, e.new_status FROM orders_orderevent e"
    " JOIN orders_order o ON o.id = e.order_id ORDER BY e.id",
    "SELECT coalesce(reservation_id, issuance_id, card_id, authorization_id), at, kind, old_state,"
    " new_state FROM orders_issuingevent ORDER BY id",
)
OURS = str(Path(__file__).resolve().parents[2])
TASK_SECONDS = 180.0  # after that the cluster kills whoever is still at it
LONGEST_CALM = 80 * 3600.0
SLOW_CHECKS_EVERY = 40
HARMLESS = {"OperationalError", "SyncFailed"} | {
    name for name, kind in vars(errors).items() if isinstance(kind, type)
}  # a job may end so, and is tried again


@dataclass
class Result:
    """What one seed came to."""

    seed: int
    violation: Violation | None = None
    digest: str = ""
    steps: int = 0
    switches: int = 0
    calls: int = 0
    seconds: float = 0.0
    calm_seconds: float = 0.0
    virtual_hours: float = 0.0
    cells: Counter[tuple[str, str, str]] = field(default_factory=Counter)
    interference: Counter[str] = field(default_factory=Counter)
    crashes: Counter[str] = field(default_factory=Counter)
    endings: Counter[str] = field(default_factory=Counter)
    resolved: list[Resolved] = field(default_factory=list)
    log: list[str] = field(default_factory=list)


@dataclass
class Side:
    """One operation of a seed, with its faults and its wire."""

    operation: Operation
    plan: FaultPlan
    wire: Wire
    rates: checks.Rates
    at_once: checks.AtOnce
    sends: SendRule | None = None


class World:
    """Everything of one seed. `only` names the provider that it is about (None: drawn)."""

    def __init__(
        self,
        house: House,
        seed: int,
        *,
        steps: int = STEPS,
        rough: tuple[str, ...] | None = None,
        only: str | None = None,
        has_twins: bool = False,
        rough_reads: float = 0.3,
    ) -> None:
        self.house = house
        self.has_twins = has_twins  # strangers' orders that are ours in every word
        self.seed = seed
        self.steps = steps
        self.time = VirtualTime()
        self.people = self._stream("people")
        self._schedule = self._stream("schedule")
        self.scheduler = Scheduler(self.time, self._stream("places"))
        self.broker = Broker(self._stream("broker"))
        self.captured = Captured()
        self.result = Result(seed)
        self.interference = Interference(house.database, self.scheduler, self._stream("database"))
        self.sides = [self._side(kind) for kind in self._taking_part(only)]
        self.operations = [side.operation for side in self.sides]
        self.courier = Courier(self.operations, self._stream("courier"), self.tell)
        self.actors = self._cast()
        self._set_the_weather(rough, rough_reads)
        self._second_click: Callable[[], object] | None = None
        self._meant = 0  # steps that people took or that were about money
        self._names: dict[Any, str] = {}
        self._counts: Counter[str] = Counter()

    def run(self) -> Result:
        """All steps, then the calm; a violation ends it and is kept in the result."""
        begun = process_time()
        with self._installed():
            try:
                for operation in self.operations:
                    operation.prepare(self)
                self._live()
                calm = process_time()
                self._calm_down()
                self.result.calm_seconds = process_time() - calm
            except Violation as violation:
                self.result.violation = violation
                self.tell(f"VIOLATION {violation}")
            self._close()
        self.result.seconds = process_time() - begun
        return self.result

    # Setting up

    def _stream(self, purpose: str) -> Random:
        return Random(f"{self.seed}:{purpose}")

    def _taking_part(self, only: str | None) -> list[type[Operation]]:
        random = self._stream("operations")
        if only is not None:
            return [kind for kind in OPERATIONS if kind.slug == only]
        return list(OPERATIONS) if random.random() < ALL_IN_ONE else [random.choice(SELLERS)]

    def _side(self, kind: type[Operation]) -> Side:
        def stream(purpose: str) -> Random:
            return self._stream(f"{purpose} of {kind.slug}")

        operation = kind(f"{self.seed}", self.time, stream("provider"))
        plan = FaultPlan(
            list(kind.faults), frozenset(kind.writes), stream("faults"),
            seldom=frozenset(kind.seldom),
        )  # fmt: skip
        wire = Wire(operation, self.scheduler, self.interference, plan, stream("wire"), self.tell)
        at_once = checks.AtOnce(kind.at_once, wire.sent)
        side = Side(operation, plan, wire, checks.Rates(*kind.limits), at_once)
        wire.on_departure = partial(self._depart, side)
        wire.on_fault = partial(self._struck, operation)
        return side

    def _cast(self) -> list[Actor]:
        random = self._stream("cast")
        workers = [Actor(f"worker-{n}", "worker") for n in range(1, random.choice((2, 3)) + 1)]
        people = [
            Actor(f"desk-{n}", "person", free_at=round(random.uniform(0, 60), 6)) for n in (1, 2)
        ]
        for actor in (*workers, *people):
            actor.skew = random.choice((0.0, 0.0, 0.0, 86_400.0, -86_400.0))
        courier = [Actor("courier", "courier")] if self.courier.has_work else []
        return [*workers, *people, Actor("sweeper", "sweeper"), *courier]

    def _set_the_weather(self, rough: tuple[str, ...] | None, rough_reads: float) -> None:
        """Rates for this seed. Rough weather is for the tests of the tests: few kinds, no calm."""
        random, storm = self._stream("weather"), self.interference
        self.crash_rate = random.choice((0.0, 0.05, 0.15, 0.3))
        storm.changes_places = random.choice((0.05, 0.15, 0.3))
        storm.stalls = random.choice((0.0, 0.0, 0.02, 0.05))
        storm.commit_lost = random.choice((0.0, 0.0, 0.01, 0.03))
        storm.commit_fails = random.choice((0.0, 0.0, 0.01, 0.03))
        storm.locked = random.choice((0.0, 0.0, 0.01, 0.03))
        storm.journal_down = random.choice((0.0, 0.0, 0.1, 0.4))
        self.broker.loses = random.choice((0.0, 0.0, 0.1, 0.5))
        self.broker.doubles = random.choice((0.0, 0.0, 0.1, 0.3))
        self.hurry = random.choice((20.0, 60.0, 240.0))
        if rough is not None:
            self.crash_rate, storm.stalls, storm.changes_places = 0.15, 0.03, 0.3
            self.courier.loses = 0.1
        for side in self.sides if rough is not None else ():
            side.plan.write_rate, side.plan.read_rate = 0.5, 0.15
            if rough:
                side.plan.narrow(*rough)
                side.plan.read_rate = rough_reads

    def _make_checks(self) -> None:
        database = self.house.database
        self.books = checks.Books(database)
        sent: list[Sent] = []
        for side in self.sides:
            side.wire.everything = sent
            side.sends = side.operation.sends(self.books, side.wire.sent)
        self._quick: list[checks.Check] = []
        for side in self.sides:
            self._quick += side.operation.checks(self, side.sends)
        self._quick += [
            checks.Ledger(self.books),
            checks.Timeline(self.books),
            checks.Journal(self.books, sent),
        ]
        oracles = [one.oracle for one in self.operations]
        self._slow: list[checks.Check] = [
            checks.Secrets(database, oracles, self.captured.lines),
            checks.Seals(),
        ]
        self._seen: tuple[int, ...] = ()

    def _changes(self) -> tuple[int, ...]:
        theirs = (one.oracle.changes() for one in self.operations)
        return (self.house.database.changes(), *theirs)

    def _carrier(self, account: ProviderAccount) -> InProcess:
        wires = {side.operation.slug: side.wire for side in self.sides}
        return InProcess(wires[account.provider])

    @contextmanager
    def _installed(self) -> Iterator[None]:
        database = self.house.database
        with ExitStack() as stack:
            stack.enter_context(self.captured.installed())
            stack.enter_context(clock.use(SimulatedClock(self.time, self.scheduler)))
            stack.enter_context(identity.use(self._stream("entropy").randbytes))
            stack.enter_context(self.broker.installed())
            stack.enter_context(providers.use_transport(self._carrier))
            self.house.restore()
            database.wrapper.hooks = self.interference
            self._make_checks()
            try:
                self._close_other_shops()
                self._spread_the_housekeeping()
                yield
            finally:
                self._end_everybody()
                database.abandon()

    def _close_other_shops(self) -> None:
        """The account of an operation that takes no part is switched off."""
        here = [operation.slug for operation in self.operations]
        ProviderAccount.objects.exclude(provider__in=here).update(is_active=False)

    def _spread_the_housekeeping(self) -> None:
        """Periodic work is under way already, each at its own point of its rhythm."""
        random = self._stream("housekeeping")
        for row in PeriodicJob.objects.order_by("name"):
            row.next_due = self.time.moment + timedelta(
                seconds=random.uniform(0, row.every_seconds)
            )
            row.save()

    @contextmanager
    def fair_weather(self) -> Iterator[None]:
        """Nothing goes wrong inside the block, and whatever is due by then is done at its end."""
        loses, self.broker.loses = self.broker.loses, 0.0
        for side in self.sides:
            side.plan.is_off = True
        yield
        self._work_off()
        self.broker.loses = loses
        for side in self.sides:
            side.plan.is_off = False

    # Living

    def _live(self) -> None:
        while self.result.steps < self.steps or self._meant < self.steps * 2 // 3:
            ready = [actor for actor in self.actors if self._is_ready(actor)]
            if not ready:
                self._wait_for_somebody()
                continue
            actor = self._schedule.choice(ready)
            if actor.is_busy:
                self._resume(actor)
            else:
                self._begin(actor)
            self._after_a_move(actor)

    def _is_ready(self, actor: Actor) -> bool:
        now = self.time.elapsed
        if actor.is_busy:
            return actor.wakes_at <= now
        if actor.free_at > now:
            return False
        if actor.kind == "worker":
            return bool(self.broker.rings)
        return actor.kind != "courier" or self.courier.is_due()

    def _wait_for_somebody(self) -> None:
        moments = [
            actor.wakes_at if actor.is_busy else actor.free_at
            for actor in self.actors
            if actor.is_busy or actor.free_at > self.time.elapsed
        ]
        self.time.move_to(min(moments))

    def _begin(self, actor: Actor) -> None:
        what, work = {
            "worker": self._job,
            "person": self._deed,
            "sweeper": self._sweep,
            "courier": self._carry,
        }[actor.kind](actor)
        if self._schedule.random() < self.crash_rate:
            actor.dies_at = self._schedule.choice(POINTS)
        self.result.steps += actor.kind not in NOT_STEPS
        self._meant += actor.kind == "person" or what.split()[0] in STEPS_OF_MONEY
        self.tell(f"{actor.name}: {what}")
        self._guarded(actor, lambda: self.scheduler.start(actor, what, work))

    def _resume(self, actor: Actor) -> None:
        is_late = self.time.elapsed - actor.since > TASK_SECONDS
        if is_late and actor.kind == "worker" and self._schedule.random() < 0.6:
            actor.is_dead = True
            self._guarded(actor, lambda: self.scheduler.resume(actor, Crash("timeout")))
            return
        self._guarded(actor, lambda: self.scheduler.resume(actor))

    def _guarded(self, actor: Actor, move: Callable[[], None]) -> None:
        try:
            move()
        except Crash as crash:
            self._bury(actor, crash)
        except (Refused, OperationalError, ProviderError) as no:
            self.tell(f"{actor.name}: {type(no).__name__}")
        except Exception as error:
            self._complain(actor, error)
        if not actor.is_busy:
            self._rest(actor)

    def _complain(self, actor: Actor, error: Exception) -> None:
        """E1: a page ends in an error that nobody thought of."""
        frames = traceback.extract_tb(error.__traceback__)
        places = [
            f"{Path(one.filename).name}:{one.lineno}" for one in frames if OURS in one.filename
        ]
        text = f"{actor.what} ended in {type(error).__name__}: {error} at {' '.join(places)}"
        raise Violation("E1", text) from error

    def _bury(self, actor: Actor, crash: Crash) -> None:
        self.house.database.abandon()
        call = actor.call
        if call is not None and not call.is_recorded:
            call.is_lost = True
        operation = call.operation if call else actor.about
        if crash.point == "K1":
            operation, call = actor.about, None
        if crash.point in POINTS:
            self.result.cells[operation, call.fault if call else "none", crash.point] += 1
        self.result.crashes[crash.point] += 1
        self.tell(f"{actor.name}: dies at {crash.point} of {operation}")
        actor.free_at = self.time.after(self._schedule.choice((0.0, 5.0, 90.0)))

    def _rest(self, actor: Actor) -> None:
        actor.dies_at = ""
        if actor.kind == "person":
            actor.free_at = self.time.after(self._schedule.expovariate(1 / self.hurry))
        elif actor.kind == "sweeper":
            pause = self._schedule.choice((2.0, 10.0, 60.0))
            actor.free_at = self.time.after(max(pause, min(queue.seconds_until_next(), 60.0)))
        elif actor.kind == "courier":
            actor.free_at = self.time.after(self._schedule.choice((0.0, 1.0, 20.0)))

    def _job(self, actor: Actor) -> tuple[str, Callable[[], object]]:
        job_id = self.broker.take()
        row = Job.objects.filter(pk=UUID(job_id)).first()
        actor.about = self._about(row)
        what = f"{row.name.rpartition('.')[2]} {self._ids(row)}" if row else "a job that is gone"
        return what, lambda: doorbell.run_job_task(job_id)

    def _about(self, job: Job | None) -> str:
        """The cell of the write that a job may make."""
        one, *others = self.operations
        if job is None:
            return one.about("")
        if others and job.ids:
            one = next((other for other in others if other.owns(job.ids)), one)
        return one.about(job.name.rpartition(".")[2])

    def _ids(self, job: Job) -> str:
        return " ".join(self._names.get(UUID(one), "") for one in job.ids)

    def _deed(self, actor: Actor) -> tuple[str, Callable[[], object]]:
        operation = self.people.choice(self.operations)
        actor.about = operation.about("")
        again, self._second_click = self._second_click, None
        if again is not None:
            return "clicks a second time", again
        action = operation.action(self)
        if action is None:
            return "finds nothing to do", lambda: None
        if action.is_double_clickable and self._schedule.random() < 0.12:
            self._second_click = action.do
            for other in self.actors:
                if other.kind == "person" and other is not actor:
                    other.free_at = self.time.elapsed
        return action.name, action.do

    def _sweep(self, _actor: Actor) -> tuple[str, Callable[[], object]]:
        return "sweeps", queue.sweep_jobs

    def _carry(self, _actor: Actor) -> tuple[str, Callable[[], object]]:
        return "carries a webhook", self.courier.carry

    # After every move

    def _after_a_move(self, actor: Actor) -> None:
        self.result.switches += 1
        changes = self._changes()
        if changes != self._seen:
            self._seen = changes
            self._check(self._quick)
        self._listen()
        if self.result.switches % SLOW_CHECKS_EVERY == 0:
            self._check(self._slow)

    def _check(self, rules: list[checks.Check], *, is_last: bool = False) -> None:
        self.books.look()
        for rule in rules:
            rule(is_last=is_last)

    def _listen(self) -> None:
        """E1: a job or a page ends in an error that nobody thought of."""
        for alarm in self.captured.alarms:
            if alarm.get("event") in ALARMS:
                error = str(alarm.get("error", ""))
                self.tell(f"  {alarm['event']}: {error}")
                if error.partition(":")[0] not in HARMLESS:
                    places = alarm.get("stack")
                    raise Violation("E1", f"{alarm.get('task')} ended in {error} {places}")
        self.captured.alarms.clear()

    def _depart(self, side: Side, sent: Sent) -> None:
        self.result.calls += 1
        self.result.cells[side.operation.cell(sent.operation), "none", "none"] += 1
        side.rates.note(sent)
        side.at_once.note(sent)
        assert side.sends is not None
        side.sends.note(sent)

    def _struck(self, operation: Operation, call: str, fault: str) -> None:
        self.result.cells[operation.cell(call), fault, "none"] += 1

    # The calm

    def _calm_down(self) -> None:
        """Faults off, everybody ends what they were at, then only time and work that is due."""
        self.tell("calm")
        self._stop_the_storm()
        while any(actor.is_busy for actor in self.actors):
            self._finish_one()
        self.scheduler.is_calm = True
        for operation in self.operations:
            operation.settle(self)
        self._let_time_pass()
        self._check(self._quick, is_last=True)
        self._check(self._slow, is_last=True)
        for operation in self.operations:
            operation.check_liveness(self)
            self.result.resolved += operation.resolved(self)
            self.result.endings += operation.endings()

    def _stop_the_storm(self) -> None:
        storm = self.interference
        for side in self.sides:
            side.plan.is_off = True
        storm.stalls = storm.commit_lost = storm.commit_fails = storm.locked = 0.0
        storm.journal_down = self.broker.loses = self.broker.doubles = 0.0
        for actor in self.actors:
            actor.dies_at = ""
            if actor.is_zombie:  # nobody works while we wait for the others to finish
                actor.wakes_at = min(actor.wakes_at, self.time.elapsed)

    def _finish_one(self) -> None:
        busy = sorted((one for one in self.actors if one.is_busy), key=lambda one: one.wakes_at)
        self.time.move_to(busy[0].wakes_at)
        self._resume(busy[0])
        self._after_a_move(busy[0])

    def _let_time_pass(self) -> None:
        end = self.time.elapsed + LONGEST_CALM
        begun = self.time.elapsed
        while self.time.elapsed < end:
            self._work_off()
            calm_for = self.time.elapsed - begun
            if any(calm_for > one.patience and one.is_overdue() for one in self.operations):
                break
            if all(one.is_settled() for one in self.operations):
                break
            self.time.move_to(min(self._next_moment(self.time.elapsed - begun), end))
        self.result.virtual_hours = self.time.elapsed / 3600

    def _work_off(self) -> None:
        queue.sweep_jobs()
        while self.broker.rings:
            job_id = self.broker.rings.pop(0)
            try:
                doorbell.run_job_task(job_id)
            except (Refused, ProviderError) as no:
                self.tell(f"calm: {type(no).__name__}")
            self._listen()
        changes = self._changes()
        if changes != self._seen:
            self._seen = changes
            self._check(self._quick)

    def _next_moment(self, calm_for: float) -> float:
        """When something of an order is due; the clockwork of the house only now and then."""
        waiting = Job.objects.filter(state=Job.State.WAITING).exclude(ids=[])
        leased = Job.objects.filter(state=Job.State.RUNNING)
        longest = 60.0 if calm_for < 3600 else 900.0
        moments: list[datetime | None] = [
            waiting.aggregate(at=Min("run_after"))["at"],
            leased.aggregate(at=Min("lease_until"))["at"],
        ]
        seconds = [(at - self.time.moment).total_seconds() for at in moments if at is not None]
        return self.time.elapsed + max(min([longest, *(s for s in seconds if s > 0)]), 0.5)

    # Telling

    def tell(self, line: str) -> None:
        """Add a line to the log of this seed."""
        self.result.log.append(f"{self.time.elapsed:12.3f} {line}")

    def name_of(self, thing: Any) -> str:
        """A short name that is the same in every run of this seed."""
        if thing.pk not in self._names:
            for operation in self.operations:
                self._name_all(operation.things())
        return self._names[thing.pk]

    def _name_all(self, things: Iterable[tuple[Any, str]]) -> None:
        for pk, kind in things:
            if pk not in self._names:
                self._counts[kind] += 1
                self._names[pk] = f"{kind}-{self._counts[kind]}"

    def _close(self) -> None:
        for timeline in TIMELINES:
            for row in self.house.database.raw.execute(timeline):
                self.result.log.append(" ".join(str(one) for one in row))
        text = "\n".join(self.result.log)
        self.result.digest = hashlib.sha256(text.encode()).hexdigest()
        self.result.interference = self.interference.seen + Counter(
            {"doorbell lost": self.broker.lost, "doorbell doubled": self.broker.doubled}
        )

    def _end_everybody(self) -> None:
        """Nobody outlives the seed."""
        for actor in self.actors:
            if actor.is_busy:
                actor.is_dead = True
                try:
                    self.scheduler.resume(actor, Crash("end"))
                except BaseException as end:  # noqa: BLE001 - the seed is over, whatever it was
                    self.tell(f"{actor.name} ends: {type(end).__name__}")
        for operation in self.operations:
            operation.provider.close()
