"""Every address of this project."""

from django.contrib import admin
from django.urls import include, path
from django.views.generic import RedirectView

from giftops import health

urlpatterns = [
    path("", RedirectView.as_view(pattern_name="admin:index"), name="home"),
    path("healthz", health.healthz, name="healthz"),
    path("readyz", health.readyz, name="readyz"),
    path("metrics", health.metrics_page, name="metrics"),
    path("admin/", admin.site.urls),
    path("", include("orders.api.urls")),
]
