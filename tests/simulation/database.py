"""SQLite in memory: a fresh copy of a template for every seed, and commits that may be lost."""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Protocol

from django.core.management import call_command
from django.db import connections
from django.db.backends.sqlite3.base import DatabaseWrapper


class Hooks(Protocol):
    """Who looks on (and interferes) while the database works."""

    def before_begin(self) -> None: ...
    def before_commit(self) -> None: ...
    def after_commit(self) -> None: ...
    def after_end(self) -> None: ...
    def around_statement(self, run: Callable[[], Any], sql: str) -> Any: ...


class NoHooks:
    """Nobody looks on."""

    def before_begin(self) -> None:
        """Nothing."""

    def before_commit(self) -> None:
        """Nothing."""

    def after_commit(self) -> None:
        """Nothing."""

    def after_end(self) -> None:
        """Nothing."""

    def around_statement(self, run: Callable[[], Any], sql: str) -> Any:
        """Just run it."""
        return run()


class WatchedDatabase(DatabaseWrapper):
    """Django's SQLite, telling `hooks` of every transaction and statement."""

    hooks: Hooks = NoHooks()

    def set_autocommit(self, autocommit: bool, **kwargs: Any) -> None:  # type: ignore[override]
        if not autocommit:
            self.hooks.before_begin()
        super().set_autocommit(autocommit, **kwargs)
        if autocommit:
            self.hooks.after_end()

    def _commit(self) -> None:
        self.hooks.before_commit()
        super()._commit()
        self.hooks.after_commit()


def _watch(wrapper: WatchedDatabase) -> None:
    def around(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        return wrapper.hooks.around_statement(lambda: execute(sql, params, many, context), sql)

    wrapper.execute_wrappers.append(around)


class MemoryDatabase:
    """The default connection, in memory, for as long as the block of `installed()` lasts."""

    def __init__(self) -> None:
        settings = {**connections["default"].settings_dict, "NAME": ":memory:"}
        self.wrapper = WatchedDatabase(settings, "default")
        self._template: sqlite3.Connection | None = None

    @contextmanager
    def installed(self) -> Iterator["MemoryDatabase"]:
        """Put it in the place of the usual connection."""
        usual = connections["default"]
        connections["default"] = self.wrapper
        try:
            yield self
        finally:
            connections["default"] = usual

    def build(self, prepare: Callable[[], None]) -> None:
        """Make the tables by migrating, let `prepare` fill them, and keep all that as template."""
        call_command("migrate", verbosity=0)
        prepare()
        self._template = self.copy()
        _watch(self.wrapper)

    def restore(self, copy: sqlite3.Connection | None = None) -> None:
        """Go back to the template, or to another copy."""
        source = copy or self._template
        assert source is not None
        self.abandon()
        source.backup(self.raw)

    def copy(self) -> sqlite3.Connection:
        """Everything as it is now."""
        target = sqlite3.connect(":memory:", check_same_thread=False)
        self.raw.backup(target)
        return target

    def abandon(self) -> None:
        """What the end of a program does to its connection: roll back, forget what was promised."""
        wrapper = self.wrapper
        if wrapper.connection is not None and wrapper.connection.in_transaction:
            wrapper.connection.rollback()
        wrapper.in_atomic_block = wrapper.needs_rollback = False
        wrapper.savepoint_ids.clear()
        wrapper.atomic_blocks.clear()
        wrapper.run_on_commit = []
        wrapper.run_commit_hooks_on_set_autocommit_on = False
        if wrapper.connection is not None and not wrapper.autocommit:
            wrapper.set_autocommit(True)

    @property
    def raw(self) -> sqlite3.Connection:
        """The connection below Django's."""
        self.wrapper.ensure_connection()
        return self.wrapper.connection  # type: ignore[no-any-return]

    def changes(self) -> int:
        """How many rows were changed so far; a cheap way to see that nothing happened."""
        return self.raw.total_changes

    def bytes(self) -> bytes:
        """The whole database as a file would hold it, deleted rows included."""
        return self.raw.serialize()
