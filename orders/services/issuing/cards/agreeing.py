"""What an approver agrees to, as fingerprints: of a whole issuance, and of each card in it.

The whole is compared when somebody approves. The line of a card's timeline that lets it go keeps
that card's own, so that right before it is sent it is compared without a look at the others; what
came into an issuance later has no such line.
"""

import hashlib
import json
from typing import Any
from uuid import UUID

from orders.issuing_states import CardState
from orders.models import Card, Issuance, IssuingEvent

AGREED = "agreed"
"""Under which a card's fingerprint is kept among the facts of that line."""
OF_A_CARD = (
    "position", "sale_id", "gift_card_code", "face_value_minor", "currency", "points",
    "customer_id", "customer_name", "customer_email",
)  # fmt: skip


def fingerprint_of(issuance: Issuance) -> str:
    """SHA-256 over everything an approver agrees to: where, for whom, which kind, how much."""
    cards = issuance.cards.order_by("position").values_list(*OF_A_CARD)
    return _sha256([*_place_of(issuance), [list(card) for card in cards]])


def fingerprint_of_card(card: Card, issuance: Issuance) -> str:
    """The same of one card of it, as it stands in memory."""
    return _of_one(issuance, [getattr(card, name) for name in OF_A_CARD])


def is_as_agreed(card_id: UUID, issuance: Issuance) -> bool:
    """Whether a stored card still is what was let go; two queries, however many there are."""
    stored = Card.objects.values_list(*OF_A_CARD).get(pk=card_id)
    let_go = IssuingEvent.objects.filter(
        card=card_id, old_state=CardState.DRAFT, new_state=CardState.WAITING
    )
    line = let_go.order_by("id").last()
    if line is None:
        return False
    if AGREED not in line.facts:  # let go before a card had a fingerprint of its own
        return fingerprint_of(issuance) == issuance.fingerprint
    return bool(line.facts[AGREED] == _of_one(issuance, list(stored)))


def _of_one(issuance: Issuance, card: list[Any]) -> str:
    return _sha256([*_place_of(issuance), str(issuance.pk), card])


def _place_of(issuance: Issuance) -> list[Any]:
    account = issuance.account
    place = [account.provider, account.environment, account.base_url, str(account.pk)]
    return [place, str(issuance.pool_id or "")]


def _sha256(facts: list[Any]) -> str:
    return hashlib.sha256(json.dumps(facts, separators=(",", ":")).encode()).hexdigest()
