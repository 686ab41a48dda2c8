"""Where an answer goes when the database does not take it: sealed files, one each, fsynced.

A file appears under its final name only when it is whole and on the disk. It is imported exactly
once: its name is the primary key of the row it becomes, and it is removed after the commit.
"""

import json
import logging
import os
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from uuid import UUID

from django.conf import settings

from giftops.sealing import SealError, seal, unseal

log = logging.getLogger(__name__)

TABLE, COLUMN = "spool", "record"
WHOLE, DAMAGED = ".sealed", ".damaged"

Fields = dict[str, Any]


def paths() -> list[Path]:
    """Where records go: the spool, and a second place for the day its disk is full."""
    second = getattr(settings, "GIFTOPS_SPOOL_SECOND", None)
    default = Path(tempfile.gettempdir()) / f"giftops-spool-{settings.GIFTOPS_INSTANCE.lower()}"
    return [Path(settings.GIFTOPS_SPOOL), Path(second) if second else default]


def write(row: UUID, fields: Fields) -> bool:
    """Put a record on disk, sealed; False (and an alarm in the log) if no place took it."""
    sealed = seal(json.dumps(fields), table=TABLE, row=row, column=COLUMN).encode()
    for directory in paths():
        try:
            _write_durably(directory, f"{row}{WHOLE}", sealed)
        except OSError as problem:
            log.critical("the spool at %s took nothing: %s", directory, problem.strerror)
        else:
            log.error("the database did not answer: call %s waits in %s", row, directory)
            return True
    log.critical("call %s could not be kept anywhere; its attempt stays unknown", row)
    return False


def drain(store: Callable[[UUID, Fields], bool]) -> int:
    """Give every record to `store`; count those it took.

    `store` must commit, not mind a repetition, and say False for a record that can never be
    stored: that one is set aside, like one that does not open, and does not stop the others.
    """
    count = 0
    for path in waiting():
        fields = _read(path)
        if fields is not None and store(UUID(path.stem), fields):
            path.unlink(missing_ok=True)
            count += 1
        elif path.exists():  # else another process was faster
            path.rename(path.with_suffix(DAMAGED))
            log.critical("the spooled record %s cannot be imported; it was set aside", path.name)
    return count


def waiting() -> Iterator[Path]:
    """The records that wait, oldest first."""
    found = [path for place in paths() if place.is_dir() for path in place.glob(f"*{WHOLE}")]
    return iter(sorted(found, key=lambda path: path.name))


def _write_durably(directory: Path, name: str, data: bytes) -> None:
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    if directory.stat().st_uid != os.getuid() or directory.is_symlink():
        raise PermissionError(0, "it belongs to somebody else")
    unfinished = directory / f"{name}.new"
    flags = os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_NOFOLLOW
    try:
        with os.fdopen(os.open(unfinished, flags, 0o600), "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        unfinished.rename(directory / name)
    finally:
        unfinished.unlink(missing_ok=True)
    _sync_directory(directory)


def _sync_directory(directory: Path) -> None:
    handle = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _read(path: Path) -> Fields | None:
    try:
        text = unseal(path.read_text(), table=TABLE, row=UUID(path.stem), column=COLUMN)
        fields: Fields = json.loads(text)
    except (SealError, ValueError, OSError):
        return None
    return fields
