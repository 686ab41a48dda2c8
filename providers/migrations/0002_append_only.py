from django.db import migrations

from giftops.append_only import forbid_changes


class Migration(migrations.Migration):
    """The journal may be added to, re-sealed with a new key, and purged after 30 days."""

    dependencies = [("providers", "0001_initial")]

    operations = [
        forbid_changes(
            "providers_providercall",
            allow_update_columns=("request_body", "response_body"),
            allow_delete_after_days=30,
        ),
        forbid_changes("providers_balancereading"),
    ]
