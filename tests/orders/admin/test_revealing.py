"""The reveal page: a reason, the password again, one secret, once, and a trace of every look."""

from typing import Any

import pytest

from giftops.models import AuditEntry, User
from giftops.once import new_token
from orders.models import Card, Order, Reveal
from tests.conftest import PASSWORD


@pytest.fixture
def ada(user: Any) -> User:
    return user("support_agent", username="ada", first_name="Ada")


@pytest.fixture
def card(fulfilled: Order) -> Card:
    return fulfilled.cards.get()


def wanted(**changes: str) -> dict[str, str]:
    return {
        "secret": "code", "ticket": "CASE-7", "reason": "The mail cannot be read",
        "password": PASSWORD,
    } | changes  # fmt: skip


def test_the_secret_is_shown_once_and_the_look_is_written_down_first(
    card: Card, ada: User, desk_of: Any
) -> None:
    answer = desk_of(ada).press("orders_order_reveal", card.pk, **wanted())

    page = answer.content.decode()
    assert page.count(card.code.reveal()) == 1
    assert 'data-seconds="30"' in page
    assert "ada" in answer.context["mark"]
    assert Reveal.objects.get().reason == "The mail cannot be read"
    assert AuditEntry.objects.get(action="card.reveal").facts["ticket"] == "CASE-7"


def test_it_is_kept_by_no_cache_and_named_in_no_title(card: Card, ada: User, desk_of: Any) -> None:
    answer = desk_of(ada).press("orders_order_reveal", card.pk, **wanted())

    page, code = answer.content.decode(), card.code.reveal()
    assert "no-store" in answer.headers["Cache-Control"]
    assert code not in page[: page.index("</head>")]
    assert code not in answer.request["PATH_INFO"]
    assert 'autocomplete="off"' in desk_of(ada).text("orders_order_reveal", card.pk)


def test_sending_the_form_again_shows_nothing(card: Card, ada: User, desk_of: Any) -> None:
    desk, token = desk_of(ada), new_token()
    desk.press("orders_order_reveal", card.pk, once=token, **wanted())

    again = desk.press("orders_order_reveal", card.pk, once=token, **wanted())

    assert again.status_code == 409
    assert card.code.reveal() not in again.content.decode()
    assert "This look is over" in again.content.decode()
    assert Reveal.objects.count() == 1


def test_a_wrong_password_shows_nothing_and_is_noted(card: Card, ada: User, desk_of: Any) -> None:
    answer = desk_of(ada).press("orders_order_reveal", card.pk, **wanted(password="guess"))

    page = answer.content.decode()
    assert answer.status_code == 422
    assert "That is not your password" in page
    assert 'value="CASE-7"' in page
    assert "guess" not in page
    assert not Reveal.objects.exists()
    assert AuditEntry.objects.get(action="card.reveal").outcome == "refused"


def test_guessing_passwords_locks_the_page_like_signing_in(
    card: Card, ada: User, desk_of: Any
) -> None:
    desk = desk_of(ada)
    for _ in range(5):
        desk.press("orders_order_reveal", card.pk, **wanted(password="guess"))

    answer = desk.press("orders_order_reveal", card.pk, **wanted())

    assert card.code.reveal() not in answer.content.decode()
    assert not Reveal.objects.exists()


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"secret": ""}, "Choose what you need to see."),
        ({"secret": "code_index"}, "Select a valid choice"),
        ({"ticket": " "}, "Give the ticket"),
        ({"reason": "because"}, "Say in a few words"),
        ({"password": ""}, "Give your password again"),
    ],
)
def test_what_is_missing_is_said_and_nothing_is_shown(
    card: Card, ada: User, desk_of: Any, changes: dict[str, str], sentence: str
) -> None:
    answer = desk_of(ada).press("orders_order_reveal", card.pk, **wanted(**changes))

    assert answer.status_code == 422
    assert sentence in answer.content.decode()
    assert not Reveal.objects.exists()


def test_the_daily_cap_holds(card: Card, ada: User, desk_of: Any, settings: Any) -> None:
    settings.GIFTOPS_REVEALS_A_DAY = 1
    desk = desk_of(ada)
    desk.press("orders_order_reveal", card.pk, **wanted())

    answer = desk.press("orders_order_reveal", card.pk, **wanted())

    assert answer.status_code == 409
    assert card.code.reveal() not in answer.content.decode()
    assert "used all your looks" in answer.content.decode()


def test_a_withheld_card_is_shown_to_nobody(card: Card, ada: User, desk_of: Any) -> None:
    Card.objects.update(is_releasable=False)

    answer = desk_of(ada).press("orders_order_reveal", card.pk, **wanted())

    assert answer.status_code == 409
    assert card.code.reveal() not in answer.content.decode()


@pytest.mark.parametrize("role", ["finance_maker", "finance_approver", "auditor", "administrator"])
def test_other_roles_may_not_reveal(card: Card, desk_of: Any, role: str) -> None:
    answer = desk_of(role).press("orders_order_reveal", card.pk, **wanted())

    assert answer.status_code == 403
    assert not Reveal.objects.exists()


def test_a_superuser_may_not_reveal_by_the_flag(card: Card, user: Any, desk_of: Any) -> None:
    root = user("administrator", is_superuser=True)

    answer = desk_of(root).press("orders_order_reveal", card.pk, **wanted())

    assert answer.status_code == 403


def test_the_list_of_looks_has_reasons_and_no_secrets(card: Card, ada: User, desk_of: Any) -> None:
    desk_of(ada).press("orders_order_reveal", card.pk, **wanted())

    page = desk_of("auditor").text("orders_reveal_changelist")

    assert "CASE-7" in page
    assert card.mask in page
    assert card.code.reveal() not in page
