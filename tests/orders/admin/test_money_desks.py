"""Deposits, breaks, the provider's own list: figures to the cent, and explanations."""

from datetime import timedelta
from typing import Any

import pytest
from django.urls import reverse

from giftops.models import AuditEntry, User
from orders.models import Break, BreakKind, Deposit, Order, RemoteOrder
from orders.services import breaking
from orders.services.mirroring import mirror_remote_orders
from orders.services.submitting import submit_batch
from tests.orders.admin.conftest import said
from tests.orders.admin.test_holds_desk import stored
from tests.orders.issuing.conftest import Desk as IssuingDesk
from tests.orders.issuing.scripted import Script


@pytest.fixture
def gap(shop: Any) -> Break:
    return breaking.open_break(BreakKind.DEPOSIT, shop.account, text="USD 12.00 is missing there.")


def test_a_deposit_shows_what_is_free_held_promised_and_spent(
    fulfilled: Order, shop: Any, mira: User, desk_of: Any
) -> None:
    shop.buy(mira)
    submit_batch(shop.draft(mira, quantity=40), actor=mira)

    page = desk_of(mira).text("orders_deposit_changelist")

    for figure in ("USD 49,950.00", "USD 25.00", "USD 1,000.00"):
        assert figure in page


def test_the_ledger_lists_every_movement(fulfilled: Order, mira: User, desk_of: Any) -> None:
    deposit = Deposit.objects.get()

    answer = desk_of(mira).get("orders_deposit_change", deposit.pk)

    rows = [(line.event, str(amount[0])) for line, amount in answer.context["lines"]]
    assert rows[0] == ("settle", "USD 25.00")
    assert sorted(rows[1:]) == [("fund", "USD 50000.00"), ("hold", "USD 25.00")]


def test_asking_for_the_balance_says_what_the_provider_has(
    shop: Any, mira: User, desk_of: Any
) -> None:
    answer = desk_of(mira).press("orders_deposit_ask", Deposit.objects.get().pk, follow=True)

    assert said(answer) == "ncentiva-test says USD 50,000.00."


def test_a_balance_that_cannot_be_read_is_a_sentence(shop: Any, mira: User, desk_of: Any) -> None:
    shop.arm("http_503", operation="getBalance", times=20)

    answer = desk_of(mira).press("orders_deposit_ask", Deposit.objects.get().pk, follow=True)

    assert answer.status_code == 200
    assert "503" in said(answer) or "answer" in said(answer)


def test_a_break_is_closed_with_an_explanation(gap: Break, mira: User, desk_of: Any) -> None:
    answer = desk_of(mira).press("orders_break_close", gap.pk, note="A fee of theirs", follow=True)

    gap.refresh_from_db()
    assert gap.closing_note == "A fee of theirs"
    assert "Closed, with your explanation." in said(answer)
    assert AuditEntry.objects.get(action="break.closed").actor == mira


def test_a_break_without_an_explanation_stays_open(gap: Break, mira: User, desk_of: Any) -> None:
    answer = desk_of(mira).press("orders_break_close", gap.pk, note=" ")

    gap.refresh_from_db()
    assert answer.status_code == 409
    assert "what explains the difference" in said(answer)
    assert gap.closed_at is None


def test_open_breaks_stand_before_closed_ones(
    gap: Break, shop: Any, mira: User, desk_of: Any
) -> None:
    older = breaking.open_break(BreakKind.STALE, shop.account, text="An older one, explained.")
    Break.objects.filter(pk=older.pk).update(opened_at=shop.time.moment - timedelta(days=9))
    breaking.explain(older, actor=mira, note="It came")
    desk = desk_of(mira)

    page = desk.text("orders_break_changelist")
    only_open = desk.text("orders_break_changelist", state="open")

    assert page.index("USD 12.00 is missing") < page.index("An older one")
    assert "An older one" not in only_open


def test_the_providers_list_tells_ours_from_what_others_placed(
    fulfilled: Order, shop: Any, mira: User, desk_of: Any
) -> None:
    mirror_remote_orders(str(shop.account.pk))
    RemoteOrder.objects.create(
        account=shop.account, external_id="NCT-PO-P-777", standing="completed",
        status_text="Completed", content_hash="x", first_seen_at=shop.time.moment,
        last_seen_at=shop.time.moment,
    )  # fmt: skip
    desk = desk_of(mira)

    page = desk.text("orders_remoteorder_changelist")
    strangers = desk.text("orders_remoteorder_changelist", ours="no")

    assert reverse("admin:orders_order_change", args=[fulfilled.pk]) in page
    assert fulfilled.external_id not in strangers
    assert "Not placed by us" in strangers


@pytest.mark.parametrize(
    ("value", "told"),
    [(2500, ["USD 300.00", "12 × USD 25.00"]), (None, ["12 cards of several values"])],
)
def test_an_order_of_many_cards_in_the_providers_list_says_how_many(
    shop: Any, mira: User, desk_of: Any, value: int | None, told: list[str]
) -> None:
    RemoteOrder.objects.create(
        account=shop.account, external_id="777", standing="completed", currency="USD", quantity=12,
        face_value_minor=value, content_hash="x", first_seen_at=shop.time.moment,
        last_seen_at=shop.time.moment,
    )  # fmt: skip

    page = desk_of(mira).text("orders_remoteorder_changelist")

    assert all(text in page for text in told)


def test_a_break_leads_to_what_it_is_about(issuer: Any, mira: User, desk_of: Any) -> None:
    pool = issuer.pool(mira, 1)
    kept = pool.reservations.get()
    lost = breaking.open_break(
        BreakKind.LOST_NUMBERS, issuer.account, text="500 may be lost", reservation=kept
    )
    missing = breaking.open_break(
        BreakKind.CARD_MISSING, issuer.account, text="Gone", card=issuer.card(mira)
    )
    desk = desk_of(mira)

    listing = desk.text("orders_break_changelist")
    page, other = (
        desk.text("orders_break_change", lost.pk),
        desk.text("orders_break_change", missing.pk),
    )

    assert "reservation" in listing
    assert missing.card.mask in listing
    assert reverse("admin:orders_reservation_change", args=[kept.pk]) in page
    assert "Mira" in page
    assert reverse("admin:orders_card_change", args=[missing.card_id]) in other


@pytest.mark.parametrize("kind", ["order", "card", "authorization", "reservation"])
def test_a_break_names_what_it_is_about_once(
    shop: Any, fulfilled: Order, mira: User, desk_of: Any, kind: str
) -> None:
    issued = IssuingDesk(shop.account, Script(), shop.time)
    card = issued.card(mira)
    thing: Any = {
        "order": fulfilled, "card": card, "authorization": stored(card, mira),
        "reservation": card.number.reservation,
    }[kind]  # fmt: skip
    name = card.sale_id if kind == "card" else thing.reference
    found = breaking.open_break(
        BreakKind.CONTRACT, shop.account, text=f"{name}: the answer is odd: twice.", **{kind: thing}
    )
    desk = desk_of(mira)

    listing = desk.text("orders_break_changelist")
    page = desk.text("orders_break_change", found.pk)

    assert "The answer is odd: twice." in listing
    assert "<p>The answer is odd: twice.</p>" in page
    assert f"{name}:" not in listing + page


def test_a_sentence_that_only_begins_with_a_reference_stays_whole(
    fulfilled: Order, mira: User, desk_of: Any
) -> None:
    text = f"{fulfilled.reference} is fulfilled; the provider now says: odd."
    found = breaking.open_break(
        BreakKind.CONTRADICTION, fulfilled.account, text=text, order=fulfilled
    )

    assert text in desk_of(mira).text("orders_break_change", found.pk)
