"""The addresses for machines."""

from django.urls import re_path

from orders.api import hooks

urlpatterns = [
    # Whatever follows belongs to it, slashes too: so no address below it is answered differently.
    re_path(r"^webhooks/(?P<token>.*)$", hooks.Doorbell.as_view(), name="webhook"),
]
