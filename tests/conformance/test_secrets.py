"""What is worth money or opens doors is seen nowhere: no repr, no text, no log, no row."""

import logging

import pytest
from django.db import connection

from providers import services
from providers.gateways.errors import ProviderError
from tests.conformance.issuer_stage import IssuerStage
from tests.conformance.stage import SellerStage
from tests.conformance.subject import Fault
from tests.conformance.test_cards import handing_out


def every_row() -> str:
    """All tables as they are in the database."""
    with connection.cursor() as cursor:
        rows = []
        for table in connection.introspection.table_names(cursor):
            cursor.execute(f'SELECT * FROM "{table}"')  # noqa: S608 - the database's own names
            rows += [str(row) for row in cursor.fetchall()]
    return "\n".join(rows)


def test_no_secret_is_seen_anywhere(seller: SellerStage, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    request = seller.subject.request(handing_out(seller))
    placed = seller.buy(request, attempt="a")
    seller.subject.complete(seller.control)
    gateway = seller.gateway()
    found = gateway.find_order(request.reference)
    cards = gateway.get_cards(placed.external_id)
    seller.arm(Fault(kind="truncated_json"), "get_cards", count=None)
    with pytest.raises(ProviderError) as caught:
        gateway.get_cards(placed.external_id)

    secrets = seller.subject.secrets(seller.control)
    raw = services.journaled_answer("a")
    shown = {
        "log": caplog.text,
        "database": every_row(),
        "repr of cards": repr(cards),
        "repr of orders": f"{placed!r} {found!r} {request!r} {raw!r}",
        "error": f"{caught.value} {caught.value!r} {vars(caught.value)}",
        "repr of gateway": f"{gateway!r} {vars(gateway)}",
        "account": f"{seller.account} {seller.account!r}",
    }

    assert cards
    assert len(secrets) > len(cards)
    assert [place for place, text in shown.items() if any(one in text for one in secrets)] == []


def test_no_secret_of_an_issued_card_is_seen_anywhere(
    issuer: IssuerStage, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    gateway, number = issuer.gateway("a"), issuer.card()
    hold, _ = issuer.hold(number)
    reading, picture = gateway.check_balance(number), gateway.get_certificate(number)
    issuer.arm(Fault(kind="truncated_json"), "check_balance", count=None)
    with pytest.raises(ProviderError) as caught:
        gateway.check_balance(number)

    secrets = issuer.subject.secrets(issuer.control)
    requests = (issuer.subject.create_request(number), issuer.subject.hold_request(number))
    shown = {
        "log": caplog.text,
        "database": every_row(),
        "repr of what came": f"{reading!r} {picture!r} {hold!r}",
        "repr of what is sent": f"{requests!r}",
        "error": f"{caught.value} {caught.value!r} {vars(caught.value)}",
        "repr of gateway": f"{gateway!r} {vars(gateway)}",
        "account": f"{issuer.account} {issuer.account!r}",
    }

    assert {number, hold.auth_code} <= set(secrets)
    assert [place for place, text in shown.items() if any(one in text for one in secrets)] == []
