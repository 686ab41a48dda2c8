"""Issuing: one card or many, what it comes to, who agrees, how far it is, what needs a person."""

import re
from html import unescape
from typing import Any

import pytest
import requests
from django.core.files.uploadedfile import SimpleUploadedFile

from giftops.models import User
from giftops.once import new_token
from orders.issuing_states import CardState, IssuanceState
from orders.models import Card, Issuance
from providers import services as providers
from providers.gateways.base import RemoteCustomer
from providers.gateways.errors import ProviderRejected
from tests.conftest import PASSWORD
from tests.orders.admin.conftest import said
from tests.orders.issuing.scripted import SLUG

ANN = RemoteCustomer(external_id="2059378440", name="Ann Petrov", email="ann@example.com")


@pytest.fixture
def ann(issuer: Any) -> RemoteCustomer:
    issuer.script.customers |= {"2059378440": ANN, "ann@example.com": ANN}
    return ANN


def flat(text: str) -> str:
    return " ".join(text.split())


def wish(source: Any, /, **fields: Any) -> dict[str, Any]:
    kind = "pool" if hasattr(source, "low_stock_at") else "reservation"
    usual = {
        "source": f"{kind}:{source.pk}", "how": "one", "customer": "2059378440", "code": "GIFT25",
        "value": "25.00", "send": "1",
    }  # fmt: skip
    return usual | fields


def issue(desk: Any, source: Any, /, **fields: Any) -> Any:
    return desk.press("orders_issuance_issue", follow=True, **wish(source, **fields))


def sheet(count: int) -> str:
    return "\n".join(f"{1000 + n}, Person {n}" for n in range(count))


def test_one_card_is_created_once_on_a_single_number(
    issuer: Any, mira: User, ann: Any, desk_of: Any
) -> None:
    single, desk, token = issuer.reserved(mira), desk_of(mira), new_token()

    first = issue(desk, single, once=token)
    issue(desk, single, once=token)
    issuer.work()

    card = Card.objects.get()
    assert said(first) == "1 card · USD 25.00: to be created."
    assert len(issuer.sent("create")) == 1
    assert (card.state, card.customer_name) == (CardState.ACTIVE, "Ann Petrov")
    assert "Ann Petrov" in desk.text("orders_issuance_change", card.issuance_id)


def test_a_customer_is_looked_up_before_anything_is_asked_for(
    issuer: Any, mira: User, ann: Any, desk_of: Any
) -> None:
    pool, desk = issuer.pool(mira, 3), desk_of(mira)

    found = desk.press("orders_issuance_customer", **wish(pool, customer="ann@example.com"))
    nobody = desk.press("orders_issuance_customer", **wish(pool, customer="77"))
    nothing = desk.press("orders_issuance_customer", **wish(pool, customer=""))

    assert "Ann Petrov" in found.content.decode()
    assert "knows no customer 77" in nobody.content.decode()
    assert "Give the customer" in nothing.content.decode()
    assert not Card.objects.exists()


def test_the_button_names_the_effect_and_its_size(issuer: Any, mira: User, desk_of: Any) -> None:
    pool, desk = issuer.pool(mira, 40), desk_of(mira)

    few = flat(desk.press("orders_issuance_quote", **wish(pool)).content.decode())
    many = flat(
        desk.press(
            "orders_issuance_quote", **wish(pool, how="many", sheet=sheet(40))
        ).content.decode()
    )
    too_many = flat(
        desk.press(
            "orders_issuance_quote", **wish(pool, how="many", sheet=sheet(43))
        ).content.decode()
    )

    assert "Create 1 card · USD 25.00" in few
    assert "Submit 40 cards for approval · USD 1,000.00" in many
    assert "Numbers missing</th><td>3</td>" in too_many
    assert not Issuance.objects.exists()


@pytest.mark.parametrize(
    ("fields", "field", "sentence"),
    [
        ({"source": "pool:x"}, "source", "Choose where the number comes from."),
        ({"customer": ""}, "customer", "Give the customer's number or e-mail address."),
        ({"customer": "77"}, "customer", "knows no customer 77"),
        ({"code": ""}, "code", "Say which kind of card"),
        ({"value": ""}, "value", "Say what the card is worth."),
        ({"value": "lots"}, "value", ""),
        ({"value": "0"}, "value", "worth more than nothing"),
        ({"points": "-1"}, "points", ""),
        ({"how": "many", "sheet": ""}, "sheet", "Paste the customers"),
        ({"how": "many", "sheet": "1,A,,,abc"}, "sheet", "Row 1: write the value like 25.00."),
        ({"how": "many", "sheet": "1\n1"}, "sheet", "Row 2: customer 1 is in row 1 already."),
        ({"how": "many", "sheet": "1\n2\n3\n4\n5\n6"}, "source", "too few"),
    ],
)
def test_wrong_input_is_said_at_its_field_and_nothing_changes(
    issuer: Any, mira: User, ann: Any, desk_of: Any, fields: Any, field: str, sentence: str
) -> None:
    pool = issuer.pool(mira, 5)
    issuer.pool(mira, 5)  # so that the choice is a choice

    answer = issue(desk_of(mira), pool, **fields)

    assert answer.status_code == 422
    assert sentence in answer.context["form"].errors[field][0]
    assert not Issuance.objects.exists()


@pytest.mark.parametrize(
    ("rows", "sentence"),
    [
        ("1\n1", "Row 2: customer 1 is in row 1 already."),
        ("1,A,nowhere", "Row 1: That is not an e-mail address."),
    ],
)
def test_wrong_rows_are_said_while_they_are_typed(
    issuer: Any, mira: User, desk_of: Any, rows: str, sentence: str
) -> None:
    typed = wish(issuer.pool(mira, 3), how="many", sheet=rows)

    page = flat(desk_of(mira).press("orders_issuance_quote", **typed).content.decode())

    assert sentence in page
    assert "Something is not right yet" in page
    assert "No approval needed" not in page


def test_everything_that_is_wrong_with_a_sheet_is_said_at_once(
    issuer: Any, mira: User, desk_of: Any
) -> None:
    rows = "1,A,nowhere\n2,B,,,abc\n2,C\n,D,,,abc"

    answer = issue(desk_of(mira), issuer.pool(mira, 9), how="many", sheet=rows, value="")

    assert answer.context["form"].errors["sheet"] == [
        "Row 1: give the value.",
        "Row 1: That is not an e-mail address.",
        "Row 2: write the value like 25.00.",
        "Row 3: give the value.",
        "Row 3: customer 2 is in row 2 already.",
        "Row 4: write the value like 25.00.",
        "Row 4: Give the customer's number or e-mail address.",
    ]
    assert not Issuance.objects.exists()


def test_of_very_many_wrong_rows_the_first_are_told_and_the_rest_counted(
    issuer: Any, mira: User, desk_of: Any
) -> None:
    wrong = {"how": "many", "sheet": "1,A,,,abc\n" * 53, "may_repeat": "on"}

    errors = issue(desk_of(mira), issuer.pool(mira, 9), **wrong).context["form"].errors["sheet"]

    assert len(errors) == 51
    assert errors[-1] == "And 3 more like these."


def test_rows_are_judged_although_the_value_for_all_is_none(
    issuer: Any, mira: User, desk_of: Any
) -> None:
    wrong = {"how": "many", "sheet": "1,A,nowhere\n2,B", "value": "lots"}

    errors = issue(desk_of(mira), issuer.pool(mira, 9), **wrong).context["form"].errors

    assert set(errors) == {"value", "sheet"}
    assert errors["sheet"] == ["Row 1: That is not an e-mail address."]


def test_everything_that_is_wrong_with_one_card_is_said_at_once(
    issuer: Any, mira: User, desk_of: Any
) -> None:
    wrong = {"customer": "", "value": "0", "points": "-1"}

    errors = issue(desk_of(mira), issuer.pool(mira, 9), **wrong).context["form"].errors

    assert set(errors) == {"customer", "value", "points"}


def offered(page: str) -> list[tuple[str, str]]:
    """The codes that the form offers, in their order, each with what stands beside it."""
    return re.findall(r'<option value="([^"]*)">([^<]*)</option>', page)


def test_codes_that_cards_were_created_with_are_offered_most_used_first(
    issuer: Any, mira: User, desk_of: Any
) -> None:
    pool = issuer.pool(mira, 3)
    for code in ("GC", "GC50", "GC50"):
        issuer.card(mira, gift_card_code=code)
    issuer.card(mira, gift_card_code="REFUSED", state=CardState.REFUSED)

    page = desk_of(mira).text("orders_issuance_issue", pool=pool.pk)

    assert offered(page) == [("GC50", ""), ("GC", "")]
    assert 'list="id_code-known"' in page
    assert "A code is the provider's name for one kind of card" in page


def test_a_code_says_at_which_of_several_accounts_it_was_used(
    issuer: Any, mira: User, desk_of: Any
) -> None:
    pool = issuer.pool(mira, 3)
    issuer.card(mira, gift_card_code="GC")
    providers.create_account(
        name="second", provider=SLUG, environment="sandbox", currency="USD",
        base_url="http://127.0.0.1:8010/scripted", credentials={"username": "sandbox"},
    )  # fmt: skip

    page = desk_of(mira).text("orders_issuance_issue", pool=pool.pk)

    assert offered(page) == [("GC", "issuer-test")]


def test_a_file_is_as_good_as_pasting(issuer: Any, mira: User, desk_of: Any) -> None:
    pool, desk = issuer.pool(mira, 5), desk_of(mira)
    template = desk.get("orders_issuance_template").content.decode()
    good = SimpleUploadedFile("c.csv", (template + "1,Ann,,,,\r\n2,Bob,,,,\r\n").encode())
    workbook = SimpleUploadedFile("c.xlsx", b"PK\x03\x04rest")

    refused = issue(desk, pool, how="many", file=workbook)
    issue(desk, pool, how="many", file=good)
    issuer.work()

    assert "CSV UTF-8" in refused.context["form"].errors["file"][0]
    assert [card.customer_name for card in Card.objects.order_by("position")] == ["Ann", "Bob"]
    assert len(issuer.sent("create")) == 2


def big(desk: Any, issuer: Any, mira: User, count: int = 40) -> Issuance:
    """An issuance above the limit, handed in by Mira."""
    pool = issuer.pool(mira, count)
    issue(desk, pool, how="many", sheet=sheet(count), title="Spring")
    found = Issuance.objects.get()
    assert found.state == IssuanceState.AWAITING_APPROVAL
    return found


def test_a_second_person_approves_with_the_password(
    issuer: Any, mira: User, tom: User, desk_of: Any
) -> None:
    waiting = big(desk_of(mira), issuer, mira)
    desk = desk_of(tom)
    seen = {"fingerprint": waiting.fingerprint, "password": PASSWORD}

    queue, page = (
        desk.text("orders_batch_approvals"),
        desk.text("orders_issuance_change", waiting.pk),
    )
    guessed = desk.press("orders_issuance_approve", waiting.pk, **seen | {"password": "guess"})
    other = desk.press("orders_issuance_approve", waiting.pk, **seen | {"fingerprint": "0" * 64})
    done = desk.press("orders_issuance_approve", waiting.pk, follow=True, **seen)
    issuer.work()

    assert "Spring" in queue
    assert "40 cards" in queue
    assert "Approve and create 40 cards · USD 1,000.00" in page
    assert guessed.status_code == 422
    assert other.status_code == 409
    assert said(done) == "Approved: 40 cards · USD 1,000.00, to be created."
    assert Card.objects.filter(state=CardState.ACTIVE).count() == 40
    assert "Answered lately" in desk.text("orders_batch_approvals")


def test_the_maker_is_not_asked_and_a_no_needs_a_reason(
    issuer: Any, mira: User, tom: User, desk_of: Any
) -> None:
    waiting = big(desk_of(mira), issuer, mira)
    desk = desk_of(tom)

    silent = desk.press("orders_issuance_decline", waiting.pk, reason=" ")
    desk.press("orders_issuance_decline", waiting.pk, reason="No budget until May")

    assert silent.status_code == 409
    assert "No budget until May" in desk_of(mira).text("orders_issuance_change", waiting.pk)
    assert not Card.objects.exclude(state=CardState.WITHDRAWN).exists()


def test_it_is_paused_and_goes_on(issuer: Any, mira: User, desk_of: Any) -> None:
    pool, desk = issuer.pool(mira, 4), desk_of(mira)
    issue(desk, pool, how="many", sheet=sheet(4))
    found = Issuance.objects.get()

    paused = desk.press("orders_issuance_pause", found.pk, follow=True)
    issuer.work()
    nothing_sent = issuer.sent("create") == []
    page = flat(desk.text("orders_issuance_change", found.pk))
    desk.press("orders_issuance_resume", found.pk)
    issuer.work()

    assert "is paused" in said(paused)
    assert nothing_sent
    assert "Resume · 4 cards left" in page
    assert len(issuer.sent("create")) == 4
    assert "<b>4</b> created" in flat(desk.text("orders_issuance_change", found.pk))


def test_a_draft_is_kept_submitted_and_withdrawn(issuer: Any, mira: User, desk_of: Any) -> None:
    pool, desk = issuer.pool(mira, 4), desk_of(mira)
    fields = wish(pool, how="many", sheet=sheet(2), draft="1")
    fields.pop("send")
    desk.press("orders_issuance_issue", **fields)
    draft = Issuance.objects.get()

    page = desk.text("orders_issuance_change", draft.pk)
    desk.press("orders_issuance_withdraw", draft.pk)

    draft.refresh_from_db()
    assert "Create 2 cards · USD 50.00" in page
    assert draft.state == IssuanceState.WITHDRAWN
    assert issuer.sent("create") == []


def test_a_refused_card_says_why_and_is_tried_again(issuer: Any, mira: User, desk_of: Any) -> None:
    pool, desk = issuer.pool(mira, 4), desk_of(mira)
    issuer.says("create", ProviderRejected("Gift card code not found"))
    issue(desk, pool, how="many", sheet=sheet(2))
    issuer.work()
    refused = Card.objects.get(state=CardState.REFUSED)
    why = refused.reason

    page = desk.text("orders_issuance_change", refused.issuance_id, show="refused")
    again = desk.press("orders_issuance_card_retry", refused.pk, follow=True)
    issuer.work()

    refused.refresh_from_db()
    assert "Gift card code not found" in why
    assert why in unescape(page)
    assert "Try again" in page
    assert "is tried again" in said(again)
    assert refused.state == CardState.ACTIVE


def test_refused_cards_are_corrected_on_a_new_sheet(issuer: Any, mira: User, desk_of: Any) -> None:
    pool, desk = issuer.pool(mira, 4), desk_of(mira)
    issuer.says("create", ProviderRejected("Customer not found"))
    issue(desk, pool, how="many", sheet="1,Ann\n2,Bob", title="Spring")
    issuer.work()
    first = Issuance.objects.get()

    page = desk.text("orders_issuance_change", first.pk)
    form = desk.get("orders_issuance_issue", again=first.pk).context["form"]

    assert "Correct 1 refused card" in page
    assert form["source"].value() == f"pool:{pool.pk}"
    assert form["sheet"].value() in ("1,Ann,,GIFT25,25.00,\n", "2,Bob,,GIFT25,25.00,\n")


def test_checking_a_form_creates_nothing(issuer: Any, mira: User, ann: Any, desk_of: Any) -> None:
    fields = wish(issuer.pool(mira, 3), check="1")
    fields.pop("send")

    answer = desk_of(mira).press("orders_issuance_issue", **fields)

    assert answer.status_code == 200
    assert "Create 1 card · USD 25.00" in answer.content.decode()
    assert not Issuance.objects.exists()


def held(issuer: Any, mira: User, desk: Any) -> Card:
    """A card that was sent, and whose number carries something else: two people decide."""
    from tests.orders.issuing.scripted import fresh

    single = issuer.reserved(mira)
    issuer.says("create", requests.ReadTimeout())
    plain = single.numbers.get().number.reveal()
    issue(desk, single)
    issuer.work()
    card = Card.objects.get()
    issuer.script.cards[plain] = fresh(plain, card.face_value * 2, document="OTHER")
    issuer.pass_time(minutes=40)
    card.refresh_from_db()
    assert card.state == CardState.NEEDS_REVIEW
    return card


def test_two_people_decide_about_a_held_card_with_the_evidence_in_sight(
    issuer: Any, mira: User, tom: User, ann: Any, desk_of: Any
) -> None:
    desk, other = desk_of(mira), desk_of(tom)
    card = held(issuer, mira, desk)
    why = {"decision": "card_is_not", "reason": "Support says it is another sale"}

    unsaid = desk.press("orders_issuance_card_propose", card.pk, reason="x")
    desk.press("orders_issuance_card_propose", card.pk, **why)
    proposal = card.resolutions.get()
    own = desk.press(
        "orders_issuance_card_confirm", card.pk, proposal=proposal.pk, password=PASSWORD
    )
    page = other.text("orders_issuance_card", card.pk)
    done = other.press(
        "orders_issuance_card_confirm", card.pk, proposal=proposal.pk, password=PASSWORD,
        follow=True,
    )  # fmt: skip

    card.refresh_from_db()
    assert unsaid.status_code == 409
    assert own.status_code == 409
    assert "USD 50.00" in page
    assert "Support says it is another sale" in page
    assert "Confirmed and carried out" in said(done)
    assert card.state == CardState.REFUSED


def test_no_number_stands_on_any_page(issuer: Any, mira: User, ann: Any, desk_of: Any) -> None:
    single, desk = issuer.reserved(mira), desk_of(mira)
    issue(desk, single)
    issuer.work()
    card, plain = Card.objects.get(), single.numbers.get().number.reveal()

    pages = [
        desk.text("orders_issuance_changelist"),
        desk.text("orders_issuance_change", card.issuance_id),
        desk.text("orders_issuance_card", card.pk),
        desk.text("orders_issuance_issue"),
    ]

    assert [page for page in pages if plain in page] == []
    assert card.mask in pages[2]


def test_an_administrator_sees_the_issuance_but_no_card(
    issuer: Any, mira: User, desk_of: Any
) -> None:
    issuance = issuer.issuance(mira, 2)

    page = desk_of("administrator").text("orders_issuance_change", issuance.pk)

    assert "to be created" in page
    assert "<h2>Cards</h2>" not in page


def test_an_empty_form_leads_to_the_numbers(issuer: Any, mira: User, desk_of: Any) -> None:
    assert "Ask for numbers" in desk_of(mira).text("orders_issuance_issue")


def test_the_desk_asks_no_more_however_many_cards_there_are(
    issuer: Any, mira: User, desk_of: Any, django_assert_max_num_queries: Any
) -> None:
    pools = [issuer.pool(mira, 3) for _ in range(5)]
    issuances = [issuer.issuance(mira, 12, pool=pool) for pool in pools]
    desk = desk_of(mira)
    desk.text("orders_issuance_changelist")

    with django_assert_max_num_queries(9):
        desk.text("orders_issuance_changelist")
    with django_assert_max_num_queries(17):
        desk.text("orders_issuance_change", issuances[0].pk)
    with django_assert_max_num_queries(17):
        desk.text("orders_issuance_card", issuances[0].cards.first().pk)
    with django_assert_max_num_queries(17):
        desk.text("orders_issuance_issue")
