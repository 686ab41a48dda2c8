"""People at their desks, whatever they do there: who they are, and what all of them may do."""

from abc import abstractmethod
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

from giftops.models import User
from orders.models import Break
from orders.services import breaking
from providers.models import ProviderAccount
from tests.simulation.operations.base import Action, Operation

if TYPE_CHECKING:
    from tests.simulation.world import World

Choice = tuple[int, Callable[["World"], Action | None]]  # its weight, and what makes it


class People(Operation):
    """An operation with an account and people who work with it."""

    _account_id: Any = None

    @abstractmethod
    def choices(self) -> list[Choice]:
        """What people may do, by weight."""

    @property
    def account(self) -> ProviderAccount:
        return ProviderAccount.objects.get(provider=self.slug)

    @property
    def account_id(self) -> Any:
        if self._account_id is None:
            self._account_id = self.account.pk
        return self._account_id

    def action(self, world: "World") -> Action | None:
        choices = self.choices()
        weights = [weight for weight, _ in choices]
        for _ in range(4):
            found = world.people.choices([make for _, make in choices], weights)[0](world)
            if found is not None:
                return found
        return None

    def person(self, world: "World", *names: str) -> User:
        return User.objects.get(username=world.people.choice(names))

    def maker(self, world: "World") -> User:
        return self.person(world, "maker-1", "maker-2")

    def approver(self, world: "World") -> User:
        return self.person(world, "approver-1", "approver-2")

    def explain(self, world: "World") -> Action | None:
        found = Break.objects.filter(closed_at=None).order_by("pk").first()
        if found is None:
            return None
        person = self.approver(world)
        return Action(
            f"{person} explains a break",
            partial(breaking.explain, found, actor=person, note="talked to them"),
        )

    def switch_account(self, world: "World") -> Action | None:
        is_active = world.people.random() < 0.7
        accounts = ProviderAccount.objects.filter(pk=self.account_id)
        return Action(
            f"the administrator switches the account {'on' if is_active else 'off'}",
            lambda: accounts.update(is_active=is_active),
            is_double_clickable=False,
        )

    def switch_person(self, world: "World") -> Action | None:
        is_active = world.people.random() < 0.7
        people = User.objects.filter(username=world.people.choice(("maker-1", "approver-1")))
        return Action(
            "the administrator switches a person",
            lambda: people.update(is_active=is_active),
            is_double_clickable=False,
        )

    # Endings

    def switch_everything_on(self) -> None:
        """What the administrator switched off must not stay so for ever."""
        ProviderAccount.objects.filter(pk=self.account_id).update(is_active=True)
        User.objects.update(is_active=True)
