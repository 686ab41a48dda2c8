"""Readings of a card: each is evidence, the newest says what the card is."""

from dataclasses import replace
from datetime import date, timedelta

import pytest

from giftops import clock
from giftops.models import AuditEntry, Job
from giftops.money import Money
from orders.issuing_states import CardState
from orders.models import BalanceCheck, Break, BreakKind, CardMovement
from orders.services.issuing.cards import balances
from orders.services.problems import Refused
from providers.gateways import base
from providers.gateways.base import CardStanding
from providers.gateways.errors import OutcomeUnknown, RateLimited
from tests.orders.issuing.scripted import fresh

SPENT = base.CardMovement(activity="Redeemed", on=date(2026, 3, 2), amount=Money(-1000, "USD"))


@pytest.fixture
def card(desk, mira):
    return desk.card(mira)


def there(desk, card):
    return desk.script.cards[card.code.reveal()]


def change(desk, card, **fields):
    """Have the issuer tell the card otherwise."""
    desk.script.cards[card.code.reveal()] = replace(there(desk, card), **fields)


def worth(desk, card, minor, *movements, held=0):
    """Have so much on the card over there, after these movements."""
    change(
        desk, card, balance=Money(minor, "USD"), held=Money(held, "USD"),
        available=Money(minor - held, "USD"),
        history=(*there(desk, card).history, *movements),
    )  # fmt: skip


def store(card, reading, minutes=0):
    """Store a reading that was asked for so many minutes from now."""
    at = clock.db_now() + timedelta(minutes=minutes)
    return balances.store_reading(card, reading, asked_at=at)


def open_breaks(card):
    return list(card.breaks.filter(closed_at=None).values_list("kind", flat=True))


def test_what_is_read_stands_on_the_card_with_the_moment_of_asking(desk, card):
    worth(desk, card, 1500, SPENT, held=300)
    desk.time.moment += timedelta(hours=1)
    asked_at = clock.db_now()

    check = balances.read_card(card)

    assert (card.balance_minor, card.held_minor, card.available_minor) == (1500, 300, 1200)
    assert card.asked_at == card.moved_at == check.asked_at == asked_at
    assert card.provider_text == "active"
    assert (check.balance_minor, check.held_minor, check.is_found) == (1500, 300, True)
    assert [row.activity for row in card.movements.all()] == ["Issued", "Redeemed"]
    assert card.events.get().text == "USD 15.00, USD 3.00 of it held; it was USD 25.00"


def test_nothing_new_is_kept_as_evidence_and_told_nowhere(desk, card):
    for _ in range(2):
        desk.time.moment += timedelta(hours=1)
        balances.read_card(card)

    assert BalanceCheck.objects.count() == 2
    assert CardMovement.objects.count() == 1
    assert not card.events.exists()
    assert card.moved_at == BalanceCheck.objects.earliest("asked_at").asked_at < card.asked_at


@pytest.mark.parametrize(
    ("fields", "state"),
    [
        ({"balance": Money(0, "USD"), "available": Money(0, "USD")}, CardState.DEPLETED),
        ({"standing": CardStanding.EXPIRED, "status_text": "Expired"}, CardState.EXPIRED),
        ({"standing": CardStanding.VOIDED, "status_text": "VOIDED"}, CardState.VOIDED),
    ],
)
def test_the_reading_alone_says_how_a_card_stands(desk, card, fields, state):
    change(desk, card, **fields)

    balances.read_card(card)

    assert card.state == state
    assert AuditEntry.objects.filter(action=f"card.{state}").count() == 1
    assert not open_breaks(card)


def test_a_card_that_is_gone_opens_a_break_and_coming_back_closes_it(desk, card):
    gone = desk.script.cards.pop(card.code.reveal())

    balances.read_card(card)

    assert card.state == CardState.MISSING
    assert open_breaks(card) == [BreakKind.CARD_MISSING]
    assert (card.balance_minor, card.movements.count()) == (2500, 0)

    desk.script.cards[gone.number] = gone
    balances.read_card(card)

    assert card.state == CardState.ACTIVE
    assert not open_breaks(card)


def test_a_status_that_nobody_knows_calls_a_person_and_changes_no_state(desk, card):
    change(desk, card, standing=CardStanding.UNMAPPED, status_text="on ice")

    balances.read_card(card)

    assert (card.state, card.provider_text) == (CardState.ACTIVE, "on ice")
    assert open_breaks(card) == [BreakKind.UNMAPPED_STATUS]

    change(desk, card, standing=CardStanding.ACTIVE, status_text="active")
    balances.read_card(card)

    assert not open_breaks(card)


def test_an_older_answer_is_evidence_but_covers_no_newer_one(desk, card):
    newer, older = fresh("99-1", Money(1000, "USD")), None
    store(card, newer, minutes=5)

    store(card, older, minutes=1)

    assert (card.state, card.balance_minor) == (CardState.ACTIVE, 1000)
    assert BalanceCheck.objects.filter(card=card, is_found=False).count() == 1
    assert not open_breaks(card)


def test_what_vanished_from_a_history_is_superseded_and_opens_a_break(desk, card):
    worth(desk, card, 1500, SPENT)
    balances.read_card(card)
    change(desk, card, history=there(desk, card).history[:1])

    balances.read_card(card)

    gone = CardMovement.objects.get(activity="Redeemed")
    assert gone.superseded_at == card.asked_at
    assert open_breaks(card) == [BreakKind.CONTRADICTION]

    worth(desk, card, 1500, SPENT)
    balances.read_card(card)

    told_now = card.movements.filter(superseded_at=None)
    assert [row.activity for row in told_now] == ["Issued", "Redeemed"]
    assert card.movements.count() == 3


def test_a_pending_entry_may_vanish(desk, card):
    pending = base.CardMovement(activity="Pending Charge", amount=Money(-500, "USD"))
    worth(desk, card, 2500, pending, held=500)
    balances.read_card(card)
    change(desk, card, history=there(desk, card).history[:1])

    balances.read_card(card)

    assert not open_breaks(card)
    assert card.movements.filter(superseded_at=None).count() == 1


def test_entries_keep_the_order_in_which_they_are_told(desk, card):
    worth(desk, card, 1500, SPENT)
    balances.read_card(card)
    change(desk, card, history=tuple(reversed(there(desk, card).history)))

    balances.read_card(card)

    assert [row.activity for row in card.movements.all()] == ["Redeemed", "Issued"]
    assert not open_breaks(card)


def test_another_currency_is_no_news_about_the_card(desk, card):
    change(desk, card, balance=Money(9900, "CAD"))

    check = balances.read_card(card)

    assert (check.balance_minor, check.currency) == (9900, "CAD")
    assert (card.balance_minor, card.currency) == (2500, "USD")
    assert open_breaks(card) == [BreakKind.CONTRACT]


def test_words_that_are_too_long_are_cut(desk, card):
    entry = base.CardMovement(activity="x" * 200, location="y" * 200, document="z" * 200)
    worth(desk, card, 2500, entry)
    change(desk, card, status_text="w" * 200)

    balances.read_card(card)
    balances.read_card(card)

    assert card.movements.filter(superseded_at=None).count() == 2


def test_a_card_that_is_in_doubt_is_not_judged_by_a_reading(desk, mira):
    card = desk.card(mira, state=CardState.IN_DOUBT)

    check = balances.read_card(card)

    assert (check.is_found, card.state, card.asked_at) == (False, CardState.IN_DOUBT, None)
    assert not Break.objects.exists()


def test_a_card_in_hand_that_has_changed_meanwhile_stays_as_it_was_read(desk, card):
    type(card).objects.filter(pk=card.pk).update(version=card.version + 1)
    before = card.version

    balances.read_card(card)

    assert card.version == before


def test_a_card_without_a_number_cannot_be_asked_about(desk, mira):
    waiting = desk.issuance(mira).cards.get()

    with pytest.raises(Refused, match="no number yet"):
        balances.read_card(waiting)
    assert not desk.sent("check_balance")


# --- On a schedule, and now ---------------------------------------------------------------------


def test_cards_are_asked_about_when_their_time_has_come(desk, card):
    assert balances.refresh_due(clock.db_now()) == 1
    desk.work()
    assert len(desk.sent("check_balance")) == 1

    card.refresh_from_db()
    assert card.next_look_at == card.asked_at + timedelta(hours=3)
    assert balances.refresh_due(clock.db_now()) == 0
    assert balances.refresh_due(card.next_look_at) == 1


def test_a_job_that_got_lost_is_rung_again(desk, card):
    balances.refresh_due(clock.db_now())
    Job.objects.all().delete()

    assert balances.refresh_due(clock.db_now()) == 0
    assert balances.refresh_due(clock.db_now() + balances.RING_AGAIN) == 1


def test_one_sweep_asks_about_so_many_and_no_more(desk, mira, monkeypatch):
    monkeypatch.setattr(balances, "MOST_A_SWEEP", 2)
    for _ in range(3):
        desk.card(mira)

    assert [balances.refresh_due(clock.db_now()) for _ in range(3)] == [2, 1, 0]


@pytest.mark.parametrize("state", [CardState.WAITING, CardState.IN_DOUBT, CardState.REFUSED])
def test_a_card_that_does_not_live_is_not_asked_about(desk, mira, state):
    card = desk.card(mira, state=state)

    assert balances.refresh_due(clock.db_now()) == 0
    balances.look(card.pk)
    assert not desk.sent("check_balance")


@pytest.mark.parametrize(
    ("error", "wait"),
    [
        (OutcomeUnknown("no usable answer"), timedelta(minutes=15)),
        (RateLimited("later", retry_after=7200), timedelta(hours=2)),
    ],
)
def test_who_cannot_be_asked_is_asked_later(desk, card, error, wait):
    desk.says("check_balance", *[error] * 5)

    balances.look(card.pk)

    asked = card.asked_at
    card.refresh_from_db()
    assert card.asked_at == asked
    assert card.next_look_at >= clock.db_now() + wait - timedelta(seconds=1)
    assert not BalanceCheck.objects.exists()


def test_a_person_may_ask_now_and_hears_it_in_a_sentence(desk, card, user):
    worth(desk, card, 1500, SPENT, held=300)

    said = balances.ask_now(card, actor=user("support_agent"))

    assert said == f"{card.mask}: USD 15.00 now, USD 3.00 of it held."


def test_no_answer_is_said_in_a_sentence_too(desk, card, user):
    desk.says("check_balance", *[OutcomeUnknown("timed out")] * 5)

    with pytest.raises(Refused, match="Scripted Issuer"):
        balances.ask_now(card, actor=user("support_agent"))


def test_who_may_not_ask_asks_nobody(desk, card, user):
    with pytest.raises(Refused, match="role"):
        balances.ask_now(card, actor=user("auditor"))
    assert not desk.sent("check_balance")
