"""Jobs: an id in, one service call, nothing out."""

from orders.services import (
    doorbells,
    following,
    funding,
    listening,
    mirroring,
    placing,
    resolving,
    resuming,
    sweeping,
)
from providers.models import ProviderAccount


def place_order(order_id: str) -> None:
    placing.place_order(order_id)


def resume_order(order_id: str) -> None:
    resuming.send_resumed(order_id)


def resume_orders(account_id: str) -> None:
    resuming.resume_orders(account_id)


def resolve_order(order_id: str) -> None:
    resolving.resolve_order(order_id)


def follow_order(order_id: str) -> None:
    following.follow_order(order_id)


def answer_doorbell(order_id: str) -> None:
    listening.answer_doorbell(order_id)


def purge_webhooks() -> None:
    doorbells.purge()


def sweep_orders() -> None:
    sweeping.sweep_orders()


def mirror_remote_orders(account_id: str) -> None:
    mirroring.mirror_remote_orders(account_id)


def read_deposit(account_id: str) -> None:
    funding.ask_the_provider(ProviderAccount.objects.get(pk=account_id))


def refresh_mirrors() -> None:
    mirroring.refresh_all()


def refresh_deposits() -> None:
    funding.refresh_all()
