"""The main job once, headless: buy and issue cards through trouble, then compare all ledgers."""

import argparse
import os
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Any, NoReturn

from django.core.management.base import BaseCommand, CommandError

from giftops import make_env
from giftops.ports import free_port
from giftops.supervisor import SupervisorError
from orders.demo.board import console
from orders.demo.performance import Performance
from orders.demo.programs import MANAGE

OURS = ("GIFTOPS_", "DATABASE_URL", "REDIS_URL", "SECRET_KEY", "DEBUG", "ALLOWED_HOSTS", "LOG_")


class Command(BaseCommand):
    help = (
        "Buy gift cards from two simulated providers and issue others at a third, through lost "
        "answers, refusals and a killed worker; end with our books beside theirs. Uses a database "
        "of its own. Exit status 1 if anything differs."
    )
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("--inside", type=Path, help=argparse.SUPPRESS)  # made by run_apart

    def handle(self, *args: Any, **options: Any) -> None:
        directory: Path | None = options["inside"]
        if directory is None:
            run_apart()
        try:
            is_sound = Performance(directory, console()).run()
        except SupervisorError as error:
            raise CommandError(str(error)) from None
        finally:
            shutil.rmtree(directory, ignore_errors=True)
        sys.exit(0 if is_sound else 1)


def run_apart() -> NoReturn:
    """Become the demo in a directory of its own, with keys and a database made for it."""
    directory = Path(tempfile.mkdtemp(prefix="giftops-demo-"))
    make_env.write(directory / "env")
    port = free_port()
    environment = {name: value for name, value in os.environ.items() if not name.startswith(OURS)}
    environment |= {
        "DJANGO_SETTINGS_MODULE": "orders.demo.settings",
        "GIFTOPS_ENV_FILE": str(directory / "env"),
        "GIFTOPS_VAR": str(directory / "var"),
        "GIFTOPS_PUBLIC_URL": f"http://127.0.0.1:{port}",
        "WEB_PORT": str(port),
        "LOG_LEVEL": "WARNING",
    }
    os.execve(sys.executable, [*MANAGE, "demo", "--inside", str(directory)], environment)  # noqa: S606 - ourselves
