"""A book of any size: every certificate depends on the seed, its place, the size and `until`."""

import base64
from collections.abc import Iterator

from providers.sandbox.exsited.certificate import (
    ACTIVE,
    ALLOCATE,
    DEALLOCATE,
    DISABLED,
    EXPIRED,
    Allocation,
    Certificate,
)
from providers.sandbox.exsited.numbers import CODE_PREFIX, noise, uuid_of
from providers.sandbox.exsited.shapes import date

DAY = 86_400
SPAN = 730 * DAY  # the oldest was created so long before `until`
BATCH = 4  # certificates that were created in the same second
FACES = (2_500, 5_000, 7_500, 10_000, 15_000, 20_000, 25_000, 50_000, 109_000)
CURRENCIES = ("AUD", "AUD", "AUD", "AUD", "AUD", "NZD", "NZD", "USD")
AUTHORS = ("mara.ellis", "import", "api")
ACCOUNTING_CODES = ("Gift Certificate", "Gift Certificate", "Promotional Credit")
ATTRIBUTES: tuple[list[tuple[str, str]], ...] = (
    [],
    [("Channel", "Web")],
    [("Channel", "Store"), ("Store", "Fremantle")],
    [("Campaign", "Summer “Sun & Sea” 25"), ("Recipient", "Zoë Müller"), ("Note", "")],
)
LIFETIMES = (365, 1095, 1095, 1095, 0)  # days; 0: it does not expire


def generate(seed: str, size: int, until: float) -> Iterator[Certificate]:
    """The certificates of a book, oldest first. `until` is Unix time: what was last."""
    for place in range(size):
        batch = place - place % BATCH
        some = noise(seed, "certificate", place + 1)
        one = make_certificate(some, until - SPAN + SPAN * batch // size + some[63] * 0.00256)
        _live(one, some, until)
        _judge(one, some, until)
        yield one


def make_certificate(some: bytes, created_at: float) -> Certificate:
    """A certificate to which nothing has happened yet."""
    one = Certificate(
        uuid=uuid_of(some),
        code=CODE_PREFIX + base64.b32encode(some[16:26]).decode()[:12],
        accounting_code=ACCOUNTING_CODES[some[26] % 3],
        currency=CURRENCIES[some[27] % 8],
        amount=FACES[some[28] % 9],
        created_at=created_at,
        created_by=AUTHORS[some[29] % 3],
        attributes=ATTRIBUTES[some[30] % 4],
        expires_on=_expiry(created_at, LIFETIMES[some[31] % 5]),
    )
    one.begin()
    return one


def _live(one: Certificate, some: bytes, until: float) -> None:
    """What happened between its creation and `until`, in the order of time."""
    moves, changes = some[33] % 7, some[34] % 5
    step = (until - one.created_at) / (max(moves, changes) + 2)
    for number in range(max(moves, changes)):
        at = one.created_at + step * (number + 1)
        if number < changes:
            _change_hands(one, some[40 + number], number, at)
        if number < moves and one.remaining:
            _move_money(one, some[48 + number], at + step * some[54 + number] / 512)


def _change_hands(one: Certificate, byte: int, number: int, at: float) -> None:
    kind = ALLOCATE if number % 2 == 0 else DEALLOCATE
    account = one.allocations[-1].account if kind == DEALLOCATE else f"J{byte:03d}VQ{number}"
    one.allocations.append(Allocation(kind, at, account))
    one.touch(at, AUTHORS[byte % 3])


def _move_money(one: Certificate, byte: int, at: float) -> None:
    if byte % 3 == 0:
        one.amend(max(one.used, one.remaining) + byte * 10, at, "mara.ellis")
    else:
        share = one.remaining if byte % 16 == 1 else one.remaining * (byte % 60 + 1) // 100
        one.spend(max(1, share), at, "api", f"INV-{one.uuid[:4].upper()}{byte:03d}")


def _judge(one: Certificate, some: bytes, until: float) -> None:
    """What is past its day is EXPIRED, and a few are DISABLED."""
    if one.status == ACTIVE and one.expires_on and one.expires_on < date(int(until) // DAY):
        one.status = EXPIRED
    elif one.status == ACTIVE and some[32] % 32 == 0:
        one.status = DISABLED


def _expiry(created_at: float, days: int) -> str:
    return date(int(created_at) // DAY + days) if days else ""
