"""What `manage.py demo` shows: the scenes while they run, and our books beside the ledgers
of the providers at the end."""

import os
import sys
from collections.abc import Sequence
from types import TracebackType

from rich.box import HORIZONTALS
from rich.console import Console
from rich.live import Live
from rich.table import Table

from orders.demo.comparing import Comparison
from orders.demo.comparing_issued import Likeness
from orders.demo.issuing_scenes import IssuingScene
from orders.demo.scenes import Part, Scene


def console() -> Console:
    """Standard output; wide enough for the tables where it is no terminal and nobody says."""
    wide = None if sys.stdout.isatty() or "COLUMNS" in os.environ else 120
    return Console(highlight=False, width=wide)


class Board:
    """A live table on a terminal; plain lines, one a change, anywhere else. Honours NO_COLOR."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._live = Live(console=console, refresh_per_second=4) if console.is_terminal else None
        self._shown: dict[str, str] = {}

    def __enter__(self) -> "Board":
        if self._live:
            self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:  # fmt: skip
        if self._live:
            self._live.stop()

    def say(self, sentence: str) -> None:
        """Tell something that is not about one scene."""
        self._console.print(sentence)

    def show(self, parts: Sequence[Part], seconds: float) -> None:
        """Show how everything stands after so many seconds."""
        states = {part.name: part.stands() for part in parts if part.has_begun}
        if self._live:
            self._live.update(_progress(parts, states, seconds))
        else:
            for name, text in states.items():
                if self._shown.get(name) != text:
                    self._console.print(f"{seconds:5.0f} s  {name}: {text}")
        self._shown = states


def _progress(parts: Sequence[Part], states: dict[str, str], seconds: float) -> Table:
    table = Table(title=f"{seconds:.0f} s", title_justify="right", title_style="dim")
    table.add_column("Scene", no_wrap=True)
    table.add_column("Trouble")
    table.add_column("Now")
    for part in parts:
        table.add_row(part.name, part.trouble, states.get(part.name, "not begun"))
    return table


def result(place: str, scenes: Sequence[Scene], found: dict[str, Comparison]) -> Table:
    """The table of what happened to each scene at one provider, ours beside theirs."""
    table = Table(box=HORIZONTALS, title=f"What happened at {place}", title_justify="left")
    table.add_column("Scene, and what was done to it", max_width=34)
    table.add_column("Our reference", overflow="fold")
    table.add_column("We say,\nthey say")
    for what in ("Cards", "Money"):
        table.add_column(f"{what}\nours / theirs", justify="right")
    table.add_column("")
    for scene in scenes:
        table.add_row(*_row(scene, found[scene.name]))
    return table


def _row(scene: Scene, found: Comparison) -> tuple[str, ...]:
    first, *others = scene.references
    return (
        f"[bold]{scene.name}[/]\n{scene.trouble}",
        first + (f"\n+ {len(others)} more" if others else ""),
        f"{found.our_status}\n“{found.their_status}”",
        f"{found.ours.card_count} / {found.theirs.card_count}",
        f"{found.ours.spent}\n/ {found.theirs.spent}",
        "[red]differs[/]" if found.differences else "[green]agrees[/]",
    )


def result_issued(place: str, scenes: Sequence[IssuingScene], found: dict[str, Likeness]) -> Table:
    """The same for an issuer: numbers, cards and holds, ours beside theirs."""
    table = Table(box=HORIZONTALS, title=f"What happened at {place}", title_justify="left")
    table.add_column("Scene, and what was done to it", max_width=44)
    table.add_column("How it ended")
    for side in ("Ours", "Theirs"):
        table.add_column(side, justify="right")
    table.add_column("")
    for scene in scenes:
        like = found[scene.name]
        table.add_row(
            f"[bold]{scene.name}[/]\n{scene.trouble}", scene.stands(), like.ours, like.theirs,
            "[red]differs[/]" if like.differences else "[green]agrees[/]",
        )  # fmt: skip
    return table
