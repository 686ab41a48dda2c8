"""Run all benchmarks: `make bench`, or `python -m bench.run sealing` for one.

Each writes `bench/results/NAME.json`; a table says how ours compares. A target that is missed is
shown, not hidden, and is no failure: this machine may be busy. A wrong result is one.
"""

import json
import os
import platform
import sys
from datetime import UTC, datetime
from importlib import import_module
from pathlib import Path

from rich.console import Console
from rich.table import Table

from bench.apart import installation
from bench.timing import Row

ALL = ("sealing", "rate_budget")
RESULTS = Path(__file__).parent / "results"


def main(names: list[str]) -> int:
    """Run the named ones (or all), write and show what came out."""
    with installation():
        found = {name: import_module(f"bench.{name}").run() for name in names or ALL}
    RESULTS.mkdir(exist_ok=True)
    for name, rows in found.items():
        (RESULTS / f"{name}.json").write_text(json.dumps(report(rows), indent=2) + "\n")
    Console().print(table(found))
    return 0


def report(rows: list[Row]) -> dict[str, object]:
    """What is kept of one run."""
    return {
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "python": platform.python_version(),
        "machine": f"{platform.machine()}, {os.cpu_count()} cores",
        "rows": [row.as_json() for row in rows],
    }


def table(found: dict[str, list[Row]]) -> Table:
    shown = Table(title="Ours against others, in this run", title_justify="left")
    for name in ("what", "ours", "against", "theirs", "ratio", "target", ""):
        shown.add_column(name, justify="right" if name in ("ours", "theirs", "ratio") else "left")
    for row in (row for rows in found.values() for row in rows):
        shown.add_row(
            row.what,
            f"{row.ours:,.2f} {row.unit}",
            row.against,
            f"{row.theirs:,.2f} {row.unit}",
            f"{row.ratio:.2f}",
            row.target,
            "met" if row.is_met else "missed",
        )
    return shown


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
