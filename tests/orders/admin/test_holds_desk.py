"""Holds: asked for once, shown with what was asked for and what was granted, ended by people."""

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
import requests
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from giftops.identity import new_id, reference_for
from giftops.models import User
from giftops.money import Money
from giftops.once import new_token
from orders.issuing_states import CardState, HoldState
from orders.models import Authorization, BalanceCheck, Card, Resolution
from orders.services.issuing.holds import authorizing, finishing
from tests.conftest import PASSWORD
from tests.orders.admin.conftest import said
from tests.orders.admin.test_orders_list import reads
from tests.orders.issuing.holds import change, done_then, fresh, held, usd

LIST, PAGE, ASK = (f"orders_authorization_{name}" for name in ("changelist", "change", "ask"))
CODE = "STAFF-TOLD-4711"


def flat(text: str) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", text).split())


def ask(desk: Any, card: Card, **fields: Any) -> Any:
    usual = {"card": card.pk, "amount": "10.00", "note": "Till 4"}
    return desk.press(ASK, **usual | fields)


def address(hold: Authorization) -> str:
    return reverse(f"admin:{PAGE}", args=[hold.pk])


def stored(card: Card, mira: User, state: str = HoldState.AUTHORIZED, **fields: Any):
    """A hold that is simply there."""
    row = new_id()
    usual = {
        "id": row, "account": card.account, "reference": reference_for(row), "currency": "USD",
        "requested_minor": 1000, "granted_minor": 1000, "state": state, "maker": mira,
    }  # fmt: skip
    return Authorization.objects.create(card=card, **usual | fields)


@pytest.fixture
def card(issuer: Any, mira: User) -> Card:
    """A card of USD 25.00."""
    return issuer.card(mira, customer_name="Ann Petrov")


@pytest.fixture
def doubt(issuer: Any, mira: User, card: Card) -> Callable[..., Authorization]:
    """A hold in doubt, after twenty minutes: whether it took effect there, or not."""

    def make(*, takes_effect: bool) -> Authorization:
        problem = done_then(issuer, "authorize") if takes_effect else requests.ReadTimeout()
        issuer.says("authorize", problem)
        hold = held(issuer, card, mira)
        issuer.pass_time(minutes=21, steps=7)
        return fresh(hold)

    return make


# --- Asking for one -------------------------------------------------------------------------------


def test_a_hold_is_asked_for_once_however_often_the_form_is_sent(
    issuer: Any, mira: User, card: Card, desk_of: Any
) -> None:
    desk, token = desk_of(mira), new_token()

    first = ask(desk, card, once=token)
    second = ask(desk, card, once=token)
    issuer.work()

    hold = Authorization.objects.get()
    assert [first.url, second.url] == [address(hold)] * 2
    assert len(issuer.sent("authorize")) == 1
    page = flat(desk.text(PAGE, hold.pk))
    assert "Asked for USD 10.00" in page
    assert "Granted USD 10.00" in page
    assert "Till 4" in page


def test_the_form_shows_the_card_and_what_is_on_it(
    issuer: Any, mira: User, card: Card, desk_of: Any
) -> None:
    page = desk_of(mira).text(ASK, card=card.pk)

    assert card.mask in page
    assert "USD 25.00" in page
    assert "Ask now" in page
    assert card.code.reveal() not in page


def test_asking_now_reads_the_card_and_keeps_what_was_filled_in(
    issuer: Any, mira: User, card: Card, desk_of: Any
) -> None:
    change(issuer, card, balance=usd(1700))

    answer = ask(desk_of(mira), card, look="1", amount="12.34", takes_partial="on")

    page = answer.content.decode()
    assert "USD 17.00 now." in said(answer)
    assert "Available USD 17.00" in flat(page)
    assert 'value="12.34"' in page
    assert "checked" in page
    assert not Authorization.objects.exists()


@pytest.mark.parametrize("state", [CardState.ACTIVE, CardState.IN_DOUBT])
def test_a_card_is_found_by_its_number_which_comes_back_nowhere(
    issuer: Any, mira: User, desk_of: Any, state: str
) -> None:
    card = issuer.card(mira, state=state)
    number = card.number.number.reveal()

    answer = desk_of(mira).press(ASK, find="1", number=number, follow=True)

    assert answer.redirect_chain == [(f"{reverse(f'admin:{ASK}')}?card={card.pk}", 302)]
    assert number not in answer.content.decode()


@pytest.mark.parametrize("typed", ["", "4821", "99-99999999999999999", "bought", "x" * 500])
def test_a_number_of_no_card_of_ours_gets_one_neutral_sentence(
    issuer: Any, fulfilled: Any, mira: User, desk_of: Any, typed: str
) -> None:
    number = fulfilled.cards.get().code.reveal() if typed == "bought" else typed

    answer = desk_of(mira).press(ASK, find="1", number=number)

    assert answer.status_code == 422
    assert "No card that we issued has this number." in answer.content.decode()
    assert not number or number not in answer.content.decode()


@pytest.mark.parametrize("named", ["x", "0", "0197c9a2-0000-7000-8000-000000000000"])
def test_an_address_that_names_no_card_says_so(
    issuer: Any, mira: User, desk_of: Any, named: str
) -> None:
    answer = desk_of(mira).get(ASK, card=named)

    assert answer.status_code == 404
    assert "No card that we issued" in answer.content.decode()


@pytest.mark.parametrize(
    ("fields", "field", "sentence"),
    [
        ({"amount": ""}, "amount", "Say how much is to be held."),
        ({"amount": "ten"}, "amount", "That is not an amount: write it like 25.00."),
        ({"amount": "12,50"}, "amount", "That is not an amount: write 1234.50"),
        ({"amount": "1.001"}, "amount", "USD has 2 digits"),
        ({"amount": "0"}, "amount", "The amount must be greater than nothing."),
        ({"amount": "-5"}, "amount", "The amount must be greater than nothing."),
        ({"amount": "25.01"}, "amount", "Only USD 25.00 is left on this card"),
        ({"amount": "9" * 16}, "amount", "too much to be true"),
        ({"note": "x" * 121}, "note", "at most 120 characters"),
    ],
)
def test_wrong_input_is_said_at_its_field_and_nothing_is_asked(
    issuer: Any, mira: User, card: Card, desk_of: Any, fields: Any, field: str, sentence: str
) -> None:
    answer = ask(desk_of(mira), card, **fields)

    assert answer.status_code == 422
    assert sentence in answer.context["form"].errors[field][0]
    assert sentence in answer.content.decode()
    assert not Authorization.objects.exists()


@pytest.mark.parametrize(
    ("fields", "field", "sentence"),
    [
        ({"state": CardState.VOIDED}, "card", "This card has been voided."),
        ({"state": CardState.EXPIRED}, "card", "This card has expired."),
        ({"state": CardState.DEPLETED}, "card", "Nothing is left on this card"),
        ({"state": CardState.WAITING}, "card", "This card is not issued yet"),
        ({"held_minor": 2500}, "amount", "Nothing is left on this card"),
    ],
)
def test_a_card_that_bears_no_hold_says_why(
    issuer: Any, mira: User, card: Card, desk_of: Any, fields: Any, field: str, sentence: str
) -> None:
    Card.objects.filter(pk=card.pk).update(**fields)

    answer = ask(desk_of(mira), card, takes_partial="on")

    assert answer.status_code == 422
    assert sentence in answer.context["form"].errors[field][0]
    assert sentence in flat(answer.content.decode())
    assert "Authorize is closed" in desk_of(mira).text(ASK, card=card.pk)
    assert not Authorization.objects.exists()


def test_while_an_outcome_is_unknown_the_card_bears_no_second_hold(
    issuer: Any, mira: User, card: Card, desk_of: Any
) -> None:
    issuer.says("authorize", requests.ReadTimeout())
    held(issuer, card, mira)
    desk = desk_of(mira)

    answer = ask(desk, card, amount="1")

    assert "unknown since 09:00 UTC" in answer.context["form"].errors["card"][0]
    assert "outcome unknown since 09:00 UTC" in desk.text("orders_card_change", card.pk)
    assert Authorization.objects.count() == 1


def test_the_page_of_a_card_leads_to_the_form(
    issuer: Any, mira: User, tom: User, card: Card, desk_of: Any
) -> None:
    link = f"{reverse(f'admin:{ASK}')}?card={card.pk}"

    assert link in desk_of(mira).text("orders_card_change", card.pk)
    assert link not in desk_of(tom).text("orders_card_change", card.pk)


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"amount": "40"}, "Only USD 25.00 is left on this card, USD 40.00 was asked."),
        ({"amount": "40", "takes_partial": "on"}, "Hold up to USD 40.00"),
        ({"amount": "10"}, "Available afterwards USD 15.00"),
        ({"amount": "ten"}, "That is not an amount"),
        ({"amount": ""}, "Hold the amount"),
        ({"amount": "0"}, "Hold the amount"),
        ({"card": "x"}, "No card that we issued"),
    ],
)
def test_what_it_comes_to_is_told_while_it_is_typed(
    issuer: Any, mira: User, card: Card, desk_of: Any, fields: Any, sentence: str
) -> None:
    wish = {"card": card.pk, "amount": "10"} | fields

    answer = desk_of(mira).press("orders_authorization_quote", **wish)

    assert sentence in flat(answer.content.decode())
    assert not Authorization.objects.exists()


def test_a_hold_that_was_not_sent_is_withdrawn(
    issuer: Any, mira: User, card: Card, desk_of: Any
) -> None:
    hold, desk = authorizing.request_hold(card, actor=mira, amount=usd(500)), desk_of(mira)

    answer = desk.press("orders_authorization_withdraw", hold.pk, follow=True)
    issuer.work()

    assert "Nothing was sent." in said(answer)
    assert fresh(hold).state == HoldState.WITHDRAWN
    assert issuer.sent("authorize") == []


# --- Ending one -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("button", "label", "state", "balance"),
    [("take", "Take USD 10.00", "confirmed", 1500),
     ("give_back", "Give USD 10.00 back", "released", 2500)],
)  # fmt: skip
def test_a_hold_is_taken_or_given_back_once(
    issuer: Any, mira: User, card: Card, desk_of: Any, button: str, label: str, state: str,
    balance: int,
) -> None:  # fmt: skip
    hold, desk, token = held(issuer, card, mira), desk_of(mira), new_token()

    page = desk.text(PAGE, hold.pk)
    pressed = [
        desk.press(f"orders_authorization_{button}", hold.pk, once=token, follow=True)
        for _ in range(2)
    ]
    issuer.work()

    assert label in page
    assert said(pressed[0]) == said(pressed[1])
    assert "in a moment" in said(pressed[0])
    assert fresh(hold).state == state
    assert issuer.script.cards[card.code.reveal()].balance == usd(balance)
    assert len(issuer.sent("confirm") + issuer.sent("cancel")) == 1
    assert label not in desk.text(PAGE, hold.pk)


def test_a_part_is_never_shown_as_the_whole(
    issuer: Any, mira: User, card: Card, desk_of: Any
) -> None:
    hold = held(issuer, card, mira, usd(4000), takes_partial=True)

    page = flat(desk_of(mira).text(PAGE, hold.pk))

    assert "Only USD 25.00 of USD 40.00 is held: take that, or give it back." in page
    assert "Take USD 25.00" in page
    assert "Give USD 25.00 back" in page
    assert "Take USD 40.00" not in page
    assert "a part only" in flat(desk_of(mira).text(LIST))


def test_the_title_of_a_part_says_both_figures(
    issuer: Any, mira: User, card: Card, desk_of: Any
) -> None:
    part = held(issuer, card, mira, usd(4000), takes_partial=True)
    whole = held(issuer, issuer.card(mira), mira)
    desk = desk_of(mira)

    of_part, of_whole = (desk.text(PAGE, hold.pk) for hold in (part, whole))

    assert f"USD 25.00 of USD 40.00 on {card.mask}" in flat(of_part)
    assert f"Hold on {card.mask}: USD 25.00 of USD 40.00" in re.search(
        r"<title>(.*?)</title>", of_part, re.DOTALL
    ).group(1)  # type: ignore[union-attr]
    assert f"USD 10.00 on {whole.card.mask}" in flat(of_whole)
    assert "USD 10.00 of USD 10.00" not in flat(of_whole)


def test_what_was_asked_for_is_said_and_may_be_changed_before_it_is_sent(
    issuer: Any, mira: User, card: Card, desk_of: Any
) -> None:
    hold, desk = held(issuer, card, mira), desk_of(mira)
    finishing.confirm_hold(hold, actor=mira)

    page = desk.text(PAGE, hold.pk)
    again = desk.press("orders_authorization_take", hold.pk)
    desk.press("orders_authorization_give_back", hold.pk)
    issuer.work()

    assert "to be confirmed: sent in a moment" in page
    assert "Take USD 10.00" not in page
    assert "has already asked for that" in said(again)
    assert fresh(hold).state == HoldState.RELEASED


def test_while_another_hold_is_in_doubt_both_ends_are_closed_and_it_says_why(
    issuer: Any, mira: User, card: Card, desk_of: Any
) -> None:
    hold = held(issuer, card, mira)
    issuer.says("authorize", requests.ReadTimeout())
    held(issuer, card, mira, usd(100))
    desk = desk_of(mira)

    page = flat(desk.text(PAGE, hold.pk))
    answer = desk.press("orders_authorization_take", hold.pk)

    assert "Neither taking nor giving back is open now. Card busy" in page
    assert "Take USD 10.00" not in page
    assert answer.status_code == 409
    assert "Card busy" in said(answer)


def test_the_code_stands_on_no_page(issuer: Any, mira: User, card: Card, desk_of: Any) -> None:
    hold = held(issuer, card, mira)
    desk = desk_of(mira)

    pages = [desk.text(PAGE, hold.pk), desk.text(LIST), desk.text("orders_card_change", card.pk)]

    assert hold.auth_code.reveal() == "CODE-00000001"
    assert not [page for page in pages if "CODE-00000001" in page]
    assert "sealed" in pages[0]


def test_others_see_a_hold_and_can_do_nothing_to_it(
    issuer: Any, mira: User, card: Card, desk_of: Any
) -> None:
    hold = held(issuer, card, mira)

    for role in ("finance_approver", "support_agent", "auditor"):
        page = desk_of(role).text(PAGE, hold.pk)
        assert "USD 10.00" in page
        assert "Take USD" not in page
        assert "What can be done now" not in page


# --- In doubt -------------------------------------------------------------------------------------


def test_a_lost_answer_says_when_we_look_and_not_to_ask_again(
    issuer: Any, mira: User, card: Card, desk_of: Any
) -> None:
    issuer.says("authorize", requests.ReadTimeout())
    hold = held(issuer, card, mira)

    page = flat(desk_of(mira).text(PAGE, hold.pk))

    assert "Do not ask for it again" in page
    assert "We go on in " in page
    assert "right before it was sent" in page
    assert "Two people decide" not in page


def test_who_may_ask_the_provider_has_the_card_read_for_a_hold_in_doubt(
    issuer: Any, mira: User, card: Card, desk_of: Any
) -> None:
    issuer.says("authorize", requests.ReadTimeout())
    hold, desk, token = held(issuer, card, mira), desk_of("support_agent"), new_token()
    issuer.pass_time(minutes=1, steps=1)
    page = desk.text(PAGE, hold.pk)

    pressed = [
        desk.press("orders_authorization_ask_now", hold.pk, once=token, follow=True)
        for _ in range(2)
    ]

    assert "Ask now" in page
    assert [said(each) for each in pressed] == [
        "Read again: “active”, USD 25.00, USD 0.00 of it held"
    ] * 2
    assert BalanceCheck.objects.filter(authorization=hold).count() == 2
    assert len(issuer.sent("authorize")) == 1
    assert fresh(hold).state == HoldState.UNKNOWN


def test_asking_for_a_hold_says_so_if_nobody_answers(
    issuer: Any, mira: User, card: Card, desk_of: Any
) -> None:
    issuer.says("authorize", requests.ReadTimeout())
    hold = held(issuer, card, mira)
    issuer.says("check_balance", requests.ReadTimeout(), requests.ReadTimeout())

    answer = desk_of(mira).press("orders_authorization_ask_now", hold.pk, follow=True)

    assert "Read again: no answer." in said(answer)
    assert fresh(hold).state == HoldState.UNKNOWN


def test_a_hold_whose_outcome_is_known_is_not_asked_about(
    issuer: Any, mira: User, card: Card, desk_of: Any
) -> None:
    hold, desk = held(issuer, card, mira), desk_of(mira)
    looks = BalanceCheck.objects.count()

    answer = desk.press("orders_authorization_ask_now", hold.pk)

    assert answer.status_code == 409
    assert "nothing to ask about" in said(answer)
    assert BalanceCheck.objects.count() == looks
    assert "Ask now" not in desk.text(PAGE, hold.pk)


@pytest.mark.parametrize(
    ("takes_effect", "rows", "follows"),
    [
        (
            True,
            ["On the card USD 25.00 USD 25.00 none", "Held USD 0.00 USD 10.00 +USD 10.00"],
            "so it is held, and its code never came",
        ),
        (
            False,
            ["On the card USD 25.00 USD 25.00 none", "Held USD 0.00 USD 0.00 none"],
            "That is evidence, not proof",
        ),
    ],
)
def test_before_and_after_stand_side_by_side_with_what_follows(
    doubt: Any, mira: User, desk_of: Any, takes_effect: bool, rows: list[str], follows: str
) -> None:
    page = flat(desk_of(mira).text(PAGE, doubt(takes_effect=takes_effect).pk))

    for row in rows:
        assert row in page
    assert "Asked for USD 10.00 All 4 readings" in page
    assert follows in page


def test_the_reading_before_is_kept_in_sight_in_a_long_story(
    issuer: Any, doubt: Any, mira: User, desk_of: Any
) -> None:
    hold = doubt(takes_effect=True)
    last = BalanceCheck.objects.filter(authorization=hold).latest("asked_at")
    for minutes in range(1, 40):
        last.pk, last.asked_at = new_id(), last.asked_at + timedelta(minutes=minutes)
        last.save(force_insert=True)

    page = flat(desk_of(mira).text(PAGE, hold.pk))

    assert "right before it was sent" in page
    assert "Held USD 0.00 USD 10.00 +USD 10.00" in page


@pytest.mark.parametrize(
    ("takes_effect", "difference"),
    [(True, "USD 10.00 more held"), (False, "Nothing has changed")],
)
def test_the_evidence_stands_on_the_page(
    doubt: Any, mira: User, desk_of: Any, takes_effect: bool, difference: str
) -> None:
    hold = doubt(takes_effect=takes_effect)

    page = flat(desk_of(mira).text(PAGE, hold.pk))

    for when in ("right before it was sent", "6 min after it", "12 min after it", "21 min after"):
        assert when in page
    assert page.count(difference) == 3


def test_what_else_changed_is_told_too(issuer: Any, mira: User, card: Card, desk_of: Any) -> None:
    issuer.says("authorize", requests.ReadTimeout())
    hold = held(issuer, card, mira)
    change(issuer, card, balance=usd(2000), status_text="voided", history=())
    issuer.pass_time(minutes=6, steps=2)
    issuer.script.cards.clear()
    issuer.pass_time(minutes=5, steps=2)

    page = flat(desk_of(mira).text(PAGE, hold.pk))

    assert "USD 5.00 less on the card, says “voided” now, another history" in page
    assert "No such card" in page


def propose(desk: Any, hold: Authorization, decision: str, **fields: Any) -> Any:
    usual = {"decision": decision, "reason": "I asked their staff."}
    return desk.press("orders_authorization_propose", hold.pk, **usual | fields)


def confirm(desk: Any, hold: Authorization, **fields: Any) -> Any:
    proposal = Resolution.objects.filter(authorization=hold).order_by("-id").first()
    usual = {"password": PASSWORD, "proposal": proposal and proposal.pk}
    return desk.press("orders_authorization_confirm", hold.pk, **usual | fields)


def test_two_people_end_a_doubt_with_the_evidence_before_them(
    issuer: Any, doubt: Any, mira: User, tom: User, desk_of: Any
) -> None:
    hold, first, second = doubt(takes_effect=True), desk_of(mira), desk_of(tom)

    propose(first, hold, "enter_code", auth_code=CODE, amount="10.00")
    own = confirm(first, hold)
    mine, theirs = first.text(PAGE, hold.pk), flat(second.text(PAGE, hold.pk))
    confirm(second, hold)

    assert "A second person has to confirm this." in said(own)
    assert "another person has to confirm it" in mine
    assert "Confirm: it is held: this is its code · USD 10.00" in theirs
    assert "“active”, USD 25.00, USD 10.00 of it held" in theirs
    assert CODE not in mine + theirs + first.text(PAGE, hold.pk)
    assert fresh(hold).state == HoldState.AUTHORIZED
    assert fresh(hold).auth_code.reveal() == CODE


@pytest.mark.parametrize(
    ("fields", "field", "sentence"),
    [
        ({"decision": ""}, "decision", "Choose what this hold is."),
        ({"decision": "resend!"}, "decision", "Choose what this hold is."),
        ({"reason": " "}, "reason", "Say what you found out and where."),
        ({"auth_code": ""}, "auth_code", "Give the code exactly"),
        ({"amount": ""}, "amount", "Say how much is held under this code."),
        ({"amount": "ten"}, "amount", "That is not an amount"),
        ({"amount": "10.01"}, "amount", "At most USD 10.00 was asked for."),
        ({"decision": "abandon"}, "auth_code", "belong to a code that is entered"),
    ],
)
def test_what_is_wrong_with_a_proposal_stands_at_its_field(
    doubt: Any, mira: User, desk_of: Any, fields: Any, field: str, sentence: str
) -> None:
    hold = doubt(takes_effect=True)
    usual = {"decision": "enter_code", "auth_code": CODE, "amount": "10"}

    answer = propose(desk_of(mira), hold, **usual | fields)

    page = answer.content.decode()
    assert answer.status_code == 422
    assert sentence in answer.context["wrong"][field]
    assert sentence in page
    assert CODE not in page
    assert not Resolution.objects.exists()


def test_what_the_card_reads_stands_against_a_decision(
    issuer: Any, doubt: Any, mira: User, desk_of: Any
) -> None:
    hold = doubt(takes_effect=True)

    answer = propose(desk_of(mira), hold, "abandon")

    assert answer.status_code == 409
    assert "It is still held." in said(answer)


def test_a_decision_takes_the_password_and_what_was_seen(
    issuer: Any, doubt: Any, mira: User, tom: User, desk_of: Any
) -> None:
    hold, desk = doubt(takes_effect=False), desk_of(tom)
    propose(desk_of(mira), hold, "abandon")

    no_password = confirm(desk, hold, password="guess")
    another = confirm(desk, hold, proposal=new_id())

    assert no_password.status_code == 422
    assert "not your password" in no_password.content.decode()
    assert "Something else is proposed now" in said(another)
    assert fresh(hold).state == HoldState.NO_EFFECT_SEEN


def test_a_dropped_proposal_leaves_the_doubt(
    doubt: Any, mira: User, tom: User, desk_of: Any
) -> None:
    hold, desk = doubt(takes_effect=False), desk_of(tom)
    propose(desk_of(mira), hold, "abandon")

    dropped = desk.press("orders_authorization_drop", hold.pk, follow=True)
    again = desk.press("orders_authorization_drop", hold.pk)

    assert "off the table" in said(dropped)
    assert "no open proposal" in said(again)
    assert fresh(hold).state == HoldState.NO_EFFECT_SEEN


def test_only_what_can_be_said_of_it_is_offered(doubt: Any, mira: User, desk_of: Any) -> None:
    hold = doubt(takes_effect=True)

    page = desk_of(mira).text(PAGE, hold.pk)
    support = desk_of("support_agent").text(PAGE, hold.pk)

    assert 'value="enter_code"' in page
    assert 'value="ask_again"' not in page
    assert 'value="enter_code"' not in support
    assert "Colleagues in finance decide" in support


# --- The list -------------------------------------------------------------------------------------


@pytest.mark.parametrize("holds", [1, 40])
def test_the_list_takes_few_queries_whatever_its_length(
    issuer: Any, mira: User, card: Card, desk_of: Any, holds: int
) -> None:
    for _ in range(holds):
        stored(card, mira)
    desk = desk_of(mira)
    desk.get(LIST)

    with CaptureQueriesContext(connection) as context:
        page = desk.text(LIST)

    assert page.count("USD 10.00") >= holds
    assert len(reads(context)) <= 6, reads(context)


def test_the_page_takes_few_queries_however_long_its_story(
    issuer: Any, doubt: Any, mira: User, desk_of: Any
) -> None:
    hold, desk = doubt(takes_effect=True), desk_of(mira)
    for check in BalanceCheck.objects.filter(authorization=hold):
        for minutes in range(20):
            check.pk, check.asked_at = new_id(), check.asked_at + timedelta(minutes=minutes)
            check.save(force_insert=True)
    desk.get(PAGE, hold.pk)

    with CaptureQueriesContext(connection) as context:
        desk.get(PAGE, hold.pk)

    assert len(reads(context)) <= 14, reads(context)


def test_the_list_shows_what_is_not_finished_the_oldest_first(
    issuer: Any, mira: User, desk_of: Any
) -> None:
    noon, rows = issuer.time.moment, {}
    for name, hours in {"old": 25, "middle": 2, "young": 0.5, "done": 0}.items():
        issuer.time.moment = at = noon - timedelta(hours=hours)
        state = HoldState.CONFIRMED if name == "done" else HoldState.AUTHORIZED
        rows[name] = stored(issuer.card(mira), mira, state, authorized_at=at)
    desk = desk_of(mira)

    def seen(**query: str) -> list[str]:
        page = desk.text(LIST, **query)
        found = {name: page.find(address(row)) for name, row in rows.items()}
        return sorted((name for name in found if found[name] >= 0), key=lambda name: found[name])

    assert seen() == ["old", "middle", "young"]
    assert seen(show="all") == ["done", "young", "middle", "old"]
    assert seen(age="over_a_day") == ["old"]
    assert seen(age="over_an_hour") == ["middle"]
    assert seen(show="doubt") == []
    assert seen(state="confirmed") == ["done"]
    assert seen(q=rows["done"].reference) == ["done"]
    page = desk.text(LIST)
    assert page.count("g-pill--red") == 1
    assert page.count("g-pill--amber") == 1


@pytest.mark.parametrize("typed", ["reference", "reference, small", "sale 99", "last four"])
def test_a_hold_is_found_by_any_one_thing(
    issuer: Any, mira: User, card: Card, desk_of: Any, typed: str
) -> None:
    hold = stored(card, mira, HoldState.CONFIRMED, note="Till 4, Sale 991")
    stored(issuer.card(mira), mira, note="Till 5, order 70")
    text = {
        "reference": hold.reference, "reference, small": hold.reference.lower(),
        "last four": card.last_four,
    }.get(typed, typed)  # fmt: skip

    answer = desk_of(mira).press("orders_authorization_find", q=text)

    assert answer.url == address(hold)


def test_a_full_number_leads_to_the_holds_of_its_card_and_comes_back_nowhere(
    issuer: Any, mira: User, card: Card, desk_of: Any
) -> None:
    number, desk = card.code.reveal(), desk_of(mira)

    found = desk.press("orders_authorization_find", q=number, follow=True)
    missed = desk.press("orders_authorization_find", q=f"{number[:-1]}?", follow=True)

    assert found.redirect_chain[0][0].endswith(f"{card.pk}/change/?tab=holds")
    assert "Nothing fits what you typed" in said(missed)
    for answer in (found, missed):
        assert number[:-1] not in answer.content.decode() + str(answer.redirect_chain)


def test_an_empty_list_says_what_it_is_for_and_offers_the_first_step(
    issuer: Any, mira: User, tom: User, desk_of: Any
) -> None:
    assert "No money is held" in desk_of(mira).text(LIST)
    assert reverse(f"admin:{ASK}") in desk_of(mira).text(LIST)
    assert reverse(f"admin:{ASK}") not in desk_of(tom).text(LIST)


def test_an_amount_is_never_more_than_was_asked_of_another_currency(
    issuer: Any, mira: User, desk_of: Any
) -> None:
    yen = issuer.card(mira, Money(5000, "JPY"))

    answer = ask(desk_of(mira), yen, amount="10.50")

    assert "JPY has 0 digits" in answer.context["form"].errors["amount"][0]
