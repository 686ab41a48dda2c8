"""`manage.py make_env [PATH]`: the same as `python -m giftops.make_env`."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand

from giftops import make_env


class Command(BaseCommand):
    """Write a .env with fresh keys; never replaces one."""

    help = "Write a .env with fresh keys, readable by you only; an existing one is never replaced."
    requires_system_checks: list[str] = []  # they ask for the keys that this is to write

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Take the path."""
        parser.add_argument("path", nargs="?", help="default: .env beside manage.py")

    def handle(self, *args: Any, path: str | None, **options: Any) -> None:
        """Write it."""
        make_env.main([path] if path else [])
