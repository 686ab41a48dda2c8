"""Let a restored or copied database act as this installation."""

from datetime import datetime
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from giftops import guard


class Command(BaseCommand):
    help = (
        "End the quarantine of a restored or copied database: whatever may have gone on after the "
        "backup becomes unknown and is looked up, then jobs run again."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        group = parser.add_mutually_exclusive_group(required=True)
        group.add_argument(
            "--backup-time",
            type=_aware_time,
            help="when the backup was taken, ISO 8601 with time zone: 2030-01-31T04:00:00+00:00",
        )
        group.add_argument(
            "--enter",
            action="store_true",
            help="the opposite: this database was just restored, let nothing run",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        if options["enter"]:
            guard.mark_restored()
        elif guard.is_quarantined():
            guard.release(options["backup_time"])
        else:
            raise CommandError(f"There is no quarantine to end. {guard.status()}")
        self.stdout.write(guard.status())


def _aware_time(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError("the time zone is missing")
    return moment
