"""The page of one card: what it is worth, what may be done, and why the rest is closed."""

from collections.abc import Callable
from datetime import date
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from giftops.identity import new_id, reference_for
from giftops.models import AuditEntry, User
from giftops.money import Money
from giftops.once import new_token
from orders.issuing_states import CardState, HoldState
from orders.models import Authorization, BreakKind, Card, Reveal
from orders.services import breaking
from orders.services.issuing.cards import balances
from providers.gateways import base
from providers.gateways.errors import MalformedResponse, OutcomeUnknown
from tests.conftest import PASSWORD
from tests.orders.admin.conftest import said
from tests.orders.issuing.conftest import Desk as IssuingDesk
from tests.orders.issuing.conftest import desk as issuing
from tests.orders.issuing.test_balances import worth

__all__ = ["issuing"]

SPENT = base.CardMovement(
    activity="Redeemed", on=date(2026, 3, 2), amount=Money(-1000, "USD"), location="Harbor Street",
)  # fmt: skip
WHY = {"ticket": "CASE-7", "reason": "The mail cannot be read", "password": PASSWORD}


@pytest.fixture
def ada(user: Callable[..., User]) -> User:
    return user("support_agent", username="ada", first_name="Ada")


@pytest.fixture
def card(issuing: IssuingDesk, mira: User) -> Card:
    """A card of USD 25.00, read a moment ago."""
    card = issuing.card(mira, customer_name="Ann Petrov", customer_email="ann@example.com")
    balances.read_card(card)
    return card


def hold(card: Card, mira: User, state: str, minor: int = 500) -> Authorization:
    row = new_id()
    return Authorization.objects.create(
        id=row, account=card.account, card=card, reference=reference_for(row), currency="USD",
        requested_minor=minor, granted_minor=minor, state=state, maker=mira,
    )  # fmt: skip


def tab(desk: Any, card: Card, name: str) -> str:
    page: str = desk.text("orders_card_change", card.pk, tab=name)
    return page


def test_value_holds_and_history_are_there_at_a_glance(
    issuing: IssuingDesk, card: Card, mira: User, desk_of: Any
) -> None:
    worth(issuing, card, 1500, SPENT, held=300)
    balances.read_card(card)

    page = desk_of(mira).text("orders_card_change", card.pk)

    for words in ("USD 15.00", "USD 3.00", "USD 12.00", "Ann Petrov", "Redeemed", "2 Mar 2026",
                  "03/02/2026", "USD -10.00", "Value on 2 Mar 2026", card.mask):  # fmt: skip
        assert words in page
    assert card.code.reveal() not in page


def test_asking_now_reads_the_card_and_says_so(
    issuing: IssuingDesk, card: Card, mira: User, desk_of: Any
) -> None:
    worth(issuing, card, 1500, SPENT)

    answer = desk_of(mira).press("orders_card_ask", card.pk, follow=True)

    assert "USD 15.00 now." in said(answer)
    assert "USD 15.00" in answer.content.decode()


def test_no_answer_is_said_and_the_old_value_stays_with_its_age(
    issuing: IssuingDesk, card: Card, mira: User, desk_of: Any
) -> None:
    issuing.says("check_balance", *[OutcomeUnknown("timed out")] * 5)

    answer = desk_of(mira).press("orders_card_ask", card.pk)

    assert answer.status_code == 409
    assert "Scripted Issuer" in said(answer)
    assert "USD 25.00" in answer.content.decode()


def test_pressing_twice_asks_once(
    issuing: IssuingDesk, card: Card, mira: User, desk_of: Any
) -> None:
    desk, token, before = desk_of(mira), new_token(), len(issuing.sent("check_balance"))

    for _ in range(2):
        desk.press("orders_card_ask", card.pk, once=token)

    assert len(issuing.sent("check_balance")) == before + 1


@pytest.mark.parametrize("name", ["history", "holds", "source", "looks"])
def test_the_page_takes_few_queries_whatever_it_shows(
    issuing: IssuingDesk, card: Card, mira: User, user: Any, desk_of: Any, name: str
) -> None:
    history = [
        base.CardMovement(activity="Redeemed", on=date(2026, 3, 1), amount=Money(-n, "USD"))
        for n in range(1, 60)
    ]
    worth(issuing, card, 2500 - sum(range(60)), *history)
    balances.read_card(card)
    for _ in range(30):
        hold(card, mira, HoldState.CONFIRMED)
        Reveal.objects.create(
            card=card, secret="code", user=mira, ticket="T", reason="R", at=card.asked_at
        )
    desk = desk_of(user("auditor"))
    tab(desk, card, name)

    with CaptureQueriesContext(connection) as context:
        assert tab(desk, card, name).count("<tr") >= (0 if name == "source" else 30)

    reads = [q["sql"] for q in context.captured_queries if q["sql"].startswith("SELECT")]
    assert len(reads) <= 17, reads


@pytest.mark.parametrize(
    ("state", "held", "sentence"),
    [
        (HoldState.AMBIGUOUS, CardState.ACTIVE, "Nobody can tell what became of a hold"),
        (HoldState.AUTHORIZED, CardState.ACTIVE, "is held until somebody takes it"),
    ],
)
def test_the_next_sensible_step_is_named(
    card: Card, mira: User, desk_of: Any, state: str, held: str, sentence: str
) -> None:
    hold(card, mira, state)

    assert sentence in desk_of(mira).text("orders_card_change", card.pk)


@pytest.mark.parametrize(
    ("role", "sentence", "leads_there"),
    [
        ("finance_maker", "its issuance shows how far it is", True),
        ("support_agent", "Do not issue it again.", False),
    ],
)
def test_a_card_in_doubt_leads_to_its_issuance_whoever_may_open_it(
    issuer: Any, mira: User, desk_of: Any, role: str, sentence: str, leads_there: bool
) -> None:
    card = issuer.card(mira, state=CardState.IN_DOUBT)

    page = desk_of(role).text("orders_card_change", card.pk)

    assert sentence in page
    assert (reverse("admin:orders_issuance_card", args=[card.pk]) in page) == leads_there


def test_why_no_money_can_be_held_is_said(card: Card, mira: User) -> None:
    from orders.admin.card_page import why_no_hold

    assert why_no_hold(card, []) == ""
    doubtful = hold(card, mira, HoldState.UNKNOWN)
    assert "outcome unknown since" in why_no_hold(card, [doubtful])
    card.state = CardState.VOIDED
    assert why_no_hold(card, []) == "Authorize is closed: the card is voided."
    card.state, card.held_minor = CardState.ACTIVE, card.balance_minor
    assert "nothing is available" in why_no_hold(card, [])


def test_a_bought_card_shows_its_order(fulfilled: Any, mira: User, desk_of: Any) -> None:
    card = fulfilled.cards.get()

    page = desk_of(mira).text("orders_card_change", card.pk)

    assert fulfilled.reference in page
    assert "Ann Petrov" in page
    assert "Ask now" not in page
    assert "History" not in page


@pytest.mark.parametrize("state", [CardState.WAITING, CardState.IN_DOUBT, CardState.NEEDS_REVIEW])
def test_a_card_that_does_not_live_yet_has_a_page_too(
    issuing: IssuingDesk, mira: User, ada: User, desk_of: Any, state: str
) -> None:
    card = issuing.card(mira, state=state, reason="Nobody knows yet.")

    page = desk_of(ada).text("orders_card_change", card.pk)

    assert "Nobody knows yet." in page
    assert "not asked yet" in page
    assert "shown to nobody" in page
    assert "Ask now" not in page


# --- Its number, and its certificate --------------------------------------------------------------


def test_its_number_is_shown_once_and_the_look_is_written_down(
    card: Card, ada: User, desk_of: Any
) -> None:
    desk = desk_of(ada)
    form = desk.text("orders_card_reveal", card.pk)

    page = desk.press("orders_card_reveal", card.pk, secret="code", **WHY).content.decode()

    assert reverse("admin:orders_card_reveal", args=[card.pk]) in form
    assert page.count(card.code.reveal()) == 1
    assert Reveal.objects.get().secret == "code"
    assert AuditEntry.objects.get(action="card.reveal", outcome="done").facts["sale"]


def test_a_number_in_doubt_is_shown_to_nobody(
    issuing: IssuingDesk, mira: User, ada: User, desk_of: Any
) -> None:
    card = issuing.card(mira, state=CardState.IN_DOUBT)

    answer = desk_of(ada).press("orders_card_reveal", card.pk, secret="code", **WHY)

    assert card.number.number.reveal() not in answer.content.decode()
    assert not Reveal.objects.exists()


def test_the_certificate_is_in_the_answer_and_nowhere_else(
    card: Card, ada: User, desk_of: Any
) -> None:
    desk = desk_of(ada)
    desk.get("orders_card_certificate", card.pk)

    answer = desk.press("orders_card_certificate", card.pk, **WHY)

    assert "data:image/jpeg;base64,/9j/" in answer.content.decode()
    assert "no-store" in answer.headers["Cache-Control"]
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    look = Reveal.objects.get()
    assert (look.secret, look.ticket) == ("picture", "CASE-7")
    assert AuditEntry.objects.get(action="card.reveal").facts["shown"] == "picture"


def test_sending_the_form_again_shows_no_certificate(
    issuing: IssuingDesk, card: Card, ada: User, desk_of: Any
) -> None:
    desk, token = desk_of(ada), new_token()
    desk.press("orders_card_certificate", card.pk, once=token, **WHY)

    again = desk.press("orders_card_certificate", card.pk, once=token, **WHY)

    assert again.status_code == 409
    assert "data:image/jpeg" not in again.content.decode()
    assert len(issuing.sent("get_certificate")) == 1


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"ticket": " "}, "Give the ticket"),
        ({"reason": "because"}, "Say in a few words"),
        ({"password": "guess"}, "not your password"),
    ],
)
def test_without_a_reason_nobody_is_asked_for_a_certificate(
    issuing: IssuingDesk, card: Card, ada: User, desk_of: Any, changes: Any, sentence: str
) -> None:
    answer = desk_of(ada).press("orders_card_certificate", card.pk, **(WHY | changes))

    assert answer.status_code == 422
    assert sentence in answer.content.decode()
    assert not issuing.sent("get_certificate")
    assert not Reveal.objects.exists()


@pytest.mark.parametrize(
    ("said_there", "sentence"),
    [
        (None, "no certificate"),
        (MalformedResponse("that is no picture"), "Scripted Issuer: that is no picture"),
    ],
)
def test_what_is_no_certificate_is_no_look(
    issuing: IssuingDesk, card: Card, ada: User, desk_of: Any, said_there: Any, sentence: str
) -> None:
    issuing.says("get_certificate", *[lambda _: said_there] * 5)

    answer = desk_of(ada).press("orders_card_certificate", card.pk, **WHY)

    assert answer.status_code == 409
    assert sentence in answer.content.decode()
    assert not Reveal.objects.exists()


def test_certificates_count_to_the_daily_cap(
    issuing: IssuingDesk, card: Card, ada: User, desk_of: Any, settings: Any
) -> None:
    settings.GIFTOPS_REVEALS_A_DAY = 1
    desk = desk_of(ada)
    desk.press("orders_card_certificate", card.pk, **WHY)

    answer = desk.press("orders_card_certificate", card.pk, **WHY)

    assert "data:image/jpeg" not in answer.content.decode()
    assert Reveal.objects.count() == len(issuing.sent("get_certificate")) == 1


@pytest.mark.parametrize("state", [CardState.IN_DOUBT, CardState.WAITING])
def test_a_card_in_doubt_has_no_certificate(
    issuing: IssuingDesk, mira: User, ada: User, desk_of: Any, state: str
) -> None:
    card = issuing.card(mira, state=state)

    answer = desk_of(ada).press("orders_card_certificate", card.pk, **WHY)

    assert "shown to nobody" in answer.content.decode()
    assert not issuing.sent("get_certificate")


def test_a_bought_card_has_no_certificate(fulfilled: Any, ada: User, desk_of: Any) -> None:
    card = fulfilled.cards.get()

    page = desk_of(ada).press("orders_card_certificate", card.pk, **WHY).content.decode()

    assert "A bought card has no certificate." in page


def test_the_list_of_looks_names_the_sale_of_an_issued_card(
    card: Card, ada: User, desk_of: Any
) -> None:
    desk_of(ada).press("orders_card_certificate", card.pk, **WHY)

    page = desk_of("auditor").text("orders_reveal_changelist")

    assert card.sale_id in page
    assert "Certificate" in page


def test_a_day_without_movement_keeps_the_slider_whole(
    issuing: IssuingDesk, card: Card, mira: User, desk_of: Any
) -> None:
    """A card that was read on one day only has a chart of one level, not of none."""

    page = desk_of(mira).text("orders_card_change", card.pk)

    assert 'max="1"' in page
    assert "[[0, &quot;USD 25.00&quot;]]" in page


def test_what_was_done_is_said_once_and_is_gone_on_the_next_page(
    card: Card, mira: User, desk_of: Any
) -> None:
    desk = desk_of(mira)
    page = reverse("admin:orders_card_change", args=[card.pk])
    desk.press("orders_card_ask", card.pk)

    refreshed = desk.client.get(page, headers={"X-Refresh": "1"}).content.decode()
    opened, next_page = (desk.client.get(page).content.decode() for _ in range(2))

    assert [text.count(" now.") for text in (refreshed, opened, next_page)] == [0, 1, 0]


@pytest.mark.parametrize("reason", ["", "Asked twice."])
def test_a_break_is_told_on_the_pages_of_its_card(
    issuer: Any, mira: User, desk_of: Any, reason: str
) -> None:
    card = issuer.card(mira, reason=reason)
    breaking.open_break(
        BreakKind.CONTRACT, issuer.account, card=card, text=f"{card.sale_id}: the answer is odd."
    )
    desk = desk_of(mira)

    for name in ("orders_card_change", "orders_issuance_card"):
        page = desk.text(name, card.pk)
        assert page.count("The answer is odd.") == 1
        assert "Open the break" in page


def test_a_card_in_doubt_is_told_from_another_by_its_number(
    issuer: Any, mira: User, desk_of: Any
) -> None:
    card = issuer.card(mira, state=CardState.IN_DOUBT)
    desk = desk_of(mira)

    page, listing = desk.text("orders_card_change", card.pk), desk.text("orders_card_changelist")

    assert card.number.mask in page
    assert card.number.mask in listing
    assert card.number.number.reveal() not in page + listing


def test_why_a_secret_is_closed_is_said_once(issuer: Any, mira: User, desk_of: Any) -> None:
    card = issuer.card(mira, state=CardState.IN_DOUBT)

    page = desk_of("support_agent").text("orders_card_change", card.pk)

    assert page.count("its number is shown to nobody") == 1
