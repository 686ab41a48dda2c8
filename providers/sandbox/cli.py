"""Run the simulated providers until a signal ends them."""

import argparse
import logging
import os
import signal
import sys
import threading
from collections.abc import Sequence
from pathlib import Path
from types import FrameType

from providers.sandbox.mounts import PROVIDERS, Sandbox
from providers.sandbox.server import SandboxServer

DEFAULT_PORT = 8010
WHO = f"Simulated are: {', '.join(one.slug for one in PROVIDERS)}."


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of the program, for whoever wraps it."""
    parser.epilog = WHO
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on")
    parser.add_argument(
        "--port",
        type=int,
        default=os.environ.get("SANDBOX_PORT", str(DEFAULT_PORT)),
        help="port to listen on; 0 picks a free one (default: SANDBOX_PORT, or 8010)",
    )
    parser.add_argument(
        "--state", type=Path, default=Path("var/sandbox"), help="directory of the ledgers"
    )
    parser.add_argument("--seed", default="sandbox", help="seed of the codes of a new ledger")
    parser.add_argument("--log", action="store_true", help="write one line a request to stderr")


def serve(host: str, port: int, state: Path, seed: str, log: bool = False) -> int:
    """Serve until SIGTERM or SIGINT; returns the exit status. The first line printed says where."""
    logging.basicConfig(level=logging.INFO if log else logging.WARNING, format="%(message)s")
    try:
        sandbox = Sandbox.in_directory(state, seed=seed)
    except OSError as error:
        print(f"The sandbox cannot use {state}: {error.strerror}.", file=sys.stderr)
        return 1
    try:
        server = SandboxServer((host, port), sandbox)
    except (OSError, OverflowError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        print(f"The sandbox cannot listen on {host}:{port}: {reason}.", file=sys.stderr)
        sandbox.close()
        return 1
    _stop_on_signals(server)
    print(f"sandbox listening on {server.url}", flush=True)
    with server:
        server.serve_forever(poll_interval=0.1)
    sandbox.close()
    return 0


def _stop_on_signals(server: SandboxServer) -> None:
    def stop(_number: int, _frame: FrameType | None) -> None:
        server.stopping.set()
        threading.Thread(target=server.shutdown).start()  # it waits for the loop that we are in

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)


def main(arguments: Sequence[str] | None = None) -> int:
    """Parse the arguments and serve."""
    parser = argparse.ArgumentParser(prog="sandbox", description=__doc__)
    add_arguments(parser)
    given = parser.parse_args(arguments)
    return serve(given.host, given.port, given.state, given.seed, given.log)
