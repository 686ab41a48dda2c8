"""What the provider has taken of the money that our orders hold, as far as their standing tells.

`ProviderAccount.debits_at` says when it takes it: when it accepts an order ("placed") or when the
order completes ("completed"). Source: docs/money-safety.md, the deposit ledger.
"""

from dataclasses import dataclass
from datetime import datetime

from django.db.models import BigIntegerField, Case, F, Q, Sum, When

from orders.models import Order
from orders.statuses import Status
from providers.gateways.base import Standing
from providers.models import ProviderAccount

ACCEPTED = Q(status__in=(Status.PLACED, Status.PARTLY_FULFILLED, Status.FULFILLED)) | (
    Q(status=Status.NEEDS_REVIEW) & ~Q(external_id="")
)
TAKES = {"placed": ACCEPTED, "completed": Q(standing=Standing.COMPLETED)}
IN_DOUBT = Q(status__in=(Status.SUBMITTING, Status.UNKNOWN))


@dataclass(frozen=True, slots=True)
class Debits:
    """Sums in minor units over the orders of one account that hold money."""

    taken: int
    """What we still hold although the provider has taken it."""
    may_return: int
    """How much more than expected the provider may show because of these orders and not because
    of new funds: a cost below the estimate, cards it credits, a debit younger than the reading."""
    in_doubt: int
    """Held by orders of which nobody knows yet whether the provider has taken their money."""


def debits_of(account: ProviderAccount, currency: str, *, asked_at: datetime) -> Debits:
    """Add up what is held by orders as they stand; one query."""
    is_taken = TAKES[account.debits_at]
    is_certain = is_taken & Q(
        status=Status.PLACED, cost_minor__isnull=False, held_minor=F("total_minor"),
        changed_at__lt=asked_at,
    )  # fmt: skip
    holding = Order.objects.filter(account=account, currency=currency, held_minor__gt=0)
    sums = holding.aggregate(
        taken=Sum(_first((is_certain, "cost_minor"), (is_taken, "held_minor"))),
        may_return=Sum(_first((is_certain, 0), (is_taken, "held_minor"))),
        in_doubt=Sum(_first((IN_DOUBT, "held_minor"))),
    )
    return Debits(**{name: total or 0 for name, total in sums.items()})


def _first(*rules: tuple[Q, str | int]) -> Case:
    """The amount of the first rule that fits an order, else nothing."""
    whens = [When(rule, then=amount) for rule, amount in rules]
    return Case(*whens, default=0, output_field=BigIntegerField())
