"""The desks at which people buy, follow, approve and look. Importing registers them."""

from orders.admin import batches, breaks, cards, deposits, orders, remote_orders, reveals, rules
from orders.admin.issuing import holds, issuances, pools, reservations

__all__ = [
    "batches",
    "breaks",
    "cards",
    "deposits",
    "holds",
    "issuances",
    "orders",
    "pools",
    "remote_orders",
    "reservations",
    "reveals",
    "rules",
]
