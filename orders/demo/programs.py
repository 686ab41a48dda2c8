"""The programs of an installation on this machine, and how to see that each is up."""

import re
import sys
import urllib.error
import urllib.request
from pathlib import Path

from django.conf import settings
from django.db import close_old_connections

from giftops.models import Heartbeat
from giftops.supervisor import Program

MANAGE = (sys.executable, str(settings.BASE_DIR / "manage.py"))


def simulator(port: int, state: Path) -> Program:
    """The simulated providers; their ledgers live in `state`. Port 0 takes a free one."""
    command = [*MANAGE, "sandbox", "--port", str(port), "--state", str(state)]
    return Program(name="simulator", command=command, is_up=lambda: answers(port, "/healthz"))


def web(port: int) -> Program:
    """The pages, served by gunicorn on the loopback."""
    command = [sys.executable, "-m", "gunicorn", "giftops.wsgi:application"]
    command += ["--bind", f"127.0.0.1:{port}", "--worker-class", "gthread", "--threads", "8"]
    command += ["--chdir", str(settings.BASE_DIR), "--graceful-timeout", "5", "--no-control-socket"]
    return Program(name="web", command=command, is_up=lambda: answers(port, "/healthz"))


def worker() -> Program:
    """The worker; it is up when work has flowed through it once."""
    program = Program(
        name="worker", command=[*MANAGE, "worker", "--stop-seconds", "10"], is_up=lambda: False
    )
    program.is_up = lambda: has_beaten(program)
    return program


def demo_orders() -> Program:
    """The errand that makes the demo orders, beside whoever signs in already."""
    command = [*MANAGE, "seed_demo"]
    return Program(name="demo-orders", command=command, is_up=lambda: True, is_once=True)


def answers(port: int, path: str) -> bool:
    """Whether a server on the loopback gives a good answer."""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=2) as answer:
            return bool(answer.status == 200)
    except (urllib.error.URLError, OSError):
        return False


def has_beaten(program: Program) -> bool:
    """Whether the worker that this very process watches has written a heartbeat."""
    close_old_connections()
    pid = program.process.pid if program.process else 0
    return Heartbeat.objects.filter(pid=pid).exists()


def address_in(log: Path) -> str:
    """The address that the simulator wrote as its first line, or an empty text."""
    found = re.search(r"listening on (http://\S+)", log.read_text()) if log.exists() else None
    return found[1].rstrip("/") if found else ""
