"""The settings of `manage.py demo`: everything as always, but patience is counted in seconds.

What is waited for in earnest (an answer, a lease, the next sweep) comes sooner here. The order of
the limits stays: deadline of a read < of a write < timeout of a task < lease of a claim < retry.
"""

from giftops.settings import *  # noqa: F403 - the settings as they are
from giftops.settings import INSTALLED_APPS, Q_CLUSTER

GIFTOPS_WRITE_DEADLINE = 3
GIFTOPS_READ_DEADLINE = 2
GIFTOPS_LEASE_SECONDS = 11
GIFTOPS_SWEEP_SECONDS = 1
Q_CLUSTER |= {"timeout": 9, "retry": 60}
GIFTOPS_PERIODIC = "orders.demo.schedules.PERIODIC"
INSTALLED_APPS += ["orders.demo.patience.Patience"]
