"""An issuance from draft to done: who may, what is checked, what is frozen, what stops it."""

from dataclasses import replace
from datetime import timedelta

import pytest
import requests
from django.db import connection
from django.test.utils import CaptureQueriesContext

from giftops.models import AuditEntry, Job
from giftops.money import Money
from orders.issuing_states import CardState, IssuanceState
from orders.models import Approval, Card, Issuance, IssuingEvent, ReservedNumber
from orders.services.issuing.cards import creating, issuing, progress
from orders.services.issuing.cards.progress import Progress
from orders.services.problems import InvalidOrder, LostTheRace, Refused
from providers.gateways import errors
from providers.gateways.base import RemoteCustomer
from tests.orders.issuing.cards import codes, know, only_card, states, under_way, wish

I, C = IssuanceState, CardState  # noqa: E741
LARGE = Money(200_000, "USD")
CHANGES = [
    {"face_value_minor": 99}, {"customer_id": "9"}, {"gift_card_code": "X"}, {"points": 5},
    {"customer_email": "other@example.com"}, {"customer_name": "Other"}, {"sale_id": "S"},
]  # fmt: skip


def draft(desk, maker, *wishes, **fields):
    source = fields if {"pool", "reservation"} & set(fields) else {"pool": desk.pool(maker, 5)}
    return issuing.draft_issuance(
        desk.account, actor=maker, wishes=wishes or [wish(row=1)], **fields | source
    )


def submitted(desk, maker, count=2):
    """Above the limit, waiting for an approver."""
    wishes = [wish(customer_id=str(1001 + n), value=LARGE, row=n + 1) for n in range(count)]
    return issuing.submit_issuance(draft(desk, maker, *wishes), actor=maker)


# --- Drafting -----------------------------------------------------------------------------------


def test_a_sheet_becomes_drafts_and_nothing_is_sent(desk, mira):
    issuance = draft(desk, mira, wish(row=1), wish(customer_id="1002", row=2), title="Spring")

    assert (issuance.state, issuance.total_minor, issuance.card_count) == (I.DRAFT, 5000, 2)
    assert states(issuance) == [C.DRAFT, C.DRAFT]
    assert len(set(issuance.cards.values_list("sale_id", flat=True))) == 2
    assert desk.script.asked == []
    assert not Job.objects.filter(name__contains="create_card").exists()


def test_the_customer_of_a_single_card_is_looked_up_and_the_name_kept(desk, mira):
    know(desk, "1001")

    card = only_card(draft(desk, mira, wish()))

    assert (card.customer_id, card.customer_name) == ("1001", "Customer 1001")
    assert card.customer_email == "c1001@example.com"


def test_an_email_address_finds_the_customer(desk, mira):
    found = RemoteCustomer(external_id="77", name="Ann", email="ann@example.com")
    desk.script.customers["ann@example.com"] = found

    card = only_card(draft(desk, mira, wish(customer_id="", customer_email="ann@example.com")))

    assert card.customer_id == "77"


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"customer_id": ""}, "customer_id"),
        ({"customer_id": "4711"}, "customer_id"),
        ({"customer_id": "1" * 65}, "customer_id"),
        ({"customer_id": "", "customer_email": "nobody@example.com"}, "customer_email"),
        ({"customer_email": "no address"}, "customer_email"),
        ({"code": ""}, "code"),
        ({"code": "G" * 41}, "code"),
        ({"value": Money(0, "USD")}, "value"),
        ({"value": Money(-100, "USD")}, "value"),
        ({"value": Money(2500, "CAD")}, "value"),
    ],
)
def test_bad_input_is_a_sentence_at_its_field_and_nothing_is_stored(desk, mira, fields, field):
    know(desk, "1001")

    with pytest.raises(InvalidOrder) as caught:
        draft(desk, mira, wish(**fields))

    assert caught.value.field == field
    assert str(caught.value).endswith(".")
    assert not Issuance.objects.exists()


def test_a_customer_who_cannot_be_looked_up_is_not_taken(desk, mira):
    desk.says("find_customer", *[requests.ReadTimeout()] * 4)

    with pytest.raises(InvalidOrder, match="could not be looked up") as caught:
        draft(desk, mira, wish())

    assert caught.value.field == "customer_id"


def test_the_problems_of_a_sheet_name_their_rows(desk, mira):
    rows = [wish(row=2), wish(row=3), wish(customer_id="", row=4), wish(customer_id="9", code="",
            row=5)]  # fmt: skip

    with pytest.raises(InvalidOrder) as caught:
        draft(desk, mira, *rows)

    said = str(caught.value)
    assert caught.value.field == "wishes"
    assert "Row 3: customer 1001 is in row 2 already." in said
    assert "Row 4: " in said
    assert "Row 5: " in said


def test_a_customer_may_get_two_cards_if_somebody_says_so(desk, mira):
    assert draft(desk, mira, wish(row=1), wish(row=2), may_repeat=True).card_count == 2


# --- A sheet that names customers by their e-mail addresses -------------------------------------


def by_email(*emails):
    return [
        wish(customer_id="", customer_email=email, row=row) for row, email in enumerate(emails, 2)
    ]


def know_emails(desk, *emails):
    for place, email in enumerate(emails, 1):
        desk.script.customers[email] = RemoteCustomer(
            external_id=str(2000 + place), name=f"Customer {place}", email=email
        )


def test_rows_with_an_email_get_the_number_that_the_issuer_has(desk, mira):
    know_emails(desk, "ann@example.com", "bo@example.com")
    rows = by_email("ann@example.com", "bo@example.com", "Ann@example.com")

    issuance = draft(desk, mira, wish(row=1), *rows, may_repeat=True)

    cards = issuance.cards.order_by("position")
    assert [card.customer_id for card in cards] == ["1001", "2001", "2002", "2001"]
    assert [card.customer_name for card in cards][1:] == ["Customer 1", "Customer 2", "Customer 1"]
    assert [asked["email"] for asked in desk.sent("find_customer")] == [
        "ann@example.com", "bo@example.com",
    ]  # fmt: skip


def test_an_email_that_nobody_has_is_an_error_at_its_row(desk, mira):
    know_emails(desk, "ann@example.com")

    with pytest.raises(InvalidOrder) as caught:
        draft(desk, mira, *by_email("ann@example.com", "no.one@example.com"))

    assert caught.value.field == "wishes"
    assert str(caught.value) == "Row 3: Scripted Issuer knows no customer no.one@example.com."
    assert not Issuance.objects.exists()


def test_a_customer_without_the_address_that_was_asked_for_is_not_taken(desk, mira):
    desk.says("find_customer", RemoteCustomer(external_id="GUEST", name="Guest"))

    with pytest.raises(InvalidOrder, match="^Row 2: .* without that address"):
        draft(desk, mira, *by_email("ann@example.com"))


def test_whoever_does_not_answer_is_not_asked_for_everybody(desk, mira):
    desk.says("find_customer", *[requests.ReadTimeout()] * 4)

    with pytest.raises(InvalidOrder, match="^Row 2: The customer could not be looked up") as caught:
        draft(desk, mira, *by_email("ann@example.com", "bo@example.com"))

    assert "Row 3" not in str(caught.value)
    assert {asked["email"] for asked in desk.sent("find_customer")} == {"ann@example.com"}


def test_an_answer_about_another_customer_is_an_error_at_its_row(desk, mira):
    desk.says("find_customer", errors.AnswerMismatch("another customer came"))

    with pytest.raises(InvalidOrder) as caught:
        draft(desk, mira, *by_email("ann@example.com", "no.one@example.com"))

    assert "Row 2: The customer could not be looked up." in str(caught.value)
    assert "Row 3: Scripted Issuer knows no customer no.one@example.com." in str(caught.value)


def test_an_issuer_that_is_slow_is_not_waited_for(desk, mira):
    emails = [f"c{place}@example.com" for place in range(5)]
    know_emails(desk, *emails)
    slow = [lambda asked: desk.time.sleep(7) or desk.script.do_find_customer(asked)] * 5
    desk.says("find_customer", *slow)

    with pytest.raises(InvalidOrder, match="^Row 5: The provider takes too long") as caught:
        draft(desk, mira, *by_email(*emails))

    assert "Row 6" not in str(caught.value)
    assert len(desk.sent("find_customer")) == 3


@pytest.mark.parametrize(
    "rows",
    [by_email("ann@example.com", "ANN@example.com"), by_email("ann@example.com", "a@example.com")],
    ids=["the same address", "two addresses of one customer"],
)
def test_a_customer_who_is_named_twice_by_email_is_told(desk, mira, rows):
    know_emails(desk, "ann@example.com")
    ann = desk.script.customers["ann@example.com"]
    desk.script.customers["a@example.com"] = replace(ann, email="a@example.com")

    with pytest.raises(InvalidOrder, match="^Row 3: customer .* is in row 2 already"):
        draft(desk, mira, *rows)


def test_no_more_than_fifty_are_looked_up(desk, mira):
    emails = [f"c{place}@example.com" for place in range(51)]
    know_emails(desk, *emails)
    pool = desk.pool(mira, 60)

    with pytest.raises(InvalidOrder, match="^Row 52: At most 50 customers are looked up"):
        draft(desk, mira, *by_email(*emails), pool=pool)
    assert desk.sent("find_customer") == []

    assert draft(desk, mira, *by_email(*emails[:50]), pool=pool).card_count == 50


def test_a_pool_that_is_too_small_says_how_many_are_missing(desk, mira):
    pool = desk.pool(mira, 3)
    wishes = [wish(customer_id=str(n), row=n) for n in range(1, 6)]

    with pytest.raises(InvalidOrder, match="3 free numbers, 2 too few for 5 cards") as caught:
        draft(desk, mira, *wishes, pool=pool)

    assert caught.value.field == "pool"


def test_numbers_that_another_draft_has_a_claim_on_do_not_count(desk, mira):
    pool = desk.pool(mira, 3)
    draft(desk, mira, wish(row=1), wish(customer_id="2", row=2), pool=pool)

    with pytest.raises(InvalidOrder, match="1 free number, 1 too few"):
        draft(desk, mira, wish(row=1), wish(customer_id="2", row=2), pool=pool)


def test_a_claim_that_was_withdrawn_is_free_again(desk, mira):
    pool = desk.pool(mira, 1)
    issuing.withdraw_issuance(draft(desk, mira, pool=pool), actor=mira)

    assert draft(desk, mira, pool=pool).state == I.DRAFT


def test_a_single_number_is_promised_to_one_card(desk, mira):
    know(desk, "1001")
    reservation = desk.reserved(mira)
    first = draft(desk, mira, wish(), reservation=reservation)

    with pytest.raises(InvalidOrder, match="promised") as caught:
        draft(desk, mira, wish(), reservation=reservation)
    assert caught.value.field == "reservation"

    issuing.withdraw_issuance(first, actor=mira)
    assert draft(desk, mira, wish(), reservation=reservation).state == I.DRAFT


def test_a_lapsed_number_is_refused(desk, mira):
    reservation = desk.reserved(mira)
    desk.time.moment += timedelta(minutes=50)

    with pytest.raises(InvalidOrder, match="hour") as caught:
        draft(desk, mira, wish(), reservation=reservation)

    assert caught.value.field == "reservation"


def test_a_pool_of_another_account_is_refused(desk, mira):
    pool = desk.pool(mira, 3)
    pool.account_id = None

    with pytest.raises(InvalidOrder, match="belong"):
        draft(desk, mira, pool=pool)


def test_an_account_that_is_switched_off_is_refused(desk, mira):
    pool = desk.pool(mira, 1)
    desk.account.is_active = False
    desk.account.save()

    with pytest.raises(InvalidOrder, match="switched off"):
        draft(desk, mira, pool=pool)


@pytest.mark.parametrize("role", ["finance_approver", "support_agent", "auditor", "administrator"])
def test_only_makers_draft(desk, mira, user, role):
    pool = desk.pool(mira, 1)

    with pytest.raises(Refused, match="role"):
        issuing.draft_issuance(desk.account, actor=user(role), wishes=[wish(row=1)], pool=pool)


def test_too_many_at_a_time_are_refused(desk, mira, settings):
    settings.GIFTOPS_ORDER_LIMITS = {"max_batch_quantity": 2}

    with pytest.raises(InvalidOrder, match="between 1 and 2"):
        draft(desk, mira, *[wish(customer_id=str(n), row=n) for n in (1, 2, 3)])


# --- Approval -----------------------------------------------------------------------------------


def test_below_the_limit_no_second_person_is_asked(desk, mira):
    issuance = under_way(desk, mira, 2)

    assert issuance.state == I.RUNNING
    assert states(issuance) == [C.WAITING] * 2
    assert issuance.approval_lapses_at == desk.time.moment + timedelta(hours=24)


def test_above_it_nothing_is_sent_before_somebody_else_agrees(desk, mira, tom):
    issuance = submitted(desk, mira)
    desk.pass_time(minutes=5, steps=2)
    assert (issuance.state, desk.sent("create")) == (I.AWAITING_APPROVAL, [])

    issuing.approve_issuance(issuance, actor=tom, fingerprint=issuance.fingerprint)
    desk.work()

    issuance.refresh_from_db()
    assert (issuance.state, len(codes())) == (I.DONE, 2)
    answer = Approval.objects.get()
    assert (answer.approver, answer.maker, answer.is_approved) == (tom, mira, True)


def test_nobody_approves_their_own(desk, user):
    both = user("finance_maker")
    issuance = submitted(desk, both)
    both.role = "finance_approver"
    both.save()

    with pytest.raises(Refused, match="own work"):
        issuing.approve_issuance(issuance, actor=both, fingerprint=issuance.fingerprint)


def test_makers_do_not_approve(desk, mira, jon):
    issuance = submitted(desk, mira)

    with pytest.raises(Refused, match="role"):
        issuing.approve_issuance(issuance, actor=jon, fingerprint=issuance.fingerprint)


def test_what_was_changed_after_it_was_looked_at_is_not_approved(desk, mira, tom):
    issuance = submitted(desk, mira)
    issuance.cards.filter(position=1).update(face_value_minor=1)

    with pytest.raises(Refused, match="changed"):
        issuing.approve_issuance(issuance, actor=tom, fingerprint=issuance.fingerprint)

    assert states(issuance) == [C.DRAFT] * 2


@pytest.mark.parametrize("change", CHANGES)
def test_the_fingerprint_is_of_everything_that_is_agreed_to(desk, mira, change):
    issuance = submitted(desk, mira)
    issuance.cards.filter(position=2).update(**change)

    assert issuing.fingerprint_of(issuance) != issuance.fingerprint


@pytest.mark.parametrize("change", CHANGES)
def test_what_was_changed_after_the_approval_is_not_sent(desk, mira, change):
    issuance = under_way(desk, mira, 2)
    changed = issuance.cards.get(position=2)
    issuance.cards.filter(pk=changed.pk).update(**change)

    creating.create_card(str(changed.pk))

    issuance.refresh_from_db()
    assert (issuance.state, desk.sent("create")) == (I.AWAITING_APPROVAL, [])
    assert issuance.reason == "The card was changed after the approval."
    assert states(issuance) == [C.DRAFT] * 2


def test_a_card_that_slipped_in_after_the_approval_is_not_sent(desk, mira):
    issuance = under_way(desk, mira)
    slipped_in = desk.card(mira, state=C.WAITING, issuance=issuance, position=2)

    creating.create_card(str(slipped_in.pk))

    issuance.refresh_from_db()
    assert (issuance.state, desk.sent("create")) == (I.AWAITING_APPROVAL, [])


def test_what_a_second_approval_saw_is_what_is_sent(desk, mira, tom):
    issuance = under_way(desk, mira)
    issuance.cards.update(customer_id="2002")
    desk.work()
    issuance.refresh_from_db()

    issuing.approve_issuance(issuance, actor=tom, fingerprint=issuance.fingerprint)
    desk.work()

    assert [asked["customer_id"] for asked in desk.sent("create")] == ["2002"]


def test_a_check_before_a_card_is_sent_costs_the_same_however_many_there_are(desk, mira):
    few, many = (under_way(desk, mira, count, value=Money(90, "USD")) for count in (1, 60))
    seen = []
    for card in (few.cards.first(), many.cards.first()):
        with CaptureQueriesContext(connection) as asked:
            assert creating.problem_with_creating(card) == ""
        seen.append(len(asked))

    of_cards = [query["sql"] for query in asked if 'FROM "orders_card"' in query["sql"]]
    assert seen[0] == seen[1]
    assert of_cards
    assert all('"orders_card"."id" = ' in sql for sql in of_cards)


def test_a_second_approval_comes_too_late(desk, mira, tom, user):
    issuance = submitted(desk, mira)
    issuing.approve_issuance(issuance, actor=tom, fingerprint=issuance.fingerprint)

    with pytest.raises(LostTheRace, match="Tom"):
        issuing.approve_issuance(
            issuance, actor=user("finance_approver"), fingerprint=issuance.fingerprint
        )


def test_declining_takes_a_reason_and_frees_the_numbers(desk, mira, tom):
    issuance = submitted(desk, mira)
    with pytest.raises(Refused, match="why"):
        issuing.decline_issuance(issuance, actor=tom, reason=" ")

    issuing.decline_issuance(issuance, actor=tom, reason="Too much.")
    desk.pass_time(minutes=5, steps=2)

    assert (issuance.state, issuance.reason) == (I.DECLINED, "Too much.")
    assert (states(issuance), desk.sent("create")) == ([C.WITHDRAWN] * 2, [])


def test_submitting_twice_changes_nothing(desk, mira):
    issuance = submitted(desk, mira)

    with pytest.raises(LostTheRace):
        issuing.submit_issuance(issuance, actor=mira)


def test_an_approval_lapses_after_a_day_and_is_given_anew(desk, mira, tom):
    issuance = submitted(desk, mira)
    issuing.approve_issuance(issuance, actor=tom, fingerprint=issuance.fingerprint)
    issuing.pause_issuance(issuance, actor=mira)

    desk.pass_time(hours=24, minutes=1, steps=2)
    issuance.refresh_from_db()
    assert issuance.state == I.AWAITING_APPROVAL
    assert states(issuance) == [C.DRAFT] * 2
    assert Approval.objects.get().voided_at is not None

    issuing.approve_issuance(issuance, actor=tom, fingerprint=issuance.fingerprint)
    desk.work()
    assert states(issuance) == [C.ACTIVE] * 2


def test_a_maker_who_left_has_no_more_cards_created(desk, mira):
    issuance = under_way(desk, mira, 2)
    mira.is_active = False
    mira.save()

    desk.work()

    issuance.refresh_from_db()
    assert (issuance.state, desk.sent("create")) == (I.AWAITING_APPROVAL, [])


# --- Under way ----------------------------------------------------------------------------------


def test_pausing_lets_no_further_card_begin(desk, mira):
    issuance = under_way(desk, mira, 4)
    first, second = issuance.cards.order_by("position")[:2]
    creating.create_card(str(first.pk))
    issuing.pause_issuance(issuance, actor=mira)

    creating.create_card(str(second.pk))
    desk.pass_time(minutes=10, steps=4)
    assert len(desk.sent("create")) == 1

    issuing.resume_issuance(issuance, actor=mira)
    desk.work()
    issuance.refresh_from_db()
    assert (issuance.state, len(codes())) == (I.DONE, 4)


def test_what_is_under_way_is_paused_before_it_is_withdrawn(desk, mira):
    issuance = under_way(desk, mira, 3)
    creating.create_card(str(issuance.cards.first().pk))
    with pytest.raises(Refused, match="Pause"):
        issuing.withdraw_issuance(issuance, actor=mira)

    issuing.pause_issuance(issuance, actor=mira)
    issuing.withdraw_issuance(issuance, actor=mira)
    desk.pass_time(minutes=5, steps=2)

    issuance.refresh_from_db()
    assert issuance.state == I.DONE
    assert sorted(states(issuance)) == [C.ACTIVE, C.WITHDRAWN, C.WITHDRAWN]


def test_progress_counts_each_card_once(desk, mira):
    issuance = under_way(desk, mira, 5)
    desk.says(
        "create", errors.ProviderRejected("no", http_status=404),
        errors.DuplicateReference("exists"), requests.ReadTimeout(), requests.ConnectTimeout(),
    )  # fmt: skip

    for card in issuance.cards.order_by("position"):
        creating.create_card(str(card.pk))

    assert issuing.progress_of(issuance) == Progress(
        total=5, created=1, waiting=1, in_flight=0, in_doubt=1, refused=1, held=1
    )


def test_each_card_of_many_gets_a_number_of_its_own(desk, mira, tom):
    pool = desk.pool(mira, 50)
    wishes = [wish(customer_id=str(n), row=n) for n in range(1, 51)]
    issuance = issuing.submit_issuance(draft(desk, mira, *wishes, pool=pool), actor=mira)
    issuing.approve_issuance(issuance, actor=tom, fingerprint=issuance.fingerprint)

    desk.work()

    issuance.refresh_from_db()
    assert issuance.state == I.DONE
    assert len(set(codes())) == 50 == len(desk.sent("create"))


def test_refused_cards_are_corrected_in_a_new_issuance(desk, mira):
    issuance = under_way(desk, mira, 2)
    desk.says("create", errors.ProviderRejected("no", http_status=404))
    desk.work()

    (again,) = issuing.refused_wishes(issuance)

    refused = issuance.cards.get(state=C.REFUSED)
    assert (again.customer_id, again.value) == (refused.customer_id, refused.face_value)


def test_a_card_that_was_corrected_is_not_tried_again_as_well(desk, mira):
    issuance = under_way(desk, mira, 2)
    desk.says("create", errors.ProviderRejected("no", http_status=404))
    desk.work()
    refused = issuance.cards.get(state=C.REFUSED)

    issuing.draft_issuance(
        desk.account, actor=mira, wishes=issuing.refused_wishes(issuance), pool=issuance.pool,
        corrects=issuance,
    )  # fmt: skip
    refused.refresh_from_db()

    assert refused.state == C.WITHDRAWN
    with pytest.raises(LostTheRace):
        creating.retry_card(refused, actor=mira)


def test_two_people_do_not_correct_the_same_card(desk, mira):
    issuance = under_way(desk, mira, 2)
    desk.says("create", errors.ProviderRejected("no", http_status=404))
    desk.work()
    wishes = issuing.refused_wishes(issuance)
    draft(desk, mira, *wishes, corrects=issuance)

    with pytest.raises(LostTheRace, match="0 cards are refused now, not 1"):
        draft(desk, mira, *wishes, corrects=issuance)

    assert Card.objects.filter(state=C.DRAFT).count() == 1


def test_a_card_that_is_tried_again_is_not_corrected_as_well(desk, mira):
    issuance = under_way(desk, mira, 2)
    desk.says("create", errors.ProviderRejected("no", http_status=404))
    desk.work()
    wishes = issuing.refused_wishes(issuance)
    creating.retry_card(issuance.cards.get(state=C.REFUSED), actor=mira)

    with pytest.raises(LostTheRace):
        draft(desk, mira, *wishes, corrects=issuance)

    assert Issuance.objects.count() == 1


def test_an_issuance_is_not_done_while_a_card_of_it_is_tried_again(desk, mira, monkeypatch):
    issuance = under_way(desk, mira)
    desk.says("create", errors.ProviderRejected("no", http_status=404))
    with monkeypatch.context() as patch:
        patch.setattr(creating, "finish_if_done", lambda pk: None)
        desk.work()
    in_words = progress._in_words

    def and_retry(one):
        creating.retry_card(only_card(one), actor=mira)
        return in_words(one)

    monkeypatch.setattr(progress, "_in_words", and_retry)
    progress.finish_if_done(issuance.pk)
    issuance.refresh_from_db()

    assert (issuance.state, states(issuance)) == (I.RUNNING, [C.WAITING])


def test_what_comes_back_to_an_issuance_that_has_ended_is_withdrawn(desk, mira):
    issuance = under_way(desk, mira)
    desk.says("create", requests.ReadTimeout())
    desk.work()
    ReservedNumber.objects.filter(card=only_card(issuance)).update(expires_at=desk.time.moment)
    Issuance.objects.filter(pk=issuance.pk).update(state=I.WITHDRAWN)

    desk.pass_time(hours=1)

    card = only_card(issuance)
    assert (card.state, card.number) == (C.WITHDRAWN, None)
    assert len(desk.sent("create")) == 1


def test_every_step_is_told_and_audited(desk, mira):
    issuance = under_way(desk, mira)
    desk.work()

    card = Card.objects.get(issuance=issuance)
    told = IssuingEvent.objects.filter(card=card).exclude(new_state="").order_by("id")
    assert list(told.values_list("new_state", flat=True)) == [
        C.DRAFT, C.WAITING, C.CREATING, C.ACTIVE,
    ]  # fmt: skip
    audited = AuditEntry.objects.values_list("action", flat=True)
    assert {"card.sent", "card.created", "issuance.released_by_rule", "issuance.done"} <= set(
        audited
    )
