"""The table of periodic jobs: what is done without anybody asking, and how often."""

from datetime import timedelta

from giftops.queue import Periodic

PERIODIC = [
    Periodic("orders.tasks.sweep_orders", every=timedelta(seconds=60)),
    Periodic("orders.tasks_issuing.sweep_issuing", every=timedelta(seconds=60)),
    Periodic("orders.tasks.refresh_deposits", every=timedelta(minutes=10)),
    Periodic("orders.tasks.refresh_mirrors", every=timedelta(hours=1)),
    Periodic("orders.tasks.purge_webhooks", every=timedelta(days=1)),
    Periodic("providers.tasks.refresh_due_catalogues", every=timedelta(minutes=15)),
    Periodic("providers.tasks.probe_circuits", every=timedelta(minutes=1)),
    Periodic("providers.tasks.import_spool", every=timedelta(minutes=1)),
    Periodic("providers.tasks.purge_calls", every=timedelta(days=1)),
]
