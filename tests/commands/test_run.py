"""`make run`: says what is in the way, starts everything, ends everything."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests
from django.conf import settings
from django.core.management import CommandError, call_command

SIGN_INS = re.compile(r"(\w+) +([a-z2-7]{4}(?:-[a-z2-7]{4}){3})\b")


@pytest.fixture
def taken() -> Iterator[int]:
    """A port on which somebody else listens."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return server.getsockname()[1]


def test_a_taken_port_is_told_before_anything_is_started(settings, taken):
    settings.DEBUG, settings.WEB_PORT = True, taken

    with pytest.raises(CommandError) as caught:
        call_command("run")

    assert str(caught.value).startswith(f"Port {taken} is in use by another program.")
    assert "WEB_PORT=" in str(caught.value)


def test_it_does_not_run_where_real_work_is_done(settings):
    settings.DEBUG = False

    with pytest.raises(CommandError, match="needs DEBUG=true"):
        call_command("run")


class Installation:
    """A `manage.py run` of its own: directory, keys and ports."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.web, self.simulator = free_port(), free_port()
        self.process: subprocess.Popen[str] | None = None
        subprocess.run(  # noqa: S603 - our own program
            [sys.executable, "-m", "giftops.make_env", str(directory / "env")],
            cwd=settings.BASE_DIR,
            check=True,
            stdout=subprocess.DEVNULL,
        )

    @property
    def environment(self) -> dict[str, str]:
        ours = ("GIFTOPS_", "DATABASE_URL", "REDIS_URL", "SECRET_KEY", "DEBUG")
        kept = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
        return kept | {
            "DJANGO_SETTINGS_MODULE": "giftops.settings",
            "GIFTOPS_ENV_FILE": str(self.directory / "env"),
            "GIFTOPS_VAR": str(self.directory / "var"),
            "WEB_PORT": str(self.web),
            "SANDBOX_PORT": str(self.simulator),
            "NO_COLOR": "1",
            "COLUMNS": "200",
            "PYTHONUNBUFFERED": "1",
        }

    def start(self) -> str:
        """Start it and read on until it says that it is up; give what it said."""
        self.process = subprocess.Popen(  # noqa: S603 - our own command
            [sys.executable, "manage.py", "run"],
            cwd=settings.BASE_DIR,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        said = ""
        assert self.process.stdout is not None
        for line in self.process.stdout:
            said += line
            if "end with Ctrl-C" in line:
                return said
        pytest.fail(f"It ended with {self.process.wait()} and said:\n{said}")

    def ask(self, port: int, path: str) -> bytes:
        """What a page answers."""
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=10) as answer:  # noqa: S310 - http, ours
            return bytes(answer.read())

    def sign_in(self, name: str, password: str) -> requests.Response:
        """Sign in as a browser would; give the page that follows."""
        url = f"http://127.0.0.1:{self.web}/admin/login/?next=/admin/"
        with requests.Session() as browser:
            form = browser.get(url, timeout=30).text
            token = re.findall(r'name="csrfmiddlewaretoken" value="(\w+)"', form)[0]
            data = {"username": name, "password": password, "csrfmiddlewaretoken": token}
            return browser.post(url, data, headers={"Referer": url}, timeout=30)

    def programs(self) -> list[str]:
        """The command lines of all processes that belong to it."""
        return [line for line in command_lines() if str(self.directory) in line]

    def end(self, number: int) -> int:
        """Send a signal and wait; give the exit status."""
        assert self.process is not None
        self.process.send_signal(number)
        self.process.communicate(timeout=60)
        return self.process.returncode


def command_lines() -> Iterator[str]:
    """What every process was started with, its environment included."""
    for path in Path("/proc").glob("[0-9]*"):
        try:
            line = (path / "cmdline").read_bytes() + (path / "environ").read_bytes()
        except (FileNotFoundError, ProcessLookupError, PermissionError):
            continue
        yield line.replace(b"\0", b" ").decode(errors="replace")


@pytest.fixture
def installation(tmp_path) -> Iterator[Installation]:
    made = Installation(tmp_path)
    yield made
    if made.process is not None and made.process.poll() is None:
        made.end(signal.SIGKILL)


def eventually(condition, seconds: float = 30.0) -> bool:
    """Whether the condition comes true in time."""
    deadline = time.monotonic() + seconds
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.1)
    return bool(condition())


@pytest.mark.prove
def test_everything_is_up_when_it_says_so_and_gone_when_it_ends(installation):
    said = installation.start()
    answers = installation.ask(installation.web, "/healthz")
    start_page = installation.sign_in("mira", dict(SIGN_INS.findall(said))["mira"])
    simulated = json.loads(installation.ask(installation.simulator, "/healthz"))
    running = len(installation.programs())
    status = installation.end(signal.SIGINT)

    assert f"http://127.0.0.1:{installation.web}/" in said
    assert [name for name in ("mira", "jon", "tom", "ada", "lee", "sam") if name not in said] == []
    assert len(SIGN_INS.findall(said)) == 6
    assert answers
    assert start_page.status_code == 200
    assert start_page.url.endswith("/admin/")
    assert simulated == {"status": "ok"}
    assert running >= 6  # run, simulator, gunicorn twice, the worker's watch and pool
    assert status == 0
    assert installation.programs() == []


@pytest.mark.prove
def test_killed_it_leaves_no_orphans(installation):
    installation.start()

    installation.end(signal.SIGKILL)

    assert eventually(lambda: installation.programs() == [])


@pytest.mark.prove
def test_a_second_start_keeps_data_and_passwords(installation):
    first = installation.start()
    installation.end(signal.SIGTERM)

    second = installation.start()
    installation.end(signal.SIGTERM)

    assert SIGN_INS.findall(first) == SIGN_INS.findall(second)


@pytest.mark.prove
def test_a_newcomer_gets_a_card_in_about_a_minute_beside_the_demo_orders(installation):
    installation.start()
    began = time.monotonic()

    said = subprocess.run(  # noqa: S603 - our own command
        [sys.executable, "manage.py", "shell", "-v0", "-c", BUY],
        cwd=settings.BASE_DIR,
        env=installation.environment,
        capture_output=True,
        text=True,
        timeout=90,
    )
    seconds = time.monotonic() - began
    installation.end(signal.SIGTERM)

    assert said.stdout.strip() == "fulfilled 1 1", said.stderr
    assert seconds < 75


BUY = """
import time
from giftops.models import User
from giftops.money import Money
from orders.demo.stories import OF_BATCHES
from orders.models import Batch
from orders.services.drafting import Wish, create_batch
from orders.services.submitting import submit_batch
from providers.models import Product
mira = User.objects.get(username="mira")
for _ in range(300):
    if Batch.objects.count() == len(OF_BATCHES): break
    time.sleep(0.1)
product = Product.objects.get(external_id="1234")
batch = create_batch(mira, Wish(product=product, face_value=Money(2500, "USD"), quantity=1))
submit_batch(batch, actor=mira)
for _ in range(600):
    order = batch.orders.get()
    if order.status == "fulfilled": break
    time.sleep(0.1)
print(order.status, order.cards.count(), Batch.objects.count() - len(OF_BATCHES))
"""
