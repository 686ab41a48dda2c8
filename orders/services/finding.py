"""What is known of an order whose outcome is in doubt: what was sent, and who may know it.

The evidence only; what it means is decided in `orders.decisions` and carried out by the resolver.
"""

from contextlib import suppress
from datetime import datetime

from django.db.models import QuerySet

from orders import decisions
from orders.decisions import Sends
from orders.models import Attempt, Order, Phase
from orders.services.drafting import request_of
from orders.services.fingerprints import fingerprint_of_request
from providers.gateways.base import Recovery, RemoteOrder, Seller
from providers.gateways.errors import ProviderRejected
from providers.registry import spec_for

DUPLICATE = "duplicate"
"""The verdict of an attempt to which they said that they have this reference."""
REFUSED_UNCLEARLY = "refused_unclearly"
RESTORED = "restored"
"""The verdict of an attempt that may have been made after the backup: nobody knows its bytes."""
DID_NOT_ARRIVE = (Phase.NOT_SENT, Phase.APPLIED)
"""Never left us, or was answered: by a refusal, as long as the order is in doubt."""


def recovery_of(order: Order) -> Recovery:
    """What the order's provider promises about purchases whose answer was lost."""
    recovery: Recovery = spec_for(order.account.provider).gateway_class.recovery
    return recovery


def look_up(order: Order, gateway: Seller) -> RemoteOrder | None:
    """Ask for an order: by the number they named, if they did, then by our reference.

    A number that leads to an order with another reference proves nothing about ours.
    May raise `ProviderError`.
    """
    there = _named(order, gateway)
    if there is not None and there.reference in (None, order.reference):
        return there
    return gateway.find_order(order.reference) or there


def _named(order: Order, gateway: Seller) -> RemoteOrder | None:
    """The order that they said has our reference; None if they named none, or do not know it."""
    named = order.attempts.exclude(named_external_id="").order_by("-number").first()
    if named is not None:
        with suppress(ProviderRejected):  # they do not know it: our reference asks better
            return gateway.get_order(named.named_external_id)
    return None


def next_look(order: Order, at: datetime) -> datetime:
    """When to ask next: on the provider's schedule, from the last send or, for replays, the first.

    Replays move the last send on, and must not start their own schedule anew.
    """
    recovery = recovery_of(order)
    if recovery.replays_for is None:
        return decisions.next_look_up(order.in_doubt_since, at, recovery.look_ups)
    since, again = first_sent_at(order), decisions.REPLAY_AGAIN
    return decisions.next_look_up(since, at, recovery.look_ups, again)


def may_have_arrived(order: Order) -> QuerySet[Attempt]:
    """The sends that may have reached the provider and left an order there, first one first."""
    return order.attempts.exclude(phase__in=DID_NOT_ARRIVE).order_by("number")


def first_sent_at(order: Order) -> datetime:
    """When the first send that may have arrived left us: from then on they know the reference."""
    first = may_have_arrived(order).first()
    return first.sent_at if first else order.in_doubt_since


def sends_of(order: Order) -> Sends:
    """What was sent so far, held against what would be sent now."""
    sent = list(order.attempts.exclude(phase=Phase.NOT_SENT).order_by("number"))
    today = fingerprint_of_request(request_of(order))
    return Sends(
        first_at=first_sent_at(order),
        count=len(sent),
        is_same_request=all(one.request_fingerprint == today for one in sent)
        and not any(one.verdict == RESTORED for one in sent),
        was_refused=any(one.verdict == REFUSED_UNCLEARLY for one in sent),
    )


def is_said_to_exist(order: Order) -> bool:
    """Whether they answered a send with "we have this reference"."""
    return order.attempts.filter(verdict=DUPLICATE).exists()


def is_first_duplicate(order: Order) -> bool:
    """Whether they had our reference before anything of ours may have reached them."""
    earlier = may_have_arrived(order).exclude(verdict=DUPLICATE)
    return is_said_to_exist(order) and not earlier.exists()


def is_taken(order: Order, found: RemoteOrder) -> bool:
    """Whether what was found belongs to another order of ours."""
    same = Order.objects.filter(account=order.account, external_id=found.external_id)
    return same.exclude(pk=order.pk).exists()
