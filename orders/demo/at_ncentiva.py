"""The scenes at Ncentiva."""

from orders.demo.scenes import Scene, Stage, arm
from orders.demo.wanted import Wanted
from orders.services import following
from providers.gateways.base import Standing


def sell_out(stage: Stage, scene: Scene) -> None:
    """The shelf is empty, which the provider notices only when it fulfils the order."""
    stage.simulator(scene).change(available={scene.wanted.product: False})


def restock(stage: Stage, scene: Scene) -> None:
    """Once we know that it is out of stock: fill the shelf, then ask as Mira would."""
    [order] = scene.orders
    if scene.is_helped:
        following.ask_now(order)
    elif order.standing == Standing.OUT_OF_STOCK:
        stage.simulator(scene).change(available={scene.wanted.product: True})
        scene.is_helped = True


def kill_worker(stage: Stage, scene: Scene) -> None:
    """Once the provider has taken the order, before its answer is read: kill -9 the worker."""
    arrivals = stage.simulator(scene).arrivals("createOrder", scene.references[0])
    if scene.is_helped or not arrivals:
        return
    stage.kill_worker()
    scene.is_helped = True


def scenes() -> list[Scene]:
    """In the first act the worker dies, in the last everything else happens at once."""
    return [
        Scene(
            name="Worker killed",
            trouble="kill -9 after they committed, before we read the answer",
            wanted=Wanted(product="1520", value="30.00"),
            begin=arm(timeout_after_commit={}),
            meanwhile=kill_worker,
            needs_help=True,
            act=1,
        ),
        Scene(name="One card", trouble="none", wanted=Wanted(product="1234", value="25.00")),
        Scene(
            name="Five cards",
            trouble="none",
            wanted=Wanted(product="1410", value="5.00", quantity=5),
        ),
        Scene(
            name="Lost answer",
            trouble="they commit, the answer never comes",
            wanted=Wanted(product="1301", value="50.00"),
            begin=arm(timeout_after_commit={}),
        ),
        Scene(
            name="Too many requests",
            trouble="429 twice, Retry-After 2 s",
            wanted=Wanted(product="1302", value="20.00"),
            begin=arm(rate_limited={"count": 2, "retry_after": 2}),
        ),
        Scene(
            name="Out of stock",
            trouble="sold out after the order, restocked later",
            wanted=Wanted(product="1411", value="10.00"),
            begin=sell_out,
            meanwhile=restock,
            needs_help=True,
        ),
    ]
