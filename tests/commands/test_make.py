"""The Makefile: every promised command is there and listed."""

import subprocess

import pytest
from django.conf import settings

COMMANDS = ("run", "demo", "test", "prove", "check", "bench", "clean")


def make(*arguments: str) -> str:
    """What make prints; fails the test when make does."""
    done = subprocess.run(  # noqa: S603 - our own Makefile
        ["make", *arguments],  # noqa: S607 - whichever make this machine has
        cwd=settings.BASE_DIR,
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_can_be_made(command):
    assert make("--dry-run", command).strip()


def test_make_alone_lists_every_command():
    listed = make()

    assert [name for name in COMMANDS if f"make {name} " not in listed] == []


def test_the_tests_leave_out_the_long_proofs_and_the_proofs_leave_out_the_rest():
    assert '-m "not prove and not live"' in make("--dry-run", "test")
    assert '-m "prove and not live"' in make("--dry-run", "prove")
