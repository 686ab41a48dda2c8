"""One run of all scenes: set up, play, hold our books beside the providers' ledgers."""

import time
from collections.abc import Mapping
from pathlib import Path

from django.conf import settings
from django.core.management import call_command
from django.db import connections
from rich.console import Console

from giftops import audit
from giftops.models import User
from giftops.supervisor import Supervisor
from orders.demo import at_issuer, at_ncentiva, at_partners, programs
from orders.demo.account import NCENTIVA, PARTNERS, mirror, seed_accounts
from orders.demo.board import Board, result, result_issued
from orders.demo.comparing import Comparison, balance_in, compare, compare_deposit
from orders.demo.comparing_issued import Likeness, compare_issued, strangers
from orders.demo.issuing_scenes import IssuingScene
from orders.demo.people import seed_people
from orders.demo.scenes import LAST_ACT, Part, Scene, Shop, Stage
from orders.demo.simulator import Simulator
from orders.issuing_states import LIVING_CARDS
from orders.models import Card
from orders.services import funding
from orders.services.issuing.cards import balances
from providers.registry import spec_for

LONGEST = 240.0  # seconds until all scenes must be over
TICK = 0.25  # seconds between two looks
ALL_AGREE = "Our books and the ledgers of all providers agree on every order, card and cent."
PACE = {
    NCENTIVA: {"processing_after": 0.5, "completed_after": 1.0},
    PARTNERS: {"completed_after": 2.0, "completed_per_card": 0.05},
}
"""How many seconds sellers take over an order; the others do everything at once."""


class Performance:
    """Everything happens in `directory`, in the database of the present settings."""

    def __init__(self, directory: Path, console: Console) -> None:
        self._console = console
        self._simulator = programs.simulator(0, directory / "simulator")
        self._worker = programs.worker()
        self._together = Supervisor(
            [self._simulator, self._worker, programs.web(settings.WEB_PORT)],
            logs=directory / "log",
            say=console.print,
        )
        self._simulator.is_up = lambda: bool(self._address())

    def _address(self) -> str:
        return programs.address_in(self._together.log_of(self._simulator))

    def run(self) -> bool:
        """Whether all ledgers agree on everything. Raises SupervisorError for a dead program."""
        self._together.listen()
        self._console.print("Setting up: a database, simulated providers, a worker …")
        call_command("migrate", verbosity=0)
        seed_people()
        connections.close_all()
        try:
            self._together.start()
            if not self._together.wait_until_up(60):
                return False
            stage = self._stage()
            parts = self._play(stage)
            return self._settle(stage, parts)
        finally:
            self._together.stop()

    def _stage(self) -> Stage:
        """All providers work in seconds; their catalogues and balances are known."""
        shops = {}
        for account in seed_accounts(self._address()):
            simulator = Simulator(self._address(), account.provider)
            simulator.change(**PACE.get(account.provider, {}))
            mirror(account)
            shops[account.provider] = Shop(account=account, simulator=simulator)
        mira, tom = (User.objects.get(username=name) for name in ("mira", "tom"))
        return Stage(maker=mira, approver=tom, shops=shops, worker=self._worker)

    def _play(self, stage: Stage) -> list[Part]:
        """Begin each part when its time has come, and watch all of them to the end."""
        bought = at_ncentiva.scenes()
        parts = [*bought, *at_partners.scenes(), *at_issuer.scenes(after_kill=bought[0])]
        with Board(self._console) as board:
            started = time.monotonic()
            while self._goes_on(parts, stage, board, started):
                _play_the_due(parts, stage, time.monotonic() - started)
        return parts

    def _goes_on(self, parts: list[Part], stage: Stage, board: Board, started: float) -> bool:
        """Look once at everything; whether there is more to wait for."""
        time.sleep(TICK)
        self._together.look()
        seconds = time.monotonic() - started
        under_way = [part for part in parts if part.has_begun and not part.look()]
        for part in under_way:
            part.help(stage)
        board.show(parts, seconds)
        all_over = not under_way and all(part.has_begun for part in parts)
        return not (all_over or self._together.is_stopping or seconds > LONGEST)

    def _settle(self, stage: Stage, parts: list[Part]) -> bool:
        """Compare, print, and say whether all is well."""
        played = [part for part in parts if part.has_begun]
        problems = [f"{part.name}: was not played." for part in parts if not part.has_begun]
        for provider, shop in stage.shops.items():
            here = [part for part in played if part.provider == provider]
            bought = [part for part in here if isinstance(part, Scene)]
            issued = [part for part in here if isinstance(part, IssuingScene)]
            problems += self._hold_side_by_side(shop, bought) if bought else []
            problems += self._hold_issued_side_by_side(shop, issued) if issued else []
        verdict = audit.verify()
        state = "unbroken" if verdict.ok else verdict.problem
        self._console.print(f"Our audit trail: {verdict.count} entries, {state}.")
        problems += _untroubled(played, stage)
        problems += [] if verdict.ok else [f"The audit trail is broken: {verdict.problem}"]
        for problem in problems:
            self._console.print(f"[red]✗[/] {problem}")
        if not problems:
            self._console.print(f"[green]✓[/] {ALL_AGREE}")
        return not problems

    def _hold_side_by_side(self, shop: Shop, scenes: list[Scene]) -> list[str]:
        """Print our books and theirs at one provider; sentences where they differ."""
        label, ledger = spec_for(shop.account.provider).label, shop.simulator.ledger()
        found = {scene.name: compare(scene.orders, ledger) for scene in scenes}
        self._console.print(result(label, scenes, found))
        self._console.print(
            f"The ledger of {label}: {len(ledger['orders'])} orders, "
            f"{sum(one['cards_count'] for one in ledger['orders'])} cards, "
            f"{balance_in(ledger, shop.account).format()} left; "
            f"{shop.simulator.refused_as_too_fast()} requests were too fast for it."
        )
        ours = {reference for scene in scenes for reference in scene.references}
        foreign = [one for one in ledger["orders"] if one["reference"] not in ours]
        funding.ask_the_provider(shop.account)  # so that our books take in their last figure
        return [
            *_problems(found),
            *(f"{one['reference']} is there, but we never ordered it." for one in foreign),
            *compare_deposit(shop.account, ledger),
        ]

    def _hold_issued_side_by_side(self, shop: Shop, scenes: list[IssuingScene]) -> list[str]:
        """The same where we issue; each card is read first, so that our books are of now."""
        for card in Card.objects.filter(account=shop.account, state__in=LIVING_CARDS):
            balances.read_card(card)
        label, ledger = spec_for(shop.account.provider).label, shop.simulator.ledger()
        found = {}
        for scene in scenes:
            scene.look()
            found[scene.name] = compare_issued(scene.things, ledger, shop.account.currency)
        self._console.print(result_issued(label, scenes, found))
        self._console.print(
            f"The ledger of {label}: {len(ledger['reservations'])} numbers, "
            f"{len(ledger['cards'])} cards, {len(ledger['holds'])} holds; "
            f"{shop.simulator.refused_as_too_fast()} requests were too fast for it."
        )
        return [*_problems(found), *strangers(ledger)]


def _play_the_due(parts: list[Part], stage: Stage, seconds: float) -> None:
    waiting = [part for part in parts if part.needs_help and not part.is_helped]
    act = min((part.act for part in waiting), default=LAST_ACT)
    for part in parts:
        is_due = part.act <= act and seconds >= part.not_before and part.may_begin
        if is_due and not part.has_begun:
            part.play(stage)


def _problems(found: Mapping[str, Comparison | Likeness]) -> list[str]:
    return [
        f"{name}: {sentence}"
        for name, comparison in found.items()
        for sentence in comparison.differences
    ]


def _untroubled(parts: list[Part], stage: Stage) -> list[str]:
    """A part in which nothing went wrong proves nothing."""
    unspent = {
        reference for shop in stage.shops.values() for reference in shop.simulator.unspent_faults()
    }
    return [
        f"{part.name}: what was to happen to it did not."
        for part in parts
        if (part.needs_help and not part.is_helped)
        or unspent & set(part.references)
        or not part.is_proven(stage)
    ]
