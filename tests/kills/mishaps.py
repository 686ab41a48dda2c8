"""Ends that are no SIGKILL: time limits, lost connections, commits in doubt, a full disk.

Each function is the life of one process, as in `life`; it survives, and others go on from there.
"""

import random
import resource
import signal
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psycopg
from django.conf import settings
from django.db import OperationalError, connection
from django.db.backends.base.base import BaseDatabaseWrapper
from django.test import Client
from django.urls import reverse
from django_q.exceptions import TimeoutException

from giftops.models import User
from giftops.queue import due, run_due, run_job_task
from orders.admin import buying
from orders.models import Batch, Order
from orders.services import answering, placing
from providers import journal
from providers.gateways import http
from providers.models import Product
from tests.kills import life, points

SCOPES = {
    "intent": (placing, "_write_intent"),
    "journal": (journal, "store"),
    "answer": (answering, "_apply"),
}


def overtime(*, offset: float, after_us: int) -> dict[str, Any]:
    """Run the due jobs as django-q2 does, until its time limit strikes and ends the process."""
    life.live_at(offset)
    jobs, struck = list(due().values_list("pk", flat=True)), False

    def strike(_number: int, _frame: Any) -> None:
        raise TimeoutException("over")

    signal.signal(signal.SIGALRM, strike)
    signal.setitimer(signal.ITIMER_REAL, after_us / 1e6)
    began = time.monotonic()
    try:
        for job in jobs:
            run_job_task(str(job))
        signal.setitimer(signal.ITIMER_REAL, 0)
    except TimeoutException:
        struck = True
    return {"struck": struck, "took_us": round((time.monotonic() - began) * 1e6)}


def doubtful_commit(*, offset: float, scope: str, is_kept: bool) -> dict[str, Any]:
    """Lose the answer to one COMMIT (`is_kept`: the rows are in, but we hear an error)."""
    life.live_at(offset)
    left = [1]
    original = BaseDatabaseWrapper._commit  # type: ignore[attr-defined]

    def commit(self: Any) -> Any:
        if not (left and is_in(scope)):
            return original(self)
        left.clear()
        if is_kept:
            original(self)
        self.connection.close()
        raise OperationalError("server closed the connection unexpectedly")

    BaseDatabaseWrapper._commit = commit  # type: ignore[attr-defined]
    return _work_in(scope)


def terminated_commit(*, offset: float, scope: str, seed: int) -> dict[str, Any]:
    """PostgreSQL ends our session at a random moment around one COMMIT."""
    life.live_at(offset)
    chance = random.Random(seed)
    left = [1]
    original = BaseDatabaseWrapper._commit  # type: ignore[attr-defined]

    def commit(self: Any) -> Any:
        if left and is_in(scope):
            left.clear()
            victim = self.connection.info.backend_pid
            threading.Thread(
                target=_terminate, args=(victim, chance.uniform(0, 0.006)), daemon=True
            ).start()
            time.sleep(chance.uniform(0, 0.006))
        return original(self)

    BaseDatabaseWrapper._commit = commit  # type: ignore[attr-defined]
    return _work_in(scope)


def _terminate(pid: int, delay: float) -> None:
    with psycopg.connect(settings_url("postgres"), autocommit=True) as server:
        time.sleep(delay)
        server.execute("SELECT pg_terminate_backend(%s)", [pid])


def database_down(*, offset: float, leaves: int = 4096) -> dict[str, Any]:
    """The database takes nothing from the moment the provider has answered until the end.

    On SQLite the disk is full for files beyond `leaves` bytes; on PostgreSQL nobody gets in.
    """
    life.live_at(offset)
    points.note_operations()
    original = http.ProviderSession._travel

    def travel(self: Any, *args: Any) -> Any:
        answer = original(self, *args)
        if points.PLACE in points._inside:
            shut(leaves)
        return answer

    http.ProviderSession._travel = travel  # type: ignore[method-assign]
    error = ""
    try:
        while run_due():
            continue
    except OperationalError as problem:
        error = type(problem).__name__
    return {"error": error, "spooled": [path.name for path in spooled()]}


def shut(leaves: int) -> None:
    """From here on the database takes nothing."""
    if connection.vendor == "sqlite":
        resource.setrlimit(resource.RLIMIT_FSIZE, (leaves, resource.RLIM_INFINITY))
        return
    name = connection.settings_dict["NAME"]
    with psycopg.connect(settings_url("postgres"), autocommit=True) as server:
        server.execute(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS false')
        server.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", [name]
        )


def spooled() -> list[Path]:
    """What waits in the spool."""
    return sorted(Path(settings.GIFTOPS_SPOOL).glob("*.sealed"))


def press(*, offset: float, token: str, dies: str = "") -> dict[str, Any]:
    """A web process takes the order form; it may die in the middle, `dies` says where."""
    life.live_at(offset)
    match dies:
        case "before the draft commits":
            points.at_commit_of(buying, "_draft", "before", random.Random())
        case "draft committed":
            points.before(buying, "_hand_in")
        case "submitted":
            points.after(buying, "_hand_in")
    product = Product.objects.get(external_id="1410")
    form = {"product": str(product.pk), "face_value": "5.00", "quantity": "2", "once": token}
    browser = Client(SERVER_NAME="localhost")
    browser.force_login(
        User.objects.get(username="mira"), "django.contrib.auth.backends.ModelBackend"
    )
    answer = browser.post(reverse("admin:orders_order_buy"), form)
    batches = Batch.objects.filter(orders__lines__product=product).distinct().order_by("-id")
    references = Order.objects.filter(batch=batches[0]).values_list("reference", flat=True)
    return {
        "status": answer.status_code,
        "to": answer.headers.get("Location", ""),
        "batches": batches.count(),
        "references": list(references),
    }


# --- What they share ----------------------------------------------------------------------------


def is_in(scope: str) -> bool:
    return SCOPES[scope][1] in points._inside


def _work_in(scope: str) -> dict[str, Any]:
    """Run what is due, knowing when the function of that scope runs; errors are the job's."""
    owner, name = SCOPES[scope]
    original: Callable[..., Any] = getattr(owner, name)

    def wrapped(*args: Any, **kwargs: Any) -> Any:
        with points.inside(name):
            return original(*args, **kwargs)

    setattr(owner, name, wrapped)
    error = ""
    try:
        while run_due():
            continue
    except Exception as problem:
        error = type(problem).__name__
    return {"error": error}


def settings_url(name: str) -> str:
    parts = connection.settings_dict
    host = f"{parts['HOST'] or '127.0.0.1'}:{parts['PORT'] or 5432}"
    password = f":{parts['PASSWORD']}" if parts["PASSWORD"] else ""
    return f"postgres://{parts['USER']}{password}@{host}/{name}"
