"""Start everything on this machine: simulated providers, web, worker, demo data."""

import logging
from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError
from django.db import connections
from rich.box import SIMPLE
from rich.console import Console
from rich.table import Table

from giftops import guard
from giftops.ports import PortError, need_free_ports
from giftops.supervisor import Supervisor, SupervisorError
from orders.demo import programs
from orders.demo.account import seed_accounts, seed_rules
from orders.demo.people import SignIn, seed_people

UP_WITHIN = 90.0  # seconds


class Command(BaseCommand):
    help = (
        "Start the simulated providers, the web pages and the worker, with demo people to sign in "
        "as; end all of them with Ctrl-C. For trying out and development only (DEBUG)."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--no-demo", action="store_true", help="make no demo orders")

    def handle(self, *args: Any, **options: Any) -> None:
        self.console = Console(highlight=False, soft_wrap=True)  # honours NO_COLOR
        logging.disable(logging.INFO)  # here; the programs write theirs into their own logs
        try:
            refuse_production()
            need_free_ports({"WEB_PORT": settings.WEB_PORT, "SANDBOX_PORT": settings.SANDBOX_PORT})
            sign_ins = self._prepare()
            self._run(sign_ins, with_orders=not options["no_demo"])
        except (PortError, SupervisorError) as error:
            raise CommandError(str(error)) from None
        except KeyboardInterrupt:
            raise SystemExit(130) from None

    def _prepare(self) -> list[SignIn]:
        """Bring the database up to date and make what the demo stands on."""
        self.console.print("Preparing the database …")
        call_command("migrate", verbosity=0)
        if guard.is_quarantined():
            self.console.print(guard.status(), style="yellow")
        sign_ins = seed_people()
        seed_rules(seed_accounts(f"http://127.0.0.1:{settings.SANDBOX_PORT}"))
        connections.close_all()
        return sign_ins

    def _run(self, sign_ins: list[SignIn], *, with_orders: bool) -> None:
        together = Supervisor(
            [
                programs.simulator(settings.SANDBOX_PORT, settings.GIFTOPS_VAR / "sandbox"),
                programs.web(settings.WEB_PORT),
                programs.worker(),
            ],
            logs=settings.GIFTOPS_VAR / "log",
            say=self.console.print,
        )
        together.listen()
        try:
            self.console.print("Starting the simulated providers, the web pages and the worker …")
            together.start()
            if together.wait_until_up(UP_WITHIN):
                self._welcome(sign_ins)
                if with_orders:
                    together.also(programs.demo_orders())
                together.watch()
        finally:
            self.console.print("Ending …")
            together.stop()

    def _welcome(self, sign_ins: list[SignIn]) -> None:
        table = Table("name", "password", "role", "comes for", box=SIMPLE)
        for one in sign_ins:
            password = one.password or "(their own)"
            table.add_row(one.person.username, password, one.role, one.person.comes_for)
        self.console.print(f"giftops is up: [bold]{settings.GIFTOPS_PUBLIC_URL}/[/] Sign in as:")
        self.console.print(table)
        self.console.print(
            f"Simulated providers: http://127.0.0.1:{settings.SANDBOX_PORT}/ · "
            f"logs: {settings.GIFTOPS_VAR / 'log'} · end with Ctrl-C"
        )


def refuse_production() -> None:
    """Raise CommandError without DEBUG: this is not how giftops is run for real work."""
    if not settings.DEBUG:
        raise CommandError(
            "`run` is for trying giftops out and needs DEBUG=true. For real work each program is "
            "started by itself: see “In production” in README.md."
        )
