"""A provider whose words do not fit together: nothing is spent or called done on one of them."""

from dataclasses import replace

from orders.models import Deposit
from orders.services import drafting, submitting
from orders.services.drafting import Recipient
from orders.statuses import Status
from providers.gateways.base import OrderType
from providers.sandbox.wire import dump

PEOPLE = ("ann", "ben", "eve")
THREE = tuple(Recipient(name=name, email=f"{name}@example.com") for name in PEOPLE)


def bought(partners, mira, wish):
    batch = submitting.submit_batch(drafting.create_batch(mira, wish), actor=mira)
    return batch.orders.get()


def links_for(partners, *people):
    return partners.digital(*people, order_type=OrderType.LINKS)


def told_otherwise(partners, change):
    """Have the provider tell each order of ours otherwise than it stands: `change(order)`."""
    real = partners.simulated.handle

    def handle(asked):
        reply = real(asked)
        body = reply.json() if reply.body and not reply.misbehaviour else None
        if not isinstance(body, dict) or "LineItems" not in body:
            return reply
        change(body)
        return replace(reply, body=dump(body))

    partners.simulated.handle = handle


def told_as(order, *lines):
    """The order as completed, its lines as told, none with a link."""
    order["Status"] = "Completed"
    for line, status in zip(order["LineItems"], lines, strict=True):
        line.pop("ClaimData", None)
        line["Status"] = status


def test_nothing_is_spent_on_an_order_all_of_whose_lines_failed(partners, mira):
    partners.arm("pending", after=60)
    order = bought(partners, mira, links_for(partners, *THREE))
    partners.pass_time(seconds=30)
    told_otherwise(partners, lambda there: told_as(there, "Failed", "Failed", "Failed"))

    partners.pass_time(minutes=5)
    order.refresh_from_db()

    assert (order.status, order.held_minor) == (Status.PARTLY_FULFILLED, 7275)
    assert (order.cost_minor, Deposit.objects.get().spent_minor) == (0, 0)


def test_an_excess_is_told_of_an_order_with_a_failed_line_too(partners, mira):
    partners.arm("line_failed", position=2)
    order = bought(partners, mira, links_for(partners, *THREE))
    before = Deposit.objects.get()
    told_otherwise(partners, lambda there: [line.update(Cost=50) for line in there["LineItems"]])

    partners.pass_time(minutes=2)
    order.refresh_from_db()
    after = Deposit.objects.get()

    assert (order.status, order.held_minor) == (Status.PARTLY_FULFILLED, 0)
    assert (after.spent_minor, after.held_minor) == (10_000, 0)
    assert after.available_minor == before.available_minor + 7275 - 10_000
    assert order.breaks.filter(kind="cost", closed_at=None).exists()


def test_a_delivery_is_not_done_while_one_of_its_lines_is_not(partners, mira):
    lines = ["Completed", "Pending", "Completed"]
    order = bought(partners, mira, partners.digital(*THREE))
    told_otherwise(partners, lambda there: told_as(there, *lines))
    partners.pass_time(hours=1)
    order.refresh_from_db()
    meanwhile = order.status

    lines[1] = "Completed"
    partners.pass_time(hours=1)
    order.refresh_from_db()

    assert (meanwhile, order.status) == (Status.PLACED, Status.FULFILLED)


def test_a_delivery_that_the_provider_takes_back_is_not_called_done(partners, mira):
    words = iter(["Pending", "Completed"])

    def change(there):
        there["Status"] = next(words, "Pending")
        told = there["Status"]
        for line in there["LineItems"]:
            line.pop("ClaimData", None)
            line["Status"] = told

    order = bought(partners, mira, partners.digital(*THREE))
    told_otherwise(partners, change)

    partners.pass_time(hours=1)
    order.refresh_from_db()

    assert order.status == Status.PLACED
    assert order.breaks.filter(kind="contradiction", closed_at=None).exists()
