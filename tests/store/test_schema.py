import sqlite3
from dataclasses import fields
from pathlib import Path

import pytest
import sqlalchemy
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory

from seawall.store import migrations
from seawall.store.latency import Latency
from seawall.store.rows import Attempt, Count
from seawall.store.schema import attempt as attempts
from seawall.store.schema import hourly_count, latency, metadata
from seawall.store.version import HEAD, REVISIONS
from seawall.store.writer import INSERT_ATTEMPT, UPSERT_COUNT, UPSERT_LATENCY


def test_the_light_constant_is_alembics_head():
    """The writer knows which schema is newest without importing Alembic."""
    settings = Config()
    settings.set_main_option("script_location", str(Path(migrations.__file__).parent))
    script = ScriptDirectory.from_config(settings)
    assert script.get_heads() == [HEAD]
    assert [revision.revision for revision in script.walk_revisions()] == list(reversed(REVISIONS))


def test_migrations_make_the_schema_that_is_described(path: Path):
    """Nothing is left for Alembic to change, in columns, types, defaults or indexes."""
    engine = sqlalchemy.create_engine(f"sqlite:///{path}", poolclass=sqlalchemy.pool.NullPool)
    with engine.connect() as connection:
        context = MigrationContext.configure(
            connection, opts={"compare_type": True, "compare_server_default": True}
        )
        assert compare_metadata(context, metadata) == []


def test_migrated_tables_are_spelled_as_described(path: Path):
    """What Alembic does not compare (keys, WITHOUT ROWID, NOT NULL) is the same in SQLite's own words."""
    described = sqlite3.connect(":memory:")
    for table in metadata.tables.values():
        dialect = sqlalchemy.dialects.sqlite.dialect()
        described.execute(str(sqlalchemy.schema.CreateTable(table).compile(dialect=dialect)))
    migrated = sqlite3.connect(path)
    question = "SELECT name, sql FROM sqlite_master WHERE type = 'table' AND name != 'alembic_version'"
    spelled = [
        {name: "".join(sql.split()) for name, sql in database.execute(question)}
        for database in (described, migrated)
    ]
    described.close()
    migrated.close()
    assert spelled[0] == spelled[1]
    assert "WITHOUTROWID" in spelled[1]["hourly_count"]


def test_tables_mirror_the_rows():
    """A field that is added to a row and not to its table is noticed here."""
    assert [column.name for column in attempts.columns][1:] == [field.name for field in fields(Attempt)]
    assert [column.name for column in hourly_count.columns] == [field.name for field in fields(Count)]
    assert [column.name for column in latency.columns] == [field.name for field in fields(Latency)]
    for table, kind in ((attempts, Attempt), (hourly_count, Count), (latency, Latency)):
        for field in fields(kind):
            may_be_missing = field.type in (str | None, int | None)
            assert table.columns[field.name].nullable == may_be_missing, field.name
            plain = {str | None: str, int | None: int}.get(field.type, field.type)  # type: ignore[call-overload]
            assert table.columns[field.name].type.python_type is plain, field.name


def test_the_writers_statements_fit_the_tables(path: Path):
    """SQLite accepts the statements that are derived from the rows, and counts are added up."""
    connection = sqlite3.connect(path)
    connection.execute(INSERT_ATTEMPT, [1] * len(fields(Attempt)))
    for _ in range(2):
        connection.execute(UPSERT_COUNT, (1, 0, "host", "opus", "", "", 21))
        connection.execute(UPSERT_LATENCY, (1, 0, "host", "opus", 20, 4))
    assert connection.execute("SELECT attempts FROM hourly_count").fetchall() == [(42,)]
    assert connection.execute("SELECT answers FROM latency").fetchall() == [(8,)]
    connection.close()


@pytest.mark.parametrize(
    ("where", "index"),
    [
        ("at >= 5", "ix_attempt_at"),
        ("cause = 'provider.overloaded' AND at >= 5", "ix_attempt_cause_at"),
        ("call = 'abc'", "ix_attempt_call"),
        ("request_id = 'req_1'", "ix_attempt_request_id"),
        ("route = 'host' AND family = 'opus' AND at >= 5", "ix_attempt_route_family_at"),
    ],
)
def test_the_questions_of_history_use_an_index(path: Path, where: str, index: str):
    """A million attempts are not read through for one cause, call, request id, or model on a route."""
    connection = sqlite3.connect(path)
    plan = connection.execute(f"EXPLAIN QUERY PLAN SELECT * FROM attempt WHERE {where}").fetchall()
    connection.close()
    assert index in plan[0][3]


@pytest.mark.parametrize("table", ["hourly_count", "latency"])
def test_hours_are_read_by_their_key(path: Path, table: str):
    """A span of hours is read from the table's own order."""
    connection = sqlite3.connect(path)
    plan = connection.execute(f"EXPLAIN QUERY PLAN SELECT * FROM {table} WHERE hour >= 5").fetchall()
    connection.close()
    assert "PRIMARY KEY" in plan[0][3]
