"""The cards that a person asks to have created, and whether they can be; nothing is stored here."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import validate_email

from giftops.money import Money
from orders.services.problems import InvalidOrder
from orders.services.recipients import in_short
from orders.services.wording import plainly
from providers import services as providers
from providers.gateways.base import CreateRequest, Issuer, RemoteCustomer
from providers.gateways.errors import ProviderError
from providers.models import ProviderAccount
from providers.registry import spec_for

LONGEST_NAME = 120
LONGEST = {"customer_id": 64, "code": 40}
SHEET = "wishes"
"""The form field that the problems of many cards belong to."""

Problem = tuple[str, str]
"""The form field, and a sentence."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CardWish:
    """One card: for whom, of which kind, worth how much; paid with `points` or with our sale.

    `row` is the line of the sheet that it stands in, from 1; 0: it comes from no sheet.
    """

    customer_id: str
    code: str
    value: Money
    points: int | None = None
    customer_name: str = ""
    customer_email: str = ""
    row: int = 0


def check_account(account: ProviderAccount) -> None:
    """Raise `InvalidOrder` unless cards can be created at this account."""
    if "issuer" not in spec_for(account.provider).capabilities:
        raise InvalidOrder(f"{account} creates no cards.", "account")
    if not account.is_active:
        raise InvalidOrder(f"{account} is switched off.", "account")


def checked(
    account: ProviderAccount, wishes: Sequence[CardWish], *, may_repeat: bool = False
) -> list[CardWish]:
    """The wishes as they can be drafted; of a single one the customer is looked up there.

    Raises `InvalidOrder`: at its field for a single card, row by row for many.
    """
    if len(wishes) == 1 and not wishes[0].row:
        return [_checked_one(wishes[0], _gateway_of(account), account)]
    if problems := row_problems(account, wishes, may_repeat=may_repeat):
        raise InvalidOrder(in_short(problems), SHEET)
    return list(wishes)


def row_problems(
    account: ProviderAccount, wishes: Sequence[CardWish], *, may_repeat: bool = False
) -> list[str]:
    """A sentence for each thing that is wrong with the rows of a sheet.

    Raises `InvalidOrder` for what is wrong with all of it.
    """
    most = settings.GIFTOPS_ORDER_LIMITS["max_batch_quantity"]
    if not 1 <= len(wishes) <= most:
        raise InvalidOrder(f"Create between 1 and {most} cards at a time.", SHEET)
    gateway = _gateway_of(account)
    return sheet_problems(wishes, gateway, account.currency, may_repeat=may_repeat)


def problems_of_one(account: ProviderAccount, wish: CardWish) -> list[Problem]:
    """What is wrong with a single card, apart from who its customer is. Raises `InvalidOrder`."""
    somebody = wish if wish.customer_id else replace(wish, customer_id="1")
    return list(problems_with(somebody, _gateway_of(account), account.currency))


def sheet_problems(
    wishes: Sequence[CardWish], gateway: Issuer, currency: str, *, may_repeat: bool = False
) -> list[str]:
    """A sentence for each thing that is wrong, with its row, in the order of the sheet."""
    found = []
    seen: dict[str, int] = {}
    for position, wish in enumerate(wishes, 1):
        row = wish.row or position
        found += [f"Row {row}: {text}" for _, text in problems_with(wish, gateway, currency)]
        if wish.customer_id and wish.customer_id in seen and not may_repeat:
            found.append(
                f"Row {row}: customer {wish.customer_id} is in row {seen[wish.customer_id]} "
                "already."
            )
        seen.setdefault(wish.customer_id, row)
    return found


def problems_with(wish: CardWish, gateway: Issuer, currency: str) -> Iterator[Problem]:
    """What is wrong with one card, each at its field; the issuer's own rules are asked for each."""
    if not wish.customer_id:
        yield "customer_id", "Give the customer's number."
    if not wish.code:
        yield "code", "Say which kind of card: the gift card code."
    for field, longest in LONGEST.items():
        if len(getattr(wish, field)) > longest:
            yield field, f"This is longer than {longest} characters."
    if len(wish.customer_name) > LONGEST_NAME:
        yield "customer_name", f"A name has at most {LONGEST_NAME} characters."
    if wish.customer_email and not _is_email(wish.customer_email):
        yield "customer_email", "That is not an e-mail address."
    if wish.value.currency != currency:
        yield "value", f"This account keeps its cards in {currency}."
    elif wish.value.minor <= 0:
        yield "value", "A card must be worth more than nothing."
    else:
        yield from _problems_of_the_issuer(wish, gateway)


def _problems_of_the_issuer(wish: CardWish, gateway: Issuer) -> Iterator[Problem]:
    """Ask about one thing at a time, beside others that are fit, so that its field is known."""
    fit = CreateRequest(
        number="1", code="A", value=Money(1, wish.value.currency), customer_id="1", sale_id="1"
    )
    parts: dict[str, dict[str, Any]] = {"value": {"value": wish.value}}
    if wish.customer_id:
        parts["customer_id"] = {"customer_id": wish.customer_id}
    if wish.code:
        parts["code"] = {"code": wish.code}
    if wish.points is not None:
        parts["points"] = {"points": wish.points, "sale_id": ""}
    for field, changes in parts.items():
        try:
            gateway.check_create(replace(fit, **changes))
        except ValueError as problem:
            yield field, str(problem)


def _checked_one(wish: CardWish, gateway: Issuer, account: ProviderAccount) -> CardWish:
    """A single card: its customer is known there, under the number that they use."""
    field = "customer_id" if wish.customer_id or not wish.customer_email else "customer_email"
    if not (wish.customer_id or wish.customer_email):
        raise InvalidOrder("Give the customer's number or e-mail address.", field)
    for at, problem in problems_with(
        wish if wish.customer_id else replace(wish, customer_id="1"), gateway, account.currency
    ):
        raise InvalidOrder(problem, at)
    found = _look_up(wish, gateway, account, field)
    return replace(
        wish, customer_id=found.external_id, customer_name=found.name[:LONGEST_NAME],
        customer_email=wish.customer_email or _fit_email(found.email),
    )  # fmt: skip


def customer_of(account: ProviderAccount, named: str) -> RemoteCustomer:
    """The customer of that number or e-mail address, asked for now. Raises `InvalidOrder`."""
    number, email = ("", named) if "@" in named else (named, "")
    nothing = Money(0, account.currency)
    wish = CardWish(customer_id=number, customer_email=email, code="", value=nothing)
    return _look_up(
        wish, _gateway_of(account), account, "customer_email" if email else "customer_id"
    )


def _look_up(
    wish: CardWish, gateway: Issuer, account: ProviderAccount, field: str
) -> RemoteCustomer:
    named = wish.customer_id or wish.customer_email
    try:
        if wish.customer_id:
            found = gateway.find_customer(external_id=wish.customer_id)
        else:
            found = gateway.find_customer(email=wish.customer_email)
    except ValueError as problem:
        raise InvalidOrder(str(problem), field) from problem
    except ProviderError as problem:
        words = plainly(problem, account)
        raise InvalidOrder(f"The customer could not be looked up. {words}", field) from problem
    if found is None:
        raise InvalidOrder(f"{account.provider_label} knows no customer {named[:80]}.", field)
    return found


def _gateway_of(account: ProviderAccount) -> Issuer:
    try:
        gateway: Issuer = providers.gateway_for(account)
    except ProviderError as problem:
        raise InvalidOrder(plainly(problem, account), "account") from problem
    return gateway


def _fit_email(text: str) -> str:
    return text if _is_email(text) else ""


def _is_email(text: str) -> bool:
    try:
        validate_email(text)
    except ValidationError:
        return False
    return len(text) <= 254
