"""A PostgreSQL whose commits wait for a standby: what no standby has is neither shown nor acknowledged."""

import asyncio
from collections.abc import Iterator
from typing import Any, LiteralString

import psycopg
import pytest
import sqlalchemy as sa

from infra.db.database import Database, statements_only
from infra.errors import DatabaseError
from tests.infra.db.notes import ADD_TO, MIGRATIONS, add, keys
from tests.support.postgresql_cluster import Cluster, Node, running_cluster
from tests.support.waiting import eventually

pytestmark = pytest.mark.proof

SECONDS = 2.0
"""How long a transaction may take."""

WAITING = "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'SyncRep'"


@pytest.fixture
def cluster() -> Iterator[Cluster]:
    with running_cluster() as cluster:
        ask(cluster.primary, "ALTER SYSTEM SET synchronous_standby_names = '*'")
        ask(cluster.primary, "SELECT pg_reload_conf()")
        yield cluster


@pytest.fixture
def database(cluster: Cluster) -> Iterator[Database]:
    database = Database(cluster.new_database("notes"), schema="notes", timeout=SECONDS)
    database.prepare(MIGRATIONS)
    yield database
    database.close()


def ask(node: Node, query: LiteralString) -> Any:
    with psycopg.connect(node.url, autocommit=True) as connection:
        cursor = connection.execute(query)
        return cursor.fetchall() if cursor.description else []


@statements_only
def add_to(connection: sa.Connection, key: str) -> None:
    ADD_TO.run(connection, {"key": key, "by": 1})


async def test_what_a_crashed_primary_has_alone_is_not_shown_until_a_standby_has_it(
    cluster: Cluster, database: Database
) -> None:
    with cluster.standby.hanging():
        with pytest.raises(DatabaseError, match="no response within 2 s"):
            await database.write(add, "a")
        cluster.primary.control("stop", "-m", "immediate")
        cluster.primary.start()
        for find in (database.look_up, database.write):
            with pytest.raises(DatabaseError, match=r"no response within 2 s|no synchronous standby confirms"):
                await find(keys)
        assert await database.read(keys) == ["a"]  # a page of history, by which nothing is acknowledged

    async def is_shown() -> bool:
        try:
            return await database.look_up(keys) == ["a"]
        except DatabaseError:
            return False

    await eventually(is_shown, "the standby has what the primary has")


@pytest.mark.parametrize("script", [add, add_to])
async def test_a_commit_whose_wait_for_a_standby_is_cancelled_is_an_error(
    cluster: Cluster, database: Database, script: Any
) -> None:
    await database.write(add, "before")
    database._writer._timer.limit = 20.0
    with cluster.standby.hanging():
        writing = asyncio.create_task(database.write(script, "before" if script is add_to else "a"))
        await _eventually_waits(cluster)
        ask(cluster.primary, "SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE wait_event = 'SyncRep'")
        with pytest.raises(DatabaseError, match="the wait for a synchronous standby was cancelled"):
            await writing


async def test_transactions_that_wait_for_a_standby_do_not_pile_up(cluster: Cluster, database: Database) -> None:
    await database.write(add, "before")
    with cluster.standby.hanging():
        with pytest.raises(DatabaseError, match="no response within 2 s"):
            await database.write(add, "a")
        for key in "bcdef":
            with pytest.raises(DatabaseError, match="no synchronous standby confirms: a transaction has waited for"):
                await database.write(add, key)
        assert ask(cluster.primary, WAITING) == [(1,)]

    async def is_written() -> bool:
        try:
            await database.write(add, "after")
        except DatabaseError:
            return False
        return True

    await eventually(is_written, "orders are taken once the standby is back")
    assert await database.read(keys) == ["a", "after", "before"]


async def _eventually_waits(cluster: Cluster) -> None:
    async def waits() -> bool:
        return bool(ask(cluster.primary, WAITING) == [(1,)])

    await eventually(waits, "the commit waits for the standby")
