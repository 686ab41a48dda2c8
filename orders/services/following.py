"""A placed order: ask how it stands, note what changed, fetch the cards when they are ready."""

from datetime import timedelta

from django.db import transaction

from giftops import guard
from giftops.clock import db_now
from giftops.queue import enqueue
from orders import decisions
from orders.decisions import Match, News
from orders.models import BreakKind, Order
from orders.services import answering, breaking, collecting, funding, lines, moving, resolving
from orders.services.drafting import request_of
from orders.services.problems import LostTheRace, Refused
from orders.services.wording import plainly
from orders.statuses import Status
from providers import services as providers
from providers.gateways.base import OrderType, RemoteOrder, Seller, Standing
from providers.gateways.errors import ProviderError

FOLLOW_ORDER = "orders.tasks.follow_order"
FOLLOWED = (Status.PLACED, Status.PARTLY_FULFILLED)


def follow_order(order_id: str) -> None:
    """One look at a placed order; what it brings is applied, and the next look arranged."""
    order = moving.read_order(order_id)
    if order.status not in FOLLOWED:
        return
    wait = timedelta()
    try:
        gateway: Seller = providers.gateway_for(order.account, subject=order.reference)
        is_ours = _apply_news(order, gateway.get_order(order.external_id))
        if is_ours and order.status in FOLLOWED and order.standing == Standing.COMPLETED:
            collecting.take_in(order, gateway.get_cards(order.external_id))
    except ProviderError as error:
        wait = _could_not_ask(order, error)
    except LostTheRace:
        return  # somebody else applied the same news; their look arranges the next one
    if order.status in FOLLOWED:
        _look_again(order, at_least=wait)


def ask_now(order: Order) -> str:
    """A person wants to know now: look, and say in one sentence where the order stands."""
    if guard.is_quarantined():
        raise Refused(guard.status())
    if order.status == Status.UNKNOWN:
        resolving.resolve_order(str(order.pk), may_send=False)
    elif order.status in FOLLOWED:
        follow_order(str(order.pk))
    order.refresh_from_db()
    said = f" The provider says “{order.provider_text}”." if order.provider_text else ""
    return f"{order.reference}: {order.get_status_display().lower()}.{said} {order.reason}".strip()


def _could_not_ask(order: Order, error: ProviderError) -> timedelta:
    """Say why on the order; answers how long the provider wants to be left alone."""
    moving.note(order, reason=f"Could not ask how it stands. {plainly(error, order.account)}"[:300])
    return timedelta(seconds=getattr(error, "retry_after", None) or 0)


def _look_again(order: Order, *, at_least: timedelta) -> None:
    at = db_now()
    standing = Standing(order.standing)
    stood_still = at - order.changed_at
    if _is_stale(order, standing, stood_still):
        _hold_stale(order, stood_still)
        return
    cards = answering.number_of_cards(order)
    look = at + max(decisions.poll_delay(standing, stood_still, cards=cards), at_least)
    with transaction.atomic():
        if moving.note(order, next_look_at=look):
            enqueue(FOLLOW_ORDER, order.pk, run_after=look)


def _is_stale(order: Order, standing: Standing, stood_still: timedelta) -> bool:
    """Whether nothing moved for too long; what is for a later day may wait for that day."""
    order_type = OrderType(order.type)
    if order.status != Status.PLACED or not decisions.is_stale(standing, stood_still, order_type):
        return False
    since = db_now() - decisions.stale_after(standing, order_type)
    return not order.lines.filter(deliver_on__gte=since.date()).exists()


def _hold_stale(order: Order, stood_still: timedelta) -> None:
    hours = int(stood_still.total_seconds() // 3600)
    resolving.park(
        order, BreakKind.STALE,
        f"No change at the provider for {hours} hours (“{order.provider_text}”).",
    )  # fmt: skip


def _apply_news(order: Order, remote: RemoteOrder) -> bool:
    """False if what they show is not what was bought: then no card of theirs is taken in either."""
    if remote.external_id != order.external_id or (
        decisions.match_of(request_of(order), remote) is Match.FOREIGN
    ):
        _contradiction(order, "The provider shows another card, amount or reference than ours.")
        return False
    _note_lines(order, remote)
    news = decisions.news_of(Standing(order.standing), remote.standing)
    if order.status == Status.PARTLY_FULFILLED and news is not News.SAME:
        news = News.CONTRADICTION
    match news:
        case News.CANCELLED:
            _cancel(order, remote)
        case News.CONTRADICTION:
            _contradiction(order, f"The provider went back to “{remote.status_text}”.")
        case News.UNMAPPED:
            _note_unmapped(order, remote)
        case News.CHANGED:
            _change_standing(order, remote)
        case News.SAME:
            moving.note(order, asked_at=db_now(), reason="")
    return True


def _note_lines(order: Order, remote: RemoteOrder) -> None:
    """Each line's own standing, and what all of them cost, as they tell it now."""
    lines.note_lines(order, remote)
    cost = lines.charged_for(remote)
    if cost is not None and cost.minor != order.cost_minor:
        moving.note(order, cost_minor=cost.minor)
        order.cost_minor = cost.minor


def _cancel(order: Order, remote: RemoteOrder) -> None:
    with transaction.atomic():
        funding.release(order)
        moving.move(
            order, Status.CANCELLED, kind="cancelled", held_minor=0, next_look_at=None,
            text=f"The provider cancelled it (“{remote.status_text}”)",
            standing=Standing.CANCELLED, provider_text=remote.status_text[:200],
            asked_at=db_now(), reason="Cancelled by the provider; you can retry it as a new order.",
        )  # fmt: skip
        breaking.close_all_of(order, note="The provider cancelled the order.")


def _contradiction(order: Order, text: str) -> None:
    with transaction.atomic():
        moving.note(order, asked_at=db_now())
        breaking.open_break(
            BreakKind.CONTRADICTION, order.account, order=order, text=f"{order.reference}: {text}"
        )


def _note_unmapped(order: Order, remote: RemoteOrder) -> None:
    """A status text never seen before: keep the order where it is, and call a person."""
    if order.standing == Standing.UNMAPPED and order.provider_text == remote.status_text[:200]:
        moving.note(order, asked_at=db_now())
        return
    with transaction.atomic():
        _stand(order, remote, f"The provider says “{remote.status_text}”, which we do not know")
        answering.report_unmapped(order, remote.status_text)


def _change_standing(order: Order, remote: RemoteOrder) -> None:
    with transaction.atomic():
        _stand(order, remote, f"The provider says “{remote.status_text}”")
        breaking.close(
            BreakKind.UNMAPPED_STATUS, order.account, order=order, note="Its status is known again."
        )


def _stand(order: Order, remote: RemoteOrder, text: str) -> None:
    moving.move(
        order, Status(order.status), kind="standing", text=text, standing=remote.standing,
        provider_text=remote.status_text[:200], asked_at=db_now(), reason="",
    )  # fmt: skip
