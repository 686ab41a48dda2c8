"""Two people cannot say "it does not exist" while it may still arrive; found by the simulation."""

import pytest

from orders.models import Order
from orders.services import deciding
from orders.services.problems import Refused
from orders.statuses import Status
from providers.sandbox.ncentiva.orders import Line


@pytest.fixture
def collided(shop, mira) -> Order:
    """Held because somebody else's order at the provider carries our reference."""
    order = shop.buy(mira)
    shop.arm("timeout_before_commit")
    shop.pass_time(seconds=10)
    clock, another = shop.simulated.clock, Line(product=1520, amount=77)
    shop.simulated.place_stranger(clock.now(), order.reference, another)
    shop.pass_time(minutes=2)
    order.refresh_from_db()
    assert order.status == Status.NEEDS_REVIEW
    return order


@pytest.mark.parametrize("decision", ["reject", "resend"])
def test_absence_is_not_decided_before_everything_late_has_arrived(collided, mira, decision):
    with pytest.raises(Refused, match="20 minutes"):
        deciding.propose(collided, actor=mira, decision=decision, reason="I called them")


def test_a_reference_that_is_taken_there_is_not_sent_again(shop, collided, mira):
    shop.pass_time(minutes=25)

    with pytest.raises(Refused, match="carries this reference"):
        deciding.propose(collided, actor=mira, decision="resend", reason="I called them")


def test_afterwards_two_people_close_it(shop, collided, mira, tom):
    shop.pass_time(minutes=25)
    proposal = deciding.propose(collided, actor=mira, decision="reject", reason="I called them")

    order = deciding.confirm(proposal, actor=tom)

    assert order.status == Status.REJECTED
