"""A small table, and the scripts that the tests run on it."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from infra.db.database import Database, Statement, insert_records, strings, update_records

MIGRATIONS = Path(__file__).parent / "migrations"

notes = sa.Table(
    "notes",
    sa.MetaData(),
    sa.Column("id", sa.String(64), primary_key=True),
    sa.Column("text", sa.Text),
    sa.Column("number", sa.BigInteger, nullable=False),
)

INSERT = Statement(lambda connection: insert_records(connection.dialect, notes, list(notes.c)))
UPDATE = Statement(
    lambda connection: update_records(
        connection.dialect, notes, [notes.c.id], [notes.c.text, notes.c.number]
    ).returning(notes.c.id)
)
FIND = Statement(
    lambda connection: sa.select(notes).where(notes.c.id.in_(strings(connection.dialect, "ids"))).order_by(notes.c.id)
)
ADD_TO = Statement(
    sa.update(notes).values(number=notes.c.number + sa.bindparam("by")).where(notes.c.id == sa.bindparam("key"))
)


def prepared(url: str) -> Database:
    database = Database(url, schema="notes")
    database.prepare(MIGRATIONS)
    return database


def add(connection: sa.Connection, key: str, number: int = 0) -> None:
    connection.execute(sa.insert(notes).values(id=key, number=number))


def add_rows(connection: sa.Connection, rows: Sequence[dict[str, Any]]) -> None:
    INSERT.run_rows(connection, [{"text": None} | row for row in rows])


def keys(connection: sa.Connection) -> list[str]:
    return list(connection.execute(sa.select(notes.c.id).order_by(notes.c.id)).scalars())


def all_rows(connection: sa.Connection) -> list[tuple[str, str | None, int]]:
    return [(row.id, row.text, row.number) for row in connection.execute(sa.select(notes).order_by(notes.c.id))]
