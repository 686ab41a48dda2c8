"""`manage.py sandbox`: the simulated providers."""

import sys
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand

from providers.sandbox import cli


class Command(BaseCommand):
    """Serve the simulated providers until SIGTERM or SIGINT."""

    help = "Serve the simulated providers over HTTP, with ledgers and faults of their own."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        """The arguments of the program itself."""
        cli.add_arguments(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        """Serve; the exit status is that of the program."""
        state: Path = options["state"]
        sys.exit(
            cli.serve(options["host"], options["port"], state, options["seed"], options["log"])
        )
