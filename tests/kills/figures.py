"""The figures of the proofs: each test leaves a file, `python -m tests.kills` adds them up."""

import json
import re
from collections import Counter, defaultdict
from typing import Any

from tests.sandbox_client import ROOT

RESULTS = ROOT / "var" / "results" / "proofs"
ADDED = ("trials", "kills", "double", "lost", "problems")


def keep(folder: str, test: str, figures: dict[str, Any]) -> None:
    """Leave the figures of one test."""
    path = RESULTS / folder / f"{re.sub(r'[^a-z0-9_-]+', '-', test, flags=re.IGNORECASE)}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({"test": test, **figures}, indent=2) + "\n")


def kept(folder: str) -> list[dict[str, Any]]:
    """The figures of all tests of one folder."""
    return [json.loads(path.read_text()) for path in sorted((RESULTS / folder).glob("*.json"))]


def total() -> dict[str, Any]:
    """Everything added up, as JSON."""
    return {"kills": _kills(), "races": _races(), "secrets": kept("secrets_scan")}


def _kills() -> dict[str, Any]:
    sums: dict[str, Counter[str]] = defaultdict(Counter)
    points: dict[str, Counter[str]] = defaultdict(Counter)
    ways: Counter[str] = Counter()
    for one in kept("kills"):
        database = "postgresql" if "postgresql" in one["test"] else "sqlite"
        sums[database].update({name: one[name] for name in ADDED})
        points[database].update(one["kills_by_point"])
        ways.update(one["recovered_by"])
    return {
        "sums": {name: dict(counts) for name, counts in sums.items()},
        "by_point": {name: dict(counts) for name, counts in points.items()},
        "recovered_by": dict(ways.most_common()),
    }


def _races() -> dict[str, Any]:
    counts: Counter[str] = Counter()
    runs = kept("races")
    for run in runs:
        counts.update(run["counts"])
    return {
        "races": len(runs),
        "rounds": sum(run["rounds"] for run in runs),
        "contended": sum(counts.values()),
        "deadlocks": counts["deadlock"],
        "problems": sum(len(run["problems"]) for run in runs),
        **counts,
    }
