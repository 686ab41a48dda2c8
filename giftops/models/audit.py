"""The audit trail: who did what, when and from where, chained so that a change shows."""

from django.conf import settings
from django.db import models


class AuditHead(models.Model):
    """The one row that names the newest entry; taking it makes appending serial."""

    id = models.PositiveSmallIntegerField(primary_key=True, default=1)
    sequence = models.BigIntegerField(default=0)
    digest = models.CharField(max_length=64, default="")

    class Meta:
        constraints = [
            models.CheckConstraint(condition=models.Q(id=1), name="audit_head_is_one_row"),
        ]

    def __str__(self) -> str:
        return f"entry {self.sequence}"


class AuditEntry(models.Model):
    """One thing that happened; never changed, never deleted (the database refuses both).

    `sequence` counts from 1 without a gap; `digest` is the HMAC-SHA256 (hex) over the previous
    digest and every other field, so edits, deletions, insertions and reordering all show.
    """

    sequence = models.BigIntegerField(primary_key=True)
    created_at = models.DateTimeField(db_index=True)
    action = models.CharField(max_length=80, db_index=True)
    outcome = models.CharField(max_length=20)
    actor = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        db_constraint=True,
    )
    actor_name = models.CharField(max_length=150, blank=True)
    role = models.CharField(max_length=32, blank=True)
    address = models.CharField(max_length=45, blank=True)
    object_type = models.CharField(max_length=80, blank=True)
    object_id = models.CharField(max_length=64, blank=True)
    object_label = models.CharField(max_length=200, blank=True)
    facts = models.JSONField(default=dict)
    previous = models.CharField(max_length=64, blank=True)
    digest = models.CharField(max_length=64)

    class Meta:
        ordering = ["-sequence"]
        verbose_name = "audit entry"
        verbose_name_plural = "audit entries"
        indexes = [
            models.Index(fields=["object_type", "object_id"], name="audit_by_object"),
            models.Index(fields=["actor", "sequence"], name="audit_by_actor"),
        ]

    def __str__(self) -> str:
        return f"{self.sequence} {self.action}"
