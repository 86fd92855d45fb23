"""Databases that are migrated once a process: a new one begins as the first, without Alembic.

A SQLite file is copied. On PostgreSQL the statements that the first migrations sent are sent again.
"""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from infra.db.database import Database

Statements = list[tuple[str, Any]]
"""Texts with their parameters."""

WRITING = ("ALTER", "CREATE", "DROP", "INSERT", "UPDATE")

_sent: dict[tuple[Path, str], Statements] = {}
"""By the folder of the migrations and the schema."""


def prepare(database: Database, versions: Path) -> None:
    """Prepare an empty database as its program does; one that has tables already is left as it is."""
    if database.file is not None:
        if not database.file.exists():
            database.file.write_bytes(_migrated(versions))
        database.prepare(versions)
        return
    key = versions, database.schema
    if key in _sent:
        database.sessions[0].run_now(_send_again, database.schema, _sent[key])
        database.prepare(versions)
        return
    with _recording(database.url) as statements:
        database.prepare(versions)
    if statements:
        _sent[key] = statements


@cache
def _migrated(versions: Path) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "migrated.db"
        database = Database(path, schema="any")
        database.prepare(versions)
        database.close()
        return path.read_bytes()


@contextmanager
def _recording(url: sa.URL) -> Iterator[Statements]:
    """Collect what SQLAlchemy sends to a database to write."""
    statements: Statements = []

    def note(connection: sa.Connection, _cursor: object, text: str, values: Any, *_: object) -> None:
        if connection.engine.url == url and text.split(maxsplit=1)[0] in WRITING:
            statements.append((text, values))

    sa.event.listen(sa.Engine, "before_cursor_execute", note)
    try:
        yield statements
    finally:
        sa.event.remove(sa.Engine, "before_cursor_execute", note)


def _send_again(connection: sa.Connection, schema: str, statements: Statements) -> None:
    if not sa.inspect(connection).has_table("alembic_version", schema):
        for text, values in statements:
            connection.exec_driver_sql(text, values or None)
