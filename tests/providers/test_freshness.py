"""What the schedule reads again: only what is older than its provider lets it be."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from giftops.models import Job
from providers import freshness, registry, services, tasks
from providers.freshness import Mirror
from providers.models import ProviderAccount, SyncRun
from tests.providers.conftest import START, MakeAccount, MovingClock

pytestmark = pytest.mark.django_db

HOUR, WEEK = timedelta(hours=1), timedelta(days=7)


def ran(
    account: ProviderAccount, at: datetime, *, what: str = "products", state: str = "done"
) -> SyncRun:
    return SyncRun.objects.create(account=account, what=what, state=state, started_at=at)


def queued() -> list[tuple[str, list[str]]]:
    return [(job.name, job.ids) for job in Job.objects.filter(state="waiting")]


@pytest.mark.parametrize(
    ("read", "tried", "expected"),
    [
        (None, None, True),
        (timedelta(minutes=59), timedelta(minutes=59), False),
        (HOUR, HOUR, True),
        (WEEK, timedelta(minutes=30), False),  # it failed half an hour ago
        (WEEK, HOUR, True),
        (None, timedelta(minutes=30), False),
    ],
)
def test_what_is_old_or_was_never_read_is_due_but_a_failure_is_given_time(
    account: ProviderAccount, read: timedelta | None, tried: timedelta | None, expected: bool
) -> None:
    mirror = Mirror(
        read_at=None if read is None else START - read,
        tried_at=None if tried is None else START - tried,
    )

    assert freshness.is_due(account, mirror, START) is expected


def test_a_catalogue_that_keeps_a_week_is_read_once_a_week(
    account: ProviderAccount, moving_clock: MovingClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    keeps(monkeypatch, account, WEEK)
    ran(account, START)

    moving_clock.pass_(WEEK.total_seconds() - 1)
    early = services.refresh_due_catalogues()
    moving_clock.pass_(1)
    late = services.refresh_due_catalogues()

    assert (early, late) == (0, 1)
    assert queued() == [("providers.tasks.refresh_products", [str(account.pk)])]


def test_a_list_of_another_account_or_of_another_kind_does_not_count(
    make_account: MakeAccount, moving_clock: MovingClock
) -> None:
    fresh, old = make_account(name="fresh"), make_account(name="old")
    ran(fresh, START)
    ran(old, START, what="orders")
    ran(old, START - WEEK)

    tasks.refresh_due_catalogues()

    assert queued() == [("providers.tasks.refresh_products", [str(old.pk)])]


def test_what_is_switched_off_is_not_read(
    account: ProviderAccount, moving_clock: MovingClock
) -> None:
    ProviderAccount.objects.update(is_active=False)

    assert services.refresh_due_catalogues() == 0


def test_a_person_has_everything_read_however_fresh(
    account: ProviderAccount, moving_clock: MovingClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    both = frozenset({"seller", "option_lister"})
    monkeypatch.setattr(registry.ProviderSpec, "capabilities", property(lambda spec: both))
    ran(account, START)
    ran(account, START, what="options")

    assert services.refresh_due_catalogues() == 0
    assert services.refresh_catalogues([account]) == 2
    assert sorted(name for name, _ in queued()) == [
        "providers.tasks.refresh_options",
        "providers.tasks.refresh_products",
    ]


def test_many_accounts_are_looked_at_with_two_questions(
    make_account: MakeAccount, moving_clock: MovingClock, django_assert_num_queries: Any
) -> None:
    for number in range(5):
        ran(make_account(name=f"account-{number}"), START)

    with django_assert_num_queries(2):
        assert services.refresh_due_catalogues() == 0


def keeps(monkeypatch: pytest.MonkeyPatch, account: ProviderAccount, kept: timedelta) -> None:
    spec = registry.spec_for(account.provider)
    monkeypatch.setitem(registry.PROVIDERS, spec.slug, replace(spec, catalogue_keeps=kept))
