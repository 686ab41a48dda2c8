"""Processes that do not outlive their parent."""

import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG = 1  # prctl(2)

_libc = ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None


def die_with(parent: int) -> None:
    """Have the kernel kill this process when `parent`, which must be its parent, dies.

    Linux only; elsewhere only a kill -9 of the watch leaves processes behind, and what they do is
    still kept in order by the job table.
    """
    if _libc is None:
        return
    _libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:  # it died before the line above
        os._exit(1)


def tie_forks() -> None:
    """Tie every process forked from this one, and theirs in turn, to its parent."""
    parents: list[int] = []
    os.register_at_fork(
        before=lambda: parents.append(os.getpid()),
        after_in_parent=parents.clear,
        after_in_child=lambda: die_with(parents.pop()),
    )
