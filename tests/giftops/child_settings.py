"""The settings of child processes of a test: its database, and the tasks of `effects`."""

import os

from tests.settings import *  # noqa: F403

GIFTOPS_TASK_PREFIXES = ("giftops.tasks.", "tests.giftops.effects.")
GIFTOPS_PERIODIC = "tests.giftops.effects.NO_PERIODIC"
GIFTOPS_LEASE_SECONDS = int(os.environ.get("TEST_LEASE_SECONDS", "300"))
GIFTOPS_SWEEP_SECONDS = int(os.environ.get("TEST_SWEEP_SECONDS", "60"))
Q_CLUSTER = Q_CLUSTER | {"timeout": int(os.environ.get("TEST_TASK_TIMEOUT", "180"))}  # noqa: F405
