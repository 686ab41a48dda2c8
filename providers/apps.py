from django.apps import AppConfig


class ProvidersConfig(AppConfig):
    """Who we deal with and how we speak to them."""

    name = "providers"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Tell readiness, metrics and the system checks what accounts do and must not be."""
        from giftops import audit, metrics  # all of these need the models
        from providers import checks, probes
        from providers.metrics import ProvidersCollector
        from providers.models import ProviderAccount

        audit.leaves_entries(ProviderAccount.objects.all())
        checks.register()
        probes.register()
        metrics.register(ProvidersCollector())
