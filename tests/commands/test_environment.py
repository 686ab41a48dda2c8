"""Settings and documents: every variable that is read is explained where people look for it."""

import re
import subprocess
import sys

import pytest
from django.conf import settings
from django.core.management import get_commands


def text_of(name: str) -> str:
    return (settings.BASE_DIR / name).read_text()


def variables() -> list[str]:
    """The variables that the settings read."""
    found = re.findall(r"env\.\w+\(\s*\"([A-Z_]+)\"", text_of("giftops/settings.py"))
    return sorted(set(found))


def test_the_settings_are_found():
    assert {"SECRET_KEY", "DATABASE_URL", "GIFTOPS_APPROVAL_LIMITS"} <= set(variables())


@pytest.mark.parametrize("document", [".env.example", "README.md"])
def test_every_variable_is_explained(document):
    text = text_of(document)

    assert [name for name in variables() if not re.search(rf"\b{name}\b", text)] == []


def test_the_example_names_no_variable_that_is_not_read():
    named = re.findall(r"^#?([A-Z_]{4,})=", text_of(".env.example"), re.MULTILINE)

    assert sorted(set(named) - set(variables())) == []


@pytest.mark.parametrize("name", ["WEB_PORT", "SANDBOX_PORT"])
def test_the_example_has_the_ports_that_are_used(name):
    [default] = re.findall(rf'env\.int\("{name}", default=(\d+)\)', text_of("giftops/settings.py"))

    assert f"#{name}={default}\n" in text_of(".env.example")


@pytest.mark.parametrize("document", ["README.md", "docs/operating.md"])
def test_every_command_that_is_named_exists(document):
    known = set(get_commands())
    named = set(re.findall(r"manage\.py ([a-z_]+)", text_of(document)))

    assert named
    assert named - known == set()


def make_env(path) -> None:
    """Write a .env as `make run` does."""
    subprocess.run(  # noqa: S603 - our own program
        [sys.executable, "-m", "giftops.make_env", str(path)], cwd=settings.BASE_DIR, check=True
    )


def test_a_fresh_env_is_readable_by_its_owner_only(tmp_path):
    make_env(tmp_path / "env")

    assert (tmp_path / "env").stat().st_mode & 0o777 == 0o600


def test_an_env_that_is_there_is_never_replaced(tmp_path):
    make_env(tmp_path / "env")
    before = (tmp_path / "env").read_bytes()

    make_env(tmp_path / "env")

    assert (tmp_path / "env").read_bytes() == before
