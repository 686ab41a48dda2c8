"""A hold whose answer was lost: three readings, then two people; never a second request."""

from dataclasses import replace

import pytest
import requests

from orders.models import Authorization, BalanceCheck, Break, Phase
from orders.services.issuing import sending
from orders.services.issuing.holds import judging
from providers.gateways import errors
from providers.gateways.base import CardMovement
from tests.orders.issuing.holds import change, done_then, fresh, held, kinds, told, usd


def lost(desk, card, person, *, takes_effect: bool) -> Authorization:
    """A request whose answer never came."""
    problem = done_then(desk, "authorize") if takes_effect else requests.ReadTimeout()
    desk.says("authorize", problem)
    return held(desk, card, person)


def minutes_since(hold: Authorization, check: BalanceCheck) -> int:
    return round((check.asked_at - hold.sent_at).total_seconds() / 60)


@pytest.mark.parametrize(
    ("takes_effect", "state", "seen"),
    [(False, "no_effect_seen", "no_effect"), (True, "held_code_lost", "held:1000")],
)
def test_three_readings_that_agree_say_what_was_seen(desk, mira, takes_effect, state, seen):
    hold = lost(desk, desk.card(mira), mira, takes_effect=takes_effect)

    desk.pass_time(minutes=19, steps=19)
    assert fresh(hold).state == "unknown"
    desk.pass_time(minutes=2, steps=2)

    hold = fresh(hold)
    assert (hold.state, hold.looks, hold.seen) == (state, 3, seen)
    checks = BalanceCheck.objects.filter(authorization=hold, asked_at__gt=hold.sent_at)
    assert sorted(minutes_since(hold, one) for one in checks) == [5, 10, 20]
    assert kinds(hold) == {"hold_in_doubt"}
    assert Break.objects.get(authorization=hold).owner == mira
    assert hold.attempts.get().phase == Phase.PARKED


def test_nothing_is_ever_asked_twice_by_itself(desk, mira):
    hold = lost(desk, desk.card(mira), mira, takes_effect=False)

    desk.pass_time(hours=30, steps=15)

    assert fresh(hold).state == "no_effect_seen"
    assert len(desk.sent("authorize")) == 1


@pytest.mark.parametrize(
    "fields",
    [
        {"balance": usd(2400)}, {"held": usd(1001)}, {"balance": usd(2400), "held": usd(1000)},
        {"history": ()}, {"status_text": "voided"},
    ],
)  # fmt: skip
def test_what_somebody_else_may_have_done_cannot_be_told(desk, mira, fields):
    card = desk.card(mira)
    hold = lost(desk, card, mira, takes_effect=False)
    change(desk, card, **fields)

    desk.pass_time(minutes=21, steps=7)

    assert fresh(hold).state == "ambiguous"


def test_a_card_that_is_gone_is_for_people(desk, mira):
    hold = lost(desk, desk.card(mira), mira, takes_effect=True)
    desk.script.cards.clear()

    desk.pass_time(minutes=21, steps=7)

    assert (fresh(hold).state, fresh(hold).seen) == ("ambiguous", "gone")


def test_readings_that_disagree_cannot_be_told(desk, mira):
    card = desk.card(mira)
    hold = lost(desk, card, mira, takes_effect=False)
    desk.pass_time(minutes=11, steps=4)

    desk.script.do_authorize(desk.sent("authorize")[0])  # the request lands late
    desk.pass_time(minutes=10, steps=4)

    assert fresh(hold).state == "ambiguous"


def test_an_entry_that_names_our_request_is_no_strangers(desk, mira):
    card = desk.card(mira)
    hold = lost(desk, card, mira, takes_effect=True)
    number = card.code.reveal()
    desk.pass_time(minutes=1, steps=1)
    there = desk.script.cards[number]
    entry = CardMovement(activity="Pending Charge", amount=usd(-1000), document=hold.reference)
    desk.script.cards[number] = replace(there, history=(*there.history, entry))

    desk.pass_time(minutes=21, steps=7)

    assert fresh(hold).state == "held_code_lost"


def test_a_reading_that_fails_is_no_reading(desk, mira):
    hold = lost(desk, desk.card(mira), mira, takes_effect=True)
    desk.pass_time(minutes=4, steps=4)
    desk.says("check_balance", *[errors.ProviderUnavailable("down")] * 2)

    desk.pass_time(minutes=17, steps=6)
    assert fresh(hold).state == "unknown"
    desk.pass_time(minutes=15, steps=5)

    assert fresh(hold).state == "held_code_lost"


def test_a_reading_before_it_settled_does_not_count(desk, mira):
    hold = lost(desk, desk.card(mira), mira, takes_effect=False)

    for _ in range(4):
        judging.resolve_hold(hold.pk)

    assert (fresh(hold).state, fresh(hold).looks) == ("unknown", 0)


def test_the_journal_is_read_before_anything_is_judged(desk, mira, monkeypatch):
    hold = lost(desk, desk.card(mira), mira, takes_effect=True)
    code = next(iter(desk.script.holds))
    monkeypatch.setattr(
        sending, "apply_journaled", lambda attempt: sending.apply(attempt.pk, granted(code))
    )

    desk.pass_time(minutes=6, steps=3)

    assert (fresh(hold).state, fresh(hold).auth_code.reveal()) == ("authorized", code)


def granted(code: str):
    from providers.gateways.base import RemoteHold

    return RemoteHold(external_id="R1", amount=usd(1000), auth_code=code)


def test_a_worker_that_dies_on_the_wire_leaves_a_doubt(desk, mira, monkeypatch):
    from orders.services.issuing.holds import authorizing

    hold = authorizing.request_hold(desk.card(mira), actor=mira, amount=usd(1000))
    with monkeypatch.context() as patch:
        patch.setattr(sending, "answer_of", lambda *_: (_ for _ in ()).throw(SystemExit))
        with pytest.raises(SystemExit):
            authorizing.authorize(hold.pk)

    desk.pass_time(minutes=6, steps=3)
    assert fresh(hold).state == "unknown"
    desk.pass_time(minutes=21, steps=7)

    assert fresh(hold).state == "no_effect_seen"
    assert told(hold)[-1] == "held_for_a_person"


def test_a_card_that_cannot_be_read_for_a_day_is_for_people(desk, mira):
    hold = lost(desk, desk.card(mira), mira, takes_effect=True)
    desk.says("check_balance", *[errors.ProviderUnavailable("they are down")] * 500)

    desk.pass_time(hours=23, steps=23)
    assert fresh(hold).state == "unknown"
    desk.pass_time(hours=2, steps=10)

    assert fresh(hold).state == "ambiguous"
    assert "could not be read for a day" in fresh(hold).reason
    assert kinds(hold) == {"hold_in_doubt"}
