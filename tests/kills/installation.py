"""A whole installation for one proof: a directory, a database, a simulator, forks of one zygote.

Nothing of it is shared with the run of the tests: the settings are the product's own, the database
is a scratch one (a SQLite file, or one made on the PostgreSQL server), the provider is the
simulator as a process of its own, spoken to over real HTTP.
"""

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import requests

from tests.kills.surroundings import database_in, environment, on_the_server
from tests.sandbox_client import ROOT, SandboxProcess


@dataclass
class Ended:
    """How a fork ended: by itself with a result, or by a signal without one."""

    result: Any
    signal: int
    status: int
    error: str = ""

    @property
    def was_killed(self) -> bool:
        return self.signal == 9


class ForkFailed(AssertionError):
    """A fork that should have ended well did not; the text is its traceback."""


class Zygote:
    """A process that has everything imported and forks once per command."""

    def __init__(self, env: dict[str, str], log: Path) -> None:
        with log.open("ab") as file:
            self._process = subprocess.Popen(  # noqa: S603 - our own program
                [sys.executable, "-m", "tests.kills.zygote"],
                cwd=ROOT,
                env=env,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=file,
                text=True,
            )
        self._expect("ready")

    @property
    def pid(self) -> int:
        return self._process.pid

    def fork(self, do: str, *, kill_after_us: int | None = None, **arguments: Any) -> Ended:
        """Run `life.<do>(**arguments)` in a fork; `kill_after_us` from its start, SIGKILL it."""
        return self._ask({"do": do, "kill_after_us": kill_after_us, "arguments": arguments})

    def run_here(self, do: str, **arguments: Any) -> None:
        """Run it in the zygote itself: what was used once is fast in all forks."""
        ended = self._ask({"do": do, "is_here": True, "arguments": arguments})
        if ended.error:
            raise ForkFailed(f"{do}\n{ended.error}")

    def _ask(self, command: dict[str, Any]) -> Ended:
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(command) + "\n")
        self._process.stdin.flush()
        return Ended(**json.loads(self._line()))

    def close(self) -> None:
        """End it; its forks have ended already."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        self._process.wait(timeout=30)
        self._process.stdout.close()

    def _expect(self, word: str) -> None:
        line = self._line().strip()
        if line != word:
            raise RuntimeError(f"The zygote said {line!r} instead of {word!r}.")

    def _line(self) -> str:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError("The zygote has ended; see its log.")
        return line


@dataclass
class Installation:
    """One scratch installation. `offset` is how far its time runs ahead of the machine's."""

    directory: Path
    database: str
    env: dict[str, str] = field(repr=False)
    sandbox: SandboxProcess
    zygote: Zygote
    offset: float = 0.0
    checked: int = 0  # the audit entry up to which the chain was verified
    provider: str = "ncentiva"  # the one whose clock goes with ours

    @property
    def control(self) -> Any:
        """The control end points of its provider."""
        return getattr(self.sandbox, self.provider)

    def run(self, do: str, **arguments: Any) -> Any:
        """Do something in a fork that ends well; its time is carried on. Raises ForkFailed."""
        ended = self.zygote.fork(do, offset=self.offset, **arguments)
        if ended.status != 0 or ended.error:
            raise ForkFailed(f"{do}: signal {ended.signal}, status {ended.status}\n{ended.error}")
        if isinstance(ended.result, dict) and "offset" in ended.result:
            self.offset = ended.result["offset"]
        return ended.result

    def lose(self, do: str, *, kill_after_us: int | None = None, **arguments: Any) -> Ended:
        """Do something in a fork that is meant to die."""
        return self.zygote.fork(do, kill_after_us=kill_after_us, offset=self.offset, **arguments)

    def pass_time(self, seconds: float) -> None:
        """Move this installation and the provider on, without waiting."""
        self.offset += seconds
        self.control.advance(seconds)

    def catch_up(self) -> None:
        """Take the time from the provider's clock, after somebody died who had moved both."""
        answer = requests.get(f"{self.sandbox.url}/ncentiva/_control/clock", timeout=10)
        self.offset = answer.json()["offset"]

    def let_the_database_in(self) -> None:
        """Undo `mishaps.shut`; on SQLite it died with its process."""
        if self.database == "postgresql":
            name = self.env["DATABASE_URL"].rpartition("/")[2]
            on_the_server(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS true')

    def restart_sandbox(self) -> None:
        """Bring the simulator back where it was, with the ledger that it left."""
        port = int(self.sandbox.url.rpartition(":")[2])
        self.sandbox = SandboxProcess(self.directory / "sandbox", port)
        self.sandbox.ncentiva.clear()  # a fault that hit, but whose count died with it

    @property
    def log(self) -> Path:
        return self.directory / "log"


@contextmanager
def installed(
    directory: Path,
    database: str,
    provider: str = "ncentiva",
    furnish: str = "furnish",
    **settings: str,
) -> Iterator[Installation]:
    """An installation with people, one account, products and money, for as long as the block.

    `furnish` names the function that brings them; it has to fit the provider.
    """
    with database_in(directory, database) as url:
        env = environment(directory, url) | settings
        sandbox = SandboxProcess(directory / "sandbox")
        sandbox.ncentiva.settings(environment="unlimited", balance="1000000")
        zygote = Zygote(env, directory / "log")
        here = Installation(directory, database, env, sandbox, zygote, provider=provider)
        try:
            zygote.run_here(furnish, url=sandbox.url)
            here.pass_time(30)
            here.run("work", sweep=True)
            yield here
        finally:
            zygote.close()
            if here.sandbox.process.poll() is None:
                here.sandbox.stop()
