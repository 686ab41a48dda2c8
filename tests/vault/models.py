"""What the tests of sealing and of append-only tables write into."""

from django.db import models

from giftops import clock, identity
from giftops.sealing import SealedField


class Secret(models.Model):
    """A row with two sealed columns."""

    id = models.UUIDField(primary_key=True, default=identity.new_id)
    code = SealedField()
    pin = SealedField()
    note = models.CharField(max_length=50, blank=True)

    def __str__(self) -> str:
        return self.note


class Line(models.Model):
    """A row that is written once."""

    text = models.CharField(max_length=50)
    sealed = models.TextField(blank=True)
    created_at = models.DateTimeField(default=clock.db_now)

    def __str__(self) -> str:
        return self.text
