"""What readiness and `manage.py doctor` tell about accounts."""

from giftops.health import Probe, register_probe
from providers import spool
from providers.accounts import problem_with_address
from providers.models import CircuitState, ProviderAccount


def register() -> None:
    """Add our probes to readiness and doctor."""
    register_probe("provider accounts", accounts)
    register_probe("provider circuits", circuits)
    register_probe("spool", spooled)  # knows both places


def accounts() -> Probe:
    """There is an active account, and each may be called as it stands."""
    active = list(ProviderAccount.objects.active())
    problems = [f"{account}: {problem_with_address(account)}" for account in active]
    wrong = [problem for problem in problems if not problem.endswith(": ")]
    if wrong:
        return Probe(False, " ".join(wrong))
    if not active:
        return Probe(False, "No provider account is active: add one with provider_account.")
    return Probe(True, f"Active accounts: {', '.join(account.name for account in active)}.")


def circuits() -> Probe:
    """No account is held back by its circuit breaker."""
    held = CircuitState.objects.filter(opened_at__isnull=False, account__is_active=True)
    sentences = [
        f"{state.account} is held back since {state.opened_at:%Y-%m-%d %H:%M} UTC: {state.reason}"
        for state in held.select_related("account")
    ]
    return Probe(not sentences, " ".join(sentences) or "No account is held back.")


def spooled() -> Probe:
    """No answer waits outside the database, in either place."""
    count = sum(1 for _ in spool.waiting())
    if count:
        return Probe(False, f"{count} answers of providers wait to be imported.")
    return Probe(True, "Every answer of a provider is in the journal.")
