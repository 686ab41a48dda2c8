"""Recorded answers, played back through a gateway with nothing around it: no network, no rows."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any

from providers.gateways.base import RawAnswer, RemoteOrder, Slot
from providers.gateways.client import Client, Grant, SignIn, Token
from providers.gateways.http import Call, ProviderSession
from tests.conformance.stage import READS, Stage
from tests.stubs import StubProvider

SLOT = Slot(at=datetime(2026, 1, 2, tzinfo=UTC))


class Room:
    """A budget that always has room."""

    def reserve_write(self) -> Slot:
        return SLOT

    def renew_write(self, slot: Slot) -> Slot:
        return slot

    def redeem_write(self, slot: Slot, max_wait: float) -> None:
        """Now."""

    def acquire_read(self, max_wait: float) -> None:
        """Now."""

    def penalise(self, wait: float | None) -> None:
        """Nobody waits here."""


class Closed:
    """A breaker that never opens."""

    def before_write(self) -> None:
        """Let it pass."""

    def before_read(self) -> None:
        """Let it pass."""

    def note_answer(self, status: int, call: Call) -> None:
        """Nothing is learnt here."""

    def note_silence(self, reason: str) -> None:
        """Nothing is learnt here."""


class SignedIn:
    """A token that is always good."""

    def __init__(self, sign_in: SignIn) -> None:
        self.sign_in = sign_in

    def current(self, fetch: Callable[[], Grant]) -> Token:
        return Token(value="played-back", serial=1)

    def drop(self, token: Token) -> bool:
        return True


class PlayBack:
    """The gateway of a stage's provider, hearing what it is told to hear."""

    def __init__(self, stage: Stage) -> None:
        gateway_class, credentials = stage.subject.spec.gateway_class, stage.subject.credentials
        sign_in = getattr(gateway_class, "sign_in", None)
        self._tape = StubProvider()
        session = ProviderSession(
            "https://api.example.com",
            headers=gateway_class.headers(credentials),
            record=lambda exchange: None,
            resolve=lambda host, port: [],
            transport=self._tape,
        )
        tokens = SignedIn(sign_in(credentials)) if sign_in else None
        client = Client(session, Room(), Closed(), tokens)
        self._gateway = gateway_class(client, currency=stage.account.currency)

    def read(self, name: str, order: RemoteOrder, answers: Sequence[RawAnswer]) -> Any:
        """Do one of a seller's reads while these answers come, the last one again and again."""
        return self.hear(lambda gateway: READS[name](gateway, order), answers)

    def hear(self, ask: Callable[[Any], Any], answers: Sequence[RawAnswer]) -> Any:
        """Let the gateway be asked while these answers come, the last one again and again."""
        self._tape.rewind()
        for raw in answers:
            kind = raw.headers.get("content-type", "application/json")
            self._tape.answers(raw.status, raw.body, {"Content-Type": kind})
        return ask(self._gateway)
