"""Statements that take a batch of any size, on both databases."""

from typing import Any

import sqlalchemy as sa

from infra.db.database import MOST_ROWS, Database, Statement, encode_json, tenant
from tests.infra.db.notes import ADD_TO, FIND, UPDATE, add_rows, all_rows, notes, prepared
from tests.support.postgresql import new_postgresql_database

DIFFICULT = [
    "plain",
    "",
    " ",
    "it's",
    'a "quoted" word',
    "back\\slash",
    "two\nlines\tand a tab",
    "커피",
    "👩‍🍳",
    "null",
    "1",
    "$.id",
    "%(rows)s :rows ?",
    "'; DROP TABLE notes; --",
    "x" * 3000,
]


def find(connection: sa.Connection, ids: list[str]) -> list[tuple[str, str | None, int]]:
    return [tuple(row) for row in FIND.run(connection, {"ids": encode_json(ids)})]


async def test_text_and_numbers_arrive_as_they_were_sent(database: Database) -> None:
    numbers = [0, 1, 2**31, 2**53 + 1, 2**63 - 1]
    rows: list[dict[str, Any]] = [
        {"id": f"{place:02}", "text": text, "number": numbers[place % len(numbers)]}
        for place, text in enumerate(DIFFICULT)
    ]
    await database.write(add_rows, rows)
    assert await database.read(all_rows) == [(row["id"], row["text"], row["number"]) for row in rows]


async def test_a_missing_value_is_null(database: Database) -> None:
    await database.write(add_rows, [{"id": "a", "text": None, "number": 1}, {"id": "b", "number": 2}])
    assert await database.read(all_rows) == [("a", None, 1), ("b", None, 2)]


async def test_rows_are_found_by_keys_of_any_spelling(database: Database) -> None:
    keys = [text[:64] for text in DIFFICULT]
    await database.write(add_rows, [{"id": key, "number": 0} for key in keys])
    for key in keys:
        assert await database.read(find, [key]) == [(key, None, 0)]
    assert len(await database.read(find, keys)) == len(keys)
    assert await database.read(find, ["nobody", *keys[:2]]) == sorted([(key, None, 0) for key in keys[:2]])
    assert await database.read(find, []) == []


async def test_an_insert_passes_over_keys_that_exist(database: Database) -> None:
    await database.write(add_rows, [{"id": "a", "text": "first", "number": 1}])
    await database.write(add_rows, [{"id": "a", "text": "second", "number": 2}, {"id": "b", "text": None, "number": 3}])
    assert await database.read(all_rows) == [("a", "first", 1), ("b", None, 3)]


async def test_an_update_changes_the_rows_that_it_names_and_no_other(database: Database) -> None:
    def update(connection: sa.Connection, rows: list[dict[str, Any]]) -> int:
        return len(list(UPDATE.run_rows(connection, rows)))

    await database.write(add_rows, [{"id": key, "text": "old", "number": 0} for key in "abc"])
    changes: list[dict[str, Any]] = [
        {"id": "a", "text": "it's new", "number": 2**40},
        {"id": "c", "text": None, "number": 5},
    ]
    assert await database.write(update, [*changes, {"id": "nobody", "text": "", "number": 1}]) == 2
    assert await database.read(all_rows) == [("a", "it's new", 2**40), ("b", "old", 0), ("c", None, 5)]


async def test_a_batch_may_have_more_rows_than_a_statement_takes(database: Database) -> None:
    count = 5 * MOST_ROWS + 3

    def update(connection: sa.Connection, rows: list[dict[str, Any]]) -> set[str]:
        return {key for (key,) in UPDATE.run_rows(connection, rows)}

    rows = [{"id": f"{number:05}", "text": None, "number": number} for number in range(count)]
    await database.write(add_rows, rows)
    ids = [f"{number:05}" for number in range(count)]
    assert [row[2] for row in await database.read(find, ids)] == list(range(count))
    assert await database.write(update, rows) == set(ids)


async def test_no_rows_are_nothing_to_do(database: Database) -> None:
    await database.write(add_rows, [])
    assert await database.read(all_rows) == []


async def test_a_plain_statement_takes_named_values(database: Database) -> None:
    def raise_by(connection: sa.Connection, by: int) -> None:
        ADD_TO.run(connection, {"key": "a", "by": by})

    await database.write(add_rows, [{"id": "a", "number": 40}])
    await database.write(raise_by, 2)
    assert await database.read(all_rows) == [("a", None, 42)]


async def test_a_statement_is_built_once_for_each_dialect(database: Database) -> None:
    built: list[str] = []

    def build(connection: sa.Connection) -> sa.ClauseElement:
        built.append(connection.dialect.name)
        return sa.select(notes.c.id)

    statement = Statement(build)

    def run_twice(connection: sa.Connection) -> str:
        statement.run(connection, {})
        statement.run(connection, {})
        return connection.dialect.name

    assert built == [await database.read(run_twice)] == [await database.read(run_twice)]


async def test_a_statement_has_the_tenant_of_its_connection(database_url: str) -> None:
    statement = Statement(lambda connection: sa.select(tenant(connection).label("tenant")))

    def names(connection: sa.Connection) -> tuple[str, str]:
        (by_statement,) = statement.run(connection, {}).fetchone()
        return by_statement, connection.execute(sa.select(tenant(connection))).scalar_one()

    for name in ("main", "north-2", "it's 100% :north"):
        database = Database(database_url, schema="notes", tenant=name)
        assert await database.read(names) == (name, name)
        assert await database.write(names) == (name, name)
        database.close()


async def test_a_plan_from_when_a_table_was_empty_still_finds_rows_by_their_keys(postgresql: str) -> None:
    """PostgreSQL keeps a statement's plan, and for an empty table would read it all."""
    database = prepared(new_postgresql_database(postgresql))
    ids = [f"{number:05}" for number in range(5000)]
    scanned = sa.text("SELECT seq_tup_read FROM pg_stat_xact_user_tables WHERE relname = 'notes'")

    def rows_read(connection: sa.Connection) -> int:
        found = find(connection, ids[:3])
        updated = UPDATE.run_rows(connection, [{"id": key, "text": "new", "number": 1} for key in ids[:3]])
        assert len(found) == len(list(updated))
        return int(connection.execute(scanned).scalar_one())

    for _ in range(10):
        await database.write(rows_read)
    await database.write(add_rows, [{"id": key, "number": 0} for key in ids])
    assert await database.write(rows_read) == 0
    database.close()
