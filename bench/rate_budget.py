"""2 requests a second and 60 a minute for four processes, counted where they arrive.

The limit is what the provider allows; the peer is a token bucket of the same figures, computed: it
keeps the average and not the window. `python -m bench.rate_budget ACCOUNT PORT SECONDS` is one of
the four. A busy machine delays some requests more than others, so that their successors seem early.
"""

import http.client
import itertools
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from bench.timing import Row

PER_SECOND, PER_MINUTE = 2, 60
PROCESSES = 4
MEASURED = 120.0  # seconds from the first arrival
LEAST = 0.98  # of what is allowed


def run() -> list[Row]:
    """Two minutes against a server on the loopback; the arrivals are what counts."""
    arrivals = hammer(MEASURED + 8)
    first = arrivals[0]
    used = sum(at < first + MEASURED for at in arrivals) / allowed()
    ours, bucket = len(early(arrivals)), len(early(token_bucket(MEASURED)))
    worst = max(early(arrivals), default=0.0) * 1000
    return [
        row("share of the allowed requests used", used, 1.0, "", used, "≥ 0.98", used >= LEAST),
        row(
            f"requests that arrived too early (worst by {worst:.0f} ms)",
            ours,
            bucket,
            "",
            ours / bucket,
            "0",
            ours == 0,
            against="token bucket, computed",
        ),
    ]


def allowed() -> float:
    """How many requests may arrive in the measured time."""
    return MEASURED / 60 * PER_MINUTE


def early(arrivals: Sequence[float]) -> list[float]:
    """By how many seconds too early each came that was one too many in its second or minute."""
    windows = ((PER_SECOND, 1.0), (PER_MINUTE, 60.0))
    found = [
        max(span - (at - arrivals[number - most]) for most, span in windows if number >= most)
        for number, at in enumerate(arrivals)
        if number >= PER_SECOND
    ]
    return [seconds for seconds in found if seconds > 0]


def token_bucket(seconds: float) -> list[float]:
    """When requests go that are let through by two full buckets, as fast as they come."""
    tokens, rates = [float(PER_SECOND), float(PER_MINUTE)], [float(PER_SECOND), PER_MINUTE / 60]
    most = tokens.copy()
    now, sent = 0.0, []
    while now < seconds:
        wait = max((max(0.0, 1 - held) / rate for held, rate in zip(tokens, rates, strict=True)))
        now += wait
        tokens = [
            min(top, held + wait * rate) - 1
            for top, held, rate in zip(most, tokens, rates, strict=True)
        ]
        sent.append(now)
    return sent


def hammer(seconds: float) -> list[float]:
    """Let the processes send for so long; the times of the arrivals, in order."""
    from providers import services

    account = services.create_account(
        name="bench",
        provider="ncentiva",
        environment="sandbox",
        base_url="http://127.0.0.1:9/ncentiva",
        credentials={"username": "bench", "password": "bench"},
    )
    with ThreadingHTTPServer(("127.0.0.1", 0), Listener) as server:
        Listener.arrivals.clear()
        threading.Thread(target=server.serve_forever, daemon=True).start()
        command = [sys.executable, "-m", "bench.rate_budget", str(account.pk)]
        command += [str(server.server_port), str(seconds)]
        children = [subprocess.Popen(command) for _ in range(PROCESSES)]  # noqa: S603 - ourselves
        failed = [child.wait() for child in children]
        server.shutdown()
    if any(failed):
        raise RuntimeError("One of the processes failed; see above.")
    return sorted(Listener.arrivals)


class Listener(BaseHTTPRequestHandler):
    """Notes when a request arrives, and answers."""

    arrivals: list[float] = []

    def do_GET(self) -> None:  # noqa: N802 - the name that http.server calls
        self.arrivals.append(time.monotonic())
        self.send_response(204)
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


def send(account_id: str, port: int, seconds: float) -> None:
    """One process: ask for a slot, wait for it, send; again until the time is over."""
    import django

    django.setup()
    from providers.rates import limits_of
    from providers.stores import RateBudget

    budget = RateBudget(account_id, limits_of(PER_SECOND, PER_MINUTE))
    until = time.monotonic() + seconds
    for _ in itertools.count():
        slot = budget.reserve_write()
        budget.redeem_write(slot, max_wait=seconds)
        if time.monotonic() > until:
            return
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
        connection.request("GET", "/")
        connection.getresponse().read()
        connection.close()


def row(
    what: str,
    ours: float,
    theirs: float,
    unit: str,
    ratio: float,
    target: str,
    is_met: bool,
    against: str = "what is allowed",
) -> Row:
    return Row(
        what=what,
        ours=ours,
        against=against,
        theirs=theirs,
        unit=unit,
        ratio=ratio,
        target=target,
        is_met=is_met,
    )


if __name__ == "__main__":
    send(sys.argv[1], int(sys.argv[2]), float(sys.argv[3]))
