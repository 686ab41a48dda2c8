from django.db import migrations

from giftops.append_only import forbid_changes


class Migration(migrations.Migration):
    """The audit trail is only ever added to."""

    dependencies = [("giftops", "0001_initial")]

    operations = [forbid_changes("giftops_auditentry")]
