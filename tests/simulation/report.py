"""The figures of many seeds, as text for people and as JSON for `reliability_report.json`."""

import json
import subprocess
from collections import Counter
from dataclasses import asdict
from pathlib import Path
from statistics import median, quantiles
from typing import Any

from tests.simulation.coverage import Matrix
from tests.simulation.operations import OPERATIONS
from tests.simulation.operations.base import Resolved
from tests.simulation.world import Result

ROOT = Path(__file__).resolve().parents[2]
RESULTS = ROOT / "var" / "results" / "simulation"


def commit() -> str:
    """The commit that is checked out, marked if files differ from it."""
    told = subprocess.run(  # noqa: S603 - a fixed command
        ["git", "describe", "--always", "--dirty", "--exclude=*"],  # noqa: S607
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    return told.stdout.strip() or "unknown"


class Report:
    """Sums over seeds."""

    def __init__(self) -> None:
        self.matrix = Matrix()
        self.totals: Counter[str] = Counter()
        self.interference: Counter[str] = Counter()
        self.crashes: Counter[str] = Counter()
        self.endings: Counter[str] = Counter()
        self.resolved: list[Resolved] = []
        self.violations: list[str] = []
        self.seconds = self.calm_seconds = self.virtual_hours = 0.0

    def add(self, result: Result) -> None:
        """Count one seed."""
        self.matrix.add(result.cells)
        self.totals.update(seeds=1, steps=result.steps, moves=result.switches, calls=result.calls)
        self.interference.update(result.interference)
        self.crashes.update(result.crashes)
        self.endings.update(result.endings)
        self.resolved += result.resolved
        self.seconds += result.seconds
        self.calm_seconds += result.calm_seconds
        self.virtual_hours += result.virtual_hours
        if result.violation:
            self.violations.append(f"SEED={result.seed} {result.violation}")

    @property
    def faults(self) -> int:
        """Faults of the provider and of the way there."""
        return sum(self.matrix.by_fault().values())

    @property
    def auto_resolved(self) -> float:
        """L2: the share of unknown outcomes that could be resolved and were, without a person."""
        could = [one for one in self.resolved if one.is_resolvable]
        done = [one for one in could if one.into != "needs_review"]
        return len(done) / len(could) if could else 1.0

    def times(self) -> tuple[float, float]:
        """L4: median and 99th percentile of the seconds that an outcome stayed unknown."""
        seconds = sorted(one.seconds for one in self.resolved if one.is_resolvable)
        if len(seconds) < 2:
            return (seconds[0], seconds[0]) if seconds else (0.0, 0.0)
        return median(seconds), quantiles(seconds, n=100)[98]

    def figures(self) -> dict[str, Any]:
        """Everything, ready for JSON."""
        middle, slowest = self.times()
        return {
            "commit": commit(),
            **self.totals,
            "faults": self.faults,
            "crashes": dict(sorted(self.crashes.items())),
            "interference": dict(sorted(self.interference.items())),
            "virtual_hours": round(self.virtual_hours, 1),
            "ms_per_step": round(1000 * self.seconds / max(self.totals["steps"], 1), 2),
            "ms_per_move": round(1000 * self.seconds / max(self.totals["moves"], 1), 2),
            "cells": {
                "operation x fault": len(self.matrix.by_fault()),
                "operation x crash point": len(self.matrix.by_point()),
                "operation x fault x crash point": self.matrix.both(),
                "never hit": self._never_hit(),
                "not reachable": {
                    " ".join((kind.slug, *pair)): why
                    for kind in OPERATIONS
                    for pair, why in kind.unreachable.items()
                },
            },
            "unknown_outcomes": len(self.resolved),
            "auto_resolved": round(self.auto_resolved, 4),
            "resolve_seconds_median": round(middle, 1),
            "resolve_seconds_p99": round(slowest, 1),
            "endings": dict(sorted(self.endings.items())),
            "violations": self.violations,
        }

    def _never_hit(self) -> dict[str, str]:
        gaps: dict[str, list[str]] = {}
        for kind in OPERATIONS:
            for call, what in self.matrix.missing(kind):
                gaps.setdefault(f"{kind.slug} {call}", []).append(what)
        return {call: " ".join(found) for call, found in gaps.items()}

    def text(self) -> str:
        """For the terminal: the matrix, then the figures."""
        tables = [f"{kind.name}\n{self.matrix.table(kind)}" for kind in OPERATIONS]
        matrix = "\n\n".join(tables)
        return f"{matrix}\n\n{json.dumps(self.figures(), indent=2)}"

    def raw(self) -> dict[str, Any]:
        """Sums as they are, to be added up over processes."""
        return {
            "cells": [[*cell, count] for cell, count in self.matrix.cells.items()],
            "totals": self.totals,
            "interference": self.interference,
            "crashes": self.crashes,
            "endings": self.endings,
            "resolved": [asdict(one) for one in self.resolved],
            "violations": self.violations,
            "times": [self.seconds, self.calm_seconds, self.virtual_hours],
        }

    def add_raw(self, raw: dict[str, Any]) -> None:
        """Add the sums of another process."""
        for operation, fault, point, count in raw["cells"]:
            self.matrix.cells[operation, fault, point] += count
        self.totals.update(raw["totals"])
        self.interference.update(raw["interference"])
        self.crashes.update(raw["crashes"])
        self.endings.update(raw["endings"])
        self.resolved += [Resolved(**one) for one in raw["resolved"]]
        self.violations += raw["violations"]
        seconds, calm_seconds, virtual_hours = raw["times"]
        self.seconds += seconds
        self.calm_seconds += calm_seconds
        self.virtual_hours += virtual_hours


def keep(report: Report, name: str) -> None:
    """Leave the sums of one process for `gather`."""
    RESULTS.mkdir(parents=True, exist_ok=True)
    (RESULTS / f"{name}.part.json").write_text(json.dumps(report.raw()))


def gather() -> Report:
    """Add up what all processes left, and write `reliability_report.json` beside it."""
    report = Report()
    for part in sorted(RESULTS.glob("*.part.json")):
        report.add_raw(json.loads(part.read_text()))
    text = json.dumps(report.figures(), indent=2) + "\n"
    (RESULTS / "reliability_report.json").write_text(text)
    return report
