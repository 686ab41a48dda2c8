"""The cards that a person asks to have created, and whether they can be; nothing is stored here."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from operator import itemgetter
from typing import Any, TypeVar

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import validate_email

from giftops.money import Money
from orders.services.issuing.cards import customers
from orders.services.problems import InvalidOrder
from orders.services.recipients import in_short
from orders.services.wording import plainly
from providers import services as providers
from providers.gateways.base import CreateRequest, Issuer, RemoteCustomer
from providers.gateways.errors import ProviderError
from providers.models import ProviderAccount
from providers.registry import spec_for

T = TypeVar("T")

LONGEST_NAME = 120
LONGEST = {"customer_id": 64, "code": 40}
SHEET = "wishes"
"""The form field that the problems of many cards belong to."""

Problem = tuple[str, str]
"""The form field, and a sentence."""
Row = tuple[int, T]
"""Something with the row of the sheet that it stands in."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CardWish:
    """One card: for whom, of which kind, worth how much; paid with `points` or with our sale.

    Whoever has no `customer_id` is looked up by e-mail address before the card is drafted.
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
    """The wishes as they can be drafted; who is named by e-mail, or alone, is looked up there.

    Raises `InvalidOrder`: at its field for a single card, row by row for many.
    """
    if len(wishes) == 1 and not wishes[0].row:
        return [_checked_one(wishes[0], _gateway_of(account), account)]
    if problems := row_problems(account, wishes, may_repeat=may_repeat):
        raise InvalidOrder(in_short(problems), SHEET)
    return _with_numbers(account, wishes, may_repeat)


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
    found = [
        (row, text)
        for row, wish in _numbered(wishes)
        for _, text in problems_with(wish, gateway, currency)
    ]
    found += [] if may_repeat else _repeated(wishes)
    found += _beyond_the_look_ups(wishes)
    return _in_rows(found)


def _numbered(wishes: Sequence[CardWish]) -> Iterator[Row[CardWish]]:
    for position, wish in enumerate(wishes, 1):
        yield wish.row or position, wish


def _in_rows(found: Sequence[Row[str]]) -> list[str]:
    return [f"Row {row}: {text}" for row, text in sorted(found, key=itemgetter(0))]


def _repeated(wishes: Sequence[CardWish]) -> list[Row[str]]:
    """Customers that stand in an earlier row, too."""
    found = []
    seen: dict[str, int] = {}
    for row, wish in _numbered(wishes):
        who = wish.customer_id or wish.customer_email.casefold()
        if who and who in seen:
            found.append((row, f"customer {who} is in row {seen[who]} already."))
        seen.setdefault(who, row)
    return found


def _beyond_the_look_ups(wishes: Sequence[CardWish]) -> list[Row[str]]:
    """The first row that names one customer by e-mail too many."""
    seen: set[str] = set()
    for row, wish in _numbered(wishes):
        if not wish.customer_id and wish.customer_email:
            seen.add(wish.customer_email.casefold())
        if len(seen) > customers.MOST_LOOK_UPS:
            most = f"At most {customers.MOST_LOOK_UPS} customers are looked up by e-mail"
            return [(row, f"{most}: from here on give their numbers, or split the sheet.")]
    return []


def _with_numbers(
    account: ProviderAccount, wishes: Sequence[CardWish], may_repeat: bool
) -> list[CardWish]:
    """Who is named by e-mail only gets the number that the issuer has. Raises `InvalidOrder`."""
    emails = [wish.customer_email for wish in wishes if not wish.customer_id]
    if not emails:
        return list(wishes)
    found = customers.find_by_email(account, _gateway_of(account), emails)
    named = [(row, _named(wish, found)) for row, wish in _numbered(wishes)]
    problems = [(row, str(one)) for row, one in named if isinstance(one, InvalidOrder)]
    full = [one for _, one in named if isinstance(one, CardWish)]
    if problems := problems or ([] if may_repeat else _repeated(full)):
        raise InvalidOrder(in_short(_in_rows(problems)), SHEET)
    return full


def _named(
    wish: CardWish, found: Mapping[str, RemoteCustomer | InvalidOrder]
) -> CardWish | InvalidOrder | None:
    """The wish with its customer's number, or why it has none; None: nobody was asked any more."""
    if wish.customer_id:
        return wish
    customer = found.get(wish.customer_email.casefold())
    if not isinstance(customer, RemoteCustomer):
        return customer
    name = wish.customer_name or customer.name[:LONGEST_NAME]
    return replace(wish, customer_id=customer.external_id, customer_name=name)


def problems_with(wish: CardWish, gateway: Issuer, currency: str) -> Iterator[Problem]:
    """What is wrong with one card, each at its field; the issuer's own rules are asked for each."""
    if not (wish.customer_id or wish.customer_email):
        yield "customer_id", "Give the customer's number or e-mail address."
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
    for at, problem in problems_with(wish, gateway, account.currency):
        raise InvalidOrder(problem, at)
    found = customers.find(account, gateway, number=wish.customer_id, email=wish.customer_email)
    return replace(
        wish, customer_id=found.external_id, customer_name=found.name[:LONGEST_NAME],
        customer_email=wish.customer_email or _fit_email(found.email),
    )  # fmt: skip


def customer_of(account: ProviderAccount, named: str) -> RemoteCustomer:
    """The customer of that number or e-mail address, asked for now. Raises `InvalidOrder`."""
    number, email = ("", named) if "@" in named else (named, "")
    return customers.find(account, _gateway_of(account), number=number, email=email)


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
