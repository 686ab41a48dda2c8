"""What is played in `manage.py demo`: who asks for what, what goes wrong with it, and who helps.

Every scene is armed for the references of its own orders before they are sent.
"""

import os
import signal
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from giftops.models import User
from giftops.supervisor import Program
from orders.demo.simulator import Simulator
from orders.demo.wanted import Wanted, wish_for
from orders.models import Batch, Order
from orders.services import submitting
from orders.services.drafting import create_batch
from orders.statuses import Status
from providers.models import ProviderAccount

SETTLED = {Status.FULFILLED, Status.NEEDS_REVIEW, Status.REJECTED, Status.CANCELLED}

LAST_ACT = 3
"""An act begins when everybody of those before got the help they need."""


@dataclass(kw_only=True)
class Part(ABC):
    """One thing that is played, the trouble it gets into, and whether its help came.

    One that `needs_help` is worth nothing unless its moment came, and none is without its proof.
    """

    name: str
    trouble: str
    needs_help: bool = False
    is_helped: bool = False
    act: int = LAST_ACT
    not_before: float = 0.0  # seconds after the first part

    @property
    @abstractmethod
    def provider(self) -> str:
        """Where it is played."""

    @property
    @abstractmethod
    def references(self) -> list[str]:
        """What its faults were armed for."""

    @property
    @abstractmethod
    def has_begun(self) -> bool:
        """Whether there is anything to look at."""

    @property
    def may_begin(self) -> bool:
        """Whether what it stands on is there."""
        return True

    @abstractmethod
    def play(self, stage: "Stage") -> None:
        """Ask for it as a person would; the worker does the rest."""

    @abstractmethod
    def look(self) -> bool:
        """Read everything again; whether nothing moves by itself any more."""

    @abstractmethod
    def help(self, stage: "Stage") -> None:
        """What somebody does meanwhile, again and again until it is over."""

    @abstractmethod
    def is_proven(self, stage: "Stage") -> bool:
        """Whether what was to happen to it did."""

    @abstractmethod
    def stands(self) -> str:
        """One line on where it is."""


@dataclass(kw_only=True)
class Scene(Part):
    """One batch of orders.

    `begin` runs before the batch is sent; `meanwhile` again and again until the scene is over.
    """

    wanted: Wanted
    begin: Callable[["Stage", "Scene"], None] = lambda stage, scene: None
    meanwhile: Callable[["Stage", "Scene"], None] = lambda stage, scene: None
    proof: Callable[["Stage", "Scene"], bool] = lambda stage, scene: True
    orders: list[Order] = field(default_factory=list)

    @property
    def provider(self) -> str:
        return self.wanted.provider

    @property
    def references(self) -> list[str]:
        return [order.reference for order in self.orders]

    @property
    def has_begun(self) -> bool:
        return bool(self.orders)

    def play(self, stage: "Stage") -> None:
        batch = stage.draft(self)
        self.begin(stage, self)
        submitting.submit_batch(batch, actor=stage.maker)

    def look(self) -> bool:
        for order in self.orders:
            order.refresh_from_db()
        return all(order.status in SETTLED for order in self.orders)

    def help(self, stage: "Stage") -> None:
        self.meanwhile(stage, self)

    def is_proven(self, stage: "Stage") -> bool:
        return self.proof(stage, self)

    def stands(self) -> str:
        """A status, and for one order what is waited for."""
        done = sum(order.status == Status.FULFILLED for order in self.orders)
        if len(self.orders) > 1:
            return f"{done} of {len(self.orders)} fulfilled"
        [order] = self.orders
        said = f" (they say “{order.provider_text}”)" if order.provider_text else ""
        return f"{order.get_status_display()}{said}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Shop:
    """One provider: our account there, and the hands of its staff."""

    account: ProviderAccount
    simulator: Simulator


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """Where all is played: who asks, who decides with them, where, and the worker to be killed."""

    maker: User
    approver: User
    shops: Mapping[str, Shop]  # by provider
    worker: Program

    def simulator(self, part: Part) -> Simulator:
        """The provider that it is played at, from within."""
        return self.shops[part.provider].simulator

    def draft(self, scene: Scene) -> Batch:
        """Draft the scene's batch; nothing is sent yet."""
        account = self.shops[scene.wanted.provider].account
        batch = create_batch(self.maker, wish_for(scene.wanted, account, scene.name))
        scene.orders = list(batch.orders.order_by("position"))
        return batch

    def kill_worker(self) -> None:
        """kill -9, with everything that it has in hand."""
        assert self.worker.process is not None  # noqa: S101 - started before the first part
        os.killpg(self.worker.process.pid, signal.SIGKILL)


def arm(**faults: Mapping[str, Any]) -> Callable[[Stage, Scene], None]:
    """A beginning in which these faults, with their parameters, wait for every order."""

    def begin(stage: Stage, scene: Scene) -> None:
        for reference in scene.references:
            for fault, params in faults.items():
                stage.simulator(scene).arm(fault, reference=reference, **params)

    return begin


def answers_to(stage: Stage, scene: Scene) -> list[int]:
    """The statuses that the purchases of a scene were answered with, oldest first."""
    simulator = stage.simulator(scene)
    return [
        arrival["status"]
        for reference in scene.references
        for arrival in simulator.arrivals("createOrder", reference)
    ]
