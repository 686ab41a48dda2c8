"""The settings of the tests: fresh keys, a directory of their own, no `.env`, no network."""

import atexit
import os
import shutil
import sys
import tempfile
from pathlib import Path

from giftops import make_env


def _own_directory() -> str:
    directory = tempfile.mkdtemp(prefix="giftops-tests-")
    atexit.register(shutil.rmtree, directory, ignore_errors=True)
    return directory


def _prepare() -> None:
    """Set the environment once per process; a child process started by a test keeps it."""
    if "GIFTOPS_TEST_RUN" in os.environ and "pytest" not in sys.modules:
        return
    for name in ("REDIS_URL", "GIFTOPS_BROKER", "GIFTOPS_PROVIDER_HOSTS", "GIFTOPS_VAR"):
        os.environ.pop(name, None)
    directory = Path(_own_directory())
    (directory / "static").mkdir()  # whitenoise asks for it
    os.environ |= {
        "GIFTOPS_TEST_RUN": os.environ.get("PYTEST_XDIST_WORKER", "main"),
        "GIFTOPS_ENV_FILE": os.devnull,
        "GIFTOPS_VAR": str(directory),
        "GIFTOPS_SPOOL": str(directory / "spool"),
        "STATIC_ROOT": str(directory / "static"),
        "GIFTOPS_INSTANCE": "TEST",
        "GIFTOPS_EPOCH": "1",
        "DEBUG": "true",
        "SECRET_KEY": make_env.fresh_key() * 2,
        "GIFTOPS_SEALING_KEYS": f"k1:{make_env.fresh_key()}",
        "GIFTOPS_INDEX_KEY": make_env.fresh_key(),
        "GIFTOPS_AUDIT_KEY": make_env.fresh_key(),
    }
    if url := os.environ.get("TEST_DATABASE_URL"):
        os.environ["DATABASE_URL"] = url


_prepare()

from giftops.settings import *  # noqa: E402, F403 - after the environment is ready
from giftops.settings import DATABASES, GIFTOPS_VAR, INSTALLED_APPS  # noqa: E402 - named for the lines below

DEBUG = False
INSTALLED_APPS = [*INSTALLED_APPS, "tests.vault"]  # tables to try sealing and triggers on
if DATABASES["default"]["ENGINE"].endswith("sqlite3"):
    # A file, so that threads and child processes of a test see the same rows.
    DATABASES["default"]["TEST"] = {"NAME": str(GIFTOPS_VAR / "test.sqlite3")}
else:
    # A name of its own, so that two runs on one server do not meet.
    DATABASES["default"]["TEST"] = {"NAME": f"test_giftops_{os.getpid()}"}
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]  # speed; argon2 has its test
