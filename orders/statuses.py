"""An order's own status, and which status may follow which.

Numbers in the comments are the rows of the order state machine in docs/money-safety.md.
"""

from django.db import models


class Status(models.TextChoices):
    DRAFT = "draft", "Draft"
    AWAITING_APPROVAL = "awaiting_approval", "Waiting for approval"
    APPROVED = "approved", "Approved, about to be sent"
    SUBMITTING = "submitting", "Being sent"
    UNKNOWN = "unknown", "Outcome unknown"
    PLACED = "placed", "On its way"
    PARTLY_FULFILLED = "partly_fulfilled", "Partly fulfilled"
    FULFILLED = "fulfilled", "Fulfilled"
    AWAITING_FUNDS = "awaiting_funds", "Waiting for funds"
    NEEDS_REVIEW = "needs_review", "Held for a person"
    REJECTED = "rejected", "Refused by the provider"
    CANCELLED = "cancelled", "Cancelled by the provider"
    DECLINED = "declined", "Declined by the approver"
    WITHDRAWN = "withdrawn", "Withdrawn"


S = Status

ALIVE = frozenset({S.SUBMITTING, S.UNKNOWN, S.PLACED, S.PARTLY_FULFILLED, S.NEEDS_REVIEW})
"""Statuses in which the order may exist at the provider: no second one for the same need."""

DEAD = frozenset({S.REJECTED, S.CANCELLED, S.DECLINED, S.WITHDRAWN})
"""Statuses in which nothing exists at the provider and nothing will."""

ALLOWED: frozenset[tuple[Status, Status]] = frozenset(
    {
        (S.DRAFT, S.AWAITING_APPROVAL),  # 1
        (S.DRAFT, S.WITHDRAWN),  # 2
        (S.AWAITING_APPROVAL, S.WITHDRAWN),  # 2
        (S.AWAITING_APPROVAL, S.DRAFT),  # 3
        (S.AWAITING_APPROVAL, S.APPROVED),  # 4
        (S.AWAITING_APPROVAL, S.DECLINED),  # 5
        (S.APPROVED, S.AWAITING_APPROVAL),  # 6
        (S.APPROVED, S.WITHDRAWN),  # 7
        (S.APPROVED, S.SUBMITTING),  # 8
        (S.SUBMITTING, S.APPROVED),  # 9
        (S.SUBMITTING, S.UNKNOWN),  # 10, 14
        (S.SUBMITTING, S.PLACED),  # 11
        (S.SUBMITTING, S.REJECTED),  # 12
        (S.SUBMITTING, S.AWAITING_FUNDS),  # 13
        (S.UNKNOWN, S.PLACED),  # 15
        (S.UNKNOWN, S.SUBMITTING),  # 16
        (S.UNKNOWN, S.NEEDS_REVIEW),  # 17
        (S.UNKNOWN, S.REJECTED),  # 17a: refused in words we do not know, and proven absent
        (S.NEEDS_REVIEW, S.PLACED),  # 18
        (S.NEEDS_REVIEW, S.FULFILLED),  # 18, the cards that came are accepted
        (S.NEEDS_REVIEW, S.REJECTED),  # 19
        (S.NEEDS_REVIEW, S.APPROVED),  # 19
        (S.PLACED, S.PLACED),  # 20, 29
        (S.AWAITING_FUNDS, S.SUBMITTING),  # 21
        (S.AWAITING_FUNDS, S.WITHDRAWN),  # 22
        (S.PLACED, S.FULFILLED),  # 23
        (S.PLACED, S.PARTLY_FULFILLED),  # 24
        (S.PLACED, S.NEEDS_REVIEW),  # 25, 30
        (S.PARTLY_FULFILLED, S.FULFILLED),  # 26
        (S.PARTLY_FULFILLED, S.NEEDS_REVIEW),  # 25, 30
        (S.PLACED, S.CANCELLED),  # 27
        (S.REJECTED, S.NEEDS_REVIEW),  # 32
        (S.APPROVED, S.NEEDS_REVIEW),  # 32, while it waits to be sent again
        (S.AWAITING_FUNDS, S.NEEDS_REVIEW),  # 32, refused for lack of funds and there all the same
        (S.WITHDRAWN, S.NEEDS_REVIEW),  # 32
        (S.CANCELLED, S.NEEDS_REVIEW),  # 32
    }
)


def is_allowed(old: str, new: str) -> bool:
    return (Status(old), Status(new)) in ALLOWED
