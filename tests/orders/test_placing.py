"""What is not fit to be sent any more is not sent, and nobody believes that it may have been."""

from orders.models import Phase
from orders.services import submitting
from orders.statuses import Status


def test_what_the_provider_cannot_take_any_more_is_held_back_unsent(partners, mira):
    order = partners.buy(mira)
    order.doorbell_url = "http://giftops.example.com/webhooks/1/"
    order.save(update_fields=["doorbell_url"])

    partners.pass_time(hours=3)
    order.refresh_from_db()

    assert (order.status, order.is_held_back) == (Status.APPROVED, True)
    assert "only rings at an https address" in order.reason
    assert set(order.attempts.values_list("phase", flat=True)) == {Phase.NOT_SENT}
    assert partners.bought() == []
    assert submitting.withdraw_order(order, actor=mira).held_minor == 0
