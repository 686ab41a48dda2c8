"""What we bought, issued, hold and owe: one noun per file."""

from orders.models.approval import Approval, ApprovalLimit
from orders.models.attempt import Attempt, Phase
from orders.models.authorization import Authorization
from orders.models.batch import Batch
from orders.models.breaks import Break, BreakKind
from orders.models.card import Card, Reveal
from orders.models.deposit import Book, Deposit, LedgerEvent, LedgerPosting, LedgerTransaction
from orders.models.issuance import Issuance
from orders.models.issuing_event import IssuingEvent
from orders.models.order import ORDER_TYPES, Order, OrderEvent, OrderLine
from orders.models.reading import BalanceCheck, CardMovement
from orders.models.remote import RemoteOrder
from orders.models.reservation import Pool, Reservation, ReservedNumber
from orders.models.resolution import Resolution

__all__ = [
    "ORDER_TYPES",
    "Approval",
    "ApprovalLimit",
    "Attempt",
    "Authorization",
    "BalanceCheck",
    "Batch",
    "Book",
    "Break",
    "BreakKind",
    "Card",
    "CardMovement",
    "Deposit",
    "Issuance",
    "IssuingEvent",
    "LedgerEvent",
    "LedgerPosting",
    "LedgerTransaction",
    "Order",
    "OrderEvent",
    "OrderLine",
    "Phase",
    "Pool",
    "RemoteOrder",
    "Reservation",
    "ReservedNumber",
    "Resolution",
    "Reveal",
]
