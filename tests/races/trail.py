"""The races for what is written once: the token of a form, a place in the audit trail."""

from collections.abc import Sequence
from typing import Any

from django.db.models import Count

from giftops import audit, once
from giftops.models import ActionToken, AuditEntry
from tests.kills import oracle
from tests.races.racing import Race, person


class OneTokenOnce(Race):
    """A double-clicked form: everybody posts the same token."""

    gate = (once, "_use")
    tells_who = False

    def prepare(self, contestants: int) -> list[str]:
        return [once.new_token()] * contestants

    def act(self, prize: list[str], number: int) -> str:
        result, is_repeated = once.once(
            prize[number], user=person("mira"), purpose="race", work=self._work
        )
        return f"{result['entry']} {'again' if is_repeated else 'first'}"

    def _work(self) -> dict[str, Any]:
        return {"entry": audit.record("race.acted", actor=None).sequence}

    def problems(self, prize: list[str], answers: Sequence[Any]) -> list[str]:
        results = {answer.said.split()[0] for answer in answers}
        firsts = sum(answer.said.endswith("first") for answer in answers)
        tokens = len(set(prize))
        found = self.one_winner(answers, winners=len(answers))
        if (len(results), firsts) != (tokens, tokens):
            found.append(f"{len(results)} results, {firsts} acted, {tokens} tokens")
        if ActionToken.objects.filter(token__in=prize).count() != tokens:
            found.append("tokens are missing")
        return found


class ManyTokens(OneTokenOnce):
    """Everybody posts a token of their own: everybody acts."""

    def prepare(self, contestants: int) -> list[str]:
        return [once.new_token() for _ in range(contestants)]


class AppendToTheChain(Race):
    """Everybody appends to the audit trail: no gap, no fork, no twin."""

    gate = (audit, "_next_head")

    def prepare(self, contestants: int) -> int:
        return oracle.last_entry()

    def act(self, prize: int, number: int) -> str:
        return str(audit.record("race.appended", actor=None, number=number).sequence)

    def problems(self, prize: int, answers: Sequence[Any]) -> list[str]:
        numbers = sorted(int(answer.said) for answer in answers if answer.kind == "won")
        found = oracle.problems_of_the_chain(prize)
        if numbers != list(range(prize + 1, prize + 1 + len(answers))):
            found.append(f"the numbers after {prize} are {numbers}")
        twins = AuditEntry.objects.values("sequence").annotate(n=Count("pk")).filter(n__gt=1)
        return found + (["twins in the chain"] if twins.exists() else [])
