"""The race of everything at once, for deadlocks."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from orders.models import Batch, Order, Resolution
from orders.services import (
    answering,
    deciding,
    drafting,
    following,
    funding,
    mirroring,
    placing,
    submitting,
)
from providers.gateways.errors import ProviderRejected
from providers.models import ProviderAccount
from tests.races.people import RetryTwice
from tests.races.racing import Race, person
from tests.races.workers import FollowTheSameOrder


class Everything(Race):
    """Everybody does something else, all of it with money and the audit trail: nobody deadlocks."""

    tells_who = False
    parts = ("approve", "follow", "withdraw", "confirm", "reject", "mirror", "retry", "fund")

    def prepare(self, contestants: int) -> list[tuple[str, str]]:
        self._sandbox.add_funds("1.00")
        return [
            (part, getattr(self, f"prepare_{part}")())
            for part in (self.parts[number % len(self.parts)] for number in range(contestants))
        ]

    def act(self, prize: list[tuple[str, str]], number: int) -> str:
        part, subject = prize[number]
        getattr(self, part)(subject)
        return part

    def problems(self, prize: list[tuple[str, str]], answers: Sequence[Any]) -> list[str]:
        return self.one_winner(answers, winners=len(answers)) + self.books_agree()

    def prepare_approve(self) -> str:
        return str(submitting.submit_batch(self.big_draft(), actor=person("mira")).pk)

    def approve(self, subject: str) -> None:
        batch = Batch.objects.get(pk=subject)
        submitting.approve_batch(batch, actor=person("tom"), fingerprint=batch.fingerprint)

    def prepare_follow(self) -> str:
        return FollowTheSameOrder.prepare(self, 1)  # type: ignore[arg-type]

    def follow(self, subject: str) -> None:
        following.follow_order(subject)

    def prepare_withdraw(self) -> str:
        return str(self.approved().pk)

    def withdraw(self, subject: str) -> None:
        submitting.withdraw_order(Order.objects.get(pk=subject), actor=person("jon"))

    def prepare_confirm(self) -> str:
        proposal = deciding.propose(
            self.held(), actor=person("mira"), decision=Resolution.Decision.REJECT,
            reason="Asked them by telephone.",
        )  # fmt: skip
        return str(proposal.pk)

    def confirm(self, subject: str) -> None:
        proposal = Resolution.objects.select_related("order").get(pk=subject)
        deciding.confirm(proposal, actor=person("tea"))

    def prepare_reject(self) -> str:
        return str(placing._write_intent(self.approved(), drafting.new_id()).pk)

    def reject(self, subject: str) -> None:
        answering.apply_answer(UUID(subject), ProviderRejected("Not this card."))

    def prepare_mirror(self) -> str:
        for _ in range(2):  # two dead orders that live there after all
            attempt = placing._write_intent(self.approved(), drafting.new_id())
            answering.apply_answer(attempt.pk, ProviderRejected("Not this card."))
            self._sandbox.stranger(reference=attempt.reference, giftCardTypeId=1410, amount=5)
        return str(ProviderAccount.objects.get().pk)

    def mirror(self, subject: str) -> None:
        mirroring.mirror_remote_orders(subject)

    def prepare_retry(self) -> str:
        return RetryTwice.prepare(self, 1)  # type: ignore[arg-type]

    def retry(self, subject: str) -> None:
        drafting.retry_as_new(Order.objects.get(pk=subject), actor=person("mira"))

    def prepare_fund(self) -> str:
        return str(ProviderAccount.objects.get().pk)

    def fund(self, subject: str) -> None:
        funding.ask_the_provider(ProviderAccount.objects.get(pk=subject))
