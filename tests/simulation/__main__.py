"""Run seeds from the command line: `python -m tests.simulation --seed 7 -v`."""

import argparse
import os
import sys

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.settings")

import django  # noqa: E402

django.setup()

from tests.simulation.house import House  # noqa: E402
from tests.simulation.report import Report, commit  # noqa: E402
from tests.simulation.world import STEPS, World  # noqa: E402


def main() -> int:
    arguments = _parser().parse_args()
    report = Report()
    with House().open() as house:
        for seed in range(arguments.seed, arguments.seed + arguments.count):
            result = World(house, seed, steps=arguments.steps, only=arguments.only).run()
            report.add(result)
            if arguments.verbose:
                print("\n".join(result.log))
            if result.violation:
                print(f"SEED={seed} COMMIT={commit()} {result.violation}", flush=True)
                if arguments.first:
                    break
            elif arguments.count == 1:
                print(f"SEED={seed} COMMIT={commit()} sound, log {result.digest}")
    if arguments.count > 1:
        print(report.text())
    return 1 if report.violations else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.simulation", description=__doc__)
    parser.add_argument("--seed", type=int, default=1, help="the (first) seed")
    parser.add_argument("--count", type=int, default=1, help="how many seeds, counting up")
    parser.add_argument("--steps", type=int, default=STEPS, help="steps before the calm")
    parser.add_argument("--only", help="the provider that the seeds are about")
    parser.add_argument("-v", "--verbose", action="store_true", help="print the log of every seed")
    parser.add_argument("-x", "--first", action="store_true", help="stop at the first violation")
    return parser


if __name__ == "__main__":
    sys.exit(main())
