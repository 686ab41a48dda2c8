"""Which faults and crash points were hit, operation by operation."""

from collections import Counter
from collections.abc import Iterable

from tests.simulation.crashes import POINTS
from tests.simulation.operations.base import Operation

Cell = tuple[str, str, str]  # provider and its operation, fault or "none", crash point or "none"


class Matrix:
    """Counts over all seeds of a run."""

    def __init__(self) -> None:
        self.cells: Counter[Cell] = Counter()

    def add(self, cells: Counter[Cell]) -> None:
        self.cells.update(cells)

    def by_fault(self) -> Counter[tuple[str, str]]:
        """(operation, fault), whatever else happened."""
        found: Counter[tuple[str, str]] = Counter()
        for (operation, fault, point), count in self.cells.items():
            if fault != "none" and point == "none":
                found[operation, fault] += count
        return found

    def by_point(self) -> Counter[tuple[str, str]]:
        """(operation, crash point), whatever else happened."""
        found: Counter[tuple[str, str]] = Counter()
        for (operation, _fault, point), count in self.cells.items():
            if point != "none":
                found[operation, point] += count
        return found

    def both(self) -> int:
        """Cells in which a fault and a crash met in one call."""
        return sum(1 for _, fault, point in self.cells if fault != "none" and point != "none")

    def missing(self, operation: type[Operation]) -> list[tuple[str, str]]:
        """Reachable pairs that were never hit."""
        faults, points = self.by_fault(), self.by_point()
        wanted = [
            (call, kind.name)
            for call in operation.calls
            for kind in operation.faults
            if kind.hits(call)
        ]
        gone = [(call, what) for call, what in wanted if not faults[_cell(operation, call), what]]
        gone += [
            (call, point)
            for call in operation.calls
            for point in POINTS
            if not points[_cell(operation, call), point]
        ]
        return [pair for pair in gone if not _is_excused(operation, pair)]

    def table(self, operation: type[Operation]) -> str:
        """Text: a line per fault and crash point, a column per operation."""
        faults, points = self.by_fault(), self.by_point()
        width = max(len(kind.name) for kind in operation.faults) + 2
        head = " " * width + "".join(f"{_abbreviated(call):>10}" for call in operation.calls)
        lines = [head]
        lines += _lines(operation, faults, (kind.name for kind in operation.faults), width)
        lines += _lines(operation, points, POINTS, width)
        return "\n".join(lines)


def _cell(operation: type[Operation], call: str) -> str:
    return f"{operation.slug} {call}"


def _is_excused(operation: type[Operation], pair: tuple[str, str]) -> bool:
    call, what = pair
    return (call, what) in operation.unreachable or ("*", what) in operation.unreachable


def _lines(
    operation: type[Operation], counts: Counter[tuple[str, str]], names: Iterable[str], width: int
) -> list[str]:
    return [
        f"{name:<{width}}"
        + "".join(f"{counts[_cell(operation, call), name] or '·':>10}" for call in operation.calls)
        for name in names
    ]


def _abbreviated(call: str) -> str:
    return call.removeprefix("get").removeprefix("list")[:9]
