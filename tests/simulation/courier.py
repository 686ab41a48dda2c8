"""Webhooks from the simulated providers to our door: late, twice, never, early, and forged.

The door is the service that `POST /webhooks/<secret>/` calls. A delivery that our side could not
take is tried again, as the provider would; whatever was begun when a program died goes again.
"""

from collections.abc import Callable, Sequence
from random import Random
from typing import TYPE_CHECKING, Any

from orders.services import doorbells
from providers.sandbox.wire import Post

if TYPE_CHECKING:
    from tests.simulation.operations.base import Operation


class Courier:
    """Carries what the providers of one seed post."""

    def __init__(
        self, operations: Sequence["Operation"], random: Random, tell: Callable[[str], None]
    ) -> None:
        self._providers: list[Any] = [one.provider for one in operations if one.rings]
        self._random = random
        self._tell = tell
        self.loses = random.choice((0.0, 0.1, 0.5, 1.0))
        self.doubles = random.choice((0.0, 0.2))

    @property
    def has_work(self) -> bool:
        """Whether anybody posts at all."""
        return bool(self._providers)

    def is_due(self) -> bool:
        """Whether something has to be carried now."""
        return any(provider.due_posts() for provider in self._providers)

    def carry(self) -> None:
        """Take one of the posts that are due, not always the oldest."""
        provider = self._random.choice([one for one in self._providers if one.due_posts()])
        post = self._random.choice(provider.due_posts())
        if self._random.random() < self.loses:
            provider.note_post(post, "lost", True)
            return
        for _ in range(1 + (self._random.random() < self.doubles)):
            self._tell(f"  webhook: {knock(post)}")
        provider.note_post(post, "202", True)


def knock(post: Post) -> str:
    """What our door does with a delivery, and what became of it."""
    token = post.url.rstrip("/").rpartition("/")[2]
    order = doorbells.find(token)
    return str(doorbells.ring(order, post.body)) if order is not None else "404"
