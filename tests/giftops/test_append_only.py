from datetime import timedelta

import pytest
from django.db import IntegrityError, connection, migrations, transaction
from django.db.migrations.state import ProjectState

from giftops import append_only, clock
from giftops.append_only import forbid_changes
from tests.vault.models import Line

TABLE = "vault_line"
pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def protect():
    """Run the operation as `migrate` would; take it back afterwards."""
    applied = []

    def forwards(**options):
        operation = forbid_changes(TABLE, **options)
        with connection.schema_editor() as editor:
            operation.database_forwards("vault", editor, ProjectState(), ProjectState())
        applied.append(operation)
        return operation

    yield forwards
    for operation in applied:
        backwards(operation)


def backwards(operation):
    with connection.schema_editor() as editor:
        operation.database_backwards("vault", editor, ProjectState(), ProjectState())


@pytest.fixture
def line():
    return Line.objects.create(text="first", sealed="k1.token")


def change(**fields):
    return Line.objects.update(**fields)


def test_a_row_can_be_added_and_neither_changed_nor_deleted(protect, line):
    protect()
    attempts = [
        lambda: change(text="other"),
        lambda: change(id=line.pk + 1),
        lambda: line.delete(),
        lambda: Line.objects.all().delete(),
    ]

    for attempt in attempts:
        with pytest.raises(IntegrityError, match="append-only"), transaction.atomic():
            attempt()
    Line.objects.create(text="second")

    assert list(Line.objects.order_by("pk").values_list("text", flat=True)) == ["first", "second"]


def test_a_table_is_not_emptied_at_once(protect, line, on_postgresql):
    if not on_postgresql:
        pytest.skip("SQLite has no TRUNCATE; deleting all rows is tried above.")
    protect()

    with pytest.raises(IntegrityError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("TRUNCATE vault_line")

    assert Line.objects.count() == 1


WITHOUT_WARNING = [
    "INSERT OR REPLACE INTO vault_line (id, text, sealed, created_at) VALUES ({id}, 'x', '', '')",
    "REPLACE INTO vault_line (rowid, text, sealed, created_at) VALUES ({id}, 'x', '', '')",
    "INSERT INTO vault_line (id, text, sealed, created_at) VALUES ({id}, 'x', '', '')"
    " ON CONFLICT (id) DO UPDATE SET text = 'x'",
    "INSERT OR REPLACE INTO vault_line (text, sealed, created_at) VALUES ('x', 'k1.token', '')",
    "UPDATE OR REPLACE vault_line SET id = {id} WHERE id = {other}",
    "UPDATE OR REPLACE vault_line SET rowid = {id} WHERE id = {other}",
]


@pytest.mark.parametrize("hears_of_replaced_rows", ["OFF", "ON"])
@pytest.mark.parametrize("statement", WITHOUT_WARNING)
def test_a_row_is_not_replaced(protect, line, on_postgresql, statement, hears_of_replaced_rows):
    if on_postgresql:
        pytest.skip("PostgreSQL has no REPLACE.")
    other = Line.objects.create(text="other", sealed="k1.other")
    before = list(Line.objects.order_by("pk").values())
    with connection.cursor() as cursor:
        cursor.execute("CREATE UNIQUE INDEX sealed_once ON vault_line (sealed)")
        try:
            protect()
            cursor.execute(f"PRAGMA recursive_triggers={hears_of_replaced_rows}")
            with pytest.raises(IntegrityError, match="append-only"), transaction.atomic():
                cursor.execute(statement.format(id=line.pk, other=other.pk))
        finally:
            cursor.execute("PRAGMA recursive_triggers=ON")
            cursor.execute("DROP INDEX sealed_once")

    assert list(Line.objects.order_by("pk").values()) == before


@pytest.mark.parametrize("index", ["(text) WHERE sealed <> ''", "(upper(text))"])
def test_a_table_whose_replacing_cannot_be_foreseen_is_refused(protect, on_postgresql, index):
    if on_postgresql:
        pytest.skip("PostgreSQL has no REPLACE.")
    with connection.cursor() as cursor:
        cursor.execute(f"CREATE UNIQUE INDEX odd_one ON vault_line {index}")
        try:
            with pytest.raises(ValueError, match="vault_line cannot be append-only with odd_one"):
                protect()
        finally:
            cursor.execute("DROP INDEX odd_one")


def test_a_database_made_before_a_trigger_was_added_gets_it(
    protect, line, monkeypatch, on_postgresql
):
    operation = protect()
    Declared(monkeypatch, operation)
    name = f"forbid_{'update' if on_postgresql else 'replace'}_of_{TABLE}"
    where = f" ON {TABLE}" if on_postgresql else ""
    with connection.cursor() as cursor:
        cursor.execute(f"DROP TRIGGER {name}{where}")

    restored = append_only.restore(connection)

    assert restored == [TABLE]
    assert operation.is_present(connection)


def test_saving_without_a_change_is_no_change(protect, line):
    protect()

    line.save()

    assert Line.objects.get().text == "first"


def test_listed_columns_may_change_and_only_those(protect, line):
    protect(allow_update_columns=("sealed",))

    change(sealed="k2.token")
    with pytest.raises(IntegrityError), transaction.atomic():
        change(sealed="k3.token", text="smuggled")

    assert Line.objects.values_list("sealed", "text").get() == ("k2.token", "first")


def test_rows_may_go_where_that_is_allowed_and_still_not_change(protect, line):
    protect(allow_delete=True)

    with pytest.raises(IntegrityError), transaction.atomic():
        change(text="other")
    line.delete()

    assert not Line.objects.exists()


def test_rows_go_after_their_retention_and_not_before(protect):
    now = clock.db_now()
    old = Line.objects.create(text="old", created_at=now - timedelta(days=30, minutes=1))
    young = Line.objects.create(text="young", created_at=now - timedelta(days=29, hours=23))
    protect(allow_delete_after_days=30)

    with pytest.raises(IntegrityError), transaction.atomic():
        young.delete()
    old.delete()

    assert Line.objects.get() == young


def test_the_operation_can_be_taken_back(protect, line):
    operation = protect()

    backwards(operation)
    change(text="other")

    assert not operation.is_present(connection)
    assert Line.objects.get().text == "other"


def test_applying_it_twice_keeps_the_newer_word(protect, line):
    protect()

    protect(allow_update_columns=("text",))
    change(text="other")

    assert Line.objects.get().text == "other"


class Declared:
    """A migration that says the table is append-only, as if it were on disk and applied."""

    def __init__(self, monkeypatch, *operations):
        found = {operation.table: operation for operation in operations}
        monkeypatch.setattr(append_only, "declared", lambda connection: found)


def test_lost_triggers_are_noticed_and_put_back(protect, line, monkeypatch):
    operation = protect()
    Declared(monkeypatch, operation)
    present = append_only.missing(connection)

    backwards(operation)  # as a rebuilt table on SQLite does
    lost = append_only.missing(connection)
    restored = append_only.restore(connection)

    assert (present, lost, restored) == ([], [TABLE], [TABLE])
    with pytest.raises(IntegrityError), transaction.atomic():
        change(text="other")


def test_only_applied_migrations_count_as_declared(monkeypatch):
    class Migration(migrations.Migration):
        operations = [forbid_changes(TABLE)]

    def load(self):
        self.disk_migrations = {("vault", "0001"): Migration("0001", "vault")}

    monkeypatch.setattr(append_only.MigrationLoader, "load_disk", load)
    applied: dict = {}
    monkeypatch.setattr(append_only.MigrationRecorder, "applied_migrations", lambda self: applied)

    before = append_only.declared(connection)
    applied["vault", "0001"] = None

    assert before == {}
    assert list(append_only.declared(connection)) == [TABLE]


def test_the_operation_survives_being_written_into_a_migration():
    operation = forbid_changes(TABLE, allow_update_columns=("sealed",), allow_delete_after_days=30)

    name, args, kwargs = operation.deconstruct()
    again = getattr(append_only, name)(*args, **kwargs)

    assert again.create_sql(connection) == operation.create_sql(connection)
    assert again.reversible
