"""The periodic jobs of `manage.py demo`: those of every day, sooner."""

from datetime import timedelta

from giftops.queue import Periodic
from orders import schedules

SOONER = {
    "orders.tasks.sweep_orders": timedelta(seconds=3),
    "orders.tasks_issuing.sweep_issuing": timedelta(seconds=3),
    "orders.tasks.refresh_deposits": timedelta(seconds=10),
}

PERIODIC = [Periodic(job.name, every=SOONER.get(job.name, job.every)) for job in schedules.PERIODIC]
