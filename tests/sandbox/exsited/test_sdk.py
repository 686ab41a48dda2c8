"""The vendor's own SDK (exsited 1.0.40, version 3) against the simulator, over HTTP."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from exsited.common.ab_exception import ABException
from exsited.exsited.auth.dto.token_dto import RequestTokenDTO
from exsited.exsited.common.common_enum import SortDirection
from exsited.exsited.gift_certificates.dto.gift_certificates_dto import (
    CodeDTO,
    GiftCertificateDetailsDTO,
    GiftCertificateDTO,
)
from exsited.exsited.gift_certificates.gift_certificates import GiftCertificates
from exsited.http.file_token_manager import FileTokenManager

from tests.sandbox.exsited.conftest import LOGIN
from tests.sandbox_client import ExsitedControl, SandboxProcess

Clients = tuple[GiftCertificates, ExsitedControl]


@pytest.fixture
def clients(sandbox: SandboxProcess, tmp_path: Path) -> Iterator[Clients]:
    """The SDK with a token file of its own, and the way behind the curtain."""
    sandbox.exsited.reset()
    credentials = RequestTokenDTO(
        grantType=LOGIN["grant_type"],
        clientId=LOGIN["client_id"],
        clientSecret=LOGIN["client_secret"],
        redirectUri=LOGIN["redirect_uri"],
        exsitedUrl=f"{sandbox.url}/exsited",
    )
    manager = FileTokenManager(str(tmp_path / "token.json"))
    yield GiftCertificates(credentials, manager), sandbox.exsited
    sandbox.exsited.reset()


def wrapped(**fields: Any) -> GiftCertificateDetailsDTO:
    return GiftCertificateDetailsDTO(giftCertificate=GiftCertificateDTO(**fields))


def created(sdk: GiftCertificates, **fields: Any) -> Any:
    usual = {"accountingCode": "Gift Certificate", "amount": "1090", "currency": "AUD"}
    return sdk.create(wrapped(**{**usual, **fields})).giftCertificate


def test_it_lists_with_the_parameters_that_it_really_sends(clients: Clients) -> None:
    sdk, control = clients

    plain = sdk.list()
    turned = sdk.list(limit=5, offset=10, direction=SortDirection.DESC, order_by="code")

    codes = sorted((one["code"] for one in control.certificates()), reverse=True)
    assert len(plain.giftCertificates) == 20
    assert plain.pagination.records == 60
    assert [one.code for one in turned.giftCertificates] == codes[10:15]
    assert control.journal()[-1]["admitted"]


def test_it_creates_and_reads_a_certificate(clients: Clients) -> None:
    sdk, control = clients

    one = created(sdk, status="ACTIVE", code=CodeDTO(length="12", prefix="GC-FA"))

    true = control.certificate(one.uuid)
    assert (true["amount_minor"], true["code"]) == (109_000, one.code)
    details = sdk.details(one.uuid).giftCertificate
    assert (details.amount, details.remainingBalance) == ("1090.00", "1090.00")
    assert [each.type for each in details.transactions] == ["Initial"]
    assert sdk.list(limit=1).giftCertificates[0].amount == "1090.00000"


def test_it_changes_a_certificate(clients: Clients) -> None:
    sdk, _control = clients
    one = created(sdk)

    changed = sdk.update(one.uuid, wrapped(expiryDate="2032-01-31")).giftCertificate

    assert changed.expiryDate == "2032-01-31T10:00:00Z"
    assert changed.code == one.code


def test_it_disables_and_enables(clients: Clients) -> None:
    sdk, _control = clients
    one = created(sdk)

    assert sdk.disable(one.uuid).giftCertificate.status == "DISABLED"
    assert sdk.enable(one.uuid).giftCertificate.status == "ACTIVE"


def test_it_allocates_and_deallocates(clients: Clients) -> None:
    sdk, _control = clients
    one = created(sdk)

    given = sdk.allocate(one.uuid, wrapped(account="J51VQS"))
    taken = sdk.deallocate(one.uuid, wrapped(account="J51VQS"))
    told = sdk.allocation_list(one.uuid)

    assert [each.type for each in given.giftCertificate.allocations] == ["ALLOCATE"]
    assert [each.type for each in taken.giftCertificate.allocations] == ["ALLOCATE", "DEALLOCATE"]
    assert [each.account for each in told.giftCertificate.allocations] == ["J51VQS", "J51VQS"]
    assert told.giftCertificate.pagination.records == "2"


def test_it_amends_and_reads_the_history(clients: Clients) -> None:
    sdk, control = clients
    one = created(sdk)
    control.act(one.uuid, "spend", amount=90)

    amended = sdk.amend(one.uuid, wrapped(amount="100", accountingCode="Gift Certificate"))
    told = sdk.transaction_list(one.uuid, limit=2, direction=SortDirection.ASC)

    assert amended.giftCertificate.remainingBalance == "100.00"
    assert [each.type for each in told.giftCertificate.transactions] == ["Initial", "Debit"]
    assert told.giftCertificate.pagination.records == "3"


def test_it_deletes_a_certificate(clients: Clients) -> None:
    sdk, control = clients
    one = created(sdk)

    assert sdk.delete(one.uuid) == {"success": True, "status_code": 204}

    assert control.state()["certificates"] != {}
    with pytest.raises(ABException) as caught:
        sdk.details(one.uuid)
    assert caught.value.get_errors() == ["Gift certificate not found"]


def test_it_shows_what_was_wrong(clients: Clients) -> None:
    sdk, _control = clients

    with pytest.raises(ABException, match="Validation Errors") as caught:
        created(sdk, amount="0")

    assert caught.value.get_errors() == ["amount must be greater than 0"]


def test_it_takes_a_new_token_when_somebody_ended_its_own(clients: Clients) -> None:
    sdk, control = clients
    sdk.list()
    control.take_token()

    assert sdk.list().pagination.records == 60
    assert [one["status"] for one in control.journal()][-3:] == [401, 200, 200]
