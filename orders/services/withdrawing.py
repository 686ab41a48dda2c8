"""Taking back an order that the provider refused for lack of funds, once it is surely not there."""

from django.db import transaction

from giftops import guard
from giftops.models import User
from orders import decisions
from orders.decisions import Match
from orders.models import Order
from orders.services import finding, moving, reopening
from orders.services.drafting import request_of
from orders.services.problems import LostTheRace, Refused
from orders.services.wording import plainly
from orders.statuses import Status
from providers import services as providers
from providers.gateways.base import RemoteOrder, Seller
from providers.gateways.errors import ProviderError


def withdraw_unfunded(order: Order, *, actor: User) -> Order:
    """Withdraw an order that waits for funds, after a look-up that does not find it.

    Raises `Refused` if the provider has it after all or cannot be asked, `LostTheRace` if it is
    being sent this very moment. The caller checks the actor's role.
    """
    order = moving.read_order(order.pk)
    if order.status != Status.AWAITING_FUNDS:
        raise LostTheRace(moving.who_was_first(order))
    if guard.is_quarantined():
        raise Refused(guard.status())
    found = _look(order)
    if found is not None and decisions.match_of(request_of(order), found) is Match.SAME:
        with transaction.atomic():
            reopening.report_late_truth(order, found)
        raise Refused(
            f"{order.reference} does exist there, as {found.external_id}. It is held for a person."
        )
    with transaction.atomic():
        return moving.move(
            order, Status.WITHDRAWN, kind="withdrawn", text="Withdrawn: the provider has no such "
            "order", actor=actor, reason="", is_held_back=False, next_look_at=None,
        )  # fmt: skip


def _look(order: Order) -> RemoteOrder | None:
    try:
        gateway: Seller = providers.gateway_for(order.account, subject=order.reference)
        return finding.look_up(order, gateway)
    except ProviderError as error:
        why = plainly(error, order.account)
        raise Refused(f"The provider could not be asked, so nothing was withdrawn. {why}") from None
