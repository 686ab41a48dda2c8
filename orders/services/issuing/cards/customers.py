"""Customers of an issuer, asked for there and then; nothing is stored.

Not inside a transaction.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta

from giftops.clock import db_now
from orders.services.problems import InvalidOrder
from orders.services.wording import plainly
from providers.gateways.base import Issuer, RemoteCustomer
from providers.gateways.errors import MalformedResponse, ProviderError, ProviderRejected
from providers.models import ProviderAccount

MOST_LOOK_UPS = 50
"""How many customers of one sheet are looked up by their e-mail addresses."""
PATIENCE = timedelta(seconds=20)
"""How long that may take before it is given up: somebody waits for the page."""
TOO_SLOW = "The provider takes too long to look up more customers. Give their numbers instead."


class NobodyAnswers(InvalidOrder):
    """Whether there is such a customer could not be found out, nor about any other."""


def find(
    account: ProviderAccount, gateway: Issuer, *, number: str = "", email: str = ""
) -> RemoteCustomer:
    """The customer of that number, else of that e-mail address. Raises `InvalidOrder`."""
    field = "customer_id" if number else "customer_email"
    try:
        asked = {"external_id": number} if number else {"email": email}
        found = gateway.find_customer(**asked)
    except ValueError as problem:
        raise InvalidOrder(str(problem), field) from problem
    except ProviderError as problem:
        is_about_one = isinstance(problem, MalformedResponse | ProviderRejected)
        kind = InvalidOrder if is_about_one else NobodyAnswers
        words = plainly(problem, account)
        raise kind(f"The customer could not be looked up. {words}", field) from problem
    if found is None:
        named = (number or email)[:80]
        raise InvalidOrder(f"{account.provider_label} knows no customer {named}.", field)
    return found


def find_by_email(
    account: ProviderAccount, gateway: Issuer, emails: Sequence[str]
) -> dict[str, RemoteCustomer | InvalidOrder]:
    """Look each of them up once, in this order: the customer, or why there is none.

    By casefolded address. Once they do not answer, or not in time, nobody is asked any more: the
    addresses after that one are missing.
    """
    found: dict[str, RemoteCustomer | InvalidOrder] = {}
    ends_at = db_now() + PATIENCE
    for email in emails:
        if email.casefold() in found:
            continue
        said = found[email.casefold()] = _find_before(ends_at, account, gateway, email)
        if isinstance(said, NobodyAnswers):
            break
    return found


def _find_before(
    ends_at: datetime, account: ProviderAccount, gateway: Issuer, email: str
) -> RemoteCustomer | InvalidOrder:
    if db_now() >= ends_at:
        return NobodyAnswers(TOO_SLOW, "customer_email")
    try:
        found = find(account, gateway, email=email)
    except InvalidOrder as problem:
        return problem
    if found.email.casefold() != email.casefold():
        text = f"{account.provider_label} names a customer for {email[:80]} without that address."
        return InvalidOrder(f"{text} Give the number instead.", "customer_email")
    return found
