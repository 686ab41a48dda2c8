"""Everything running as people run it (`manage.py run`), and a real browser in front of it."""

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

ROOT = Path(__file__).parent.parent.parent
CHROMIUM = "/usr/bin/chromium"
UP_WITHIN = 120  # seconds
SIZES = {1400: 900, 390: 844}


@dataclass
class House:
    """A running installation with demo people, simulated providers and no orders."""

    url: str
    simulator: str
    passwords: dict[str, str]
    bought: str = ""

    def control(self, name: str, *, at: str = "ncentiva", **body: Any) -> Any:
        """Ask or tell a simulated provider behind the scenes; with a body it is a POST."""
        data = json.dumps(body).encode() if body else None
        address = f"{self.simulator}/{at}/_control/{name}"
        with urllib.request.urlopen(address, data, timeout=10) as answer:  # noqa: S310 - ours
            return json.load(answer)

    def placed_under(self, reference: str, *, at: str = "ncentiva") -> list[dict[str, Any]]:
        """The orders with our reference in a provider's own ledger."""
        orders = self.control("ledger", at=at)["orders"]
        return [order for order in orders if order["reference"] == reference]


@dataclass
class Visitor:
    """One person in one browser window, and what went wrong in it."""

    house: House
    page: Page
    complaints: list[str] = field(default_factory=list)
    strangers: list[str] = field(default_factory=list)

    def open(self, path: str) -> None:
        self.page.goto(f"{self.house.url}{path}")

    def look_up(self, text: str) -> None:
        """Find an order from the start page."""
        self.open("/admin/")
        self.page.fill("#find-order", text)
        self.page.keyboard.press("Enter")
        self.page.wait_for_url("**/change/")

    @property
    def reference(self) -> str:
        """The reference of the order whose page is open."""
        return self.page.locator(".g-head h2").inner_text().strip()

    @property
    def overflow(self) -> int:
        """By how many pixels the page is wider than its window."""
        width: int = self.page.evaluate(
            "document.documentElement.scrollWidth - document.documentElement.clientWidth"
        )
        return width

    def watch(self) -> None:
        """Collect what the console says and every request that leaves this host."""
        self.page.on("console", lambda m: m.type == "error" and self.complaints.append(m.text))
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("request", lambda request: self._note(request.url))

    def _note(self, url: str) -> None:
        if not url.startswith((self.house.url, "data:", "blob:")):
            self.strangers.append(url)


@pytest.fixture(scope="package")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    place = tmp_path_factory.mktemp("house")
    web, sandbox = free_port(), free_port()
    env = environment(place, web, sandbox)
    run([sys.executable, "-m", "giftops.make_env", str(place / ".env")], env)
    with (place / "run.log").open("w") as log:
        program = subprocess.Popen(
            [sys.executable, "manage.py", "run", "--no-demo"],
            cwd=ROOT, env=env, stdout=log, stderr=log, start_new_session=True,
        )  # fmt: skip
        try:
            wait_until(lambda: "is up" in (place / "run.log").read_text(), program)
            passwords = json.loads((place / "var/demo-sign-ins.json").read_text())
            yield House(f"http://127.0.0.1:{web}", f"http://127.0.0.1:{sandbox}", passwords)
        finally:
            program.send_signal(signal.SIGINT)
            with contextlib.suppress(subprocess.TimeoutExpired):
                program.wait(30)
            if program.poll() is None:
                os.killpg(program.pid, signal.SIGKILL)
                program.wait()


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    """Chromium; Playwright keeps an event loop running, in which no other test could ask Django."""
    if not Path(CHROMIUM).exists():
        pytest.skip(f"There is no {CHROMIUM} here.")
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(
            executable_path=CHROMIUM, args=["--no-sandbox", "--headless=new"]
        )
        yield chromium
        chromium.close()


@pytest.fixture
def visit(house: House, browser: Browser) -> Iterator[Callable[..., Visitor]]:
    """Sign somebody in: `visit("mira")`, `visit("ada", width=390)`."""
    contexts = []

    def make(who: str, *, width: int = 1400) -> Visitor:
        size = {"width": width, "height": SIZES[width]}
        context = browser.new_context(viewport=size)  # type: ignore[arg-type]
        contexts.append(context)
        visitor = Visitor(house, context.new_page())
        visitor.watch()
        visitor.open("/admin/login/")
        visitor.page.fill("[name=username]", who)
        visitor.page.fill("[name=password]", house.passwords[who])
        visitor.page.click("[type=submit]")
        visitor.page.wait_for_url(f"{house.url}/admin/")
        return visitor

    yield make
    for context in contexts:
        context.close()


@pytest.fixture
def picture(tmp_path: Path) -> Callable[[Page, str], Path]:
    """Take a picture of a page, to look at when a test fails."""

    def take(page: Page, name: str) -> Path:
        path = tmp_path / f"{name}.png"
        page.screenshot(path=path)
        return path

    return take


def environment(place: Path, web: int, sandbox: int) -> dict[str, str]:
    """The settings of an installation of its own; nothing of the tests' own leaks in."""
    ours = ("GIFTOPS_", "DJANGO_SETTINGS_MODULE", "SECRET_KEY", "DATABASE_URL", "REDIS_URL")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
    return kept | {
        "GIFTOPS_ENV_FILE": str(place / ".env"), "GIFTOPS_VAR": str(place / "var"),
        "WEB_PORT": str(web), "SANDBOX_PORT": str(sandbox), "DEBUG": "true",
        "GIFTOPS_PUBLIC_URL": f"http://127.0.0.1:{web}",
    }  # fmt: skip


def run(command: list[str], env: dict[str, str]) -> None:
    subprocess.run(command, cwd=ROOT, env=env, check=True, capture_output=True)


def wait_until(is_so: Callable[[], bool], program: subprocess.Popen[bytes]) -> None:
    ends = time.monotonic() + UP_WITHIN
    while not is_so():
        assert program.poll() is None, "manage.py run ended by itself"
        assert time.monotonic() < ends, "manage.py run did not come up"
        time.sleep(0.5)


def free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port: int = taken.getsockname()[1]
        return port
