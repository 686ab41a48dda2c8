"""One runner of a race: waits for the start, then does its part. `python -m tests.giftops.race`.

race START run_all                  run every job of the table
race START once TOKEN USER          use the token
race START enqueue N                enqueue the same N jobs
"""

import json
import sys
import time

import django

django.setup()

from giftops.models import Job, User  # noqa: E402 - after the setup
from giftops.once import once  # noqa: E402
from giftops.queue import enqueue, run_job  # noqa: E402
from tests.giftops import effects  # noqa: E402


def run_all() -> int:
    """Try every job in the same order as everyone else; give how many this process ran."""
    ids = list(Job.objects.order_by("id").values_list("pk", flat=True))
    wait_for_the_start()
    return sum(run_job(job_id) for job_id in ids)


def use_once(token: str, username: str) -> list[object]:
    """Use the token, slowly."""
    user = User.objects.get(username=username)
    wait_for_the_start()
    return list(once(token, user=user, purpose="race", work=_slow_effect))


def enqueue_same(count: str) -> int:
    """Enqueue the same jobs as everyone else."""
    Job.objects.exists()
    wait_for_the_start()
    for number in range(int(count)):
        enqueue("tests.giftops.effects.note", number)
    return int(count)


def _slow_effect() -> dict[str, float]:
    effects.note("once")
    time.sleep(0.3)
    return {"done_at": time.time()}


def wait_for_the_start() -> None:
    """Everyone starts at the same moment."""
    print("ready", flush=True)
    sys.stdin.readline()


if __name__ == "__main__":
    part = {"run_all": run_all, "use_once": use_once, "enqueue_same": enqueue_same}[sys.argv[1]]
    print(json.dumps(part(*sys.argv[2:])))
