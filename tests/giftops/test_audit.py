import io
import json
import threading
from datetime import UTC, datetime

import pytest
from django.core.management import CommandError, call_command
from django.db import IntegrityError, connection, transaction
from django.test import RequestFactory

from giftops import audit, make_env
from giftops.append_only import forbid_changes
from giftops.models import AuditEntry, AuditHead, InstanceGuard
from giftops.money import Money
from tests.vault.models import Secret

CODE = "6006491234567890"


@pytest.fixture
def trail(db, django_capture_on_commit_callbacks):
    """Write a few entries as separate commits would, anchor included."""

    def write(count=5):
        for number in range(count):
            with django_capture_on_commit_callbacks(execute=True):
                audit.record("test.done", actor=None, count=number)

    return write


@pytest.fixture
def tamper(db):
    """Change the tables as somebody could who owns the database: past its triggers."""
    for table in ("giftops_auditentry", "giftops_audithead"):
        for statement in forbid_changes(table).drop_sql(connection):
            with connection.cursor() as cursor:
                cursor.execute(statement)
    return AuditEntry.objects


def problem():
    return audit.verify().problem


def holds():
    """Say whether the chain itself holds: where nothing is committed, nothing is anchored."""
    verdict = audit.verify()
    return verdict.ok or verdict.lacks_anchor


# --- What an entry says -------------------------------------------------------------------------


def test_an_entry_says_who_what_when_where_and_how_it_went(user):
    maker = user("finance_maker", username="mia")
    secret = Secret.objects.create(note="card of Ms Li")
    request = RequestFactory().post("/", REMOTE_ADDR="203.0.113.9")

    entry = audit.record(
        "card.revealed", actor=maker, obj=secret, outcome="refused", request=request, reason="why"
    )

    entry = AuditEntry.objects.get(pk=entry.pk)
    said = {
        name: getattr(entry, name)
        for name in ("action", "outcome", "actor_name", "role", "address", "object_type")
    }
    assert said == {
        "action": "card.revealed",
        "outcome": "refused",
        "actor_name": "mia",
        "role": "finance_maker",
        "address": "203.0.113.9",
        "object_type": "vault.secret",
    }
    assert (entry.object_id, entry.object_label) == (str(secret.pk), "card of Ms Li")
    assert (entry.actor, entry.facts) == (maker, {"reason": "why"})
    assert abs((datetime.now(UTC) - entry.created_at).total_seconds()) < 60


def test_the_role_is_the_one_held_at_that_time(user):
    person = user("finance_maker")
    entry = audit.record("order.drafted", actor=person)

    person.role = "auditor"
    person.save()

    assert AuditEntry.objects.get(pk=entry.pk).role == "finance_maker"
    assert holds()


@pytest.mark.django_db
def test_no_secret_is_kept_in_a_fact():
    entry = audit.record(
        "test",
        actor=None,
        reason=f"the caller read {CODE} to me",
        code="SHORT",
        nested={"pin": "1234", "fine": ["6006-4912-3456-7890"]},
        raw=b"secret bytes",
    )

    entry = AuditEntry.objects.get(pk=entry.pk)
    assert entry.facts == {
        "reason": "the caller read ••••7890 to me",
        "code": "[hidden]",
        "nested": {"pin": "[hidden]", "fine": ["••••7890"]},
        "raw": "[12 bytes]",
    }


@pytest.mark.django_db
def test_facts_of_every_kind_read_back_as_they_were_signed():
    audit.record(
        "test",
        actor=None,
        amount=Money(2500, "USD"),
        at=datetime(2026, 1, 2, tzinfo=UTC),
        ratio=0.1 + 0.2,
        big=10**10,
        text="NUL \x00 and half a pair \ud800",
        none=None,
        many=(1, {"two": 2}),
    )

    assert holds(), problem()
    assert AuditEntry.objects.get().facts["amount"] == "USD 25.00"


@pytest.mark.django_db
def test_before_and_after_are_kept_as_hashes_only():
    same = audit.record("test", actor=None, before={"limit": "1000"}, after={"limit": "1000"})
    other = audit.record("test", actor=None, before={"limit": "1000"}, after={"limit": "9000"})

    assert same.facts["before"] == same.facts["after"] == other.facts["before"]
    assert other.facts["before"] != other.facts["after"]
    assert "1000" not in json.dumps(other.facts).replace(other.facts["before"], "")


@pytest.mark.django_db
def test_an_entry_goes_when_its_change_goes():
    @transaction.atomic
    def change_that_fails():
        audit.record("test", actor=None)
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        change_that_fails()

    assert not AuditEntry.objects.exists()
    audit.record("test", actor=None)
    assert (holds(), AuditEntry.objects.get().sequence) == (True, 1)


# --- What verification finds --------------------------------------------------------------------


def test_an_untouched_trail_holds(trail):
    trail(5)

    verdict = audit.verify()

    assert (verdict.ok, verdict.count, verdict.problem, verdict.anchored) == (True, 5, "", 5)
    assert verdict.head == AuditHead.objects.get().digest


@pytest.mark.django_db
def test_an_empty_trail_holds():
    assert audit.verify() == audit.Verdict(True, 0, "", "", 0)


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("action", "test.other"),
        ("outcome", "refused"),
        ("actor_name", "someone"),
        ("role", "auditor"),
        ("address", "192.0.2.1"),
        ("object_type", "x.y"),
        ("object_id", "7"),
        ("object_label", "other"),
        ("facts", {"count": 99}),
        ("created_at", datetime(2020, 1, 1, tzinfo=UTC)),
        ("previous", "0" * 64),
        ("digest", "0" * 64),
    ],
)
def test_every_edited_column_shows(trail, tamper, column, value):
    trail(5)

    tamper.filter(sequence=3).update(**{column: value})

    assert problem() == "Entry 3 was changed after it was written."


def test_an_edited_actor_shows(trail, tamper, user):
    trail(3)

    tamper.filter(sequence=2).update(actor=user())

    assert problem() == "Entry 2 was changed after it was written."


def test_a_deleted_entry_shows(trail, tamper):
    trail(5)

    tamper.filter(sequence=3).delete()

    assert problem() == "Entry 3 is missing."


def test_closing_the_gap_after_a_deletion_shows(trail, tamper):
    trail(5)
    tamper.filter(sequence=3).delete()

    for sequence in (4, 5):
        tamper.filter(sequence=sequence).update(sequence=sequence - 1)
    AuditHead.objects.update(sequence=4)

    assert problem() == "Entry 3 was changed after it was written."


def test_an_inserted_entry_shows(trail, tamper):
    trail(3)
    head = AuditHead.objects.get()

    forged = AuditEntry.objects.get(sequence=3)
    forged.sequence, forged.previous = 4, head.digest
    forged.save(force_insert=True)

    assert problem() == "Entry 4 stands behind the head: it was not written here."
    AuditHead.objects.update(sequence=4, digest=forged.digest)
    assert problem() == "Entry 4 was changed after it was written."


def test_two_entries_that_changed_places_show(trail, tamper):
    trail(4)

    for old, new in ((2, 99), (3, 2), (99, 3)):
        tamper.filter(sequence=old).update(sequence=new)

    assert problem() == "Entry 2 was changed after it was written."


def test_an_entry_put_in_from_another_trail_under_the_same_key_shows(trail, tamper):
    trail(3)
    old = AuditEntry.objects.get(sequence=2)
    AuditEntry.objects.all().delete()
    AuditHead.objects.all().delete()
    audit.anchor_path().unlink()
    audit.record("test.another", actor=None)
    trail(2)

    tamper.filter(sequence=2).delete()
    old.save(force_insert=True)
    audit.anchor_path().unlink()

    assert problem() == "Entry 2 does not follow the entry before it."


def test_a_cut_off_end_shows_against_the_head(trail, tamper):
    trail(5)

    tamper.filter(sequence__gt=3).delete()

    assert problem() == "Entry 4 is missing: the head names 5 entries."


def test_a_cut_off_end_with_its_head_shows_against_the_anchor(trail, tamper):
    trail(5)

    tamper.filter(sequence__gt=3).delete()
    AuditHead.objects.update(sequence=3, digest=AuditEntry.objects.get(sequence=3).digest)

    assert problem() == "Entry 4 is missing: the anchor has seen 5 entries."


def test_a_trail_written_again_from_the_start_shows_against_the_anchor(trail, tamper):
    trail(5)
    AuditEntry.objects.all().delete()
    AuditHead.objects.all().delete()

    for number in range(5):
        audit.record("test.forged", actor=None, count=number)

    assert problem() == "Entry 1 is not the one that the anchor names."


def test_an_emptied_trail_shows_against_the_anchor(trail, tamper):
    trail(2)

    AuditEntry.objects.all().delete()
    AuditHead.objects.all().delete()

    assert problem() == "Entry 1 is missing: the anchor has seen 2 entries."


def cut(after):
    AuditEntry.objects.filter(sequence__gt=after).delete()
    last = AuditEntry.objects.filter(sequence=after).first()
    AuditHead.objects.update(sequence=after, digest=last.digest if last else "")


def test_a_cut_off_end_shows_although_head_and_anchor_went_with_it(trail, tamper):
    trail(5)

    cut(after=3)
    audit.anchor_path().unlink()

    assert "There is no anchor at" in problem()


def test_an_anchor_that_began_by_itself_after_the_cut_is_none(trail, tamper):
    trail(5)

    cut(after=3)
    audit.anchor_path().unlink()
    trail(4)

    assert "There is no anchor at" in problem()
    assert "There is no anchor at" in audit.verify(5).problem


def test_an_emptied_anchor_is_none(trail):
    trail(2)

    audit.anchor_path().write_text("")

    assert "There is no anchor at" in problem()


@pytest.mark.parametrize("is_head_left", [False, True])
def test_a_trail_deleted_as_a_whole_shows_by_the_people(trail, tamper, user, is_head_left):
    user("auditor")
    trail(2)

    cut(after=0)
    if not is_head_left:
        AuditHead.objects.all().delete()
    audit.anchor_path().unlink()

    assert problem().startswith("The trail is empty although people have worked here")


def test_a_trail_deleted_as_a_whole_shows_by_a_release(trail, tamper):
    trail(2)
    InstanceGuard.objects.update(released_at=datetime(2030, 1, 1, tzinfo=UTC))

    cut(after=0)
    audit.anchor_path().unlink()

    assert problem().startswith("The trail is empty")


def test_the_first_person_may_sign_in_before_the_first_entry(user):
    user(is_superuser=True, last_login=datetime(2030, 1, 1, tzinfo=UTC))

    assert audit.verify().ok


def test_another_key_verifies_nothing(trail, settings):
    trail(2)

    settings.GIFTOPS_AUDIT_KEY = make_env.fresh_key()

    assert problem() == "Entry 1 was changed after it was written."


def test_verification_may_begin_in_the_middle(trail, tamper):
    trail(6)
    tamper.filter(sequence=1).update(action="test.other")

    assert not audit.verify().ok
    assert (audit.verify(4).ok, audit.verify(4).count) == (True, 3)


def test_a_long_trail_is_read_in_pages(trail, monkeypatch):
    trail(7)
    monkeypatch.setattr(audit, "BATCH", 3)

    assert audit.verify().count == 7


def test_a_torn_last_line_of_the_anchor_is_no_alarm(trail):
    trail(3)
    with audit.anchor_path().open("a") as file:
        file.write("4 abc")

    assert audit.verify().ok


def test_the_anchor_is_private(trail):
    trail(1)

    assert audit.anchor_path().stat().st_mode & 0o777 == 0o600


def test_an_anchor_that_cannot_be_written_does_not_undo_the_change(trail, settings, tmp_path):
    settings.GIFTOPS_VAR = tmp_path / "missing"

    trail(1)

    assert AuditEntry.objects.count() == 1


# --- The command --------------------------------------------------------------------------------


def verify_audit(*args):
    out = io.StringIO()
    call_command("verify_audit", *args, stdout=out)
    return out.getvalue()


def test_the_command_says_how_many_are_sound(trail):
    trail(3)

    assert verify_audit().startswith("3 entries are sound; the last is ")


def test_the_command_names_the_place_and_fails(trail, tamper):
    trail(3)
    tamper.filter(sequence=2).update(action="test.other")

    with pytest.raises(CommandError, match=r"Entry 2 was changed .* 1 entries before it are sound"):
        verify_audit()


def test_the_command_says_when_there_is_no_anchor_and_fails(trail):
    trail(1)
    audit.anchor_path().unlink()

    with pytest.raises(CommandError, match=r"no anchor .* --accept-missing-anchor.* 1 entries are"):
        verify_audit()


def test_a_missing_anchor_is_accepted_by_word_of_a_person_and_on_record(
    trail, django_capture_on_commit_callbacks
):
    trail(3)
    last = AuditEntry.objects.get(sequence=3).digest
    audit.anchor_path().unlink()

    with django_capture_on_commit_callbacks(execute=True):
        entry = audit.accept_missing_anchor()
    trail(2)

    assert (entry.action, entry.facts) == ("audit.anchor_accepted", {"count": 3, "figure": last})
    assert (audit.verify().problem, audit.verify().anchored) == ("", 3)
    assert verify_audit().startswith("6 entries are sound")


def test_only_a_missing_anchor_is_accepted(trail, tamper):
    trail(3)
    with pytest.raises(CommandError, match="No anchor is missing"):
        verify_audit("--accept-missing-anchor")
    tamper.filter(sequence=2).update(action="test.other")
    audit.anchor_path().unlink()

    with pytest.raises(CommandError, match="Entry 2 was changed"):
        verify_audit("--accept-missing-anchor")

    assert AuditEntry.objects.count() == 3


# --- Many at once -------------------------------------------------------------------------------


@pytest.mark.django_db(transaction=True)
def test_many_writers_make_one_chain_without_gaps():
    threads, each = 4, 15
    start = threading.Barrier(threads)
    problems = []

    def write():
        start.wait()
        try:
            for number in range(each):
                audit.record("test.raced", actor=None, count=number)
        except Exception as problem:
            problems.append(problem)
        finally:
            connection.close()

    workers = [threading.Thread(target=write) for _ in range(threads)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(60)

    verdict = audit.verify()
    assert problems == []
    assert (verdict.ok, verdict.count, verdict.anchored) == (True, threads * each, threads * each)


@pytest.mark.django_db(transaction=True)
def test_the_database_refuses_to_change_the_trail():
    protection = forbid_changes("giftops_auditentry")
    with connection.cursor() as cursor:
        for statement in protection.create_sql(connection):
            cursor.execute(statement)
    try:
        audit.record("test", actor=None)
        for attempt in (
            lambda: AuditEntry.objects.update(action="other"),
            lambda: AuditEntry.objects.all().delete(),
        ):
            with pytest.raises(IntegrityError, match="append-only"), transaction.atomic():
                attempt()
        assert audit.verify().ok
    finally:
        with connection.cursor() as cursor:
            for statement in protection.drop_sql(connection):
                cursor.execute(statement)
