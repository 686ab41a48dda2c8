"""What an answer to a creation means, whether a found card is ours, what absence allows."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from giftops.money import Money
from orders.issuing_states import CardState
from orders.weighing import creations
from orders.weighing.creations import Absence, Silence, Verdict, Wanted
from providers.gateways import errors
from providers.gateways.base import CardMovement, CardReading, CardStanding, CreatedCard

C, V = CardState, Verdict
AT = datetime(2026, 3, 2, 9, tzinfo=UTC)
USD_25 = Money(2500, "USD")
WANTED = Wanted(value=USD_25, sale_id="GO-1", first_sent_at=AT, last_sent_at=AT)
ISSUED = CardMovement(activity="Issued", on=AT.date(), amount=USD_25, document="GO-1")
FOUND = CardReading(
    number="99-1", kind="giftcard", status_text="active", standing=CardStanding.ACTIVE,
    balance=USD_25, held=Money(0, "USD"), available=USD_25, history=(ISSUED,),
)  # fmt: skip


@pytest.mark.parametrize(
    ("answer", "verdict", "first", "after_a_lost_answer"),
    [
        (CreatedCard(number="99-1"), V.CREATED, C.ACTIVE, C.ACTIVE),
        (errors.NotSent("x"), V.NOT_EXECUTED, C.WAITING, C.IN_DOUBT),
        (errors.RateLimited("x", http_status=429), V.NOT_EXECUTED, C.WAITING, C.IN_DOUBT),
        (errors.TokenRefused("x", http_status=401), V.NOT_EXECUTED, C.WAITING, C.IN_DOUBT),
        (errors.Maintenance("x", http_status=400), V.NOT_EXECUTED, C.WAITING, C.IN_DOUBT),
        (errors.ProviderMisconfigured("x", http_status=403), V.NOT_EXECUTED, C.WAITING, C.IN_DOUBT),
        (errors.ProviderRejected("x", http_status=404), V.REFUSED, C.REFUSED, C.IN_DOUBT),
        (errors.UnknownRefusal("x", http_status=400), V.UNKNOWN, C.IN_DOUBT, C.IN_DOUBT),
        (errors.NotReserved("x", http_status=400), V.NOT_RESERVED, C.WAITING, C.IN_DOUBT),
        (errors.DuplicateReference("x"), V.EXISTS, C.NEEDS_REVIEW, C.IN_DOUBT),
        (errors.OutcomeUnknown("x"), V.UNKNOWN, C.IN_DOUBT, C.IN_DOUBT),
        (errors.MalformedResponse("x"), V.UNKNOWN, C.IN_DOUBT, C.IN_DOUBT),
        (errors.AnswerMismatch("x"), V.UNKNOWN, C.IN_DOUBT, C.IN_DOUBT),
    ],
)
def test_an_answer_means_less_while_an_earlier_try_is_unresolved(
    answer, verdict, first, after_a_lost_answer
):
    assert creations.verdict_of(answer) is verdict
    assert creations.state_after(verdict, earlier_unresolved=False) is first
    assert creations.state_after(verdict, earlier_unresolved=True) is after_a_lost_answer


@pytest.mark.parametrize(
    ("error", "verdict"),
    [
        (errors.NotSent("x"), V.NOT_EXECUTED),
        (errors.RateLimited("our own budget"), V.NOT_EXECUTED),
        (errors.RateLimited("x", http_status=429), V.REFUSED),
        (errors.ProviderMisconfigured("x", http_status=401), V.REFUSED),
        (errors.OutcomeUnknown("x"), V.UNKNOWN),
    ],
)
def test_points_are_sent_again_only_if_they_never_left_us(error, verdict):
    assert creations.verdict_of(error, pays_with_points=True) is verdict


def test_a_card_exactly_as_asked_for_is_ours():
    assert creations.objection_to(FOUND, WANTED) == ""


@pytest.mark.parametrize(
    "harmless",
    [
        {"document": ""},
        {"on": date(2026, 3, 1)},
        {"on": date(2026, 3, 3)},
        {"activity": " ISSUED "},
        {"location": "Elsewhere"},
    ],
)
def test_what_their_history_may_leave_open_does_not_count_against_it(harmless):
    reading = replace(FOUND, history=(replace(ISSUED, **harmless),))

    assert creations.objection_to(reading, WANTED) == ""


@pytest.mark.parametrize(
    ("changed", "why"),
    [
        ({"standing": CardStanding.UNMAPPED, "status_text": "reserved"}, "“reserved”"),
        ({"standing": CardStanding.EXPIRED}, "active"),
        ({"standing": CardStanding.VOIDED}, "active"),
        ({"balance": Money(2400, "USD")}, "USD 24.00"),
        ({"balance": Money(2500, "CAD")}, "CAD 25.00"),
        ({"held": Money(1, "USD")}, "held"),
        ({"history": ()}, "0 entries"),
        ({"history": (ISSUED, ISSUED)}, "2 entries"),
        ({"history": (replace(ISSUED, activity="Redeemed"),)}, "Redeemed"),
        ({"history": (replace(ISSUED, amount=Money(2600, "USD")),)}, "not issued with"),
        ({"history": (replace(ISSUED, amount=None),)}, "not issued with"),
        ({"history": (replace(ISSUED, on=None),)}, "does not say when"),
        ({"history": (replace(ISSUED, on=date(2026, 2, 28)),)}, "2026-02-28"),
        ({"history": (replace(ISSUED, on=date(2026, 3, 4)),)}, "2026-03-04"),
        ({"history": (replace(ISSUED, document="WALK-IN"),)}, "another sale"),
    ],
)
def test_anything_else_on_our_number_is_for_two_people(changed, why):
    assert why in creations.objection_to(replace(FOUND, **changed), WANTED)


def test_the_day_of_any_send_will_do():
    later = replace(WANTED, last_sent_at=AT + timedelta(days=5))
    reading = replace(FOUND, history=(replace(ISSUED, on=date(2026, 3, 8)),))

    assert creations.objection_to(reading, later) == ""


@pytest.mark.parametrize(("document", "is_ours"), [("GO-1", True), ("", False)])
def test_after_the_hour_of_the_number_only_our_sale_proves_it(document, is_ours):
    reading = replace(FOUND, history=(replace(ISSUED, document=document),))

    objection = creations.objection_to(reading, replace(WANTED, may_be_reissued=True))

    assert (objection == "") is is_ours


@pytest.mark.parametrize(
    ("documents", "foreign", "ours"),
    [
        ([""], False, False),
        (["GO-1"], False, True),
        (["GO-2"], True, False),
        (["GO-1", "GO-2"], True, False),
    ],
)
def test_a_sale_speaks_for_itself(documents, foreign, ours):
    rows = tuple(replace(ISSUED, document=document) for document in documents)
    reading = replace(FOUND, history=rows)

    assert creations.is_foreign_sale(reading, "GO-1") is foreign
    assert creations.is_our_sale(reading, "GO-1") is ours


SILENCE = Silence(looks=3, since_send=timedelta(minutes=10), sends=1, is_in_time=True)


@pytest.mark.parametrize(
    ("changed", "then"),
    [
        ({}, Absence.SAME_NUMBER),
        ({"looks": 2}, Absence.LOOK_AGAIN),
        ({"since_send": timedelta(minutes=9, seconds=59)}, Absence.LOOK_AGAIN),
        ({"sends": 8}, Absence.PARK),
        ({"is_in_time": False}, Absence.LOOK_AGAIN),
        ({"is_in_time": False, "since_send": timedelta(minutes=29)}, Absence.LOOK_AGAIN),
        ({"is_in_time": False, "since_send": timedelta(minutes=30)}, Absence.ANOTHER_NUMBER),
        ({"pays_with_points": True}, Absence.PARK),
        ({"pays_with_points": True, "is_in_time": False}, Absence.PARK),
        ({"was_sent_elsewhere": True}, Absence.PARK),
        ({"is_said_to_exist": True}, Absence.LOOK_AGAIN),
        ({"is_said_to_exist": True, "is_in_time": False, "since_send": timedelta(minutes=40)},
         Absence.LOOK_AGAIN),
        ({"is_said_to_exist": True, "since_send": timedelta(hours=2)}, Absence.PARK),
    ],
)  # fmt: skip
def test_what_is_not_found_is_sent_again_only_on_its_own_number(changed, then):
    assert creations.after_absence(replace(SILENCE, **changed)) is then
