"""Jobs of what we issue: an id in, one service call, nothing out."""

from orders.services.issuing import sweeping_issued
from orders.services.issuing.cards import balances, creating, proving
from orders.services.issuing.holds import authorizing, finishing, judging
from orders.services.issuing.reservations import reserving


def sweep_issuing() -> None:
    sweeping_issued.sweep_issued()


def send_reservation(reservation_id: str) -> None:
    reserving.send_reservation(reservation_id)


def resolve_reservation(reservation_id: str) -> None:
    reserving.resolve_reservation(reservation_id)


def create_card(card_id: str) -> None:
    creating.create_card(card_id)


def resolve_card(card_id: str) -> None:
    proving.resolve_card(card_id)


def read_card(card_id: str) -> None:
    balances.look(card_id)


def authorize_hold(authorization_id: str) -> None:
    authorizing.authorize(authorization_id)


def resolve_hold(authorization_id: str) -> None:
    judging.resolve_hold(authorization_id)


def finish_hold(authorization_id: str) -> None:
    finishing.finish_hold(authorization_id)


def resolve_finish(authorization_id: str) -> None:
    judging.resolve_finish(authorization_id)


def check_end(authorization_id: str) -> None:
    judging.check_end(authorization_id)
