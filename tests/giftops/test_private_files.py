"""Whatever we write is for our own user only, wherever it is written."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from django.conf import settings

WRITE = "from pathlib import Path; Path({path!r}).touch()"
SANDBOX = """
import runpy, sys
from providers.sandbox import cli
cli.serve = lambda *a: __import__("pathlib").Path({path!r}).touch() or 0
sys.argv = ["sandbox", "--state", "."]
runpy.run_module("providers.sandbox", run_name="__main__")
"""
PROGRAMS = {
    "manage.py": ["manage.py", "shell", "--no-startup", "-c", WRITE],
    "wsgi": ["-c", f"import giftops.wsgi; {WRITE}"],
    "sandbox": ["-c", SANDBOX],
}


def run_with_open_mask(arguments: list[str], **more: str) -> None:
    subprocess.run(
        [sys.executable, *arguments],
        cwd=settings.BASE_DIR,
        env=os.environ | {"DJANGO_SETTINGS_MODULE": "tests.settings"} | more,
        umask=0o022,
        check=True,
        timeout=120,
    )


@pytest.mark.parametrize("program", PROGRAMS.values(), ids=PROGRAMS)
def test_a_file_of_every_program_is_private(program: list[str], tmp_path: Path) -> None:
    written = tmp_path / "written"

    run_with_open_mask([part.format(path=str(written)) for part in program])

    assert written.stat().st_mode & 0o777 == 0o600


def test_a_fresh_database_is_private_in_a_directory_that_is_not(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    database = tmp_path / "fresh.sqlite3"

    run_with_open_mask(
        ["manage.py", "migrate", "contenttypes", "0001", "-v0", "--skip-checks"],
        GIFTOPS_VAR=str(tmp_path),
        DATABASE_URL=f"sqlite:///{database}",
    )

    assert database.stat().st_mode & 0o777 == 0o600
