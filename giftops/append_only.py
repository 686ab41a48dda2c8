"""Tables whose rows stay as they were written: the database itself refuses the rest (S28).

`forbid_changes("giftops_auditentry")` is a migration operation. It puts triggers on the table, on
SQLite and on PostgreSQL. A column added later is protected too on PostgreSQL; on SQLite every
migration that alters a table builds it anew and drops its triggers, so `restore` puts back what
is missing after each `migrate`, from what the applied migrations declare.
"""

from typing import Any

from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.operations.base import Operation
from django.db.migrations.recorder import MigrationRecorder
from django.db.migrations.state import ProjectState

LONGEST_NAME = 40  # characters; trigger names built from it stay inside PostgreSQL's 63


class ForbidChanges(Operation):
    """Refuse DELETE, and UPDATE of every column that is not listed."""

    reversible = True
    reduces_to_sql = True

    def __init__(
        self,
        table: str,
        *,
        allow_update_columns: tuple[str, ...] = (),
        allow_delete: bool = False,
        allow_delete_after_days: int | None = None,
        age_column: str = "created_at",
    ) -> None:
        if len(table) > LONGEST_NAME:
            raise ValueError(f"{table} is too long a name for its triggers.")
        self.table = table
        self.allow_update_columns = tuple(allow_update_columns)
        self.allow_delete = allow_delete
        self.allow_delete_after_days = allow_delete_after_days
        self.age_column = age_column

    def state_forwards(self, app_label: str, state: ProjectState) -> None:
        """Change nothing in the models."""

    def database_forwards(
        self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any
    ) -> None:
        """Create the triggers."""
        for statement in self.create_sql(schema_editor.connection):
            schema_editor.execute(statement, params=None)

    def database_backwards(
        self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any
    ) -> None:
        """Remove the triggers."""
        for statement in self.drop_sql(schema_editor.connection):
            schema_editor.execute(statement, params=None)

    def describe(self) -> str:
        """Say what it does, for `sqlmigrate` and `migrate --plan`."""
        return f"Forbid changes of rows in {self.table}"

    @property
    def migration_name_fragment(self) -> str:
        """Name a migration that does only this."""
        return f"forbid_changes_of_{self.table}"

    def drop_sql(self, connection: BaseDatabaseWrapper) -> list[str]:
        """Give the statements that remove the triggers if they are there."""
        if connection.vendor == "sqlite":
            verbs = ("update", "delete", "replace")
            return [f"DROP TRIGGER IF EXISTS forbid_{verb}_of_{self.table}" for verb in verbs]
        return [f"DROP FUNCTION IF EXISTS forbid_changes_of_{self.table}() CASCADE"]

    def create_sql(self, connection: BaseDatabaseWrapper) -> list[str]:
        """Give the statements that create the triggers, replacing older ones of this table."""
        is_sqlite = connection.vendor == "sqlite"
        new = self._create_on_sqlite(connection) if is_sqlite else self._create_on_postgresql()
        return [*self.drop_sql(connection), *new]

    def is_present(self, connection: BaseDatabaseWrapper) -> bool:
        """Say whether every trigger of this table is there (and, on PostgreSQL, enabled)."""
        query = {
            "sqlite": "SELECT name FROM sqlite_master WHERE type = 'trigger' AND tbl_name = %s",
            "postgresql": "SELECT tgname FROM pg_trigger WHERE tgrelid = to_regclass(%s)"
            " AND tgenabled <> 'D'",
        }[connection.vendor]
        with connection.cursor() as cursor:
            cursor.execute(query, [self.table])
            found = {name for (name,) in cursor.fetchall()}
        return found.issuperset(self._names(connection))

    def _names(self, connection: BaseDatabaseWrapper) -> list[str]:
        names = [f"forbid_update_of_{self.table}"]
        if connection.vendor == "sqlite":
            names.append(f"forbid_replace_of_{self.table}")  # databases made earlier lack it
        if not self.allow_delete:
            names.append(f"forbid_delete_of_{self.table}")
            if connection.vendor == "postgresql":
                names.append(f"forbid_truncate_of_{self.table}")
        return names

    # SQLite: the columns are read now, because a trigger there cannot compare whole rows.

    def _create_on_sqlite(self, connection: BaseDatabaseWrapper) -> list[str]:
        with connection.cursor() as cursor:
            description = connection.introspection.get_table_description(cursor, self.table)
            keys = _unique_keys(cursor, self.table)
        columns = [c.name for c in description if c.name not in self.allow_update_columns]
        changed = " OR ".join(
            ["OLD.rowid IS NOT NEW.rowid"]
            + [f'OLD."{name}" IS NOT NEW."{name}"' for name in columns]
        )
        statements = [self._sqlite_trigger("update", changed), self._replace_trigger(keys)]
        if not self.allow_delete:
            statements.append(self._sqlite_trigger("delete", self._too_young("sqlite")))
        return statements

    def _sqlite_trigger(self, verb: str, condition: str) -> str:
        return (
            f"CREATE TRIGGER forbid_{verb}_of_{self.table} "
            f'BEFORE {verb.upper()} ON "{self.table}" WHEN {condition} '
            f"BEGIN SELECT RAISE(ABORT, '{self._refusal(verb)}'); END"
        )

    def _replace_trigger(self, keys: list[list[str]]) -> str:
        """INSERT OR REPLACE removes what stands in its way, and no DELETE trigger hears of it."""
        ways = ["rowid = NEW.rowid"]  # every table has one; -1 where the database chooses it
        ways += [" AND ".join(f'"{column}" = NEW."{column}"' for column in key) for key in keys]
        is_taken = f'EXISTS (SELECT 1 FROM "{self.table}" WHERE {" OR ".join(ways)})'  # noqa: S608
        return (
            f"CREATE TRIGGER forbid_replace_of_{self.table} "
            f'BEFORE INSERT ON "{self.table}" WHEN {is_taken} '
            f"BEGIN SELECT RAISE(ABORT, '{self._refusal('replace')}'); END"
        )

    # PostgreSQL: whole rows are compared, so that new columns are protected without a new trigger.

    def _create_on_postgresql(self) -> list[str]:
        free = "ARRAY[" + ", ".join(f"'{name}'" for name in self.allow_update_columns) + "]::text[]"
        function = f"""
            CREATE FUNCTION forbid_changes_of_{self.table}() RETURNS trigger
            LANGUAGE plpgsql AS $$
            BEGIN
                IF TG_OP = 'UPDATE' THEN
                    IF to_jsonb(OLD) - {free} IS NOT DISTINCT FROM to_jsonb(NEW) - {free} THEN
                        RETURN NEW;
                    END IF;
                ELSIF TG_OP = 'DELETE' THEN
                    IF NOT ({self._too_young("postgresql")}) THEN RETURN OLD; END IF;
                END IF;
                RAISE EXCEPTION '{self._refusal("change")}'
                    USING ERRCODE = 'integrity_constraint_violation';
            END $$
        """
        triggers = [self._postgresql_trigger("update", "ROW")]
        if not self.allow_delete:
            triggers.append(self._postgresql_trigger("delete", "ROW"))
            triggers.append(self._postgresql_trigger("truncate", "STATEMENT"))
        return [function, *triggers]

    def _postgresql_trigger(self, verb: str, each: str) -> str:
        return (
            f"CREATE TRIGGER forbid_{verb}_of_{self.table} "
            f'BEFORE {verb.upper()} ON "{self.table}" '
            f"FOR EACH {each} EXECUTE FUNCTION forbid_changes_of_{self.table}()"
        )

    def _too_young(self, vendor: str) -> str:
        """Give the condition under which a row may not be deleted."""
        if self.allow_delete_after_days is None:
            return "TRUE"
        days, column = int(self.allow_delete_after_days), f'OLD."{self.age_column}"'
        if vendor == "sqlite":
            return f"julianday({column}) > julianday('now', '-{days} days')"
        return f"{column} > clock_timestamp() - interval '{days} days'"

    def _refusal(self, verb: str) -> str:
        return f"{self.table} is append-only: {verb} refused"


def _unique_keys(cursor: Any, table: str) -> list[list[str]]:
    """Read from SQLite which columns together name one row.

    Raises ValueError for a unique index with a condition or an expression: a trigger would need it
    too.
    """
    cursor.execute('SELECT name, partial FROM pragma_index_list(%s) WHERE "unique"', [table])
    keys: list[list[str]] = []
    for index, is_partial in cursor.fetchall():
        cursor.execute("SELECT name FROM pragma_index_info(%s) ORDER BY seqno", [index])
        columns = [name for (name,) in cursor.fetchall()]
        if is_partial or None in columns:
            raise ValueError(f"{table} cannot be append-only with {index}: name its columns only.")
        keys.append(columns)
    return keys


def forbid_changes(
    table: str,
    *,
    allow_update_columns: tuple[str, ...] = (),
    allow_delete: bool = False,
    allow_delete_after_days: int | None = None,
    age_column: str = "created_at",
) -> ForbidChanges:
    """Give the migration operation that makes `table` append-only.

    `allow_update_columns` may still change (re-sealing, a head row); `allow_delete` lets rows go;
    `allow_delete_after_days` lets them go once `age_column` lies that many days back by the
    database's clock (retention).
    """
    return ForbidChanges(
        table,
        allow_update_columns=allow_update_columns,
        allow_delete=allow_delete,
        allow_delete_after_days=allow_delete_after_days,
        age_column=age_column,
    )


def declared(connection: BaseDatabaseWrapper) -> dict[str, ForbidChanges]:
    """Read from the applied migrations which tables are append-only; the newest word counts."""
    loader = MigrationLoader(None, load=False)
    loader.load_disk()
    applied = MigrationRecorder(connection).applied_migrations()
    found: dict[str, ForbidChanges] = {}
    for key in sorted(loader.disk_migrations.keys() & applied.keys()):
        for operation in loader.disk_migrations[key].operations:
            if isinstance(operation, ForbidChanges):
                found[operation.table] = operation
    return found


def missing(connection: BaseDatabaseWrapper) -> list[str]:
    """Name the tables that should be append-only and are not at the moment."""
    operations = declared(connection).values()
    return [op.table for op in operations if not op.is_present(connection)]


def restore(connection: BaseDatabaseWrapper) -> list[str]:
    """Put missing triggers back; gives the names of the tables that lacked them."""
    gone = missing(connection)
    operations = declared(connection)
    with connection.cursor() as cursor:
        for table in gone:
            for statement in operations[table].create_sql(connection):
                cursor.execute(statement)
    return gone
