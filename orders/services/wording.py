"""Errors of a provider in the words of the person who reads them on an order."""

import re

from providers.gateways.errors import InsufficientFunds, ProviderError, TokenRefused
from providers.models import ProviderAccount

CALL = re.compile(r"\A(GET|POST|DELETE|PUT) \S+: ")


def plainly(error: ProviderError, account: ProviderAccount) -> str:
    """One sentence without the technical address: "Their name: no usable answer, timed out."."""
    match error:
        case InsufficientFunds():
            return (
                f"The deposit at {account.provider_label} does not cover it, so nothing was "
                "bought. Add funds there; then it is sent again by itself."
            )
        case TokenRefused():
            return (
                f"{account.provider_label} did not take our sign-in, so nothing was bought. "
                "It is tried again with a new one."
            )
        case _:
            text = CALL.sub("", str(error)).replace("the provider ", "").strip().rstrip(".")
            return f"{account.provider_label}: {text}."
