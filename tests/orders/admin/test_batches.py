"""Batches and approvals: agreed to by another person, for exactly what they saw."""

from typing import Any

import pytest
from django.urls import reverse

from giftops.models import AuditEntry, User
from giftops.once import new_token
from orders.models import Batch
from orders.services.submitting import submit_batch
from tests.conftest import PASSWORD
from tests.orders.admin.conftest import said


@pytest.fixture
def waiting(shop: Any, mira: User) -> Batch:
    """A batch above the limit, handed in by Mira."""
    return submit_batch(shop.draft(mira, quantity=40, title="Spring"), actor=mira)


def statuses(batch: Batch) -> set[str]:
    return set(batch.orders.values_list("status", flat=True))


def test_an_approver_sees_what_waits_and_sends_it_with_one_press(
    waiting: Batch, shop: Any, tom: User, desk_of: Any
) -> None:
    desk = desk_of(tom)

    queue = desk.text("orders_batch_approvals")
    page = desk.text("orders_batch_change", waiting.pk)
    answer = desk.press(
        "orders_batch_approve",
        waiting.pk,
        fingerprint=waiting.fingerprint,
        password=PASSWORD,
        follow=True,
    )
    shop.work()

    assert "Spring" in queue
    assert "Approve and send 40 orders · USD 1,000.00" in page
    assert "Approved: 40 × queued · USD 1,000.00." in said(answer)
    assert len(shop.bought()) == 40


def test_an_approval_of_something_else_is_refused(waiting: Batch, tom: User, desk_of: Any) -> None:
    answer = desk_of(tom).press(
        "orders_batch_approve", waiting.pk, fingerprint="0" * 64, password=PASSWORD
    )

    assert answer.status_code == 409
    assert "was changed after you opened it" in answer.content.decode()
    assert statuses(waiting) == {"awaiting_approval"}


@pytest.mark.parametrize(
    ("password", "sentence"),
    [
        ("", "Give your password again"), ("guess", "That is not your password"),
        ("x" * 600, "That is not your password"),
    ],
)  # fmt: skip
def test_an_approval_takes_the_password_of_the_approver(
    waiting: Batch, tom: User, desk_of: Any, password: str, sentence: str
) -> None:
    answer = desk_of(tom).press(
        "orders_batch_approve", waiting.pk, fingerprint=waiting.fingerprint, password=password
    )

    page = answer.content.decode()
    assert answer.status_code == 422
    assert sentence in page
    assert "guess" not in page
    assert statuses(waiting) == {"awaiting_approval"}


def test_a_wrong_password_at_an_approval_is_noted_and_can_be_put_right(
    waiting: Batch, tom: User, desk_of: Any
) -> None:
    desk, token = desk_of(tom), new_token()
    wanted = {"fingerprint": waiting.fingerprint, "once": token}

    desk.press("orders_batch_approve", waiting.pk, password="guess", **wanted)  # noqa: S106
    desk.press("orders_batch_approve", waiting.pk, password=PASSWORD, **wanted)

    refused, done = AuditEntry.objects.filter(action="batch.approved").order_by("sequence")
    assert (refused.outcome, refused.actor, refused.object_id) == ("refused", tom, str(waiting.pk))
    assert done.outcome == "done"
    assert "guess" not in str(refused.facts)
    assert statuses(waiting) == {"approved"}


def test_guessing_passwords_at_approvals_locks_like_signing_in(
    waiting: Batch, tom: User, desk_of: Any
) -> None:
    desk = desk_of(tom)
    for _ in range(5):
        desk.press("orders_batch_approve", waiting.pk, password="guess")  # noqa: S106

    answer = desk.press(
        "orders_batch_approve", waiting.pk, fingerprint=waiting.fingerprint, password=PASSWORD
    )

    assert answer.status_code == 429
    assert statuses(waiting) == {"awaiting_approval"}


def test_nobody_is_asked_to_approve_their_own_work(
    shop: Any, user: Any, desk_of: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    both = user("finance_approver")
    monkeypatch.setattr(type(both), "has_perm", lambda self, perm, obj=None: True)
    batch = submit_batch(shop.draft(both, quantity=40), actor=both)
    desk = desk_of(both)

    queue = desk.get("orders_batch_approvals")
    page = desk.text("orders_batch_change", batch.pk)
    answer = desk.press(
        "orders_batch_approve", batch.pk, fingerprint=batch.fingerprint, password=PASSWORD
    )

    assert queue.context["mine"] == []
    assert "another approver has to answer" in page
    assert answer.status_code == 409
    assert "Nobody approves their own work" in answer.content.decode()
    assert statuses(batch) == {"awaiting_approval"}


def test_two_approvers_at_once_send_it_once(
    waiting: Batch, shop: Any, tom: User, user: Any, desk_of: Any
) -> None:
    seen = {"fingerprint": waiting.fingerprint, "password": PASSWORD}
    desk_of(tom).press("orders_batch_approve", waiting.pk, **seen)
    answer = desk_of(user("finance_approver")).press("orders_batch_approve", waiting.pk, **seen)

    assert answer.status_code == 409
    assert "by Tom at" in answer.content.decode()
    assert waiting.approvals.count() == 1


def test_declining_needs_a_reason_and_keeps_what_was_typed(
    waiting: Batch, tom: User, desk_of: Any
) -> None:
    answer = desk_of(tom).press("orders_batch_decline", waiting.pk, reason="  ")

    assert answer.status_code == 409
    assert "Say why" in answer.content.decode()
    assert statuses(waiting) == {"awaiting_approval"}


def test_a_declined_batch_tells_its_maker_why(
    waiting: Batch, mira: User, tom: User, desk_of: Any
) -> None:
    desk_of(tom).press("orders_batch_decline", waiting.pk, reason="No budget until May")

    assert statuses(waiting) == {"declined"}
    assert "No budget until May" in desk_of(mira).text("orders_batch_change", waiting.pk)


def test_a_draft_is_submitted_from_its_page(shop: Any, mira: User, desk_of: Any) -> None:
    batch = shop.draft(mira, quantity=3)

    page = desk_of(mira).text("orders_batch_change", batch.pk)
    answer = desk_of(mira).press("orders_batch_submit", batch.pk, follow=True)

    assert "Send 3 orders · USD 75.00" in page
    assert "3 orders queued · USD 75.00." in said(answer)


def test_the_bar_counts_what_is_done_and_left(fulfilled: Any, mira: User, desk_of: Any) -> None:
    page = desk_of(mira).get("orders_batch_change", fulfilled.batch_id)

    assert [(part.tone, part.count) for part in page.context["shares"]] == [("green", 1)]


def test_the_list_of_batches_takes_seven_queries_whatever_its_length(
    shop: Any, mira: User, desk_of: Any, django_assert_max_num_queries: Any
) -> None:
    for _ in range(12):
        shop.draft(mira, quantity=2)
    desk = desk_of(mira)

    with django_assert_max_num_queries(12):  # three of them save the session
        page = desk.text("orders_batch_changelist")

    assert page.count("2 orders") == 12


def test_withdrawing_a_whole_batch_passes_by_the_page_that_lists_it(
    waiting: Batch, mira: User, desk_of: Any
) -> None:
    page = desk_of(mira).text("orders_batch_change", waiting.pk)

    assert f'action="{reverse("admin:orders_order_changelist")}"' in page
    assert page.count('name="_selected_action"') == 40
