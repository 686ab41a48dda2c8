"""Exsited, v3 of its API (docs/contracts/exsited.md): a book of gift certificates we only read.

What is odd about it:
- We sign in with a token that is shared by all processes (`client.Tokens`): a new one ends the one
  before. So a call on its way may be refused while another process signs in; it takes the new one.
- Who is not let in is sent to a page to sign in: any 3xx, to any call, means what a 401 means.
- An amount is a text with two digits or five, or a number; "" is no value, of a time too; times
  come in two forms. A link to another page may be the word "NULL"; none is followed.
- A book has a million certificates, so a slice is cut into items that nobody reads until they are
  known to have changed.
- After a 400 their server may say the same to whatever comes next on that connection. Every call
  of ours has a connection of its own (`http.py`), so that never meets us.
- Nobody promises an order among certificates that are of the same second.
"""

from collections.abc import Mapping
from functools import partial

from providers.gateways.base import (
    CertificateAllocation,
    CertificateOrder,
    CertificateTransaction,
    RawItem,
    RemoteCertificate,
    Slice,
)
from providers.gateways.client import Client, SignIn
from providers.gateways.exsited import answers, build, check, history, parse, slices, tokens, wire


class ExsitedGateway:
    """A book of gift certificates; one object for one account and one task."""

    slug = "exsited"
    certificates_per_slice = wire.PER_SLICE

    def __init__(self, client: Client, *, currency: str) -> None:
        self._client = client  # of currencies, each certificate names its own

    @staticmethod
    def headers(credentials: Mapping[str, str]) -> dict[str, str]:
        """JSON back; who we are says the token."""
        return {"Accept": "application/json"}

    @staticmethod
    def sign_in(credentials: Mapping[str, str]) -> SignIn:
        """How a token is asked for and read, and what says that it is none (section 2)."""
        call = build.create_token(credentials)
        return SignIn(
            call=call,
            read=lambda raw: tokens.token(call, raw),
            is_refusal=answers.is_signed_out,
        )

    # CertificateSource

    def list_certificates(
        self,
        *,
        offset: int = 0,
        limit: int | None = None,
        by: CertificateOrder = CertificateOrder.CREATED,
        newest_first: bool = False,
    ) -> Slice:
        """Ask for a slice; ValueError, and nothing sent, for one that no list has."""
        limit = self.certificates_per_slice if limit is None else limit
        check.check_slice(offset, limit)
        call = build.list_certificates(offset, limit, by=by, newest_first=newest_first)
        return slices.slice_of(call, self._client.read(call), offset=offset, limit=limit)

    def read_certificate(self, item: RawItem) -> RemoteCertificate:
        """Read an item of a slice; see `parse.certificate`."""
        return parse.certificate(item)

    def find_certificate(self, external_id: str) -> RawItem | None:
        """Ask for one; AnswerMismatch if another comes, ValueError for what can be no uuid."""
        check.check_name(external_id)
        call = build.find_certificate(external_id)
        return slices.single(call, self._client.read(call))

    def list_allocations(self, external_id: str) -> list[CertificateAllocation]:
        """Ask for the whole history; ValueError for what can be no uuid."""
        check.check_name(external_id)
        read = partial(
            history.part_of,
            key=wire.ALLOCATIONS,
            kind=wire.Allocation,
            entry=parse.allocation,
        )
        return history.read_whole(self._client, partial(build.list_allocations, external_id), read)

    def list_transactions(self, external_id: str) -> list[CertificateTransaction]:
        """Ask for the whole history; ValueError for what can be no uuid."""
        check.check_name(external_id)
        read = partial(
            history.part_of,
            key=wire.TRANSACTIONS,
            kind=wire.Transaction,
            entry=parse.transaction,
        )
        return history.read_whole(self._client, partial(build.list_transactions, external_id), read)

    def test_connection(self) -> str:
        """Ask for the newest certificate, the smallest of what needs our sign-in."""
        records = self.list_certificates(limit=1, newest_first=True).records
        return f"Exsited answered: its book has {records} gift certificates."
