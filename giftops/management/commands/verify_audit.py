"""`manage.py verify_audit`: does the chain of records still hold?"""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from giftops import audit


class Command(BaseCommand):
    """Check every entry of the audit trail, its head and its anchor; exit 1 with the place."""

    help = __doc__ or ""

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Let a long trail be checked from a known good entry on."""
        parser.add_argument("--from", type=int, default=0, dest="first", metavar="ENTRY")
        parser.add_argument(
            "--accept-missing-anchor",
            action="store_true",
            help="begin a new anchor and record it; only if nothing else is wrong",
        )

    def handle(self, *args: Any, first: int, accept_missing_anchor: bool, **options: Any) -> None:
        """Verify and say what came out."""
        if accept_missing_anchor:
            self._accept()
        verdict = audit.verify(first)
        if verdict.lacks_anchor:
            raise CommandError(
                f"{verdict.problem} In themselves {verdict.count} entries are sound; the last is "
                f"{verdict.head}."
            )
        if not verdict.ok:
            raise CommandError(f"{verdict.problem} {verdict.count} entries before it are sound.")
        self.stdout.write(f"{verdict.count} entries are sound; the last is {verdict.head or '-'}.")

    def _accept(self) -> None:
        try:
            entry = audit.accept_missing_anchor()
        except audit.AnchorError as problem:
            raise CommandError(str(problem)) from None
        self.stdout.write(f"A new anchor begins with entry {entry.sequence}, which says so.")
