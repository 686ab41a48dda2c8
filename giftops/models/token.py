"""Tokens that let a form act once."""

from django.conf import settings
from django.db import models

from giftops import clock


class ActionToken(models.Model):
    """A used token with what its action answered, so that a second press shows the same answer."""

    token = models.CharField(primary_key=True, max_length=64)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    purpose = models.CharField(max_length=80)
    result = models.JSONField(default=dict)
    used_at = models.DateTimeField(default=clock.db_now, db_index=True)

    def __str__(self) -> str:
        return self.purpose
