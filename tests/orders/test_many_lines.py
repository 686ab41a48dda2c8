"""Orders of many lines, other types: each line followed, each card in its place, cost settled."""

import json

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from giftops.money import Money
from orders.models import Card, Deposit, Resolution
from orders.services import collecting, deciding, drafting, submitting
from orders.services.drafting import Recipient
from orders.services.lines import homes_of
from orders.statuses import Status
from providers.gateways.base import OrderType, RemoteCard, Standing
from providers.sandbox.wire import Request

ANN, BEN, EVE = (Recipient(name=n, email=f"{n.lower()}@example.com") for n in ("Ann", "Ben", "Eve"))
THREE = (ANN, BEN, EVE)


def bought(partners, mira, wish):
    batch = submitting.submit_batch(drafting.create_batch(mira, wish), actor=mira)
    return batch.orders.get()


def links_for(partners, *people, **fields):
    return partners.digital(*people, **{"order_type": OrderType.LINKS} | fields)


def cards_there(partners, order):
    """(position of the line, link, answer) in the provider's own ledger."""
    query = (
        "SELECT lines.position, claim_link, challenge_answer FROM cards"
        " JOIN lines ON lines.id = cards.line JOIN orders ON orders.number = lines.number"
        " WHERE po_number = ? ORDER BY 1, 2"
    )
    return [tuple(row) for row in partners.simulated.ledger.rows(query, order.reference)]


def cards_here(order):
    return sorted(
        (card.line.position, card.claim_url.reveal(), card.challenge.reveal())
        for card in order.cards.select_related("line")
    )


def act(partners, order, **what):
    headers = {"Content-Type": "application/json"}
    target = f"/_control/orders/{order.external_id}"
    body = json.dumps(what).encode()
    reply = partners.simulated.handle(Request.to("POST", target, headers, body))
    assert reply.status == 200


def test_each_link_is_sealed_at_the_line_it_was_bought_for(partners, mira):
    order = bought(partners, mira, links_for(partners, *THREE, quantity=2))

    partners.pass_time(minutes=2)
    order.refresh_from_db()

    assert order.status == Status.FULFILLED
    assert len(cards_here(order)) == 6
    assert cards_here(order) == cards_there(partners, order)
    assert set(order.cards.values_list("last_four", flat=True)) == {""}
    assert not any(card.code for card in order.cards.all())


def test_the_facts_of_each_line_are_kept(partners, mira):
    order = bought(partners, mira, partners.digital(*THREE))

    partners.pass_time(minutes=2)

    lines = list(order.lines.all())
    assert {line.standing for line in lines} == {Standing.COMPLETED}
    assert {line.provider_text for line in lines} == {"Completed"}
    assert len({line.external_id for line in lines} - {""}) == 3
    assert all(line.delivered_at for line in lines)


def test_a_delivery_to_recipients_is_done_when_the_provider_says_so(partners, mira):
    order = bought(partners, mira, partners.digital(*THREE))

    partners.pass_time(minutes=2)
    order.refresh_from_db()

    assert order.status == Status.FULFILLED
    assert order.events.get(kind="fulfilled").text == "Delivered by the provider"


def test_plastic_is_done_without_any_card(partners, mira):
    order = bought(partners, mira, partners.plastic())

    partners.pass_time(minutes=2)
    order.refresh_from_db()

    assert (order.status, order.cards.count()) == (Status.FULFILLED, 0)
    assert Deposit.objects.get().held_minor == 0


def test_what_was_charged_is_what_was_spent(partners, mira):
    order = bought(partners, mira, links_for(partners, *THREE))

    partners.pass_time(minutes=2)
    order.refresh_from_db()

    assert order.cost_minor == order.total_minor == 7275
    assert Deposit.objects.get().spent_minor == 7275


@pytest.mark.parametrize(("charged", "told"), [(7000, []), (7300, ["cost"])])
def test_another_cost_than_the_approved_one_is_settled_and_an_excess_is_told(
    partners, mira, charged, told
):
    partners.arm("pending", after=60)
    order = bought(partners, mira, links_for(partners, *THREE))
    before = Deposit.objects.get()
    partners.work()
    ledger = partners.simulated.ledger
    ledger.run("UPDATE lines SET cost = cost + ? WHERE position = 1", charged - 7275)

    partners.pass_time(minutes=5)
    order.refresh_from_db()
    after = Deposit.objects.get()

    assert (order.status, order.held_minor, order.cost_minor) == (Status.FULFILLED, 0, charged)
    assert (after.spent_minor, after.held_minor) == (charged, 0)
    assert after.available_minor == before.available_minor + 7275 - charged
    assert [found.kind for found in order.breaks.filter(closed_at=None)] == told


def test_a_line_that_failed_leaves_the_rest_delivered_and_its_money_held(partners, mira, tom):
    partners.arm("line_failed", position=2)
    order = bought(partners, mira, links_for(partners, *THREE))
    partners.pass_time(minutes=2)
    order.refresh_from_db()
    partly = (order.status, order.held_minor, Deposit.objects.get().spent_minor)
    proposal = deciding.propose(
        order, actor=mira, decision=Resolution.Decision.CREDIT, reason="Credit note 9."
    )

    deciding.confirm(proposal, actor=tom)
    order.refresh_from_db()

    assert partly == (Status.PARTLY_FULFILLED, 2425, 4850)
    assert order.cards.filter(is_releasable=True).count() == 2
    assert list(order.lines.values_list("standing", flat=True)) == [
        Standing.COMPLETED, Standing.CANCELLED, Standing.COMPLETED,
    ]  # fmt: skip
    assert (order.status, Deposit.objects.get().held_minor) == (Status.FULFILLED, 0)
    assert not order.breaks.filter(closed_at=None).exists()


def test_a_failed_delivery_among_others_is_told_at_once(partners, mira):
    partners.arm("line_failed", position=1)
    order = bought(partners, mira, partners.digital(*THREE))

    partners.pass_time(minutes=2)
    order.refresh_from_db()

    assert order.status == Status.PARTLY_FULFILLED
    assert "1 of 3 lines failed" in order.reason
    assert order.breaks.filter(kind="delivery_mismatch", closed_at=None).exists()


@pytest.mark.parametrize("what", ["fail", "cancel"])
def test_an_order_that_fails_as_a_whole_lets_its_money_go(partners, mira, what):
    partners.arm("pending_forever")
    order = bought(partners, mira, links_for(partners, *THREE))
    partners.work()
    order.refresh_from_db()

    act(partners, order, act=what)
    partners.pass_time(minutes=10)
    order.refresh_from_db()

    assert (order.status, order.held_minor) == (Status.CANCELLED, 0)


@pytest.mark.parametrize(
    "fault", ["duplicate_claim_link", "foreign_claim_link", "extra_claim_data"]
)
def test_links_that_do_not_add_up_are_sealed_and_shown_to_nobody(partners, mira, fault):
    bought(partners, mira, links_for(partners, ANN))
    partners.pass_time(minutes=2)
    partners.arm(fault)
    order = bought(partners, mira, links_for(partners, *THREE))

    partners.pass_time(minutes=5)
    order.refresh_from_db()

    assert order.status == Status.NEEDS_REVIEW
    assert order.cards.exists()
    assert not order.cards.filter(is_releasable=True).exists()


def test_two_people_accept_links_that_did_not_add_up(partners, mira, tom):
    partners.arm("extra_claim_data")
    order = bought(partners, mira, links_for(partners, *THREE))
    partners.pass_time(minutes=5)
    order.refresh_from_db()
    proposal = deciding.propose(
        order, actor=mira, decision=Resolution.Decision.ACCEPT, reason="A present."
    )

    deciding.confirm(proposal, actor=tom)
    order.refresh_from_db()

    assert (order.status, order.held_minor) == (Status.FULFILLED, 0)
    assert order.cards.filter(is_releasable=True).count() == 4


def test_a_link_that_is_missing_is_waited_for_and_then_the_rest_is_kept(partners, mira):
    partners.arm("short_claim_data")
    order = bought(partners, mira, links_for(partners, *THREE))
    partners.pass_time(minutes=30)
    order.refresh_from_db()
    early = order.status

    partners.pass_time(hours=2)
    order.refresh_from_db()

    assert early == Status.PLACED
    assert (order.status, order.cards.count()) == (Status.PARTLY_FULFILLED, 2)
    assert (order.held_minor, Deposit.objects.get().spent_minor) == (2425, 4850)


def test_a_link_is_known_again_in_another_order_by_its_address(partners, mira):
    first = bought(partners, mira, links_for(partners, ANN))
    partners.pass_time(minutes=2)
    second = bought(partners, mira, links_for(partners, BEN))
    link = first.cards.get().claim_url.reveal()
    value = Money(2500, "USD")

    judged = collecting._judge(
        second, [RemoteCard(claim_url=link, challenge="x", face_value=value)]
    )

    assert judged == "mismatch"


def test_a_card_finds_its_line_by_our_id_by_theirs_or_by_its_value(partners, mira):
    order = bought(partners, mira, links_for(partners, *THREE))
    lines = list(order.lines.all())
    lines[1].external_id = "li-2"
    value = Money(2500, "USD")
    cards = [
        RemoteCard(claim_url="https://c/1", face_value=value),
        RemoteCard(claim_url="https://c/2", face_value=value, line_external_id="li-2"),
        RemoteCard(claim_url="https://c/3", face_value=value, line_id=lines[0].id.hex),
        RemoteCard(claim_url="https://c/4", face_value=Money(1, "USD")),
        RemoteCard(claim_url="https://c/5", face_value=value, line_id="f" * 32),
    ]

    homes = {card.claim_url[-1]: home for card, home in homes_of(lines, cards)}

    assert homes == {"1": lines[2], "2": lines[1], "3": lines[0], "4": None, "5": None}


def queries_to_take_in(partners, mira, count):
    """Follow an order of so many lines to its end; how many statements that took."""
    people = [Recipient(name=f"P{n}", email=f"p{n}@example.com") for n in range(count)]
    order = bought(partners, mira, links_for(partners, *people, face_value=Money(1000, "USD")))
    partners.pass_time(seconds=10)
    partners.time.sleep(20 * 60)
    with CaptureQueriesContext(connection) as captured:
        partners.work()
    order.refresh_from_db()
    assert order.status == Status.FULFILLED
    assert Card.objects.filter(order=order, is_releasable=True).count() == count
    return sum("SAVEPOINT" not in query["sql"] for query in captured)


def test_many_lines_take_no_more_statements_than_few(partners, mira, settings):
    settings.GIFTOPS_APPROVAL_LIMITS = {"USD": "1000000"}

    few, many = (queries_to_take_in(partners, mira, count) for count in (11, 45))

    assert many <= few + 2
