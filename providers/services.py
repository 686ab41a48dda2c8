"""What the rest of the house asks of providers.

A call to a provider is never made inside a database transaction: commit, call, commit.
"""

from collections.abc import Callable, Iterable
from datetime import timedelta
from math import inf
from typing import Any
from uuid import UUID

from django.conf import settings

from giftops import clock
from giftops.queue import enqueue
from providers import catalog, freshness, journal, options, spool
from providers.accounts import (
    AccountError,
    account_mark,
    before_change,
    create_account,
    credentials_of,
    egress_for,
    problem_with_address,
    update_account,
)
from providers.breaker import CircuitBreaker
from providers.catalog import Progress, silently
from providers.gateways.base import OptionLister, RawAnswer, RemoteBalance
from providers.gateways.client import Client
from providers.gateways.errors import ProviderError, ProviderMisconfigured
from providers.gateways.http import Limits, ProviderSession
from providers.models import BalanceReading, CircuitState, ProviderAccount, SyncRun
from providers.rates import limits_of
from providers.redis_window import RedisWindow, connect
from providers.registry import ProviderSpec, spec_for
from providers.stores import RateBudget
from providers.tokens import SharedTokens
from providers.transport import transport_for, use_transport
from providers.turnstile import Turnstile

__all__ = [
    "AccountError",
    "account_mark",
    "before_change",
    "create_account",
    "gateway_for",
    "import_spool",
    "journaled_answer",
    "probe_circuits",
    "purge_calls",
    "read_balance",
    "refresh_catalogues",
    "refresh_due_catalogues",
    "refresh_options",
    "refresh_products",
    "test_connection",
    "update_account",
    "use_transport",
]

RUN_IS_DEAD_AFTER = 15 * 60  # seconds
READINGS = {
    catalog.PRODUCTS: "providers.tasks.refresh_products",
    options.OPTIONS: "providers.tasks.refresh_options",
}


# --- Speaking to an account ---------------------------------------------------------------------


def gateway_for(account: ProviderAccount, *, attempt_ref: str = "", subject: str = "") -> Any:
    """The gateway of an account, with its budget, breaker and journal.

    `attempt_ref` is noted with every write, `subject` (our order reference) with every call. Raises
    ProviderMisconfigured if the account may not be called as it stands.
    """
    problem = problem_with_address(account)
    if problem:
        raise ProviderMisconfigured(f"{account.name}: {problem}")
    spec = spec_for(account.provider)
    credentials = credentials_of(account)
    longest = inf if spec.longest_call is None else spec.longest_call
    session = ProviderSession(
        account.base_url,
        headers=spec.gateway_class.headers(credentials),
        record=journal.recorder(account.pk, attempt_ref=attempt_ref, subject=subject),
        resolve=egress_for(spec).resolve,
        limits=Limits(
            write_seconds=min(settings.GIFTOPS_WRITE_DEADLINE, longest),
            read_seconds=min(settings.GIFTOPS_READ_DEADLINE, longest),
            max_body=settings.GIFTOPS_MAX_BODY,
        ),
        transport=transport_for(account),
        verify=account.settings.get("ca_file") or True,
    )
    tokens = tokens_of(account, spec.gateway_class, credentials)
    breaker = CircuitBreaker(account.pk)
    client = Client(session, budget_of(account), breaker, tokens, turnstile_of(account, spec))
    return spec.gateway_class(client, currency=account.currency)


def tokens_of(
    account: ProviderAccount, gateway_class: Any, credentials: dict[str, str]
) -> SharedTokens | None:
    """The shared token of an account; None if it signs in without one."""
    ask = getattr(gateway_class, "sign_in", None)
    sign_in = ask(credentials) if ask else None
    return SharedTokens(account, sign_in) if sign_in else None


def turnstile_of(account: ProviderAccount, spec: ProviderSpec) -> Turnstile | None:
    """Who counts an account's calls under way; None if its provider takes any number."""
    if spec.at_once is None:
        return None
    longest = spec.longest_call or max(
        settings.GIFTOPS_WRITE_DEADLINE, settings.GIFTOPS_READ_DEADLINE
    )
    return Turnstile(account.pk, spec.at_once, timedelta(seconds=longest))


def budget_of(account: ProviderAccount) -> RateBudget:
    """The rate budget of an account, in Redis if there is one, else in the database."""
    redis = None
    if settings.REDIS_URL:
        key = f"giftops:{settings.GIFTOPS_INSTANCE}:rate:{account.pk}"
        redis = RedisWindow(connect(settings.REDIS_URL), key)
    return RateBudget(account.pk, limits_of(account.per_second, account.per_minute), redis)


def test_connection(account: ProviderAccount) -> str:
    """Ask the account something harmless; a sentence if it worked, a ProviderError if not.

    Asks even while the breaker is open: whoever tests wants to know now.
    """
    opened = CircuitState.objects.filter(account=account, opened_at__isnull=False)
    opened.update(probe_at=clock.db_now())
    return str(gateway_for(account).test_connection())


test_connection.__test__ = False  # type: ignore[attr-defined]  # no test, whatever pytest thinks


def probe_circuits() -> int:
    """Ask something harmless of every account whose breaker is open and due; count those closed.

    Without it an account with nothing but purchases to make would stay closed for ever: a purchase
    is never the probe.
    """
    due = CircuitState.objects.filter(
        opened_at__isnull=False, probe_at__lte=clock.db_now(), account__is_active=True
    )
    accounts = [state.account for state in due.select_related("account")]
    return sum(_is_well(account) for account in accounts)


def _is_well(account: ProviderAccount) -> bool:
    try:
        test_connection(account)
    except ProviderError:
        return False  # the breaker has noted it, and the journal why
    return True


# --- Mirrors and readings -----------------------------------------------------------------------


def refresh_products(account_id: UUID | str, tell: Progress = silently) -> SyncRun:
    """Mirror the catalogue of an account. Its run tells the counts, or why it failed.

    Does nothing but give the running one if a run is under way.
    """

    def mirror(account: ProviderAccount, run: SyncRun) -> str:
        listing = catalog.read_listing(gateway_for(account), tell)
        plan = catalog.plan_catalog(catalog.known_products(account), listing)
        catalog.apply_plan(account, plan, run)
        return plan.error

    return _mirrored(account_id, catalog.PRODUCTS, mirror)


def refresh_options(
    account_id: UUID | str, tell: Progress = silently, *, lister: OptionLister | None = None
) -> SyncRun:
    """Mirror shipping methods, carriers, brandings, departments; otherwise as refresh_products."""

    def mirror(account: ProviderAccount, run: SyncRun) -> str:
        listing = options.read_listing(lister or gateway_for(account), tell)
        plan = options.plan_options(options.known_options(account), listing)
        options.apply_plan(account, plan, run)
        return plan.error

    return _mirrored(account_id, options.OPTIONS, mirror)


def _mirrored(
    account_id: UUID | str, what: str, mirror: Callable[[ProviderAccount, SyncRun], str]
) -> SyncRun:
    account = ProviderAccount.objects.get(pk=account_id)
    run, is_mine = catalog.begin_run(account.pk, what, stale_after_seconds=RUN_IS_DEAD_AFTER)
    if not is_mine:
        return run
    try:
        error = mirror(account, run)
    except ProviderError as problem:
        error = problem.message
    catalog.end_run(run, SyncRun.State.FAILED if error else SyncRun.State.DONE, error)
    return run


def refresh_due_catalogues() -> int:
    """Queue a reading of every list that is older than its provider lets it be; count them."""
    due = freshness.due(ProviderAccount.objects.active(), clock.db_now())
    return _queue_readings(due)


def refresh_catalogues(accounts: Iterable[ProviderAccount]) -> int:
    """Queue a reading of everything these accounts list, however fresh; count the lists."""
    return _queue_readings(freshness.lists_of(accounts))


def _queue_readings(lists: Iterable[tuple[ProviderAccount, str]]) -> int:
    return len([enqueue(READINGS[what], account.pk) for account, what in lists])


def read_balance(account_id: UUID | str) -> BalanceReading:
    """Ask what we have there now and keep the answer. Raises ProviderError."""
    account = ProviderAccount.objects.get(pk=account_id)
    asked_at = clock.db_now()  # before the call: what moves while they answer is newer than this
    balance: RemoteBalance = gateway_for(account).get_balance()
    return BalanceReading.objects.create(
        account=account,
        currency=balance.available.currency,
        available_minor=balance.available.minor,
        pending_minor=None if balance.pending is None else balance.pending.minor,
        asked_at=asked_at,
    )


# --- The journal --------------------------------------------------------------------------------


def journaled_answer(attempt_ref: str) -> RawAnswer | None:
    """The answer that the write of an attempt got, from the journal or the spool, else None."""
    import_spool()
    return journal.answer_to(attempt_ref)


def import_spool() -> int:
    """Bring spooled exchanges into the journal, each exactly once; count them."""
    return spool.drain(journal.take_in)


def purge_calls() -> int:
    """Delete exchanges older than 30 days; count them."""
    return journal.purge(clock.db_now())
