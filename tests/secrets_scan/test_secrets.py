"""After a busy day no code, PIN or credential lies anywhere in a form that can be read."""

import base64
import os
import re
import secrets
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest

from tests.kills.installation import Installation
from tests.kills.surroundings import POSTGRESQL
from tests.kills.trials import times
from tests.sandbox_client import ROOT
from tests.secrets_scan.needles import Hit, Scanner, dresses

pytestmark = pytest.mark.prove

SHOPPING = "tests.secrets_scan.shopping"
CANARY = "Kestrel7Quartz9Nimbus4Velvet2"
PIN_NEAR = re.compile(rb"(?i)pin[\"'\s:=\\]{1,8}(\d{4})(?!\d)")


@pytest.fixture(scope="module")
def searched(house, tmp_path_factory) -> "Search":
    """The house after a busy day, with all that it wrote."""
    search = Search(house, tmp_path_factory.mktemp("search"))
    search.live_through_a_day()
    return search


class Search:
    """Drives the day, knows the secrets, and gathers everything that was written."""

    def __init__(self, house: Installation, directory: Path) -> None:
        self.house, self.directory = house, directory
        self.username, self.password = f"canary-{secrets.token_hex(6)}", CANARY
        self.pages: dict[str, str] = {}
        self.programs: dict[str, bytes] = {}

    def live_through_a_day(self) -> None:
        house = self.house
        control = house.sandbox.url
        references = house.run(f"{SHOPPING}.shop", batches=times(21), control=control)
        house.pass_time(20)
        self.stumbled = house.run(f"{SHOPPING}.stumble")
        house.pass_time(1200)
        for point in ("C3", "C4", "C5", "C6"):
            house.lose("work", point=point, variant="during", sweep=True)
        after = house.run("take_over", references=references, control=control)
        self.statuses = Counter(one["status"] for one in after["left"])
        self.spooled = self._leave_in_the_spool()
        self.pages["connecting"] = house.run(
            f"{SHOPPING}.connect_with_canary",
            base_url=f"{house.sandbox.url}/ncentiva",
            username=self.username,
            password=self.password,
        )
        self.looks = house.run(f"{SHOPPING}.reveal", cards=6)
        self.pages |= house.run(f"{SHOPPING}.browse", search=self._codes()[:5])
        self._run_a_worker()

    def _leave_in_the_spool(self) -> list[str]:
        made = self.house.run("order", quantity=2)
        self.house.run("work")
        self.house.pass_time(20)
        self.house.lose(f"{SHOPPING}.spool")
        self.house.let_the_database_in()
        assert made["references"]
        return [path.name for path in self.house.directory.rglob("*.sealed")]

    def _run_a_worker(self) -> None:
        """A real worker for a few seconds: its tables, its environment, its command lines."""
        with self.house.log.open("ab") as log:
            worker = subprocess.Popen(
                [sys.executable, "manage.py", "worker", "--workers", "1"],
                cwd=ROOT, env=self.house.env, stdout=log, stderr=log, start_new_session=True,
            )  # fmt: skip
        time.sleep(6)
        self.programs = programs_of({worker.pid, self.house.zygote.pid})
        worker.terminate()
        worker.wait(timeout=60)

    # What is secret

    def _codes(self) -> list[str]:
        return [card["card_number"] for card in self.cards()]

    def cards(self) -> list[dict[str, str]]:
        ledger = self.house.sandbox.ncentiva.ledger()
        return [card for order in ledger["orders"] for card in order["cards"]]

    def secrets(self) -> dict[str, str]:
        """Everything long enough to be searched for, by a name that tells nothing."""
        named = {"credential": self.password, "user name": self.username}
        named["basic"] = base64.b64encode(f"{self.username}:{self.password}".encode()).decode()
        for number, card in enumerate(self.cards()):
            named[f"code {number}"] = card["card_number"]
            if card["claim_url"]:
                named[f"link {number}"] = card["claim_url"].rpartition("/")[2]
        return named

    # Where it could be

    def sinks(self) -> dict[str, bytes]:
        """Name and content of everything that was written."""
        files = [path for path in self.house.directory.rglob("*") if path.is_file()]
        own = [path for path in files if "sandbox" not in path.parts]  # the provider's may have it
        found = {f"file {path.name} {n}": path.read_bytes() for n, path in enumerate(own)}
        if self.house.database == "postgresql":
            found["pg_dump"] = dump_of(self.house)
        found |= {f"page {name}": text.encode() for name, text in self.pages.items()}
        return found | self.programs


def programs_of(ancestors: set[int]) -> dict[str, bytes]:
    """Command line and environment of these processes and of all below them."""
    parents = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            parents[int(stat.parent.name)] = int(stat.read_text().rpartition(") ")[2].split()[1])
        except OSError:
            continue  # it has ended meanwhile
    family = set(ancestors)
    while more := {pid for pid, parent in parents.items() if parent in family} - family:
        family |= more
    found = {}
    for pid in family:
        for name in ("cmdline", "environ"):
            found[f"{name} of {pid}"] = (Path("/proc") / str(pid) / name).read_bytes()
    return found


def dump_of(house: Installation) -> bytes:
    name = house.env["DATABASE_URL"].rpartition("/")[2]
    command = ["pg_dump", "--dbname", f"{POSTGRESQL}/{name}"]
    return subprocess.run(command, capture_output=True, check=True).stdout  # noqa: S603


def hits_in(search: Search, wanted: dict[str, str]) -> list[Hit]:
    scanner = Scanner(wanted)
    return [hit for sink, data in search.sinks().items() for hit in scanner.scan(data, sink)]


def test_no_code_and_no_credential_lies_anywhere(searched, tell):
    wanted = searched.secrets()

    found = hits_in(searched, wanted)

    sinks = searched.sinks()
    figures = {
        "secrets": len(wanted),
        "forms": Scanner(wanted).needles,
        "sinks": len(sinks),
        "bytes": sum(map(len, sinks.values())),
        "hits": len(found),
        **searched.statuses,
    }
    tell(", ".join(f"{name}: {figure:,}" for name, figure in figures.items()), figures)
    assert len(wanted) > times(21) * 5
    assert searched.stumbled
    assert searched.spooled
    assert searched.looks == [True] * len(searched.looks)
    assert len(searched.looks) == 6
    assert Counter((hit.sink.split()[0], hit.encoding) for hit in found) == {}


def test_no_pin_stands_in_a_cell_or_beside_its_name(searched):
    pins = {card["pin"] for card in searched.cards() if card["pin"]}
    texts = searched.house.run(f"{SHOPPING}.cells")

    in_cells = {column for column, values in texts.items() for value in values if value in pins}
    named = {
        sink
        for sink, data in searched.sinks().items()
        for match in PIN_NEAR.finditer(data)
        if match[1].decode() in pins
    }

    assert pins
    assert in_cells <= {"orders_card.last_four"}
    assert named == set()


@pytest.mark.parametrize("encoding", dict(dresses("Q7XN2-PLANTED-CANARY-83KD")))
def test_a_planted_secret_is_found_in_every_dress(encoding, tmp_path):
    planted = "Q7XN2-PLANTED-CANARY-83KD"
    scanner = Scanner({"planted": planted, "other": "J5WM9-NOT-IN-THERE-66TZ"})
    noise = os.urandom(40_000)
    for number, (name, dress) in enumerate(dresses(planted)):
        (tmp_path / f"{number} {name}").write_bytes(noise + b" " + dress + b" " + noise)

    found = scanner.scan_files(sorted(tmp_path.iterdir()), "planted")

    assert {hit.secret for hit in found} == {"planted"}
    assert [hit for hit in found if hit.sink.endswith(f" {encoding}")]


def test_a_secret_in_the_middle_of_base64_is_found():
    scanner = Scanner({"planted": "Q7XN2-PLANTED-CANARY-83KD"})
    texts = [
        base64.b64encode(b"x" * before + b"Q7XN2-PLANTED-CANARY-83KD" + b"y" * 5)
        for before in range(9)
    ]

    assert all(scanner.scan(text, "text") for text in texts)


def test_a_secret_planted_in_the_real_sinks_is_found(searched):
    planted = f"PLANTED-{secrets.token_hex(8).upper()}"
    house = searched.house
    house.run(f"{SHOPPING}.plant", secret=planted)
    (house.directory / "var" / "planted.sealed").write_text(planted)
    with house.log.open("a") as log:
        log.write(base64.b64encode(f"a line with {planted} in it".encode()).decode() + "\n")
    searched.pages["planted"] = f"<td>{planted[::-1]}</td>"

    found = {(hit.sink.split()[0], hit.encoding) for hit in hits_in(searched, {"p": planted})}

    assert ("file", "base64") in found
    assert ("page", "reversed") in found
    plain = {hit.sink for hit in hits_in(searched, {"p": planted}) if hit.encoding == "plain"}
    database = "pg_dump" if house.database == "postgresql" else "giftops.sqlite3"
    assert [sink for sink in plain if database in sink]
    assert [sink for sink in plain if "planted.sealed" in sink]
