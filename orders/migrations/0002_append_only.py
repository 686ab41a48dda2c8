from django.db import migrations

from giftops.append_only import forbid_changes

APPEND_ONLY = (
    "orders_orderevent",
    "orders_ledgertransaction",
    "orders_ledgerposting",
    "orders_reveal",
    "orders_issuingevent",
    "orders_balancecheck",
)


class Migration(migrations.Migration):
    """Timelines, the ledger, looks at secrets and readings of cards are only ever added to."""

    dependencies = [("orders", "0001_initial")]

    operations = [forbid_changes(table) for table in APPEND_ONLY]
