"""`manage.py demo`, the whole of it: real processes, a real kill, and a verdict."""

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest
from django.conf import settings
from django.core.management import CommandError, call_command

from giftops import make_env
from giftops.supervisor import SupervisorError
from orders.demo.performance import ALL_AGREE, Performance

SCENES = (
    "Worker killed",
    "One card",
    "Five cards",
    "Lost answer",
    "Too many requests",
    "Out of stock",
    "Webhook lost",
    "Deposit empty",
    "Five links",
    "Forty recipients",
    "By post",
    "Sent twice",
    "Signed out",
    "Pool cut short",
    "Twenty cards",
    "Pool unheard",
    "Held and taken",
    "Held in part",
    "Code lost",
)


@dataclass(frozen=True)
class Outcome:
    """One run of the command: how it ended, what it said, where it kept its files."""

    status: int
    said: str
    directory: Path


@pytest.fixture(scope="module")
def demo(tmp_path_factory) -> Outcome:
    """Run the command once, as a person would, with temporary files in a directory of its own."""
    directory = tmp_path_factory.mktemp("demo")
    make_env.write(directory / "env")
    environment = {
        name: value for name, value in os.environ.items() if not name.startswith("GIFTOPS_")
    }
    environment |= {
        "DJANGO_SETTINGS_MODULE": "giftops.settings",
        "GIFTOPS_ENV_FILE": str(directory / "env"),
        "GIFTOPS_VAR": str(directory / "var"),
        "TMPDIR": str(directory),
        "NO_COLOR": "1",
        "COLUMNS": "200",
    }
    done = subprocess.run(  # noqa: S603 - our own command
        [sys.executable, "manage.py", "demo"],
        cwd=settings.BASE_DIR,
        env=environment,
        capture_output=True,
        text=True,
        timeout=400,
    )
    return Outcome(done.returncode, done.stdout + done.stderr, directory)


@pytest.mark.prove
@pytest.mark.xdist_group("demo")
def test_all_ledgers_agree_after_all_that_happened(demo):
    assert demo.status == 0, demo.said
    assert [scene for scene in SCENES if scene not in demo.said] == []
    assert demo.said.count("The worker ended (signal 9) and is started again.") == 2
    assert demo.said.count("agrees") == len(SCENES)
    assert ALL_AGREE in demo.said


@pytest.mark.prove
@pytest.mark.xdist_group("demo")
def test_nothing_of_the_demo_stays_behind(demo):
    assert list(demo.directory.glob("giftops-demo-*")) == []
    assert not (demo.directory / "var" / "giftops.sqlite3").exists()
    assert not _processes_below(demo.directory)


@pytest.mark.parametrize(("is_sound", "status"), [(True, 0), (False, 1)])
def test_its_exit_status_is_its_verdict(tmp_path, monkeypatch, is_sound, status):
    inside = tmp_path / "inside"
    inside.mkdir()
    monkeypatch.setattr(Performance, "run", lambda self: is_sound)

    with pytest.raises(SystemExit) as ended:
        call_command("demo", inside=inside)

    assert ended.value.code == status
    assert not inside.exists()


def test_a_program_that_dies_is_told_in_a_sentence(tmp_path, monkeypatch):
    def die(self):
        raise SupervisorError("The worker ended at start.")

    monkeypatch.setattr(Performance, "run", die)

    with pytest.raises(CommandError, match="The worker ended at start."):
        call_command("demo", inside=tmp_path / "gone")


def _processes_below(directory: Path) -> list[str]:
    """The command lines that name the directory."""
    lines = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            line = path.read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except (FileNotFoundError, ProcessLookupError):
            continue
        if str(directory) in line:
            lines.append(line)
    return lines
