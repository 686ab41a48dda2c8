"""The certificate of a card as a picture: it shows the number, so it is as secret as that.

It is asked for when somebody looks, and kept nowhere.
"""

from giftops import guard
from giftops.models import User
from orders.models import Card, Reveal
from orders.services import revealing
from orders.services.issuing.cards.balances import number_of
from orders.services.issuing.sending import account_of
from orders.services.problems import Refused
from orders.services.wording import plainly
from providers import services as providers
from providers.gateways.base import Issuer, Picture
from providers.gateways.errors import ProviderError

NONE_THERE = "The provider has no certificate of this card. Nothing was shown."


def certificate_of(card: Card, *, actor: User, ticket: str, reason: str) -> Picture:
    """The certificate, once. The look counts like that at a number, and is written down first.

    Raises `Refused` (recorded, if it is for the person) if the role, the daily cap, the card or a
    missing reason stands against it, or if the provider has none or does not answer.
    """
    problem = revealing.problem_with_look(card, actor, ticket, reason)
    if not problem and not has_certificate(card):
        problem = "Only a card that we issued has a certificate."
    if problem:
        revealing.refuse(card, actor, problem)
    picture = _ask(card)
    revealing.write_down(
        card, secret=Reveal.Secret.PICTURE, actor=actor, ticket=ticket, reason=reason
    )
    return picture


def has_certificate(card: Card) -> bool:
    """Whether there may be a certificate of it: bought cards come without."""
    return card.is_issued and revealing.is_showable(card)


def _ask(card: Card) -> Picture:
    """Ask for it, before anything is written down: what is not there is not looked at."""
    if guard.is_quarantined():
        raise Refused(guard.status())
    account = account_of(card)
    try:
        gateway: Issuer = providers.gateway_for(account, subject=card.sale_id)
        picture = gateway.get_certificate(number_of(card))
    except ProviderError as error:
        raise Refused(plainly(error, account)) from error
    if picture is None:
        raise Refused(NONE_THERE)
    return picture
