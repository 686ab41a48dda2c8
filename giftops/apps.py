from django.apps import AppConfig


class GiftopsConfig(AppConfig):
    """What every app needs: people, jobs, the audit trail, keys."""

    name = "giftops"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Register system checks and signals, and keep our keys out of the logs."""
        from giftops import checks, guard, logs, receivers  # noqa: F401 - importing registers them

        logs.keep_our_keys()
