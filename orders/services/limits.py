"""From which amount on a batch needs an approver: per account and role of the maker.

Where nothing is set, the limit of the currency in the settings holds; without one every batch
needs an approver.
"""

from decimal import Decimal

from django.conf import settings
from django.db import transaction

from giftops import audit, roles
from giftops.clock import db_now
from giftops.models import User
from giftops.money import Money
from orders.models import ApprovalLimit
from orders.services.problems import LostTheRace, Refused
from providers.models import ProviderAccount

MAKES = "orders.add_order"


def limit_for(account: ProviderAccount, role: str, currency: str) -> Money | None:
    """The limit for a maker of this role at this account; None: every batch needs an approver."""
    own = ApprovalLimit.objects.filter(account=account, role=role).first()
    if own is not None and account.currency == currency:
        return Money(own.limit_minor, currency)
    return usual_limit(currency)


def usual_limit(currency: str) -> Money | None:
    """The limit where none is set for an account and role: that of the settings."""
    limit = settings.GIFTOPS_APPROVAL_LIMITS.get(currency)
    return Money.from_decimal(Decimal(limit), currency) if limit is not None else None


def is_below(total: Money, limit: Money | None) -> bool:
    """Whether a batch of this total goes out without an approver."""
    return limit is not None and total < limit


def makers() -> list[str]:
    """The roles that make orders: only for these is there anything to limit."""
    return roles.holders(MAKES)


def set_limit(account: ProviderAccount, role: str, limit: Money, *, actor: User) -> ApprovalLimit:
    """From `limit` on batches of this role at this account need an approver. Raises `Refused`."""
    _require(actor, role)
    if role not in makers():
        raise Refused("People of this role order nothing, so there is nothing to limit.")
    if limit.currency != account.currency or limit.minor < 0:
        raise Refused(f"Give an amount in {account.currency}, nought or more.")
    with transaction.atomic():
        before = ApprovalLimit.objects.select_for_update().filter(account=account, role=role)
        was = before.first()
        found, _ = ApprovalLimit.objects.update_or_create(
            account=account, role=role,
            defaults={"limit_minor": limit.minor, "changed_at": db_now(), "changed_by": actor},
        )  # fmt: skip
        audit.record(
            "approval_limit.set", actor=actor, obj=found, account=account.name, role=role,
            was=str(was.limit) if was else "", now=str(limit),
        )  # fmt: skip
    return found


def remove_limit(found: ApprovalLimit, *, actor: User) -> None:
    """Go back to the limit of the settings. Raises `Refused`, `LostTheRace`."""
    _require(actor, found.role)
    with transaction.atomic():
        kept = ApprovalLimit.objects.select_for_update().filter(pk=found.pk).first()
        if kept is None:
            raise LostTheRace("This limit was removed already.")
        usual = usual_limit(kept.account.currency)
        audit.record(
            "approval_limit.removed", actor=actor, obj=kept, account=kept.account.name,
            role=kept.role, was=str(kept.limit), now=str(usual or ""),
        )  # fmt: skip
        kept.delete()


def _require(actor: User, role: str) -> None:
    if not actor.has_perm("orders.change_approvallimit"):
        raise Refused("Your role may not change limits.")
    if actor.role == role:
        raise Refused("Nobody sets the limit for their own role.")
