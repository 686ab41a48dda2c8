"""One door to a code, and who went through it."""

import pytest

from giftops.models import AuditEntry
from orders.models import Card, Reveal
from orders.services import revealing
from orders.services.problems import Refused

WHY = {"ticket": "T-1", "reason": "The customer cannot read the mail"}


@pytest.fixture
def card(shop, mira):
    shop.buy(mira)
    shop.pass_time(minutes=2)
    return Card.objects.get()


def test_the_look_is_written_down_and_the_code_is_the_providers(shop, card, user):
    ada = user("support_agent", username="ada")

    shown = revealing.reveal(card, secret="code", actor=ada, **WHY)

    assert [shown] == shop.codes(card.order)
    assert Reveal.objects.get().user == ada
    assert AuditEntry.objects.filter(action="card.reveal", outcome="done").count() == 1


@pytest.mark.parametrize(
    "role", ["finance_maker", "finance_approver", "auditor", "administrator", "partner", ""]
)
def test_no_other_role_sees_a_code_and_the_try_is_noted(card, user, role):
    person = user(role, is_superuser=True)

    with pytest.raises(Refused, match="role"):
        revealing.reveal(card, secret="code", actor=person, **WHY)

    assert not Reveal.objects.exists()
    assert AuditEntry.objects.filter(action="card.reveal", outcome="refused").count() == 1


@pytest.mark.parametrize("missing", [{"ticket": " "}, {"reason": ""}, {"reason": "because"}])
def test_a_look_needs_a_ticket_and_a_reason(card, user, missing):
    with pytest.raises(Refused):
        revealing.reveal(card, secret="code", actor=user("support_agent"), **(WHY | missing))


def test_the_daily_cap_holds(card, user, settings):
    settings.GIFTOPS_REVEALS_A_DAY = 2
    ada = user("support_agent")
    for _ in range(2):
        revealing.reveal(card, secret="code", actor=ada, **WHY)

    with pytest.raises(Refused, match="limit"):
        revealing.reveal(card, secret="code", actor=ada, **WHY)

    assert revealing.reveals_left(ada) == 0


def test_a_code_of_an_unsound_delivery_is_shown_to_nobody(shop, mira, user):
    shop.arm("extra_cards")
    shop.buy(mira)
    shop.pass_time(minutes=5)
    kept = Card.objects.first()

    with pytest.raises(Refused, match="does not add up"):
        revealing.reveal(kept, secret="code", actor=user("support_agent"), **WHY)


def test_no_representation_of_a_card_shows_its_code(shop, card):
    code = shop.codes(card.order)[0]

    texts = [str(card), repr(card), repr(card.code), str(card.__dict__), card.mask]

    assert not any(code in text or code[:12] in text for text in texts)
    assert card.mask == f"•••• {code[-4:]}"
