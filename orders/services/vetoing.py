"""What orders, and what we issued, have to say about a change of their account."""

from orders.issuing_states import (
    LIVING_CARDS,
    OPEN_HOLDS,
    UNFINISHED_HOLDS,
    CardState,
    NumberState,
    ReservationState,
)
from orders.models import Authorization, Card, Order, Reservation, ReservedNumber
from orders.statuses import ALIVE
from providers.models import ProviderAccount

MOVES_AWAY = {"provider", "environment", "base_url", "user_name"}
UNANSWERED = (
    ReservationState.REQUESTED,
    ReservationState.SENDING,
    ReservationState.UNKNOWN,
    ReservationState.NEEDS_REVIEW,
)
CREATED_OR_NEARLY = (*LIVING_CARDS, CardState.CREATING, CardState.IN_DOUBT, CardState.NEEDS_REVIEW)


def veto_account_change(account: ProviderAccount, changed: set[str]) -> str:
    """A sentence if something lives that could not be found any more under the changed account."""
    if not changed & MOVES_AWAY:
        return ""
    living = Order.objects.filter(account=account, status__in=ALIVE).count()
    issued = _issued_things(account)
    if not living and not issued:
        return ""
    what = _count(living, "order lives", "orders live") if living else issued
    return (
        f"{what} at this account. Wait until they have ended, or connect the other "
        "address or user as an account of its own."
    )


def _issued_things(account: ProviderAccount) -> str:
    """The first kind of issued thing that lives there; "" if nothing does."""
    kinds = (
        (Card, CREATED_OR_NEARLY, "card lives", "cards live"),
        (ReservedNumber, (NumberState.RESERVED,), "number is left", "numbers are left"),
        (Reservation, UNANSWERED, "request for numbers is open", "requests for numbers are open"),
        (Authorization, OPEN_HOLDS + UNFINISHED_HOLDS, "hold is open", "holds are open"),
    )
    for model, states, one, many in kinds:
        found = model._default_manager.filter(account=account, state__in=states).count()
        if found:
            return _count(found, one, many)
    return ""


def _count(number: int, one: str, many: str) -> str:
    return f"{number} {one if number == 1 else many}"
