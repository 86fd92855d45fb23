"""Tickets without an order, as a restored backup may leave them: listed, and cancelled where not started."""

import asyncio
import uuid
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from departments import tables, transactions
from departments.domain.placing import Placement, RequestedLine
from departments.domain.tickets import Decision, Ticket, TicketSource, TicketState, Verb
from gateway.domain.order import Order, Policy
from gateway.orders.leases import LEASE_SECONDS
from infra.db.database import Database
from infra.errors import StartError
from ops.settle import OrphanTicket, Settlement, Settler
from tests.ops.books import MENUS, STOCK, Books
from tests.support.postgresql import new_postgresql_database
from tests.support.processes import Finished, environment, run
from tests.support.systems import write_menu

TWO = [RequestedLine("coffee", 2)]


@pytest.fixture(params=["sqlite", "postgresql"])
async def books(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Books]:
    server = request.getfixturevalue("postgresql") if request.param == "postgresql" else None
    books = Books(tmp_path, new_postgresql_database(server) if server else None)
    await books.open()
    yield books
    books.close()


async def settle(books: Books, *, at: float = 1_000_000.0) -> Settlement:
    await books.journal.retire()
    return await Settler(books.journal_database, books.departments, clock=lambda: at).settle()


async def lose(books: Books, order: Order) -> None:
    """Take an order out of the journal, as a backup does that was taken before it came."""
    await books.falsify("gateway", f"DELETE FROM orders WHERE order_id = '{order.order_id}'")


async def on_hand(database: Database, item: str) -> int:
    return (await database.read(transactions.stock_levels)).stock[item].on_hand


def ids(orphans: list[OrphanTicket]) -> list[tuple[str, str]]:
    return sorted((orphan.department, orphan.ticket.order_id) for orphan in orphans)


async def test_tickets_whose_order_is_lost_are_cancelled_and_their_stock_is_put_back(books: Books) -> None:
    lost = [await books.place(), await books.place(policy=Policy.ALL_OR_NOTHING)]
    kept = await books.place()
    held = Placement(str(uuid.uuid4()), TWO, "7", True)
    await books.sell("bar", held)
    for order in lost:
        await lose(books, order)

    settlement = await settle(books)

    expected = [(name, order.order_id) for order in lost for name in MENUS] + [("bar", held.order_id)]
    assert ids(settlement.cancelled) == sorted(expected)
    assert settlement.left == []
    assert await on_hand(books.departments["bar"], "coffee") == STOCK - 1
    tickets = await books.departments["bar"].read(tables.page_of_tickets, "", 10)
    alive = [ticket for ticket in tickets if isinstance(ticket, Ticket) and ticket.state is not TicketState.CANCELLED]
    assert [ticket.order_id for ticket in alive] == [kept.order_id]
    assert (await books.audit()).is_right
    assert (await settle(books)).cancelled == []


async def test_what_staff_have_started_is_left_to_people(books: Books) -> None:
    order = await books.place()
    await books.step("bar", order, Verb.START)
    await lose(books, order)

    settlement = await settle(books)

    assert ids(settlement.left) == [("bar", order.order_id)]
    assert ids(settlement.cancelled) == [("kitchen", order.order_id)]
    assert str(settlement.left[0]) == f"bar {order.order_id}: preparing, table 7: 1 coffee"
    assert await on_hand(books.departments["bar"], "coffee") == STOCK - 1


async def test_counter_sales_tombstones_and_what_is_new_are_no_orphans(books: Books) -> None:
    await books.sell("bar", Placement(str(uuid.uuid4()), [RequestedLine("coffee", 1)], source=TicketSource.COUNTER))
    await books.departments["bar"].write(transactions.confirm, [Decision(str(uuid.uuid4()), 1)], 1000)
    await lose(books, await books.place())

    assert (await settle(books, at=60.0)).cancelled == []
    assert len((await settle(books, at=61.5)).cancelled) == len(MENUS)


async def test_a_ticket_from_before_the_clock_went_back_is_as_old_as_any(books: Books) -> None:
    await lose(books, await books.place())  # placed at 1 s
    assert (await settle(books, at=-58.0)).cancelled == []
    assert len((await settle(books, at=-86_400.0)).cancelled) == len(MENUS)


async def test_an_order_whose_record_cannot_be_read_is_known_all_the_same(books: Books) -> None:
    order = await books.place()
    await books.falsify("gateway", f"UPDATE orders SET lines = '[7]' WHERE order_id = '{order.order_id}'")
    assert (await settle(books)).cancelled == []


async def test_nothing_is_cancelled_while_a_gateway_is_running(books: Books) -> None:
    """A client may send a lost order again, and the gateway would take the ticket for that order's."""
    order = await books.place()
    await lose(books, order)

    async def renew(_: float) -> None:
        await books.journal.claim(dict, 1)

    settler = Settler(books.journal_database, books.departments, clock=lambda: 1e6, sleep=renew)
    if books.journal.is_shared:
        with pytest.raises(StartError, match=r"^a gateway is running on the journal; stop all gateways"):
            await settler.settle()
    else:
        await settler.settle()  # on SQLite the command could not open a file that a gateway has
    assert len([orphan async for orphan in settler.orphans()]) == (len(MENUS) if books.journal.is_shared else 0)


async def test_the_command_lists_and_then_cancels(tmp_path: Path) -> None:
    for name, menu in MENUS.items():
        write_menu(tmp_path / "menus", name, dict.fromkeys(menu.items, STOCK))
    books = Books(tmp_path, None)
    await books.open()
    order = await books.place()
    started = await books.place()
    await books.step("kitchen", started, Verb.START)
    for each in (order, started):
        await lose(books, each)

    def command(*arguments: str) -> Finished:
        return run(["-m", "ops", "settle", *arguments], environment(HOME=tmp_path, MENUS=tmp_path / "menus"))

    listed = await asyncio.to_thread(command)
    assert (listed.code, listed.stderr) == (1, "")
    assert listed.stdout.splitlines()[0] == "3 tickets without an order are not started; `settle --yes` cancels them"
    assert f"  bar {order.order_id}: queued, table 7: 1 coffee" in listed.stdout
    assert f"  kitchen {started.order_id}: preparing, table 7: 1 pizza" in listed.stdout
    refused = await asyncio.to_thread(command, "--yes")
    assert refused.code == 2
    assert "in use by another process" in refused.stderr
    books.close()

    done = await asyncio.to_thread(command, "--yes")
    assert (done.code, done.stderr) == (0, "")
    assert done.stdout.splitlines()[0] == "3 tickets without an order are cancelled, and the stock is put back"
    again = await asyncio.to_thread(command)
    assert (again.code, again.stdout.splitlines()[0][:2]) == (0, "0 ")


async def test_the_lease_of_a_gateway_that_died_prevents_no_cancel(books: Books) -> None:
    """Its lease is still in the journal, and is not renewed."""
    await lose(books, await books.place())
    waited: list[float] = []

    async def wait(seconds: float) -> None:
        waited.append(seconds)

    settler = Settler(books.journal_database, books.departments, clock=lambda: 1e6, sleep=wait)
    assert len((await settler.settle()).cancelled) == len(MENUS)
    assert sum(waited) == pytest.approx(len(MENUS) * LEASE_SECONDS if books.journal.is_shared else 0.0)
