"""Two restaurants in one database see nothing of each other."""

from collections.abc import AsyncIterator

import pytest

from departments import step_tables, stock_audit, tables, transactions
from departments.domain.positions import Position
from departments.domain.steps import Move
from departments.domain.stock import Stock
from departments.domain.tickets import Ticket, TicketState, Verb
from departments.storage import MIGRATIONS
from infra.db.database import Database
from tests.departments.department_database import DepartmentDatabase
from tests.support.department_factories import BAR, coffees, new_id
from tests.support.migrated import prepare

Pair = tuple[DepartmentDatabase, DepartmentDatabase]


@pytest.fixture
async def pair(database_url: str) -> AsyncIterator[Pair]:
    """The bar of each of two restaurants, on one database."""
    bars: list[DepartmentDatabase] = []
    for restaurant in ("north", "south"):
        database = Database(database_url, schema="bar", tenant=restaurant)
        if database.file is None or not bars:  # a program locks a SQLite file
            prepare(database, MIGRATIONS)
        await database.write(transactions.open_department, BAR, 1)
        bars.append(DepartmentDatabase(database))
    yield bars[0], bars[1]
    for bar in bars:
        await bar.check_the_law()
        bar.database.close()


async def test_each_has_its_own_stock_and_revisions(pair: Pair) -> None:
    north, south = pair
    before = (await south.stock_levels()).revision
    await north.place(coffees(3), coffees(1))
    assert await north.stock() == Stock("coffee", 10, 6, 0, 4)
    assert await south.stock() == Stock("coffee", 10, 10, 0, 0)
    assert (await south.stock_levels()).revision == before
    assert (await north.stock_levels()).revision == before + 2


async def test_the_same_order_id_is_an_order_of_each(pair: Pair) -> None:
    north, south = pair
    order_id = new_id()
    await north.place(coffees(3, order_id=order_id))
    assert await south.state_of(order_id) is None
    (ticket,) = await south.place(coffees(2, order_id=order_id))
    assert isinstance(ticket, Ticket)
    assert [line.quantity for line in ticket.lines] == [2]
    await north.cancel(order_id)
    assert await north.state_of(order_id) is TicketState.CANCELLED
    assert await south.state_of(order_id) is TicketState.QUEUED
    await south.suspend(order_id)
    assert await south.stock() == Stock("coffee", 10, 8, 2, 0)
    assert await north.stock() == Stock("coffee", 10, 10, 0, 0)


async def test_the_staff_of_one_take_no_step_for_the_other(pair: Pair) -> None:
    north, south = pair
    order_id = new_id()
    for bar in pair:
        await bar.place(coffees(1, order_id=order_id))
    move = Move(order_id, Verb.START, TicketState.QUEUED, "a", "Ana")
    await north.take(move)
    assert await south.state_of(order_id) is TicketState.QUEUED
    assert await south.database.read(step_tables.last_moved, order_id) == 0
    assert (await south.take(move)).state is TicketState.PREPARING  # a step id belongs to a ticket of one restaurant


async def test_what_one_lists_has_nothing_of_the_other(pair: Pair) -> None:
    north, south = pair
    placed = [coffees(1), coffees(1)]
    await north.place(*placed)
    await south.place(coffees(5))
    mine = sorted(placement.order_id for placement in placed)

    tickets, _ = await north.changes()
    open_tickets = await north.database.read(tables.open_tickets)
    page = await north.database.read(tables.page_of_tickets, "", 100)
    every = await north.database.read(lambda connection: list(tables.every_ticket(connection)))
    for found in (tickets, open_tickets, page, every):
        assert sorted(ticket.order_id for ticket in found) == mine
    assert (await north.database.read(stock_audit.stock_by_tickets)).sold == {"coffee": 2}


async def test_a_restore_renews_the_incarnations_of_both(pair: Pair) -> None:
    north, south = pair
    positions = [Position((page := await bar.page(Position())).revision, page.incarnation) for bar in pair]
    await north.database.write(transactions.renew_incarnations)
    for bar, position in zip((north, south), positions, strict=True):
        assert (await bar.page(position)).reset
