"""The token an account signs in with: one row for all processes, sealed, fetched by one at a time.

Who needs a new one takes the lease (compare-and-set on `renewing_until`) and fetches it with no
transaction open; the others use the old one while it is still good, or wait a little. Whatever
comes of it, the next try is half a minute later: a provider that hands out tokens we cannot use, or
none at all, is never asked in a loop. Times are those of the database clock.

A token opens only for the address and the credentials that it was given for.
"""

import hashlib
import json
from collections.abc import Callable
from datetime import datetime, timedelta

import structlog
from django.db.models import F, Q, QuerySet

from giftops import clock
from giftops.sealing import SealError, StoredToken, seal
from providers.accounts import account_mark
from providers.gateways.client import Grant, SignIn, Token
from providers.gateways.errors import ProviderUnavailable
from providers.guards import nothing_sent_without_database, refuse_inside_transaction
from providers.models import ProviderAccount, SharedToken

log = structlog.get_logger(__name__)

PAUSE = timedelta(seconds=30)  # between two tries to get a token, and how long one counts as new
LEASE = timedelta(seconds=30)  # longer than the longest fetch: a place in the budget and one read
RENEWED_AT = 0.8  # of the life time that the provider states
LONGEST_WAIT = 5.0  # seconds that anybody waits for another process's new token
STEP = 0.1


class SharedTokens:
    """The token of one account; see `gateways.client.Tokens`."""

    def __init__(self, account: ProviderAccount, sign_in: SignIn) -> None:
        self.sign_in = sign_in
        self._account = account
        self._owner = _owner_of(account)

    @nothing_sent_without_database
    def current(self, fetch: Callable[[], Grant]) -> Token:
        """A good token: the one there is, or a new one.

        ProviderUnavailable if the last try was less than half a minute ago, or if another process
        takes too long over it; otherwise whatever `fetch` raises.
        """
        refuse_inside_transaction()
        waited = 0.0
        while True:
            row, now = self._row(), clock.db_now()
            token = self._token_in(row, now)
            if token and row.renew_at and now < row.renew_at:
                return token
            if self._take_lease(row, now):
                return self._renew(row, now, fetch)
            if token:
                return token  # past its best and still good; another process is renewing it
            self._wait_or_give_up(row.serial, waited)
            waited += STEP

    @nothing_sent_without_database
    def drop(self, token: Token) -> bool:
        """Forget a token that was refused; True if it was issued less than half a minute ago."""
        row = self._row()
        if row.serial != token.serial:
            return False
        now = clock.db_now()
        is_new = row.issued_at is not None and abs(now - row.issued_at) < PAUSE
        self._rows().filter(serial=token.serial).update(token="", renew_at=None)
        log.warning("token_dropped", account=self._account.name)
        return is_new

    # One process at a time

    def _take_lease(self, row: SharedToken, now: datetime) -> bool:
        """Take it; what lies far ahead of us was written before a clock was set back."""
        is_over = Q(renewing_until__lte=now) | Q(renewing_until__gt=now + 2 * LEASE)
        is_free = Q(renewing_until__isnull=True) | is_over
        is_long_ago = Q(tried_at__lte=now - PAUSE) | Q(tried_at__gt=now + PAUSE)
        is_time = Q(tried_at__isnull=True) | is_long_ago
        mine = self._rows().filter(is_free, is_time, serial=row.serial)
        return mine.update(renewing_until=now + LEASE, tried_at=now) == 1

    def _renew(self, row: SharedToken, began: datetime, fetch: Callable[[], Grant]) -> Token:
        mine = self._rows().filter(serial=row.serial, renewing_until=began + LEASE)
        try:
            grant = fetch()
        except BaseException:
            mine.update(renewing_until=None)
            raise
        if grant.problem:
            log.error("contract_alarm", account=self._account.name, problem=grant.problem)
        now = clock.db_now()
        best = timedelta(seconds=grant.seconds * RENEWED_AT)
        stored = mine.update(
            token=self._sealed(row, grant),
            serial=F("serial") + 1,
            issued_at=now,
            renew_at=now + max(best, PAUSE),
            renewing_until=None,
        )
        return Token(value=grant.value, serial=row.serial + stored)

    def _wait_or_give_up(self, serial: int, waited: float) -> None:
        """Return if it is worth looking again: somebody is fetching one, or just has."""
        row, now = self._row(), clock.db_now()
        if row.serial != serial:
            return
        is_under_way = row.renewing_until is not None and now < row.renewing_until
        if is_under_way and waited < LONGEST_WAIT:
            clock.sleep(STEP)
            return
        again = (row.tried_at or now) + PAUSE
        raise ProviderUnavailable(
            "nothing was sent, we are not signed in; the last try is less than half a minute ago",
            retry_after=max((again - now).total_seconds(), 1.0),
        )

    # The row

    def _rows(self) -> QuerySet[SharedToken]:
        return SharedToken.objects.filter(account=self._account)

    def _row(self) -> SharedToken:
        row = self._rows().first()
        if row is None:
            new = SharedToken(account=self._account)
            SharedToken.objects.bulk_create([new], ignore_conflicts=True)
            row = self._rows().get()
        return row

    def _token_in(self, row: SharedToken, now: datetime) -> Token | None:
        """The token in the row; None if it is none of ours or its life time is over."""
        if not row.token or row.issued_at is None or row.renew_at is None:
            return None
        if now >= row.issued_at + (row.renew_at - row.issued_at) / RENEWED_AT:
            return None
        try:
            owner, value = json.loads(row.token.reveal())
        except SealError:
            log.warning("token_not_opened", account=self._account.name)
            return None
        return Token(value=value, serial=row.serial) if owner == self._owner else None

    def _sealed(self, row: SharedToken, grant: Grant) -> StoredToken:
        place = SharedToken._meta.get_field("token").place(row)
        return StoredToken(seal(json.dumps([self._owner, grant.value]), **place))


def _owner_of(account: ProviderAccount) -> str:
    """For whom a token is: address, user and password of the account, as a digest."""
    parts = [account_mark(account), account.credentials_fingerprint]
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:32]
