"""Run background jobs until told to stop."""

import argparse
import os
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandParser


class Command(BaseCommand):
    help = (
        "Run background jobs until SIGTERM or Ctrl-C (a second one does not wait for running "
        "jobs). Ends with status 1 when its pool dies or hangs: start it again then. "
        "Several may run at once, on one machine or many."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--workers", type=int, default=settings.GIFTOPS_WORKERS, help="processes that run jobs"
        )
        parser.add_argument(
            "--stall-seconds", type=float, default=60, help="without any flow of work: end"
        )
        parser.add_argument(
            "--stop-seconds", type=float, default=60, help="how long running jobs may take to end"
        )
        parser.add_argument("--pool", type=int, help=argparse.SUPPRESS)  # process id of the watch
        parser.add_argument("--pulse-seconds", type=float, default=10, help=argparse.SUPPRESS)

    def handle(self, *args: Any, **options: Any) -> None:
        if options["pool"] is not None:
            self._run_pool(options)
        else:
            self._run_watch(options)

    def _run_watch(self, options: dict[str, Any]) -> None:
        from giftops.worker.watch import Limits, Watch

        limits = Limits(
            workers=options["workers"],
            stall=options["stall_seconds"],
            stop=options["stop_seconds"],
        )
        watch = Watch(limits)
        self.stdout.write(f"Worker {watch.name} is up.")
        raise SystemExit(watch.run())

    def _run_pool(self, options: dict[str, Any]) -> None:
        from giftops.worker.pool import leave, run_pool

        leave(
            run_pool(
                worker=os.environ["GIFTOPS_WORKER"],
                parent=options["pool"],
                workers=options["workers"],
                pulse_seconds=options["pulse_seconds"],
            )
        )
