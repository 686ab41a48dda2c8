"""What the forks do at an issuer: have numbers reserved, cards created, money held and taken.

Each function is one whole life of a process, as in `life`.
"""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from giftops import clock
from giftops.models import User
from giftops.money import Money
from giftops.queue import run_due, sweep_jobs, sync_periodic
from orders.issuing_states import OPEN_HOLDS, CardState, HoldState, ReservationState
from orders.models import Authorization, Card, Pool, Reservation
from orders.services.issuing.cards import issuing
from orders.services.issuing.cards.issuing import CardWish
from orders.services.issuing.holds import authorizing, finishing
from orders.services.issuing.reservations import reserving
from providers import services as providers
from providers.models import ProviderAccount
from tests.kills import issuing_oracle, life, oracle
from tests.sandbox_client import CPExtenderControl

AGENCY, STOCK, ASKED = "Harbor Street", 500, 3
CUSTOMER, KIND = "2059378440", "GC"
VALUE, AMOUNT = Money(1000, "USD"), Money(400, "USD")
Thing = Reservation | Card | Authorization
UNSETTLED = {
    "reserve": {ReservationState.REQUESTED, ReservationState.SENDING, ReservationState.UNKNOWN},
    "create": {CardState.DRAFT, CardState.WAITING, CardState.CREATING, CardState.IN_DOUBT},
    "authorize": {
        HoldState.REQUESTED, HoldState.PRECHECKED, HoldState.SENDING, HoldState.UNKNOWN,
    },
    "confirm": {*OPEN_HOLDS, HoldState.CONFIRMING, HoldState.CONFIRM_UNKNOWN},
    "cancel": {*OPEN_HOLDS, HoldState.CANCELLING, HoldState.CANCEL_UNKNOWN},
}  # fmt: skip
"""By write: the states in which a thing still has a way to go by itself."""


def furnish(*, url: str) -> None:
    """People, an account at the simulator, and numbers in stock."""
    life.hire()
    account = providers.create_account(
        name="till",
        provider="cp_extender",
        environment="sandbox",
        base_url=f"{url}/cp_extender",
        currency="USD",
        credentials={"token": "sandbox-permanent"},
        per_second=1000,
        per_minute=60_000,
    )
    sync_periodic()
    reserving.request_pool(account, actor=mira(), agency=AGENCY, name="Stock", count=STOCK)
    sweep_jobs()
    run_due()


def mira() -> User:
    return User.objects.get(username="mira")


def prepare(*, offset: float, write: str) -> dict[str, Any]:
    """Bring it so far that the next job sends this write; `id` is what it is about."""
    source = life.live_at(offset)
    make: dict[str, Callable[[], Thing]] = {
        "reserve": _reservation,
        "create": _card,
        "authorize": _hold,
        "confirm": lambda: _wish(finishing.confirm_hold),
        "cancel": lambda: _wish(finishing.cancel_hold),
    }
    thing = make[write]()
    return {"id": str(thing.pk), "offset": source.offset}


def _reservation() -> Reservation:
    account = ProviderAccount.objects.get()
    return reserving.request_pool(account, actor=mira(), agency=AGENCY, name="More", count=ASKED)


def _card() -> Card:
    account, pool = ProviderAccount.objects.get(), Pool.objects.get(name="Stock")
    wish = CardWish(customer_id=CUSTOMER, code=KIND, value=VALUE)
    issuance = issuing.draft_issuance(account, actor=mira(), wishes=[wish], pool=pool)
    issuing.submit_issuance(issuance, actor=mira())
    return issuance.cards.get()


def _hold() -> Authorization:
    card = _card()
    _work()
    return authorizing.request_hold(card, actor=mira(), amount=AMOUNT)


def _wish(press: Callable[..., None]) -> Authorization:
    hold = _hold()
    _work()
    hold.refresh_from_db()
    press(hold, actor=mira())
    return hold


def _work() -> None:
    while run_due():
        continue


# --- After the kill -----------------------------------------------------------------------------


def take_over(
    *, offset: float, write: str, id: str, control: str, checked: int = 0
) -> dict[str, Any]:
    """Another worker goes on until it is settled; then the oracle is asked."""
    source, began, sandbox = life.live_at(offset), clock.db_now(), CPExtenderControl(control)
    found = issuing_oracle.facts(write, id)
    life.work_until(lambda: is_settled(write, id), source, sandbox)
    return {
        "offset": source.offset,
        "found": [found],
        "left": [issuing_oracle.facts(write, id)],
        "seconds": round((clock.db_now() - began) / timedelta(seconds=1)),
        "problems": [
            *issuing_oracle.problems(write, id, sandbox.ledger()),
            *oracle.problems_of_the_chain(checked),
        ],
        "checked": oracle.last_entry(),
    }


def is_settled(write: str, id: str) -> bool:
    """Whether it has ended or waits for a person, and no job of it is open."""
    return issuing_oracle.read(write, id).state not in UNSETTLED[write] and id not in life.at_work()


def judge_the_house(*, offset: float, control: str) -> list[str]:
    """Everything at once, not only what one trial was about."""
    life.live_at(offset)
    ledger = CPExtenderControl(control).ledger()
    return [*issuing_oracle.problems_at_the_end(ledger), *oracle.problems_of_the_chain(0)]
