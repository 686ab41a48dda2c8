"""Quarantine: a restored backup or a copied database must not act before a person looked at it.

Jobs in such a database may have run already, elsewhere or later than the backup; running them again
would spend again. So the database remembers which installation it belongs to (one row), the
environment says which installation this is (GIFTOPS_INSTANCE, GIFTOPS_EPOCH), and while the two
differ no job runs. After restoring a backup of the same installation, raise GIFTOPS_EPOCH by one.
`manage.py release_quarantine` ends it.
"""

from collections.abc import Callable
from datetime import datetime

import structlog
from django.conf import settings
from django.db import transaction

from giftops import audit, clock
from giftops.models import InstanceGuard

log = structlog.get_logger(__name__)

ReleaseHook = Callable[[datetime], object]
_release_hooks: list[ReleaseHook] = []


def is_quarantined() -> bool:
    """Say whether this database belongs to another installation (or to none): nothing may run."""
    row = InstanceGuard.objects.filter(pk=1).values_list("instance", "epoch", "restored_at").first()
    return row != (*_ours(), None)


def status() -> str:
    """One sentence on whether this database may act and, if not, what to do about it."""
    row = InstanceGuard.objects.filter(pk=1).first()
    if row is None:
        return "Quarantined: this database names no installation. Run manage.py migrate."
    return _reason(row) or f"This database belongs to {row}, as it should."


def initialise() -> None:
    """Let a fresh database belong to this installation; an earlier owner stays the owner."""
    instance, epoch = _ours()
    InstanceGuard.objects.get_or_create(
        pk=1,
        defaults={"instance": instance, "epoch": epoch, "initialised_at": clock.db_now()},
    )


def mark_restored() -> None:
    """Put this database into quarantine because it was just restored from a backup."""
    InstanceGuard.objects.filter(pk=1).update(restored_at=clock.db_now())


def on_release(hook: ReleaseHook) -> ReleaseHook:
    """Call `hook(backup_time)` inside the transaction that releases this database.

    Hooks mark as unknown whatever may have gone on elsewhere after the backup. Use as a decorator.
    """
    if hook not in _release_hooks:
        _release_hooks.append(hook)
    return hook


def release(backup_time: datetime) -> None:
    """Run the hooks, then let this database belong to this installation, in one transaction.

    `backup_time` (aware) is when the backup or copy was taken: what is newer happened elsewhere.
    """
    with transaction.atomic():
        for hook in _release_hooks:
            hook(backup_time)
        _take_over(backup_time)
    log.warning("quarantine_released", instance=_ours()[0], epoch=_ours()[1])


def _take_over(backup_time: datetime) -> None:
    initialise()
    earlier = InstanceGuard.objects.get(pk=1)
    instance, epoch = _ours()
    InstanceGuard.objects.filter(pk=1).update(
        instance=instance,
        epoch=epoch,
        restored_at=None,
        released_at=clock.db_now(),
        backup_time=backup_time,
    )
    audit.record(
        "guard.released",
        actor=None,
        obj=earlier,
        instance=instance,
        epoch=epoch,
        backup_time=backup_time.isoformat(),
    )


def _reason(row: InstanceGuard) -> str:
    """Why this database is in quarantine and what ends it; empty if it is not."""
    what_to_do = (
        "Nothing runs. If this copy shall act as this installation, run manage.py "
        "release_quarantine --backup-time with the time of the backup."
    )
    if (row.instance, row.epoch) != _ours():
        instance, epoch = _ours()
        return (
            f"Quarantined: this database belongs to {row}, but this installation is "
            f"{instance}, epoch {epoch}. {what_to_do}"
        )
    if row.restored_at is not None:
        return f"Quarantined: this database was restored from a backup. {what_to_do}"
    return ""


def _ours() -> tuple[str, int]:
    return settings.GIFTOPS_INSTANCE, settings.GIFTOPS_EPOCH
