"""Every change carries the department's revision, so that watchers miss none."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import pytest
import pytest_asyncio
from sqlalchemy import Connection, select

from departments import tables
from departments import transactions as use_cases
from departments.domain.positions import Page, Position
from departments.domain.tickets import Ticket, TicketState, Verb
from departments.transactions import TicketOrUnreadable
from tests.departments.desks import Desk
from tests.departments.factories import coffees, new_id, order, small_menu

MANY = small_menu(coffee=1000)


@pytest_asyncio.fixture
async def desks(database_url: str) -> AsyncIterator[list[Desk]]:
    """What may write to one database at once: one process on SQLite, several on PostgreSQL."""
    desks = [await Desk.open(database_url, MANY) for _ in range(1 if database_url.startswith("sqlite") else 3)]
    yield desks
    await desks[0].check_the_law()
    for desk in desks:
        desk.database.close()


async def revision(desk: Desk) -> int:
    return (await desk.shelves()).revision


async def test_every_change_of_a_ticket_gets_a_revision_higher_than_all_before(desk: Desk) -> None:
    held, queued = coffees(1, hold=True), coffees(1)
    last = await revision(desk)
    await desk.place(held, queued, order(("beer", 1)))
    for step in (
        desk.confirm(held.order_id),
        desk.move(held.order_id, Verb.START),
        desk.move(held.order_id, Verb.RECALL),
        desk.cancel(held.order_id, new_id(), queued.order_id),
    ):
        (latest, *_), after = await desk.changes(last)
        assert latest.revision > last
        assert after == await revision(desk)
        last = after
        await step
    revisions = [ticket.revision for ticket in (await desk.changes())[0]]
    assert revisions == sorted(set(revisions))
    assert revisions[-1] <= await revision(desk)


async def test_what_changes_nothing_is_not_a_change(desk: Desk) -> None:
    placement = coffees(1)
    await desk.place(placement)
    _, after = await desk.changes()
    await desk.place(placement)
    await desk.confirm(placement.order_id)
    assert (await desk.changes(after))[0] == []


async def test_a_page_holds_no_more_than_asked_for_and_the_next_goes_on_where_it_ended(desk: Desk) -> None:
    orders = [coffees(1, hold=number % 2 == 0) for number in range(9)]
    await desk.place(*orders[:4])
    for placement in orders[4:]:
        await desk.place(placement)
    await desk.confirm(orders[0].order_id, orders[4].order_id)
    await desk.cancel(orders[1].order_id)
    pages: list[list[Ticket]] = []
    after = 0
    while after < await revision(desk):
        page, after = await desk.changes(after, limit=2)
        pages.append(page)
    assert [len(page) for page in pages] == [2, 2, 2, 2, 1]
    seen = [ticket for page in pages for ticket in page]
    assert {ticket.order_id for ticket in seen} == {placement.order_id for placement in orders}
    assert [ticket.revision for ticket in seen] == sorted({ticket.revision for ticket in seen})
    assert seen == (await desk.changes())[0]


async def test_a_page_that_is_not_full_tells_the_department_s_revision(desk: Desk) -> None:
    await desk.place(*(coffees(1) for _ in range(3)))
    tickets, after = await desk.changes(limit=4)
    assert len(tickets) == 3
    assert after == await revision(desk)


async def test_a_page_that_is_full_tells_its_last_revision(desk: Desk) -> None:
    await desk.place(*(coffees(1) for _ in range(3)))
    tickets, after = await desk.changes(limit=2)
    assert after == tickets[-1].revision < await revision(desk)


async def test_a_page_may_be_limited_to_some_states(desk: Desk) -> None:
    queued, held, started, refused = coffees(1), coffees(1, hold=True), coffees(1), order(("beer", 1))
    await desk.place(queued, held, started, refused)
    await desk.move(started.order_id, Verb.START)

    async def ids(*states: TicketState) -> list[str]:
        return [ticket.order_id for ticket in (await desk.changes(0, *states))[0]]

    assert await ids(TicketState.QUEUED) == [queued.order_id]
    assert await ids(TicketState.PREPARING, TicketState.HELD) == [held.order_id, started.order_id]
    assert await ids(TicketState.NONE) == [refused.order_id]
    assert await ids(TicketState.SERVED) == []
    assert len(await ids()) == 4


async def test_a_page_is_in_order_however_the_database_happens_to_read_it(tmp_path: Path) -> None:
    desk = await Desk.open(f"sqlite:///{tmp_path}/bar.db")
    orders = [coffees(1) for _ in range(6)]
    await desk.place(*orders)
    await desk.database.read(lambda connection: connection.exec_driver_sql("PRAGMA reverse_unordered_selects = ON"))
    page, _ = await desk.changes(limit=4)
    assert [ticket.order_id for ticket in page] == [placement.order_id for placement in orders[:4]]
    desk.database.close()


# --- positions ---


async def restore(desk: Desk) -> None:
    """Do what a restore of a backup ends with."""
    await desk.database.write(use_cases.renew_incarnation)


async def incarnation(desk: Desk) -> str:
    return (await desk.page(Position())).incarnation


async def read_on(desk: Desk, page: Page, *states: TicketState, limit: int = 2) -> Page:
    """Ask for the page after another."""
    return await desk.page(Position(page.revision, page.incarnation, page.snapshot), *states, limit=limit)


def ids(page: Page) -> list[str]:
    return [ticket.order_id for ticket in page.tickets]


async def test_a_database_has_a_name_of_its_own_which_a_restart_keeps(database_url: str, tmp_path: Path) -> None:
    first, other = await Desk.open(database_url), await Desk.open(f"sqlite:///{tmp_path}/other.db")
    name = await incarnation(first)
    assert len(name) == 32
    assert name != await incarnation(other)
    first.database.close()
    second = await Desk.open(database_url)
    assert await incarnation(second) == name == (await second.shelves()).incarnation
    for desk in (second, other):
        desk.database.close()


async def test_a_restore_renews_the_name_and_nothing_else(desk: Desk) -> None:
    await desk.place(coffees(1))
    before, known = await desk.changes(), await incarnation(desk)
    await restore(desk)
    assert await incarnation(desk) not in ("", known)
    assert await desk.changes() == before


async def test_whoever_is_ahead_of_the_database_is_told_to_begin_again(desk: Desk) -> None:
    placement = coffees(1)
    await desk.place(placement)
    current = await revision(desk)
    for position in (Position(current + 1), Position(10_000, await incarnation(desk)), Position(1, "", current + 1)):
        page = await desk.page(position)
        assert (page.reset, ids(page), page.revision) == (True, [placement.order_id], current)
    assert not (await desk.page(Position(current, await incarnation(desk)))).reset


async def test_whoever_read_another_incarnation_is_told_to_begin_again(desk: Desk) -> None:
    """Even where the restored database has come to the same revision, or beyond it."""
    orders = [coffees(1) for _ in range(3)]
    await desk.place(orders[0])
    read = await desk.page(Position())
    await restore(desk)
    await desk.place(*orders[1:])
    page = await desk.page(Position(read.revision, read.incarnation), limit=2)
    assert (page.reset, ids(page)) == (True, [placement.order_id for placement in orders[:2]])
    rest = await read_on(desk, page)
    assert (rest.reset, ids(rest), rest.snapshot) == (False, [orders[2].order_id], 0)


async def test_whoever_knows_no_incarnation_is_taken_at_its_word(desk: Desk) -> None:
    first, second = coffees(1), coffees(1)
    await desk.place(first, second)
    (ticket, _), _ = await desk.changes()
    page = await desk.page(Position(ticket.revision))
    assert (page.reset, ids(page), page.incarnation) == (False, [second.order_id], await incarnation(desk))


async def test_a_snapshot_is_of_one_revision_and_what_changes_meanwhile_is_a_change_after_it(desk: Desk) -> None:
    orders = [coffees(1) for _ in range(5)]
    await desk.place(*orders)
    whole = await revision(desk)
    first = await desk.page(Position(), limit=2)
    assert (ids(first), first.snapshot) == ([placement.order_id for placement in orders[:2]], whole)
    await desk.move(orders[4].order_id, Verb.START)
    await desk.move(orders[0].order_id, Verb.START)
    last = await read_on(desk, first)
    assert ids(last) == [placement.order_id for placement in orders[2:4]]
    assert (last.snapshot, last.revision) == (0, whole)
    assert ids(await read_on(desk, last)) == [orders[4].order_id, orders[0].order_id]


async def test_a_snapshot_of_some_states_is_followed_by_all_changes(desk: Desk) -> None:
    orders = [coffees(1) for _ in range(5)]
    await desk.place(*orders)
    await desk.move(orders[1].order_id, Verb.START)
    first = await desk.page(Position(), TicketState.QUEUED, limit=3)
    last = await read_on(desk, first, TicketState.QUEUED)
    assert ids(first) + ids(last) == [placement.order_id for placement in orders if placement is not orders[1]]
    await desk.move(orders[0].order_id, Verb.START)
    changed = await read_on(desk, last)
    assert [(ticket.order_id, ticket.state) for ticket in changed.tickets] == [
        (orders[0].order_id, TicketState.PREPARING)
    ]


async def test_a_snapshot_that_fits_its_page_is_complete(desk: Desk) -> None:
    await desk.place(coffees(1), coffees(1))
    page = await desk.page(Position(), limit=2)
    assert (len(page.tickets), page.snapshot, page.revision) == (2, 0, await revision(desk))


async def test_stock_carries_the_last_revision_of_the_batch_that_changed_it(desk: Desk) -> None:
    """Whoever has read up to any ticket of the batch has not read its stock, and finds it after that."""

    async def agrees(answers: Sequence[TicketOrUnreadable]) -> None:
        last = max(ticket.revision for ticket in answers if isinstance(ticket, Ticket))
        assert last == await revision(desk)
        assert await desk.database.read(stock_changed_after, last - 1) == ["coffee"]

    def stock_changed_after(connection: Connection, after: int) -> list[str]:
        query = select(tables.stock.c.item).where(tables.stock.c.revision > after)
        return list(connection.execute(query).scalars())

    orders = [coffees(1, hold=True) for _ in range(3)]
    await agrees(await desk.place(*orders))
    for settle in (desk.confirm, desk.suspend, desk.cancel):
        await agrees(await settle(*(placement.order_id for placement in orders)))
    begun = coffees(1)
    await desk.place(begun)
    await agrees([await desk.move(begun.order_id, Verb.CANCEL)])


async def test_a_watcher_misses_no_change_while_others_write(desks: list[Desk]) -> None:
    watched: dict[str, Ticket] = {}
    placements = [coffees(1, hold=number % 3 == 0) for number in range(90)]

    async def write(desk: Desk, share: int) -> None:
        for placement in placements[share :: len(desks)]:
            await desk.place(placement)
            if placement.hold:
                await desk.confirm(placement.order_id)
            else:
                await desk.move(placement.order_id, Verb.START)

    async def look(after: int) -> int:
        while True:
            page, next_after = await desks[0].changes(after, limit=7)
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

    writers = [asyncio.create_task(write(desk, share)) for share, desk in enumerate(desks)]
    await watch()
    await asyncio.gather(*writers)
    assert sorted(watched) == sorted(placement.order_id for placement in placements)
    final = {ticket.order_id: ticket for ticket in (await desks[0].changes())[0]}
    assert watched == final


@pytest.mark.parametrize("hold", [True, False])
async def test_calls_at_once_never_oversell(desks: list[Desk], hold: bool) -> None:
    for desk in desks:
        desk.menu = small_menu(coffee=1000)
    batches = [[coffees(7, hold=hold) for _ in range(5)] for _ in range(60)]  # 300 x 7 of 1000
    answers = await asyncio.gather(*(desks[number % len(desks)].place(*batch) for number, batch in enumerate(batches)))
    tickets = [ticket for batch in answers for ticket in batch if isinstance(ticket, Ticket)]
    served = [ticket for ticket in tickets if ticket.accepted()]
    assert len(tickets) == 300
    assert len(served) == 1000 // 7
    stock = await desks[0].stock()
    assert stock.on_hand == 1000 % 7
    assert (stock.held if hold else stock.sold) == 1000 - 1000 % 7


async def test_one_order_sent_many_times_at_once_has_one_effect(desks: list[Desk]) -> None:
    placement = coffees(3)
    answers = await asyncio.gather(*(desks[number % len(desks)].place(placement) for number in range(30)))
    assert all(answer == answers[0] for answer in answers)
    assert (await desks[0].stock()).sold == 3


async def test_of_place_and_cancel_at_once_one_comes_first_and_the_stock_goes_back(desks: list[Desk]) -> None:
    orders = [coffees(2, hold=number % 2 == 0) for number in range(40)]
    calls = [
        desk_call
        for number, placement in enumerate(orders)
        for desk_call in (
            desks[number % len(desks)].place(placement),
            desks[(number + 1) % len(desks)].cancel(placement.order_id),
        )
    ]
    await asyncio.gather(*calls)
    stock = await desks[0].stock()
    assert (stock.on_hand, stock.held, stock.sold) == (1000, 0, 0)
    assert {ticket.state for ticket in (await desks[0].changes())[0]} == {TicketState.CANCELLED}
