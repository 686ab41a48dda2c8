"""People, jobs and the audit trail in the admin: what may be changed there is written down."""

from typing import Any

import pytest
from django.contrib import admin
from django.test import Client
from django.urls import reverse

from giftops import audit
from giftops.clock import db_now
from giftops.models import AuditEntry, Job, User
from giftops.once import new_token
from giftops.queue import enqueue

TASK = "orders.tasks.sweep_orders"


def press(client: Client, name: str, *args: Any, **data: Any) -> Any:
    address = reverse(f"admin:{name}", args=args)
    return client.post(address, {"once": new_token()} | data, follow=True)


def said(answer: Any) -> str:
    return " ".join(str(message) for message in answer.context["messages"])


def fields_of(person: User, **changes: Any) -> dict[str, Any]:
    whole = {
        "username": person.username, "first_name": person.first_name,
        "last_name": person.last_name, "email": person.email, "role": person.role,
        "is_active": "on" if person.is_active else "", "is_staff": "on",
    } | changes  # fmt: skip
    return {name: value for name, value in whole.items() if value != ""}


# --- People ---------------------------------------------------------------------------------------


def test_granting_a_role_is_written_down_with_what_it_was(user: Any, client_of: Any) -> None:
    sam, ann = user("administrator"), user("support_agent")

    press(client_of(sam), "giftops_user_change", ann.pk, **fields_of(ann, role="auditor"))

    ann.refresh_from_db()
    entry = AuditEntry.objects.get(action="user.role_granted")
    assert ann.role == "auditor"
    assert (entry.actor, entry.object_id) == (sam, str(ann.pk))
    assert entry.facts == {"was": "support_agent", "now": "auditor"}


def test_switching_somebody_off_is_written_down(user: Any, client_of: Any) -> None:
    ann = user("support_agent")

    press(client_of("administrator"), "giftops_user_change", ann.pk, **fields_of(ann, is_active=""))

    ann.refresh_from_db()
    assert not ann.is_active
    assert AuditEntry.objects.filter(action="user.is_active_changed").count() == 1


@pytest.mark.parametrize("change", [{"role": "auditor"}, {"is_active": ""}])
def test_nobody_changes_their_own_role(user: Any, client_of: Any, change: dict[str, str]) -> None:
    sam = user("administrator")

    answer = press(client_of(sam), "giftops_user_change", sam.pk, **fields_of(sam, **change))

    sam.refresh_from_db()
    assert (sam.role, sam.is_active) == ("administrator", True)
    assert "Nobody changes their own role" in answer.content.decode()


def test_the_superuser_flag_and_groups_cannot_be_set_here(user: Any, client_of: Any) -> None:
    ann = user("support_agent")

    press(
        client_of("administrator"), "giftops_user_change", ann.pk,
        **fields_of(ann, is_superuser="on", groups="1", user_permissions="1"),
    )  # fmt: skip

    ann.refresh_from_db()
    assert not ann.is_superuser


def test_a_new_person_can_sign_in_with_their_role(client_of: Any) -> None:
    secret = "a long sentence nobody guesses 7"

    press(
        client_of("administrator"), "giftops_user_add", username="jon", role="finance_maker",
        usable_password="true", password1=secret, password2=secret,
    )  # fmt: skip

    jon = User.objects.get(username="jon")
    assert (jon.role, jon.is_staff) == ("finance_maker", True)
    assert jon.check_password(secret)
    assert AuditEntry.objects.get(action="user.role_granted").facts["now"] == "finance_maker"


def test_a_password_is_set_without_being_written_anywhere(user: Any, client_of: Any) -> None:
    ann, secret = user("support_agent"), "a long sentence nobody guesses 8"

    answer = press(
        client_of("administrator"), "auth_user_password_change", ann.pk,
        usable_password="true", password1=secret, password2=secret,
    )  # fmt: skip

    ann.refresh_from_db()
    assert ann.check_password(secret)
    assert secret not in answer.content.decode()
    assert secret not in str(list(AuditEntry.objects.values()))
    assert AuditEntry.objects.filter(action="user.password_set").count() == 1


def test_a_password_hash_is_never_shown(user: Any, client_of: Any) -> None:
    ann = user("support_agent")

    page = client_of("administrator").get(reverse("admin:giftops_user_change", args=[ann.pk]))

    assert "Never shown" in page.content.decode()
    assert ann.password.split("$")[-1] not in page.content.decode()


def test_an_auditor_sees_people_and_changes_none(user: Any, client_of: Any) -> None:
    ann, client = user("support_agent"), client_of("auditor")

    page = client.get(reverse("admin:giftops_user_change", args=[ann.pk]))
    answer = press(client, "giftops_user_change", ann.pk, **fields_of(ann, role="auditor"))

    ann.refresh_from_db()
    assert page.status_code == 200
    assert answer.status_code == 403
    assert ann.role == "support_agent"


# --- What other packages register -----------------------------------------------------------------


def test_no_page_edits_what_the_worker_calls_or_groups() -> None:
    names = {model._meta.label for model in admin.site._registry}

    assert names.isdisjoint(
        {"django_q.Schedule", "django_q.Success", "django_q.Failure", "django_q.OrmQ", "auth.Group"}
    )


# --- Jobs -----------------------------------------------------------------------------------------


@pytest.fixture
def given_up(db: None) -> Job:
    job = enqueue(TASK)
    Job.objects.filter(pk=job.pk).update(
        state="retired", attempts=20, finished_at=db_now(), error="TimeoutError"
    )
    job.refresh_from_db()
    return job


def test_a_job_that_was_given_up_can_be_tried_again(given_up: Job, client_of: Any) -> None:
    answer = press(client_of("administrator"), "giftops_job_retry", given_up.pk)

    given_up.refresh_from_db()
    assert (given_up.state, given_up.attempts) == ("waiting", 0)
    assert "tried in a moment" in said(answer)
    assert AuditEntry.objects.filter(action="job.retry").count() == 1


def test_a_waiting_job_can_be_given_up(db: None, client_of: Any) -> None:
    job = enqueue(TASK)

    press(client_of("administrator"), "giftops_job_cancel", job.pk)

    job.refresh_from_db()
    assert job.state == "retired"


def test_what_is_not_possible_any_more_is_a_sentence(given_up: Job, client_of: Any) -> None:
    answer = press(client_of("administrator"), "giftops_job_cancel", given_up.pk)

    assert "It does not wait any more" in said(answer)
    assert not AuditEntry.objects.filter(action="job.cancel").exists()


def test_the_list_says_why_a_job_failed(given_up: Job, client_of: Any) -> None:
    page = client_of("auditor").get(reverse("admin:giftops_job_changelist"), {"state": "retired"})

    assert "TimeoutError" in page.content.decode()


# --- The audit trail ------------------------------------------------------------------------------


def test_a_chain_that_holds_is_said_to_hold(
    user: Any, client_of: Any, django_capture_on_commit_callbacks: Any
) -> None:
    with django_capture_on_commit_callbacks(execute=True):
        audit.record("order.sent", actor=user("finance_maker"))

    answer = press(client_of("auditor"), "giftops_auditentry_verify")

    assert "The chain holds: 1 entries" in said(answer)
    assert AuditEntry.objects.filter(action="audit.verified").count() == 1


def test_a_broken_chain_is_said_to_be_broken(
    user: Any, client_of: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = audit.Verdict(False, 3, "", "Entry 3 was changed.")
    monkeypatch.setattr(audit, "verify", lambda: broken)

    answer = press(client_of("auditor"), "giftops_auditentry_verify")

    assert "The chain is broken. Entry 3 was changed." in said(answer)


def test_entries_are_found_by_who_and_what(user: Any, client_of: Any) -> None:
    mira = user("finance_maker", username="mira")
    audit.record("order.sent", actor=mira)
    audit.record("batch.drafted", actor=None)
    client, listing = client_of("auditor"), reverse("admin:giftops_auditentry_changelist")

    for text, found, other in (
        ("order.", "order.sent", "batch.drafted"),
        ("mira", "order.sent", "batch.drafted"),
    ):
        page = client.get(listing, {"q": text}).content.decode()
        assert found in page
        assert other not in page


@pytest.mark.parametrize("number", [0, 999_999, 10**30])
def test_an_entry_that_does_not_exist_is_not_found(db: None, client_of: Any, number: int) -> None:
    address = reverse("admin:giftops_auditentry_change", args=[number])

    assert client_of("auditor").get(address).status_code == 404
