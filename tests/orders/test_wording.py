"""What a person reads when a provider misbehaves."""

import pytest

from orders.services.wording import plainly
from providers.gateways import errors
from providers.models import ProviderAccount


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("POST /api/orders: the provider answered 504", "Ncentiva: answered 504."),
        (
            "GET /api/orders/{id}: no usable answer, timed out.",
            "Ncentiva: no usable answer, timed out.",
        ),
        ("The breaker is open.", "Ncentiva: The breaker is open."),
    ],
)
def test_an_error_is_told_without_addresses(text, expected):
    account = ProviderAccount(provider="ncentiva")

    assert plainly(errors.OutcomeUnknown(text), account) == expected


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (
            errors.InsufficientFunds("POST /v1/Orders: 422", reason="Insufficient funds"),
            "The deposit at GiftCard Partners does not cover it, so nothing was bought. "
            "Add funds there; then it is sent again by itself.",
        ),
        (
            errors.TokenRefused("POST /v1/Orders: our token was refused"),
            "GiftCard Partners did not take our sign-in, so nothing was bought. "
            "It is tried again with a new one.",
        ),
    ],
)
def test_what_happens_next_is_told_where_something_does(error, expected):
    account = ProviderAccount(provider="giftcardpartners")

    assert plainly(error, account) == expected
