from django.apps import AppConfig


class OrdersConfig(AppConfig):
    """What we bought, hold and owe."""

    name = "orders"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Orders have a say in what happens to a restored database and to their accounts."""
        from giftops import guard, metrics  # models are loaded only now
        from orders.metrics import OrdersCollector
        from orders.services.issuing import sweeping_issued  # noqa: F401 - importing registers the errands
        from orders.services.issuing.restoring_issued import doubt_issued
        from orders.services.restoring import doubt_orders
        from orders.services.vetoing import veto_account_change
        from providers.services import before_change

        guard.on_release(doubt_orders)
        guard.on_release(doubt_issued)
        before_change(veto_account_change)
        metrics.register(OrdersCollector())
