"""Exsited in the kit."""

from typing import Any

from providers.gateways.errors import ProviderMisconfigured
from tests.conformance.certificate_subject import CertificateSubject, TrueCertificate
from tests.sandbox_client import ExsitedControl, SandboxControl

A_NUMBER_IS_AN_AMOUNT = (
    "an amount is a text or a number, and every number is one; a certificate that does not add up "
    "any more is shown to a person"
)
TOTALS = ("amount", "remaining_balance", "used_amount")


def other_amounts(place: str, *wrong: Any) -> dict[str, str]:
    return {f"{place} = {value!r}": A_NUMBER_IS_AN_AMOUNT for value in wrong}


class Exsited(CertificateSubject):
    slug = "exsited"
    credentials = {
        "client_id": "sandbox",
        "client_secret": "sandbox",
        "redirect_uri": "https://sandbox.example.com",
    }
    operations = {
        "list_certificates": ("listGiftCertificates",),
        "find_certificate": ("getGiftCertificate",),
        "list_allocations": ("listAllocations",),
        "list_transactions": ("listTransactions",),
    }
    meanings = {f"redirect_{code}": ProviderMisconfigured for code in (301, 302, 307, 308)}
    ways_to_spoil = ("thousands", "nan_text", "huge", "null", "bool")
    blind_spots = {
        "list_certificates": {
            key: reason
            for name in TOTALS
            for key, reason in other_amounts(f"gift_certificates.0.{name}", 7, 7.5).items()
        }
        | other_amounts("gift_certificates.0.transactions.0.amount", "25"),
        "find_certificate": {
            key: reason
            for name in (*TOTALS, "transactions.0.amount")
            for key, reason in other_amounts(f"gift_certificate.{name}", 7, 7.5).items()
        },
        "list_transactions": other_amounts("gift_certificate.transactions.0.amount", 7, 7.5),
    }

    def begin(self, control: SandboxControl) -> None:
        """Without `one_token`, so that the accounts of a test do not log each other out."""
        control.settings(token_lifetime=10**8, one_token=False, per_second=None, per_minute=None)
        control.freeze()

    def truth(self, control: SandboxControl) -> list[TrueCertificate]:
        rows = _own(control).certificates()
        return [_true(row) for row in sorted(rows, key=lambda row: (row["created_at"], row["id"]))]

    def touch(self, control: SandboxControl, external_id: str) -> None:
        _own(control).act(external_id, "touch")

    def add(self, control: SandboxControl) -> str:
        return str(_own(control).add()["uuid"])

    def remove(self, control: SandboxControl, external_id: str) -> None:
        _own(control).act(external_id, "delete")

    def spoil(self, control: SandboxControl, external_id: str, way: str) -> None:
        _own(control).act(external_id, "break", how=way)

    def secrets(self, control: SandboxControl) -> list[str]:
        return [row["code"] for row in _own(control).certificates()]


def _own(control: SandboxControl) -> ExsitedControl:
    return ExsitedControl(control.base_url)


def _true(row: dict[str, Any]) -> TrueCertificate:
    return TrueCertificate(
        external_id=row["uuid"],
        code=row["code"],
        status=row["status"],
        currency=row["currency"],
        amount=row["amount_minor"],
        remaining=row["remaining_minor"],
        used=row["used_minor"],
        allocations=tuple((one["type"], one["account"]) for one in row["allocations"]),
        transactions=tuple(
            (one["type"], one["minor"], one["reference"]) for one in row["transactions"]
        ),
    )


SUBJECT = Exsited()
