import os
import subprocess
import sys
from pathlib import Path

import environ
import pytest
from django.core import checks

from giftops import make_env


@pytest.fixture
def path(tmp_path):
    return tmp_path / ".env"


def read(path, monkeypatch):
    """Read the file as the settings do."""
    values: dict[str, str] = {}
    monkeypatch.setattr(environ.Env, "ENVIRON", values)
    environ.Env.read_env(path)
    return values


def test_what_is_written_passes_the_checks(path, monkeypatch, settings):
    make_env.write(path)

    values = read(path, monkeypatch)
    for name in ("SECRET_KEY", "GIFTOPS_INDEX_KEY", "GIFTOPS_AUDIT_KEY", "GIFTOPS_INSTANCE"):
        setattr(settings, name, values[name])
    settings.GIFTOPS_SEALING_KEYS = values["GIFTOPS_SEALING_KEYS"].split(",")

    assert checks.run_checks(tags=["giftops"]) == []
    assert (values["DEBUG"], values["GIFTOPS_EPOCH"], values["WEB_PORT"]) == ("true", "1", "8000")


def test_two_files_share_no_key(tmp_path):
    first, second = tmp_path / "a", tmp_path / "b"
    make_env.write(first)
    make_env.write(second)

    def keys(path):
        lines = path.read_text().splitlines()
        return {line for line in lines if "KEY" in line and "=" in line and line[0] != "#"}

    assert len(keys(first)) == 4
    assert not keys(first) & keys(second)


def test_only_its_owner_can_read_it_whatever_the_umask(path):
    before = os.umask(0)
    try:
        make_env.write(path)
    finally:
        os.umask(before)

    assert path.stat().st_mode & 0o777 == 0o600


def test_an_existing_file_is_never_replaced(path, capsys):
    path.write_text("SECRET_KEY=mine")

    status = make_env.main([str(path)])

    assert (status, path.read_text()) == (0, "SECRET_KEY=mine")
    assert "left as it is" in capsys.readouterr().out


def test_nothing_is_left_beside_it(path):
    make_env.write(path)
    make_env.write(path)

    assert list(path.parent.iterdir()) == [path]


def test_of_many_at_once_one_writes_a_whole_file(path):
    command = [sys.executable, "-m", "giftops.make_env", str(path)]
    runs = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(4)]

    said = [run.communicate(timeout=30)[0] for run in runs]

    assert sum("written" in text for text in said) == 1
    assert path.read_text().count("SECRET_KEY=") == 1


def test_it_needs_nothing_but_the_standard_library(path):
    code = "import sys; from giftops import make_env; print('django' in sys.modules)"
    run = subprocess.run(
        [sys.executable, "-I", "-S", "-c", f"import sys; sys.path.insert(0, '.'); {code}"],
        capture_output=True,
        text=True,
        check=True,
        cwd=Path(__file__).parents[2],
    )

    assert run.stdout.strip() == "False"
