"""The scenes at the issuer: numbers, cards on them, money held on the cards."""

from collections.abc import Callable

from giftops.money import Money
from orders.demo.issuing_scenes import IssuingScene, Thing
from orders.demo.scenes import Part, Stage
from orders.demo.telling_issued import CARDS_UNDER_WAY, KIND_OF_CARD, wishes_for
from orders.issuing_states import CardState, HoldState, ReservationState
from orders.models import Authorization, Card, Reservation, Resolution
from orders.services.issuing.cards import balances, issuing
from orders.services.issuing.cards.card_wishes import CardWish
from orders.services.issuing.holds import authorizing, deciding_holds, finishing
from orders.services.issuing.reservations import reserving

LOST = "timeout_after_commit"
AGENCY = "Harbor Street"
NOBODY = "2059379999"
"""A customer whom the issuer does not know."""
CARDS, VALUE = 20, "10.00"


# --- Numbers ------------------------------------------------------------------------------------


def ask_for_800(stage: Stage, scene: IssuingScene) -> list[Thing]:
    """More than they give out at once, which they do not say."""
    account = stage.shops[scene.provider].account
    return [
        reserving.request_pool(
            account, actor=stage.maker, agency=AGENCY, name=scene.name, count=800
        )
    ]


def top_up(stage: Stage, scene: IssuingScene) -> None:
    """Once fewer came: ask for the rest, as Mira would; helped when that is here as well."""
    if any(one.state != ReservationState.RESERVED for one in scene.things):
        return
    first = reservation_of(scene)
    if len(scene.things) == 1:
        scene.things.append(reserving.top_up(first, actor=stage.maker))
    else:
        scene.is_helped = True


def was_cut(_stage: Stage, scene: IssuingScene) -> bool:
    received = [one.received for one in scene.things if isinstance(one, Reservation)]
    return received == [500, 300]


def ask_unheard(stage: Stage, scene: IssuingScene) -> list[Thing]:
    """They set numbers aside, and the list of them never comes."""
    account = stage.shops[scene.provider].account
    asked = reserving.request_pool(
        account, actor=stage.maker, agency=AGENCY, name=scene.name, count=40
    )
    scene.arm(stage, LOST, operation="reserveIds", reference=asked.reference)
    return [asked]


def is_listed_as_lost(_stage: Stage, scene: IssuingScene) -> bool:
    return reservation_of(scene).may_be_lost == 40


def reservation_of(scene: IssuingScene) -> Reservation:
    first = scene.things[0]
    assert isinstance(first, Reservation)  # noqa: S101 - of a scene about numbers
    return first


# --- Cards --------------------------------------------------------------------------------------


def issue_twenty(stage: Stage, scene: IssuingScene) -> list[Thing]:
    """On numbers of the pool; the first is for nobody, the answer to the last is lost.

    Numbers are taken in their order, and the first one is given back.
    """
    before = scene.stands_on
    assert isinstance(before, IssuingScene)  # noqa: S101 - the scene about the pool
    account, pool = stage.shops[scene.provider].account, reservation_of(before).pool
    value = Money.parse(VALUE, account.currency)
    wishes = [
        CardWish(customer_id=NOBODY, code=KIND_OF_CARD, value=value),
        *wishes_for([VALUE] * (CARDS - 1), account.currency),
    ]
    issuance = issuing.draft_issuance(
        account, actor=stage.maker, wishes=wishes, pool=pool, title=scene.name, may_repeat=True
    )
    last = reservation_of(before).numbers.get(position=CARDS - 1).number.reveal()
    scene.arm(stage, LOST, operation="createGiftcard", reference=last)
    issuing.submit_issuance(issuance, actor=stage.maker)
    return list(issuance.cards.order_by("position"))


def kill_worker(stage: Stage, scene: IssuingScene) -> None:
    """Once they have created all, and the last answer does not come: kill -9 the worker."""
    [number] = scene.references
    under_way = [one for one in scene.things if one.state in CARDS_UNDER_WAY]
    if scene.is_helped or len(under_way) > 1:
        return
    if stage.simulator(scene).arrivals("createGiftcard", number):
        stage.kill_worker()
        scene.is_helped = True


def are_all_there_but_one(_stage: Stage, scene: IssuingScene) -> bool:
    """The lost one was found by its balance, and nobody got no card."""
    first, *good = [one.state for one in scene.things]
    is_whole = set(good) == {CardState.ACTIVE} and first == CardState.REFUSED
    return is_whole and scene.was_told("adopted")


# --- Holds --------------------------------------------------------------------------------------


def hold(
    position: int, amount: str, *, takes_partial: bool = False, is_lost: bool = False
) -> Callable[[Stage, IssuingScene], list[Thing]]:
    """A beginning: ask what the card at this position is worth, then hold so much on it."""

    def begin(stage: Stage, scene: IssuingScene) -> list[Thing]:
        card = _card(scene, position)
        balances.ask_now(card, actor=stage.maker)
        card.refresh_from_db()
        if is_lost:
            number = balances.number_of(card)
            scene.arm(stage, LOST, operation="authorizeGiftcard", reference=number)
        wanted = Money.parse(amount, card.currency)
        return [
            authorizing.request_hold(
                card, actor=stage.maker, amount=wanted, note=scene.name, takes_partial=takes_partial
            )
        ]

    return begin


def confirm(stage: Stage, scene: IssuingScene) -> None:
    """Once the money is held: take it."""
    held = hold_of(scene)
    if not scene.is_helped and held.state == HoldState.AUTHORIZED:
        finishing.confirm_hold(held, actor=stage.maker)
        scene.is_helped = True


def give_back(stage: Stage, scene: IssuingScene) -> None:
    """Once less is held than was wanted: give it back."""
    held = hold_of(scene)
    if not scene.is_helped and held.state == HoldState.AUTHORIZED_PARTIAL:
        finishing.cancel_hold(held, actor=stage.maker)
        scene.is_helped = True


def ask_the_staff(stage: Stage, scene: IssuingScene) -> None:
    """Once it is held and its code lost: the staff tells the code, two people enter it."""
    held = hold_of(scene)
    if held.state == HoldState.HELD_CODE_LOST:
        number = balances.number_of(held.card)
        [known] = [
            one
            for one in stage.simulator(scene).holds_on(number)
            if one["sale_id"] == held.reference
        ]
        proposal = deciding_holds.propose(
            held, actor=stage.maker, decision=Resolution.Decision.ENTER_CODE,
            reason="Their staff read the code out over the telephone.",
            auth_code=known["auth_code"], amount=Money(known["held_minor"], held.currency),
        )  # fmt: skip
        deciding_holds.confirm(proposal, actor=stage.approver)
    confirm(stage, scene)


def was_decided(_stage: Stage, scene: IssuingScene) -> bool:
    return scene.was_told(f"decided_{Resolution.Decision.ENTER_CODE}")


def ended_as(state: HoldState) -> Callable[[Stage, IssuingScene], bool]:
    """A proof: the money was taken, or given back."""
    return lambda _stage, scene: hold_of(scene).state == state


def hold_of(scene: IssuingScene) -> Authorization:
    first = scene.things[0]
    assert isinstance(first, Authorization)  # noqa: S101 - of a scene about holds
    return first


def _card(scene: IssuingScene, position: int) -> Card:
    """One of the cards of the scene that this one stands on."""
    before = scene.stands_on
    assert isinstance(before, IssuingScene)  # noqa: S101 - the scene about the cards
    card = before.things[position - 1]
    assert isinstance(card, Card)  # noqa: S101 - as above
    return card


def scenes(after_kill: Part) -> list[IssuingScene]:
    """Numbers first, then cards and the death of the worker (not the first), then holds."""
    pool = IssuingScene(
        name="Pool cut short",
        trouble="800 asked, 500 given without a word; topped up",
        begin=ask_for_800,
        meanwhile=top_up,
        proof=was_cut,
        needs_help=True,
        act=0,
    )
    cards = IssuingScene(
        name="Twenty cards",
        trouble="one answer lost and kill -9: adopted by its balance; one for an unknown customer",
        begin=issue_twenty,
        meanwhile=kill_worker,
        proof=are_all_there_but_one,
        needs_help=True,
        act=1,
        stands_on=pool,
        waits_for=after_kill,
    )
    return [pool, cards, *_last_scenes(cards)]


def _last_scenes(cards: IssuingScene) -> list[IssuingScene]:
    return [
        IssuingScene(
            name="Pool unheard",
            trouble="40 set aside, the answer lost: asked again, the waste is listed",
            begin=ask_unheard,
            proof=is_listed_as_lost,
        ),
        IssuingScene(
            name="Held and taken",
            trouble="none: asked, held, confirmed",
            begin=hold(3, "6.00"),
            meanwhile=confirm,
            proof=ended_as(HoldState.CONFIRMED),
            needs_help=True,
            stands_on=cards,
        ),
        IssuingScene(
            name="Held in part",
            trouble="more wanted than is on the card: given back",
            begin=hold(4, "15.00", takes_partial=True),
            meanwhile=give_back,
            proof=ended_as(HoldState.RELEASED),
            needs_help=True,
            stands_on=cards,
        ),
        IssuingScene(
            name="Code lost",
            trouble="held, the answer lost: read thrice, two people enter the code; taken",
            begin=hold(5, "7.50", is_lost=True),
            meanwhile=ask_the_staff,
            proof=was_decided,
            needs_help=True,
            stands_on=cards,
        ),
    ]
