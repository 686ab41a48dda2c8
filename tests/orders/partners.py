"""A second shop: an account at a seller of digital deliveries, claim links and plastic."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from typing import Any

from giftops import clock
from giftops.money import Money
from orders.services import funding
from orders.services.drafting import Recipient, Wish
from providers import services as providers
from providers.gateways.base import OrderType, PostalAddress
from providers.models import Product
from providers.sandbox.giftcardpartners.app import SimulatedGiftCardPartners
from tests.orders.conftest import InProcess, ProvidersClock, Shop, Time

BASE_URL = "http://127.0.0.1:8010/giftcardpartners"
HOME = PostalAddress(
    name="Ann Petrov", line_1="1 Main Street", city="Springfield", state="IL", postcode="62701"
)


class Partners(Shop):
    """What a test does there and sees."""

    def product(self, name: str = "PRODUCTA") -> Product:
        return Product.objects.get(account=self.account, external_id=name)

    def wish(self, **fields: Any) -> Wish:
        """Two claim links of USD 25.00, unless told otherwise."""
        usual = {
            "product": self.product(), "face_value": Money(2500, "USD"), "quantity": 2,
            "order_type": OrderType.LINKS,
        }  # fmt: skip
        return Wish(**usual | fields)

    def digital(self, *people: Recipient, **fields: Any) -> Wish:
        """One card for each of these people."""
        usual = {"quantity": 1, "order_type": OrderType.DIGITAL, "recipients": people}
        return self.wish(**usual | fields)

    def plastic(self, *places: PostalAddress, **fields: Any) -> Wish:
        """A plastic card for each address, by the cheapest way."""
        people = tuple(Recipient(name=place.name, address=place) for place in places or (HOME,))
        usual = {
            "product": self.product("SBUX-P"), "quantity": 1, "order_type": OrderType.PHYSICAL,
            "recipients": people, "shipping_method_id": "STANDARD",
        }  # fmt: skip
        return self.wish(**usual | fields)


@contextmanager
def open_partners() -> Iterator[Partners]:
    """An account with a full catalogue, its options and a deposit."""
    with ExitStack() as stack:
        time = stack.enter_context(clock.use(Time(datetime(2026, 3, 2, 9, tzinfo=UTC))))
        simulated = SimulatedGiftCardPartners(clock=ProvidersClock(time), seed="tests")
        stack.callback(simulated.close)
        wire = InProcess(simulated)  # type: ignore[arg-type]
        stack.enter_context(providers.use_transport(lambda account: wire))
        account = providers.create_account(
            name="partners-test", provider="giftcardpartners", environment="sandbox",
            base_url=BASE_URL, currency="USD", settings={},
            credentials={"email": "sandbox@example.com", "access_token": "sandbox"},
        )  # fmt: skip
        providers.refresh_products(account.pk)
        providers.refresh_options(account.pk)
        funding.ask_the_provider(account)
        yield Partners(account, wire, time)
