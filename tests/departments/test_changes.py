"""Every change carries the department's revision, so that watchers miss none."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import pytest
import pytest_asyncio
from sqlalchemy import Connection, select

from departments import tables
from departments import transactions as use_cases
from departments.domain.positions import Position, TicketPage
from departments.domain.tickets import Ticket, TicketState, Verb
from departments.storage import MIGRATIONS
from departments.transactions import TicketOrError
from infra.db.database import Database
from tests.departments.department_database import DepartmentDatabase
from tests.support.department_factories import coffees, new_id, order, small_menu

MANY = small_menu(coffee=1000)


@pytest_asyncio.fixture
async def replicas(database_url: str) -> AsyncIterator[list[DepartmentDatabase]]:
    """The processes that write to one database at the same time: one on SQLite, three on PostgreSQL."""
    replicas = [
        await DepartmentDatabase.open(database_url, MANY) for _ in range(1 if database_url.startswith("sqlite") else 3)
    ]
    yield replicas
    await replicas[0].check_the_law()
    for department in replicas:
        department.database.close()


async def revision(department: DepartmentDatabase) -> int:
    return (await department.stock_levels()).revision


async def test_every_change_of_a_ticket_gets_a_revision_higher_than_all_before(department: DepartmentDatabase) -> None:
    held, queued = coffees(1, hold=True), coffees(1)
    last = await revision(department)
    await department.place(held, queued, order(("beer", 1)))
    for step in (
        department.confirm(held.order_id),
        department.move(held.order_id, Verb.START),
        department.move(held.order_id, Verb.RECALL),
        department.cancel(held.order_id, new_id(), queued.order_id),
    ):
        (latest, *_), after = await department.changes(last)
        assert latest.revision > last
        assert after == await revision(department)
        last = after
        await step
    revisions = [ticket.revision for ticket in (await department.changes())[0]]
    assert revisions == sorted(set(revisions))
    assert revisions[-1] <= await revision(department)


async def test_what_changes_nothing_is_not_a_change(department: DepartmentDatabase) -> None:
    placement = coffees(1)
    await department.place(placement)
    _, after = await department.changes()
    await department.place(placement)
    await department.confirm(placement.order_id)
    assert (await department.changes(after))[0] == []


async def test_a_page_holds_no_more_than_asked_for_and_the_next_goes_on_where_it_ended(
    department: DepartmentDatabase,
) -> None:
    orders = [coffees(1, hold=number % 2 == 0) for number in range(9)]
    await department.place(*orders[:4])
    for placement in orders[4:]:
        await department.place(placement)
    await department.confirm(orders[0].order_id, orders[4].order_id)
    await department.cancel(orders[1].order_id)
    pages: list[list[Ticket]] = []
    after = 0
    while after < await revision(department):
        page, after = await department.changes(after, limit=2)
        pages.append(page)
    assert [len(page) for page in pages] == [2, 2, 2, 2, 1]
    seen = [ticket for page in pages for ticket in page]
    assert {ticket.order_id for ticket in seen} == {placement.order_id for placement in orders}
    assert [ticket.revision for ticket in seen] == sorted({ticket.revision for ticket in seen})
    assert seen == (await department.changes())[0]


async def test_a_page_that_is_not_full_has_the_department_s_revision(department: DepartmentDatabase) -> None:
    await department.place(*(coffees(1) for _ in range(3)))
    tickets, after = await department.changes(limit=4)
    assert len(tickets) == 3
    assert after == await revision(department)


async def test_a_page_that_is_full_has_its_last_revision(department: DepartmentDatabase) -> None:
    await department.place(*(coffees(1) for _ in range(3)))
    tickets, after = await department.changes(limit=2)
    assert after == tickets[-1].revision < await revision(department)


async def test_a_page_may_be_limited_to_some_states(department: DepartmentDatabase) -> None:
    queued, held, started, refused = coffees(1), coffees(1, hold=True), coffees(1), order(("beer", 1))
    await department.place(queued, held, started, refused)
    await department.move(started.order_id, Verb.START)

    async def ids(*states: TicketState) -> list[str]:
        return [ticket.order_id for ticket in (await department.changes(0, *states))[0]]

    assert await ids(TicketState.QUEUED) == [queued.order_id]
    assert await ids(TicketState.PREPARING, TicketState.HELD) == [held.order_id, started.order_id]
    assert await ids(TicketState.NONE) == [refused.order_id]
    assert await ids(TicketState.SERVED) == []
    assert len(await ids()) == 4


async def test_a_page_is_in_order_however_the_database_happens_to_read_it(tmp_path: Path) -> None:
    department = await DepartmentDatabase.open(f"sqlite:///{tmp_path}/bar.db")
    orders = [coffees(1) for _ in range(6)]
    await department.place(*orders)
    await department.database.read(
        lambda connection: connection.exec_driver_sql("PRAGMA reverse_unordered_selects = ON")
    )
    page, _ = await department.changes(limit=4)
    assert [ticket.order_id for ticket in page] == [placement.order_id for placement in orders[:4]]
    department.database.close()


# --- positions ---


async def restore(department: DepartmentDatabase) -> None:
    """Renew the incarnation, as the last step of a restore does."""
    await department.database.write(use_cases.renew_incarnations)


async def incarnation(department: DepartmentDatabase) -> str:
    return (await department.page(Position())).incarnation


async def read_on(department: DepartmentDatabase, page: TicketPage, *states: TicketState, limit: int = 2) -> TicketPage:
    """Read the page after another."""
    return await department.page(Position(page.revision, page.incarnation, page.snapshot), *states, limit=limit)


def ids(page: TicketPage) -> list[str]:
    return [ticket.order_id for ticket in page.tickets]


async def test_a_database_has_a_name_of_its_own_which_a_restart_keeps(database_url: str, tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/other.db"
    migrated = Database(url, schema="bar")
    migrated.prepare(MIGRATIONS)  # anew: the tests' databases are copies of one, and have its name
    migrated.close()
    first, other = await DepartmentDatabase.open(database_url), await DepartmentDatabase.open(url)
    name = await incarnation(first)
    assert len(name) == 32
    assert name != await incarnation(other)
    first.database.close()
    second = await DepartmentDatabase.open(database_url)
    assert await incarnation(second) == name == (await second.stock_levels()).incarnation
    for department in (second, other):
        department.database.close()


async def test_a_restore_renews_the_name_and_nothing_else(department: DepartmentDatabase) -> None:
    await department.place(coffees(1))
    before, known = await department.changes(), await incarnation(department)
    await restore(department)
    assert await incarnation(department) not in ("", known)
    assert await department.changes() == before


async def test_a_reader_ahead_of_the_database_has_to_begin_again(department: DepartmentDatabase) -> None:
    placement = coffees(1)
    await department.place(placement)
    current = await revision(department)
    for position in (
        Position(current + 1),
        Position(10_000, await incarnation(department)),
        Position(1, "", current + 1),
    ):
        page = await department.page(position)
        assert (page.reset, ids(page), page.revision) == (True, [placement.order_id], current)
    assert not (await department.page(Position(current, await incarnation(department)))).reset


async def test_a_reader_of_another_incarnation_has_to_begin_again(department: DepartmentDatabase) -> None:
    """Even where the restored database has come to the same revision, or beyond it."""
    orders = [coffees(1) for _ in range(3)]
    await department.place(orders[0])
    read = await department.page(Position())
    await restore(department)
    await department.place(*orders[1:])
    page = await department.page(Position(read.revision, read.incarnation), limit=2)
    assert (page.reset, ids(page)) == (True, [placement.order_id for placement in orders[:2]])
    rest = await read_on(department, page)
    assert (rest.reset, ids(rest), rest.snapshot) == (False, [orders[2].order_id], 0)


async def test_a_position_without_an_incarnation_is_accepted(department: DepartmentDatabase) -> None:
    first, second = coffees(1), coffees(1)
    await department.place(first, second)
    (ticket, _), _ = await department.changes()
    page = await department.page(Position(ticket.revision))
    assert (page.reset, ids(page), page.incarnation) == (False, [second.order_id], await incarnation(department))


async def test_a_snapshot_is_of_one_revision_and_what_changes_meanwhile_is_a_change_after_it(
    department: DepartmentDatabase,
) -> None:
    orders = [coffees(1) for _ in range(5)]
    await department.place(*orders)
    whole = await revision(department)
    first = await department.page(Position(), limit=2)
    assert (ids(first), first.snapshot) == ([placement.order_id for placement in orders[:2]], whole)
    await department.move(orders[4].order_id, Verb.START)
    await department.move(orders[0].order_id, Verb.START)
    last = await read_on(department, first)
    assert ids(last) == [placement.order_id for placement in orders[2:4]]
    assert (last.snapshot, last.revision) == (0, whole)
    assert ids(await read_on(department, last)) == [orders[4].order_id, orders[0].order_id]


async def test_a_snapshot_of_some_states_is_followed_by_all_changes(department: DepartmentDatabase) -> None:
    orders = [coffees(1) for _ in range(5)]
    await department.place(*orders)
    await department.move(orders[1].order_id, Verb.START)
    first = await department.page(Position(), TicketState.QUEUED, limit=3)
    last = await read_on(department, first, TicketState.QUEUED)
    assert ids(first) + ids(last) == [placement.order_id for placement in orders if placement is not orders[1]]
    await department.move(orders[0].order_id, Verb.START)
    changed = await read_on(department, last)
    assert [(ticket.order_id, ticket.state) for ticket in changed.tickets] == [
        (orders[0].order_id, TicketState.PREPARING)
    ]


async def test_a_snapshot_that_fits_its_page_is_complete(department: DepartmentDatabase) -> None:
    await department.place(coffees(1), coffees(1))
    page = await department.page(Position(), limit=2)
    assert (len(page.tickets), page.snapshot, page.revision) == (2, 0, await revision(department))


async def test_stock_carries_the_last_revision_of_the_batch_that_changed_it(department: DepartmentDatabase) -> None:
    """A reader that has read up to any ticket of the batch has not read its stock, and finds it later."""

    async def agrees(results: Sequence[TicketOrError]) -> None:
        last = max(ticket.revision for ticket in results if isinstance(ticket, Ticket))
        assert last == await revision(department)
        assert await department.database.read(stock_changed_after, last - 1) == ["coffee"]

    def stock_changed_after(connection: Connection, after: int) -> list[str]:
        query = select(tables.stock.c.item).where(tables.stock.c.revision > after)
        return list(connection.execute(query).scalars())

    orders = [coffees(1, hold=True) for _ in range(3)]
    await agrees(await department.place(*orders))
    for settle in (department.confirm, department.suspend, department.cancel):
        await agrees(await settle(*(placement.order_id for placement in orders)))
    begun = coffees(1)
    await department.place(begun)
    await agrees([await department.move(begun.order_id, Verb.CANCEL)])


async def test_a_watcher_misses_no_change_while_others_write(replicas: list[DepartmentDatabase]) -> None:
    watched: dict[str, Ticket] = {}
    placements = [coffees(1, hold=number % 3 == 0) for number in range(90)]

    async def write(department: DepartmentDatabase, share: int) -> None:
        for placement in placements[share :: len(replicas)]:
            await department.place(placement)
            if placement.hold:
                await department.confirm(placement.order_id)
            else:
                await department.move(placement.order_id, Verb.START)

    async def look(after: int) -> int:
        while True:
            page, next_after = await replicas[0].changes(after, limit=7)
            assert next_after >= after
            assert all(ticket.revision > after for ticket in page)
            watched.update({ticket.order_id: ticket for ticket in page})
            if not page:
                return after
            after = next_after

    async def watch() -> None:
        after = 0
        while not all(writer.done() for writer in writers):
            after = await look(after)
            await asyncio.sleep(0)
        await look(after)

    writers = [asyncio.create_task(write(department, share)) for share, department in enumerate(replicas)]
    await watch()
    await asyncio.gather(*writers)
    assert sorted(watched) == sorted(placement.order_id for placement in placements)
    final = {ticket.order_id: ticket for ticket in (await replicas[0].changes())[0]}
    assert watched == final


@pytest.mark.parametrize("hold", [True, False])
async def test_calls_at_once_never_oversell(replicas: list[DepartmentDatabase], hold: bool) -> None:
    for department in replicas:
        department.menu = small_menu(coffee=1000)
    batches = [[coffees(7, hold=hold) for _ in range(5)] for _ in range(60)]  # 300 x 7 of 1000
    results = await asyncio.gather(
        *(replicas[number % len(replicas)].place(*batch) for number, batch in enumerate(batches))
    )
    tickets = [ticket for batch in results for ticket in batch if isinstance(ticket, Ticket)]
    served = [ticket for ticket in tickets if ticket.accepted()]
    assert len(tickets) == 300
    assert len(served) == 1000 // 7
    stock = await replicas[0].stock()
    assert stock.on_hand == 1000 % 7
    assert (stock.held if hold else stock.sold) == 1000 - 1000 % 7


async def test_one_order_sent_many_times_at_once_has_one_effect(replicas: list[DepartmentDatabase]) -> None:
    placement = coffees(3)
    results = await asyncio.gather(*(replicas[number % len(replicas)].place(placement) for number in range(30)))
    assert all(result == results[0] for result in results)
    assert (await replicas[0].stock()).sold == 3


async def test_of_place_and_cancel_at_once_one_comes_first_and_the_stock_goes_back(
    replicas: list[DepartmentDatabase],
) -> None:
    orders = [coffees(2, hold=number % 2 == 0) for number in range(40)]
    calls = [
        call
        for number, placement in enumerate(orders)
        for call in (
            replicas[number % len(replicas)].place(placement),
            replicas[(number + 1) % len(replicas)].cancel(placement.order_id),
        )
    ]
    await asyncio.gather(*calls)
    stock = await replicas[0].stock()
    assert (stock.on_hand, stock.held, stock.sold) == (1000, 0, 0)
    assert {ticket.state for ticket in (await replicas[0].changes())[0]} == {TicketState.CANCELLED}
