"""CP Extender, the merchant's own till on the net (docs/contracts/cp_extender.md).

What is odd about it:
- It stands at the merchant's: each account has its own host, and is asked two things at a time.
- We sign in with a name and a password for a token that lives for a while and is shared by all
  processes (`client.Tokens`), or with a token that is there for good.
- We issue cards, on numbers that are reserved before: a single one is ours for an hour, a pool for
  good. A number is what makes a creation unrepeatable, so no card is created without.
- Card numbers stand in paths.
- Money is held by a call that has neither key nor look-up, and taken or given back whole by the
  code that came with the hold. That success is a 204 with nothing in it.
- Nothing is listed and nothing is voided; a balance tells the rest.
- Errors are a sentence, with or without JSON around it.
"""

from collections.abc import Mapping

from providers.gateways.base import (
    CardReading,
    CreatedCard,
    CreateRequest,
    HoldRequest,
    Picture,
    RawAnswer,
    RemoteCustomer,
    RemoteHold,
    ReservedNumbers,
    ReserveRequest,
    Slot,
)
from providers.gateways.client import Client, SignIn
from providers.gateways.cp_extender import build, check, parse, tokens, wire
from providers.gateways.errors import AnswerTooLong, MalformedResponse, ProviderMisconfigured


class CPExtenderGateway:
    """An issuer of gift cards; one object for one account and one task."""

    slug = "cp_extender"
    single_lives = wire.SINGLE_LIVES
    numbers_per_pool = wire.NUMBERS_PER_POOL

    def __init__(self, client: Client, *, currency: str) -> None:
        self._client = client
        self._currency = currency

    @staticmethod
    def headers(credentials: Mapping[str, str]) -> dict[str, str]:
        """JSON both ways, said on every request; and our token, if it is there for good."""
        token = credentials.get("token")
        if token is None:
            return {**wire.CONTENT_TYPE}
        if not tokens.is_token(token):
            raise ProviderMisconfigured("the token holds characters that cannot be sent")
        return {**wire.CONTENT_TYPE, "Authorization": f"Bearer {token}"}

    @staticmethod
    def sign_in(credentials: Mapping[str, str]) -> SignIn | None:
        """How a token is asked for and read (contract section 2); None if we have one for good."""
        if "token" in credentials:
            return None
        call = build.login(credentials)
        return SignIn(call=call, read=lambda raw: tokens.token(call, raw))

    # Issuer: numbers and cards

    def reserve_slot(self) -> Slot:
        """Take a place in the rate budget."""
        return self._client.reserve_slot()

    def renew_slot(self, slot: Slot) -> Slot:
        """Say when a reserved write can really go."""
        return self._client.renew_slot(slot)

    def check_reserve(self, request: ReserveRequest) -> None:
        """See `check.check_reserve`."""
        check.check_reserve(request)

    def reserve(self, request: ReserveRequest, *, slot: Slot) -> ReservedNumbers:
        """Have numbers set aside; ValueError, and nothing sent, for what `check_reserve` refuses.

        Signs in first if there is no token, as every write. What fails then is a
        ProviderUnavailable or ProviderMisconfigured, nothing was executed.
        """
        self.check_reserve(request)
        return self.read_reserved(self._client.write(build.reserve(request), slot), request)

    def read_reserved(self, raw: RawAnswer, request: ReserveRequest) -> ReservedNumbers:
        """Read an answer to `reserve` again, or for the first time."""
        return parse.reserved(raw, request)

    def check_create(self, request: CreateRequest) -> None:
        """See `check.check_create`."""
        check.check_create(request, currency=self._currency)

    def create(self, request: CreateRequest, *, slot: Slot) -> CreatedCard:
        """Create a card; ValueError, and nothing sent, for what `check_create` refuses."""
        self.check_create(request)
        return self.read_created(self._client.write(build.create(request), slot), request)

    def read_created(self, raw: RawAnswer, request: CreateRequest) -> CreatedCard:
        """Read an answer to `create` again, or for the first time."""
        return parse.created(raw, request)

    def check_balance(self, number: str) -> CardReading | None:
        """Ask what a card is worth; ValueError for what cannot be a number."""
        check.check_number(number)
        call = build.check_balance(number)
        return parse.balance(call, self._client.read(call), currency=self._currency)

    def get_certificate(self, number: str) -> Picture | None:
        """Ask for the picture of a card; ValueError for what cannot be a number."""
        check.check_number(number)
        call = build.get_certificate(number)
        try:
            raw = self._client.read(call)
        except AnswerTooLong as problem:
            raise MalformedResponse(problem.message) from None
        return parse.certificate(call, raw)

    # Issuer: holds

    def check_authorize(self, request: HoldRequest) -> None:
        """See `check.check_authorize`."""
        check.check_authorize(request, currency=self._currency)

    def authorize(self, request: HoldRequest, *, slot: Slot) -> RemoteHold:
        """Hold money; ValueError, and nothing sent, for what `check_authorize` refuses."""
        self.check_authorize(request)
        return self.read_authorized(self._client.write(build.authorize(request), slot), request)

    def read_authorized(self, raw: RawAnswer, request: HoldRequest) -> RemoteHold:
        """Read an answer to `authorize` again, or for the first time."""
        return parse.authorized(raw, request)

    def confirm(self, number: str, auth_code: str, *, slot: Slot) -> None:
        """Take the whole of a hold; ValueError, and nothing sent, for what can be none."""
        check.check_finish(number, auth_code)
        self.read_confirmed(self._client.write(build.confirm(number, auth_code), slot))

    def read_confirmed(self, raw: RawAnswer) -> None:
        """Read an answer to `confirm` again, or for the first time."""
        parse.finished(build.confirm(), raw)

    def cancel(self, number: str, auth_code: str, *, slot: Slot) -> None:
        """Give the whole of a hold back; ValueError, and nothing sent, for what can be none."""
        check.check_finish(number, auth_code)
        self.read_cancelled(self._client.write(build.cancel(number, auth_code), slot))

    def read_cancelled(self, raw: RawAnswer) -> None:
        """Read an answer to `cancel` again, or for the first time."""
        parse.finished(build.cancel(), raw)

    # Issuer: customers

    def find_customer(self, *, external_id: str = "", email: str = "") -> RemoteCustomer | None:
        """Ask for a customer by number or e-mail address; ValueError unless it is one of them."""
        check.check_customer(external_id, email)
        call = build.find_customer(external_id=external_id, email=email)
        return parse.customer(call, self._client.read(call))

    def test_connection(self) -> str:
        """Ask for status and version, which are public, and then for a balance, which is not.

        Of what needs our sign-in nothing is more harmless: the number is one that no card has, so
        no card and no customer is named, and the answer that is hoped for is "there is none".
        """
        status_call, version_call = build.get_status(), build.get_version()
        status = parse.status(status_call, self._client.read(status_call))
        version = parse.version(version_call, self._client.read(version_call))
        self.check_balance(wire.NO_CARD)
        return (
            f"CP Extender {version} answered: its status is {status}, and it knows us; asked for "
            "the balance of a number that no card has."
        )
