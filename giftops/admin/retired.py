"""What other packages register and nobody may edit here.

A schedule or a queued task of django-q2 is a dotted path: whoever may change one may run anything.
Groups grant nothing: the role does.
"""

from typing import Any

from django.contrib import admin
from django.contrib.auth.models import Group
from django_q.models import Failure, OrmQ, Schedule, Success


def unregister(*models: type[Any]) -> None:
    """Take these from the admin, if they are in it."""
    for model in models:
        if admin.site.is_registered(model):
            admin.site.unregister(model)


unregister(Group, Schedule, Success, Failure, OrmQ)
