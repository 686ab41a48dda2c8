"""Signals we listen to."""

from typing import Any

from django.apps import AppConfig
from django.core.management import call_command
from django.db import connections
from django.db.models.signals import post_migrate
from django.dispatch import receiver

from giftops import append_only, guard
from giftops.models import InstanceGuard


@receiver(post_migrate, dispatch_uid="giftops.cache_table")
def make_cache_table(sender: AppConfig, using: str, **kwargs: Any) -> None:
    """Create the table of the database cache together with the other tables."""
    if sender.name == "giftops":
        call_command("createcachetable", database=using, verbosity=0)


@receiver(post_migrate, dispatch_uid="giftops.append_only")
def restore_triggers(sender: AppConfig, using: str, **kwargs: Any) -> None:
    """Put back the triggers that SQLite drops when a migration builds a table anew."""
    if sender.name == "giftops":
        append_only.restore(connections[using])


@receiver(post_migrate, dispatch_uid="giftops.guard")
def name_the_owner(sender: AppConfig, using: str, **kwargs: Any) -> None:
    """Let a database that was just made belong to this installation."""
    if sender.name == "giftops" and InstanceGuard._meta.db_table in table_names(using):
        guard.initialise()


def table_names(using: str) -> list[str]:
    """The tables there are now; migrating backwards leaves none of ours."""
    return connections[using].introspection.table_names()
