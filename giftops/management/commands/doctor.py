"""`manage.py doctor`: is this installation sound?"""

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from giftops import doctor


class Command(BaseCommand):
    """One line for each question, with what to do; exit 1 if anything is off."""

    help = "Examine this installation: one line for each question; exit 1 if anything is off."
    requires_system_checks: list[str] = []  # they are among the questions

    def handle(self, *args: Any, **options: Any) -> None:
        """Examine and say what was found."""
        wrong = 0
        for finding in doctor.examine():
            self.stdout.write(str(finding))
            wrong += not finding.ok
        if wrong:
            raise CommandError(f"{wrong} of these need your attention.")
        self.stdout.write("This installation is sound.")
