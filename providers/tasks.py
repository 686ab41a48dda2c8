"""The jobs of this app: ids in, one service call, nothing out."""

from providers import services
from providers.models import SyncRun


class SyncFailed(Exception):
    """A mirroring did not reach its end; the job is tried again later."""


def refresh_products(account_id: str) -> None:
    """Mirror the catalogue of an account."""
    _finished(services.refresh_products(account_id))


def refresh_options(account_id: str) -> None:
    """Mirror what orders of an account may choose from."""
    _finished(services.refresh_options(account_id))


def refresh_due_catalogues() -> None:
    """Queue a reading of every list that has grown too old."""
    services.refresh_due_catalogues()


def read_balance(account_id: str) -> None:
    """Ask an account for its balance."""
    services.read_balance(account_id)


def probe_circuits() -> None:
    """Ask whether an account that is held back has recovered."""
    services.probe_circuits()


def import_spool() -> None:
    """Bring spooled exchanges into the journal."""
    services.import_spool()


def purge_calls() -> None:
    """Delete exchanges older than 30 days."""
    services.purge_calls()


def _finished(run: SyncRun) -> None:
    if run.state == SyncRun.State.FAILED:
        raise SyncFailed(run.error)
