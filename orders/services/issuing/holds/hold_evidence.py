"""What stands against a decision about a hold: the journal, and what the card reads now."""

from dataclasses import dataclass

from giftops.money import Money
from orders.models import Authorization, BalanceCheck, Resolution
from orders.services.issuing.cards import balances
from orders.services.issuing.holds import holding, judging
from orders.services.problems import LostTheRace, Refused
from orders.services.wording import plainly
from orders.weighing.holds import Evidence
from providers.gateways.errors import ProviderError

Decision = Resolution.Decision


@dataclass(frozen=True, slots=True)
class Finding:
    """What the card read when somebody decided, and what follows from it."""

    check: BalanceCheck
    evidence: Evidence

    def facts(self) -> dict[str, str]:
        return {
            "asked_at": self.check.asked_at.isoformat(),
            "provider_says": holding.in_words(self.check),
            "reading": str(self.check.pk),
        }


def examine(hold: Authorization, decision: str, amount: Money | None) -> Finding:
    """Read the journal and the card now, and refuse a decision that they speak against."""
    if judging.journal_knows(hold):
        raise LostTheRace("Its answer has just been found: there is nothing to decide any more.")
    try:
        check = balances.read_card(hold.card, authorization=hold)
    except ProviderError as error:
        why = plainly(error, hold.account)
        raise Refused(f"The card could not be read, so nothing was decided. {why}") from None
    finding = Finding(check, _evidence(hold, check))
    if problem := _objection(decision, finding.evidence, hold, amount):
        raise Refused(f"{problem} The card reads {holding.in_words(check)}.")
    return finding


def _evidence(hold: Authorization, check: BalanceCheck) -> Evidence:
    return Evidence(
        before=holding.before(hold), now=holding.reading_of(check),
        delta=holding.delta_of(hold, check), finish=holding.finish_of(hold, check),
        is_finishing=hold.finishes > 0,
    )  # fmt: skip


def _objection(decision: str, seen: Evidence, hold: Authorization, amount: Money | None) -> str:
    """What the reading says against a decision, in a sentence; "" if nothing."""
    minor = hold.granted_minor or hold.requested_minor
    match decision:
        case Decision.ASK_AGAIN if not seen.has_no_effect:
            return "Something has happened on this card: asking again might hold it twice."
        case Decision.ENTER_CODE if amount is not None:
            return _objection_to_code(seen, amount)
        case Decision.ABANDON | Decision.WAS_RELEASED if seen.is_still_held:
            return "It is still held."
        case Decision.ABANDON | Decision.WAS_RELEASED if seen.was_taken:
            return "It was taken, and not given back."
        case Decision.WAS_CONFIRMED if seen.was_given_back or seen.is_still_held:
            return "It was not taken."
        case Decision.WAS_CONFIRMED if not seen.has_fallen_by(minor):
            return "So much has not left the card since."
        case Decision.STILL_HELD if not hold.auth_code:
            return "Its code is not known: enter it instead."
        case Decision.STILL_HELD if seen.was_taken or seen.was_given_back:
            return "It is over."
        case Decision.STILL_HELD if not seen.could_hold(minor):
            return "So much is not held on this card."
    return ""


def _objection_to_code(seen: Evidence, amount: Money) -> str:
    """A code belongs to a hold, so at least that much must be held, and more than before."""
    if seen.has_no_effect:
        return "No more is held on this card than before."
    if seen.was_taken or seen.was_given_back:
        return "It is over."
    if not seen.could_hold(amount.minor):
        return "So much is not held on this card."
    is_told = not seen.is_finishing and seen.is_still_held
    if is_told and seen.delta.held != amount.minor:
        more = Money(seen.delta.held, amount.currency)
        return f"{more.format()} more is held than before, not {amount.format()}."
    return ""
