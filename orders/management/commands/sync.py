"""Mirror what the providers know, now and in this process."""

import sys
from argparse import ArgumentParser
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from orders.services import funding, mirroring
from providers import services as providers
from providers.catalog import Progress as Tell
from providers.gateways.errors import ProviderError
from providers.models import ProviderAccount, SyncRun
from providers.registry import spec_for


@dataclass(frozen=True, slots=True)
class Mirror:
    """One kind of thing that is mirrored, for providers that can do it."""

    capability: str
    read: Callable[[ProviderAccount, Tell], str]


def _counts(run: SyncRun) -> str:
    if run.state == SyncRun.State.FAILED:
        raise CommandError(run.error)
    return f"new {run.new} · changed {run.changed} · same {run.same} · failed {run.failed}"


def _balance(account: ProviderAccount) -> str:
    funding.ask_the_provider(account)
    return f"{funding.deposit_of(account, account.currency).free.format()} free"


MIRRORS = {
    "products": Mirror(
        "seller", lambda account, tell: _counts(providers.refresh_products(account.pk, tell))
    ),
    "options": Mirror(
        "option_lister", lambda account, tell: _counts(providers.refresh_options(account.pk, tell))
    ),
    "balances": Mirror("deposit_holder", lambda account, tell: _balance(account)),
    "orders": Mirror(
        "seller",
        lambda account, tell: _counts(mirroring.mirror_remote_orders(str(account.pk), tell)),
    ),
}


class Command(BaseCommand):
    help = (
        "Mirror products, options, balances and order histories now, however fresh they are. "
        "Exit 1 if one of them failed."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("account", nargs="?", help="one account (default: every active one)")
        parser.add_argument("--what", choices=sorted(MIRRORS), help="one of them (default: all)")

    def handle(self, *args: Any, account: str | None, what: str | None, **options: Any) -> None:
        work = [
            (one, name)
            for one in self._accounts(account)
            for name in ([what] if what else MIRRORS)
            if MIRRORS[name].capability in spec_for(one.provider).capabilities
        ]
        if not work:
            raise CommandError(f"No provider of these accounts has {what}.")
        with _bar() as bar:
            task = bar.add_task("", total=len(work), read="")
            failed = [not self._mirror(one, name, bar, task) for one, name in work]
        if any(failed):
            raise CommandError("Not everything could be mirrored; the lines above say why.")

    def _accounts(self, name: str | None) -> list[ProviderAccount]:
        accounts = ProviderAccount.objects.active()
        found = list(accounts.filter(name=name) if name else accounts)
        if not found:
            raise CommandError(
                f"There is no active account {name}." if name else "There is no active account yet."
            )
        return found

    def _mirror(self, account: ProviderAccount, what: str, bar: Progress, task: Any) -> bool:
        def tell(done: int, total: int | None) -> None:
            bar.update(task, read=f"{done:,} of {total:,} read" if total else f"{done:,} read")

        bar.update(task, description=f"{account} {what}", read="")
        try:
            said, is_well = MIRRORS[what].read(account, tell), True
        except (ProviderError, CommandError) as problem:
            said, is_well = str(problem), False
        bar.advance(task)
        self._say(f"{'✓' if is_well else '✗'} {account} {what}: {said}", bar)
        return is_well

    def _say(self, line: str, bar: Progress) -> None:
        """A line that stays, where the bar has been."""
        bar.live.stop()
        self.stdout.write(line)
        if not bar.disable:
            bar.live.start()


def _bar() -> Progress:
    """A bar on a terminal, which is gone at the end; nothing anywhere else."""
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.completed} of {task.total} lists"),
        TextColumn("{task.fields[read]}"),
        TimeElapsedColumn(),
        console=Console(stderr=True),
        transient=True,
        redirect_stdout=False,
        disable=not sys.stderr.isatty(),
    )
