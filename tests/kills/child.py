"""One worker, fresh from the shell, that dies at a point. `python -m tests.kills.child --point K7`.

Runs the due jobs of the installation that the environment names. For looking into one kill by hand;
the proofs fork the same lives from a zygote, which takes a tenth of the time.
"""

import argparse
import sys

import django

django.setup()

from tests.kills import life, plan  # noqa: E402 - after the setup


def main() -> None:
    """Parse the arguments, work, die."""
    points = {**plan.PLACING, **plan.COLLECTING, **plan.LOOKING_UP}
    parser = argparse.ArgumentParser(prog="child", description=__doc__)
    parser.add_argument("--point", choices=points, default="")
    parser.add_argument("--variant", default=None, help="default: the first of the point")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--offset", type=float, default=0.0, help="seconds ahead of the machine")
    given = parser.parse_args()
    variant = given.variant or (points[given.point][0] if given.point else "")
    done = life.work(
        offset=given.offset, point=given.point, variant=variant, seed=given.seed, sweep=True
    )
    print(f"{done['ran']} jobs ran", file=sys.stderr)


if __name__ == "__main__":
    main()
