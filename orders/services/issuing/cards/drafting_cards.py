"""From the cards that a person asks for to an issuance, checked before anything is stored."""

from collections.abc import Sequence

from django.db import IntegrityError, transaction

from giftops.clock import db_now
from giftops.identity import new_id, reference_for
from giftops.models import User
from giftops.money import Money, MoneyError
from orders.issuing_states import CardState, IssuanceState
from orders.models import Card, Issuance, IssuingEvent, Pool, Reservation, ReservedNumber
from orders.services.issuing import stepping
from orders.services.issuing.cards import card_wishes, promises
from orders.services.issuing.cards.card_wishes import CardWish
from orders.services.issuing.cards.issuance_steps import cards_in, require, step_all
from orders.services.problems import InvalidOrder, LostTheRace
from providers.models import ProviderAccount

LONGEST_TITLE = 120


def draft_issuance(
    account: ProviderAccount,
    *,
    actor: User,
    wishes: Sequence[CardWish],
    pool: Pool | None = None,
    reservation: Reservation | None = None,
    title: str = "",
    may_repeat: bool = False,
    corrects: Issuance | None = None,
) -> Issuance:
    """Draft cards on numbers of one pool, or one card on a single reserved number.

    Raises `Refused` by role and `InvalidOrder` by field; nothing is sent. Not in a transaction: the
    customer of a single card is looked up. `may_repeat`: a customer may get more than one.
    `corrects`: its refused cards are given up for these, so that nobody gets both; `LostTheRace` if
    some of them were corrected or tried again meanwhile.
    """
    require(actor, "orders.add_issuance", "have cards created")
    card_wishes.check_account(account)
    _check_title(title)
    number = promises.check_source(account, len(wishes), pool, reservation)
    fit = card_wishes.checked(account, wishes, may_repeat=may_repeat)
    total = _total(fit)
    issuance = Issuance(
        account=account, pool=pool, title=title, currency=total.currency, total_minor=total.minor,
        card_count=len(fit), maker=actor, last_editor=actor,
    )  # fmt: skip
    _store(issuance, fit, number, corrects)
    return issuance


def refused_wishes(issuance: Issuance) -> list[CardWish]:
    """What its refused cards asked for, to be corrected and drafted as a new issuance."""
    refused = issuance.cards.filter(state=CardState.REFUSED).order_by("position")
    return [
        CardWish(
            customer_id=card.customer_id,
            code=card.gift_card_code,
            value=card.face_value,
            points=card.points,
            customer_name=card.customer_name,
            customer_email=card.customer_email,
            row=card.position,
        )  # fmt: skip
        for card in refused
    ]


def _check_title(title: str) -> None:
    if len(title) > LONGEST_TITLE:
        raise InvalidOrder(f"A title has at most {LONGEST_TITLE} characters.", "title")


def _total(wishes: Sequence[CardWish]) -> Money:
    try:
        return sum((wish.value for wish in wishes[1:]), wishes[0].value)
    except MoneyError as problem:
        raise InvalidOrder(str(problem), card_wishes.SHEET) from problem


def _store(
    issuance: Issuance,
    wishes: Sequence[CardWish],
    number: ReservedNumber | None,
    corrects: Issuance | None,
) -> None:
    """The issuance with its cards, and the end of those that it corrects; or nothing of it."""
    text = f"Drafted: {_in_words(issuance)}"
    try:
        with transaction.atomic():
            issuance.save(force_insert=True)
            _draft_cards(issuance, wishes, number)
            stepping.tell(issuance, "drafted", text, actor=issuance.maker, new=IssuanceState.DRAFT)
            if corrects is not None:
                _give_up_refused(corrects, issuance)
    except IntegrityError:
        raise InvalidOrder(promises.PROMISED, "reservation") from None


def _draft_cards(
    issuance: Issuance, wishes: Sequence[CardWish], number: ReservedNumber | None
) -> None:
    cards = [_draft(issuance, wish, position, number) for position, wish in enumerate(wishes, 1)]
    Card.objects.bulk_create(cards)
    at = db_now()
    IssuingEvent.objects.bulk_create(
        IssuingEvent(
            card=card, at=at, kind="drafted", text="Drafted", actor=issuance.maker,
            new_state=CardState.DRAFT,
        )
        for card in cards
    )  # fmt: skip


def _draft(
    issuance: Issuance, wish: CardWish, position: int, number: ReservedNumber | None
) -> Card:
    uid = new_id()
    return Card(
        id=uid, issuance=issuance, account=issuance.account, state=CardState.DRAFT,
        position=position, number=number, gift_card_code=wish.code,
        customer_id=wish.customer_id, customer_name=wish.customer_name,
        customer_email=wish.customer_email, sale_id=reference_for(uid), points=wish.points,
        currency=wish.value.currency, face_value_minor=wish.value.minor, is_releasable=False,
    )  # fmt: skip


def _give_up_refused(corrected: Issuance, issuance: Issuance) -> None:
    """Its refused cards end in favour of the new ones, of which there are not more than of them."""
    refused = cards_in(corrected, CardState.REFUSED)
    if len(refused) < issuance.card_count:
        raise LostTheRace(
            f"Of {corrected} {len(refused)} cards are refused now, not {issuance.card_count}: the "
            "others were corrected or tried again meanwhile. Nothing was drafted; look again."
        )
    text = f"Given up: corrected in {issuance}"
    step_all(refused, CardState.WITHDRAWN, "corrected", text, actor=issuance.maker, number=None)


def _in_words(issuance: Issuance) -> str:
    plural = "" if issuance.card_count == 1 else "s"
    return f"{issuance.card_count} card{plural}, {issuance.total.format()}"
