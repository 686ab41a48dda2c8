"""What the kit must be told of a provider that keeps a book of gift certificates."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar

from providers.gateways.base import RemoteCertificate
from providers.gateways.errors import ProviderError
from tests.conformance.subject import Subject
from tests.sandbox_client import SandboxControl

CERTIFICATE_READS = (
    "list_certificates",
    "find_certificate",
    "list_allocations",
    "list_transactions",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class TrueCertificate:
    """A certificate as the simulator's ledger has it; amounts in minor units, types in capitals."""

    external_id: str
    code: str = field(repr=False)
    status: str
    currency: str
    amount: int
    remaining: int
    used: int
    allocations: tuple[tuple[str, str], ...]  # type and account
    transactions: tuple[tuple[str, int, str], ...]  # type, amount and reference


def as_true(found: RemoteCertificate) -> TrueCertificate:
    """What we read, told as the simulator tells it."""
    return TrueCertificate(
        external_id=found.external_id,
        code=found.code,
        status=found.status_text.upper(),
        currency=found.currency,
        amount=found.amount,
        remaining=found.remaining,
        used=found.used,
        allocations=tuple((one.kind_text.upper(), one.account) for one in found.allocations),
        transactions=tuple(
            (one.kind_text.upper(), one.amount, one.reference) for one in found.transactions
        ),
    )


class CertificateSubject(Subject):
    """A provider whose book we read. It has two dozen certificates at least, with histories."""

    meanings: ClassVar[Mapping[str, type[ProviderError]]] = {}
    """By scene: what a failure becomes that means something of its own here."""
    ways_to_spoil: ClassVar[tuple[str, ...]]
    """How what is told of a certificate can be unreadable."""

    def truth(self, control: SandboxControl) -> list[TrueCertificate]:
        """What is really in the book, the oldest first."""
        raise NotImplementedError

    def touch(self, control: SandboxControl, external_id: str) -> None:
        """Let somebody change this certificate."""
        raise NotImplementedError

    def add(self, control: SandboxControl) -> str:
        """Let somebody add a certificate; its name."""
        raise NotImplementedError

    def remove(self, control: SandboxControl, external_id: str) -> None:
        """Let somebody delete this certificate for good."""
        raise NotImplementedError

    def spoil(self, control: SandboxControl, external_id: str, way: str) -> None:
        """Let what is told of this certificate be unreadable, in one of the `ways_to_spoil`."""
        raise NotImplementedError
