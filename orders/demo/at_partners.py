"""The scenes at GiftCard Partners."""

from orders.demo.account import PARTNERS
from orders.demo.scenes import Scene, Stage, answers_to, arm
from orders.demo.wanted import Wanted, people
from orders.services.drafting import Recipient
from orders.statuses import Status
from providers.gateways.base import OrderType, PostalAddress
from providers.models import WebhookReceipt

TOKEN_IS_OLD = 35.0  # seconds; a younger one that is refused says something about us, not about it
HOMES = tuple(
    Recipient(
        name=name,
        address=PostalAddress(
            name=name, line_1=street, city="Portland", state="OR", postcode="97201"
        ),
    )
    for name, street in (("Ann Petrov", "12 Harbor Street"), ("Bo Lind", "3 Mill Lane"))
)


def deafen(stage: Stage, scene: Scene) -> None:
    """Nothing that they ring from now on arrives."""
    stage.simulator(scene).change(webhooks=False)


def hear_again(stage: Stage, scene: Scene) -> None:
    """Once they have completed the order without a sound: let them ring again."""
    if not scene.is_helped and stage.simulator(scene).status_of(scene.references[0]) == "Completed":
        stage.simulator(scene).change(webhooks=True)
        scene.is_helped = True


def has_rung(_stage: Stage, scene: Scene) -> bool:
    """Whether a webhook came for every order, and had us look."""
    rung = WebhookReceipt.objects.filter(outcome=WebhookReceipt.Outcome.RUNG)
    return all(rung.filter(subject=reference).exists() for reference in scene.references)


def is_silent(_stage: Stage, scene: Scene) -> bool:
    """Whether no webhook ever came."""
    return not WebhookReceipt.objects.filter(subject__in=scene.references).exists()


def spend_elsewhere(stage: Stage, scene: Scene) -> None:
    """Somebody else spends most of the deposit, and our books do not know yet."""
    stage.simulator(scene).change(available=500)


def send_money(stage: Stage, scene: Scene) -> None:
    """Once the order waits for funds: send some. Nobody here tells us when it is there."""
    [order] = scene.orders
    if not scene.is_helped and order.status == Status.AWAITING_FUNDS:
        stage.simulator(scene).transfer("60000.00")
        scene.is_helped = True


def sign_out(stage: Stage, scene: Scene) -> None:
    """The token that all our processes share is worth nothing any more."""
    stage.simulator(scene).revoke_tokens()


def was_signed_out(stage: Stage, scene: Scene) -> bool:
    return 401 in stage.simulator(scene).answers()


def scenes() -> list[Scene]:
    """The second act changes the shop for everybody, so its scenes have it to themselves."""
    return [*_second_act(), *_last_act()]


def _second_act() -> list[Scene]:
    return [
        Scene(
            name="Webhook lost",
            trouble="nobody rings when 12 links are ready: found by asking",
            wanted=Wanted(
                provider=PARTNERS, product="PRODUCTA", value="10.00", quantity=12,
                order_type=OrderType.LINKS,
            ),
            begin=deafen,
            meanwhile=hear_again,
            proof=is_silent,
            needs_help=True,
            act=2,
        ),
        Scene(
            name="Deposit empty",
            trouble="422; money is sent, the same reference goes out again",
            wanted=Wanted(
                provider=PARTNERS, product="AMZN-VAR", value="900.00", order_type=OrderType.LINKS
            ),
            begin=spend_elsewhere,
            meanwhile=send_money,
            proof=lambda stage, scene: answers_to(stage, scene) == [422, 201],
            needs_help=True,
            act=2,
        ),
    ]  # fmt: skip


def _last_act() -> list[Scene]:
    return [*_ways_of_delivery(), _sent_twice(), _signed_out()]


def _ways_of_delivery() -> list[Scene]:
    return [
        Scene(
            name="Five links",
            trouble="none: completed at once",
            wanted=Wanted(
                provider=PARTNERS, product="UBER-L", value="25.00", quantity=5,
                order_type=OrderType.LINKS,
            ),
        ),
        Scene(
            name="Forty recipients",
            trouble="one order, pending; their webhook says when to look",
            wanted=Wanted(
                provider=PARTNERS, product="SBUX-D", value="10.00", recipients=people(40),
                order_type=OrderType.DIGITAL, message="Thank you!",
            ),
            proof=has_rung,
        ),
        Scene(
            name="By post",
            trouble="none: two addresses, shipping paid",
            wanted=Wanted(
                provider=PARTNERS, product="VISA-P", value="25.00", recipients=HOMES,
                order_type=OrderType.PHYSICAL, shipping_method="STANDARD", carrier="DEFAULT",
            ),
        ),
    ]  # fmt: skip


def _sent_twice() -> Scene:
    return Scene(
        name="Sent twice",
        trouble="504 after they committed, not in their list yet; again → 409 → taken over",
        wanted=Wanted(
            provider=PARTNERS, product="TRGT-VAR", value="40.00", quantity=2,
            order_type=OrderType.LINKS,
        ),
        begin=arm(http_504={"commit": True}, delayed_visibility={"seconds": 30.0}),
        proof=lambda stage, scene: answers_to(stage, scene) == [504, 409],
    )  # fmt: skip


def _signed_out() -> Scene:
    return Scene(
        name="Signed out",
        trouble="401: the token is revoked under way",
        wanted=Wanted(
            provider=PARTNERS, product="SBUX-D", value="5.00", order_type=OrderType.LINKS
        ),
        begin=sign_out,
        proof=was_signed_out,
        not_before=TOKEN_IS_OLD,
    )  # fmt: skip
