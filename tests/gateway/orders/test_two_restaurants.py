"""Two restaurants in one journal's database see nothing of each other."""

from collections.abc import AsyncIterator

import pytest
import sqlalchemy as sa

from gateway.domain.order import Status
from gateway.orders.journal import Journal
from gateway.orders.tables import pulse
from gateway.storage import MIGRATIONS
from infra.db.database import Database
from tests.support.migrated import prepare
from tests.support.orders import new_id, order

Pair = tuple[Journal, Journal]


@pytest.fixture
async def pair(database_url: str) -> AsyncIterator[Pair]:
    """The journal of each of two restaurants, on one database."""
    databases = [Database(database_url, schema="gateway", tenant=restaurant) for restaurant in ("north", "south")]
    for database in databases:
        if database.file is None or database is databases[0]:  # a program locks a SQLite file
            prepare(database, MIGRATIONS)
    north, south = Journal(databases[0]), Journal(databases[1])
    for journal in (north, south):
        await journal.enlist()
    yield north, south
    for database in databases:
        database.close()


async def test_the_same_order_id_is_an_order_of_each(pair: Pair) -> None:
    north, south = pair
    order_id = new_id()
    mine, yours = order("bar coffee", order_id=order_id), order("bar tea 2", order_id=order_id, table="7")
    assert await north.insert(mine) is None
    assert await south.find(order_id) is None
    assert await south.known([order_id]) == set()
    assert await south.take(order_id) is None
    assert await south.insert(yours) is None
    mine.cancel()
    await north.update(mine)
    assert await north.find(order_id) == mine
    assert await south.find(order_id) == yours
    assert await south.find_all([order_id]) == {order_id: yours}


async def test_what_one_lists_has_nothing_of_the_other(pair: Pair) -> None:
    north, south = pair
    mine, yours = order("bar coffee", table="7"), order("bar coffee", table="7")
    await north.insert(mine)
    await south.insert(yours)
    for status, table in ((None, None), (Status.PENDING, None), (None, "7")):
        page = await north.page(10, None, status, table, also=[yours.order_id] if status else ())
        assert [each.order_id for each in page.orders] == [mine.order_id]
    assert await north.unfinished() == [mine.order_id]


async def test_neither_ends_the_others_leases_nor_claims_its_orders(pair: Pair) -> None:
    north, south = pair
    left = order("bar coffee")
    await south.insert(left)
    await south.retire()
    assert await north.claim(lambda others: others, 10) == []
    assert await north.renewals() == {north.number: 1}
    assert await south.renewals() == {}
    found = await south.find(left.order_id)
    assert found is not None
    assert (found.owner, found.epoch) == (south.number, 0)
    assert await south.claim(dict, 10) is None


async def test_each_counts_its_own_beats(pair: Pair) -> None:
    north, south = pair
    for journal in (north, south, south):
        assert await journal.is_writable()
    beats = await north._database.read(lambda connection: connection.execute(sa.select(pulse)).all())
    assert sorted(map(tuple, beats)) == [("north", 1), ("south", 2)]
