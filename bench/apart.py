"""An installation for a benchmark alone: fresh keys, a directory and a database that go away."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from giftops import make_env

OURS = ("GIFTOPS_", "DATABASE_URL", "REDIS_URL", "SECRET_KEY", "DEBUG", "LOG_")


@contextmanager
def installation() -> Iterator[None]:
    """Set the environment and set Django up, once per process; child processes inherit it."""
    with tempfile.TemporaryDirectory(prefix="giftops-bench-") as directory:
        make_env.write(Path(directory, "env"))
        for name in [name for name in os.environ if name.startswith(OURS)]:
            del os.environ[name]
        os.environ |= {
            "DJANGO_SETTINGS_MODULE": "giftops.settings",
            "GIFTOPS_ENV_FILE": str(Path(directory, "env")),
            "GIFTOPS_VAR": str(Path(directory, "var")),
            "LOG_LEVEL": "WARNING",
        }
        import django  # after the environment is ready

        django.setup()
        from django.core.management import call_command

        call_command("migrate", verbosity=0)
        yield
