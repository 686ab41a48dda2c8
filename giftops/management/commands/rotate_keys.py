"""`manage.py rotate_keys`: seal everything under the first key of GIFTOPS_SEALING_KEYS."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from giftops import audit, resealing, sealing

SHOWN_PROBLEMS = 20


class Command(BaseCommand):
    """Put a new key first, keep the old one behind it, run this, prove it, remove the old key."""

    help = (
        "Seal every value again that an older key sealed. May be stopped and run again. "
        "With --prove KID: only count what that key still seals; exit 1 unless it is nothing."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Offer the proof."""
        parser.add_argument("--prove", metavar="KID", help="show that this key is needed no more")

    def handle(self, *args: Any, prove: str | None, **options: Any) -> None:
        """Rotate, or prove."""
        if prove:
            self._prove(prove)
        else:
            self._rotate()

    def _prove(self, kid: str) -> None:
        counts = resealing.count_sealed_by(kid)
        for column, count in counts.items():
            self.stdout.write(f"{column}: {count} rows")
        if left := sum(counts.values()):
            raise CommandError(f"{left} values still need key {kid}: run manage.py rotate_keys.")
        self.stdout.write(f"0 rows left under key {kid}: it may be removed from the ring.")

    def _rotate(self) -> None:
        kid = sealing.key_ring().current
        result = resealing.reseal_everything(self._show)
        audit.record(
            "keys.rotated",
            actor=None,
            outcome="done" if not result.failed else "failed",
            figure=kid,
            count=result.moved,
            failed=result.failed,
        )
        self.stdout.write(f"{result.moved} values sealed again under key {kid}.")
        if result.failed:
            for problem in result.problems[:SHOWN_PROBLEMS]:
                self.stderr.write(problem)
            raise CommandError(f"{result.failed} values do not open; they were left as they are.")

    def _show(self, column: str, done: int, total: int) -> None:
        self.stdout.write(f"{column}: {done:,} of {total:,}")
