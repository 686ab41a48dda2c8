"""Which installation this database belongs to."""

from django.db import models


class InstanceGuard(models.Model):
    """The one row that must agree with GIFTOPS_INSTANCE and GIFTOPS_EPOCH before anything is sent.

    A restored backup or a copy of production disagrees, and then nothing runs (`giftops.guard`).
    """

    id = models.PositiveSmallIntegerField(primary_key=True, default=1)
    instance = models.CharField(max_length=8)
    epoch = models.PositiveIntegerField()
    initialised_at = models.DateTimeField()
    restored_at = models.DateTimeField(null=True, blank=True)
    released_at = models.DateTimeField(null=True, blank=True)
    backup_time = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(condition=models.Q(id=1), name="instance_guard_is_one_row"),
        ]

    def __str__(self) -> str:
        return f"{self.instance}, epoch {self.epoch}"
