"""Do whatever is due, once, without a cluster."""

from collections import Counter
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from giftops import guard
from giftops.queue import Outcome, enqueue_periodic, run_due, sync_periodic
from giftops.queue.sweeping import free_lapsed


class Command(BaseCommand):
    help = "Do whatever is due, once, in this process; print what was done, a line per task."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--limit", type=int, default=10_000, help="run at most so many jobs")

    def handle(self, *args: Any, **options: Any) -> None:
        if guard.is_quarantined():
            raise CommandError(guard.status())
        sync_periodic()
        free_lapsed()
        enqueue_periodic()
        self._report(run_all_due(options["limit"]))

    def _report(self, tally: Counter[tuple[str, Outcome]]) -> None:
        for name in sorted({name for name, _ in tally}):
            ends = ", ".join(f"{tally[name, end]} {end}" for end in Outcome if tally[name, end])
            self.stdout.write(f"{name:<40} {ends}")
        if not tally:
            self.stdout.write("Nothing is due.")


def run_all_due(limit: int) -> Counter[tuple[str, Outcome]]:
    """Run jobs until none is due, at most `limit`; count them by task and by how they ended."""
    tally: Counter[tuple[str, Outcome]] = Counter()
    while (room := limit - tally.total()) > 0:
        if not run_due(min(room, 100), tally):
            break
    return tally
