"""What is played with a book of gift certificates."""

from collections.abc import Callable
from typing import Any

from providers.gateways.base import RawItem, Slice
from tests.conformance.certificate_subject import (
    CertificateSubject,
    TrueCertificate,
    as_true,
)
from tests.conformance.stage import Stage

PIECE = 5  # certificates of the slice that is asked for

CERTIFICATE_READ: dict[str, Callable[[Any, str], Any]] = {
    "list_certificates": lambda gateway, name: gateway.list_certificates(offset=PIECE, limit=PIECE),
    "find_certificate": lambda gateway, name: gateway.find_certificate(name),
    "list_allocations": lambda gateway, name: gateway.list_allocations(name),
    "list_transactions": lambda gateway, name: gateway.list_transactions(name),
}


class CertificateStage(Stage):
    """The gateway of a book on our side, its simulator on the other."""

    subject: CertificateSubject

    def truth(self) -> list[TrueCertificate]:
        """What is really in the book, the oldest first."""
        return self.subject.truth(self.control)

    def eventful(self) -> TrueCertificate:
        """A certificate with both histories."""
        return next(one for one in self.truth() if one.allocations and len(one.transactions) > 1)

    def read(self, name: str, external_id: str) -> Any:
        """Do one of the reads, about this certificate if it is about one."""
        return CERTIFICATE_READ[name](self.gateway(), external_id)

    def all_slices(self, limit: int) -> list[Slice]:
        """The whole book, from its beginning to its end."""
        gateway, found = self.gateway(), list[Slice]()
        while not found or found[-1].offset + found[-1].limit < found[-1].records:
            offset = found[-1].offset + found[-1].limit if found else 0
            found.append(gateway.list_certificates(offset=offset, limit=limit))
        return found

    def understood(self, item: RawItem) -> TrueCertificate | None:
        """An item of a slice as the simulator would tell it; None if it cannot be read."""
        try:
            return as_true(self.gateway().read_certificate(item))
        except ValueError:
            return None
