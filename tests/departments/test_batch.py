"""What arrives together is one transaction, whoever sends it; what fails in it fails alone."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import sqlalchemy as sa
import structlog

from departments import tables
from departments.app import DepartmentApp
from departments.domain.errors import StepConflict
from departments.domain.steps import Move, Tick
from departments.domain.stock_changes import ChangeReason, StockOrder
from departments.domain.tickets import Decision, Ticket, TicketState, Verb
from departments.storage import MIGRATIONS
from infra.errors import DatabaseError
from tests.support.breakable_database import BreakableDatabase
from tests.support.department_factories import BAR, coffees, new_id


class Bar:
    """A department, and its database."""

    def __init__(self, folder: Path) -> None:
        self.database = BreakableDatabase(f"sqlite:///{folder}/bar.db", "bar")
        self.database.prepare(MIGRATIONS)
        self.app = DepartmentApp(BAR, self.database)

    async def placed(self) -> str:
        (ticket,) = await self.app.place([coffees(1)])
        assert isinstance(ticket, Ticket)
        return ticket.order_id

    async def state(self, order_id: str) -> TicketState:
        ticket = (await self.database.read(tables.read_tickets, [order_id]))[order_id]
        assert isinstance(ticket, Ticket)
        return ticket.state


@pytest.fixture
async def bar(tmp_path: Path) -> AsyncIterator[Bar]:
    bar = Bar(tmp_path)
    await bar.app.open()
    yield bar
    bar.app.close()
    bar.database.close()


def start(order_id: str, expected: TicketState = TicketState.QUEUED) -> Move:
    return Move(order_id, Verb.START, expected, new_id(), "Ana")


async def test_orders_decisions_and_the_staffs_work_share_a_transaction(bar: Bar) -> None:
    first, second, held = await bar.placed(), await bar.placed(), coffees(1, hold=True)
    await bar.app.place([held])
    before = bar.database.writes
    staff = asyncio.gather(
        bar.app.move(start(first)),
        bar.app.move_all([start(second)]),
        bar.app.tick(Tick(first, 0, made=True)),
        bar.app.change_stock(StockOrder("soda", new_id(), ChangeReason.DELIVERY, delta=2)),
        bar.app.set_on_sale("soda", "Ana", on_sale=False),
    )
    orders = asyncio.gather(bar.app.place([coffees(1)]), bar.app.confirm([Decision(held.order_id, 1)]))
    moved, moves, ticked, stock, item = await staff
    placed, confirmed = await orders
    assert bar.database.writes == before + 1
    assert moved.state is TicketState.PREPARING
    assert [each.error for each in moves] == [None]
    assert ticked.lines[0].made
    assert stock.on_hand == 7
    assert item.off_sale
    assert [each.state for each in (*placed, *confirmed) if isinstance(each, Ticket)] == [TicketState.QUEUED] * 2


async def test_a_step_that_is_refused_affects_nothing_that_came_with_it(bar: Bar) -> None:
    order_id = await bar.placed()
    refused, moved, placed = await asyncio.gather(
        bar.app.move(start(order_id, TicketState.READY)),
        bar.app.move(start(order_id)),
        bar.app.place([coffees(1)]),
        return_exceptions=True,
    )
    assert isinstance(refused, StepConflict)
    assert isinstance(moved, Ticket)
    assert not isinstance(placed, BaseException)
    assert await bar.state(order_id) is TicketState.PREPARING


async def test_a_fault_in_one_call_of_a_batch_fails_that_call_alone(bar: Bar) -> None:
    order_id = await bar.placed()
    faulty = new_id()

    def fault(connection: sa.Connection, _: int) -> None:
        connection.execute(sa.text("UPDATE department SET revision = revision + 100"))
        raise KeyError(faulty)

    with structlog.testing.capture_logs() as logs:
        failed, moved, placed = await asyncio.gather(
            bar.app._work(fault), bar.app.move(start(order_id)), bar.app.place([coffees(1)]), return_exceptions=True
        )
    assert isinstance(failed, KeyError)
    assert isinstance(moved, Ticket)
    assert not isinstance(placed, BaseException)
    revision, _ = await bar.database.read(tables.position)
    assert revision < 100  # what it had written is rolled back
    assert [line["event"] for line in logs if line["log_level"] == "error"] == [
        "a batch failed, and each of its calls is tried alone"
    ]


async def test_a_database_that_fails_fails_the_whole_batch_and_is_not_asked_again(bar: Bar) -> None:
    order_id = await bar.placed()
    bar.database.is_broken = True
    results = await asyncio.gather(bar.app.move(start(order_id)), bar.app.place([coffees(1)]), return_exceptions=True)
    assert [type(each) for each in results] == [DatabaseError] * 2
    assert bar.database.failures == 1
    bar.database.is_broken = False
    assert await bar.state(order_id) is TicketState.QUEUED
