"""The settings of a test's child process: the parent's database, and no more than it needs."""

from tests.settings import *  # noqa: F403
from tests.settings import INSTALLED_APPS

DEBUG = True  # loopback is allowed
INSTALLED_APPS = [
    "django.contrib.admin.apps.SimpleAdminConfig" if app == "django.contrib.admin" else app
    for app in INSTALLED_APPS
    if app != "orders"
]
