"""What gunicorn serves; it refuses to start where a system check fails."""

import os

from django.core.wsgi import get_wsgi_application

os.umask(0o077)  # the database, its log and the spool are for our own user only
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "giftops.settings")

application = get_wsgi_application()

from giftops.checks import refuse_unsound  # noqa: E402 - needs the apps to be ready

refuse_unsound()
