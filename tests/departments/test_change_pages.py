"""The reads of a watch, on a database of each kind."""

from collections.abc import Callable

import pytest
from sqlalchemy import Connection, text

from departments import changes
from departments.changes import CLOSED_IN_SNAPSHOT
from departments.domain.changes import ChangePage
from departments.domain.tickets import TicketState, Verb
from infra.db.database import Statement
from tests.departments.department_database import DepartmentDatabase
from tests.support.department_factories import coffees, order

SERVE = (Verb.START, Verb.FINISH, Verb.SERVE)


class Reader:
    """Reads the pages of a watch, one after another."""

    def __init__(self, department: DepartmentDatabase) -> None:
        self.department = department

    async def position(self) -> tuple[int, str]:
        return await self.department.database.look_up(changes.position)

    async def after(self, revision: int, incarnation: str = "", until: int = 0, *, moved: bool = False) -> ChangePage:
        name = incarnation or (await self.position())[1]
        return await self.department.database.look_up(changes.changes_after, revision, name, until, moved_only=moved)

    async def snapshot(self, *, moved: bool = False) -> list[ChangePage]:
        pages = [await self.department.database.look_up(changes.begin_snapshot, moved_only=moved)]
        while pages[-1].more:
            pages.append(await self.department.database.look_up(changes.continue_snapshot, pages[-1], moved_only=moved))
        return pages


@pytest.fixture
def reader(department: DepartmentDatabase) -> Reader:
    return Reader(department)


def ids(*pages: ChangePage) -> list[str]:
    return [ticket.order_id for page in pages for ticket in page.tickets]


async def test_changes_are_tickets_and_stock_in_the_order_of_their_revisions(
    department: DepartmentDatabase, reader: Reader
) -> None:
    (before, _), orders = await reader.position(), [coffees(1) for _ in range(3)]
    await department.place(*orders)
    started = await department.move(orders[0].order_id, Verb.START)
    page = await reader.after(before)
    assert ids(page) == [orders[1].order_id, orders[2].order_id, orders[0].order_id]
    assert page.tickets[-1] == started
    assert [(each.item, each.on_hand, each.sold, each.revision) for each in page.stock] == [
        ("coffee", 7, 3, before + 3)
    ]
    assert (page.revision, page.is_cut, page.reset, page.more) == (before + 4, False, False, False)
    assert (await reader.after(page.revision)).is_empty


async def test_stock_of_a_batch_that_a_page_cuts_comes_with_the_rest(
    department: DepartmentDatabase, reader: Reader, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(changes, "PAGE_TICKETS", 2)
    before, _ = await reader.position()
    await department.place(*[coffees(1) for _ in range(3)])
    first = await reader.after(before)
    rest = await reader.after(first.revision)
    assert [(len(page.tickets), len(page.stock), page.is_cut) for page in (first, rest)] == [
        (2, 0, True),
        (1, 1, False),
    ]
    assert (first.revision, rest.revision) == (before + 2, before + 3)


async def test_a_page_ends_where_it_is_large_and_has_one_ticket_at_least(
    department: DepartmentDatabase, reader: Reader, monkeypatch: pytest.MonkeyPatch
) -> None:
    before, _ = await reader.position()
    await department.place(*[coffees(1) for _ in range(4)])
    monkeypatch.setattr(changes, "PAGE_BYTES", 3 * (changes.TICKET_BYTES + 50))
    assert len((await reader.after(before)).tickets) < 4
    monkeypatch.setattr(changes, "PAGE_BYTES", 1)
    assert len((await reader.after(before)).tickets) == 1


async def test_what_came_after_a_given_revision_is_left_for_later(
    department: DepartmentDatabase, reader: Reader
) -> None:
    before, _ = await reader.position()
    orders = [coffees(1) for _ in range(2)]
    for placement in orders:
        await department.place(placement)
    page = await reader.after(before, until=before + 1)
    assert (ids(page), page.stock, page.revision) == ([orders[0].order_id], [], before + 1)


async def test_of_another_incarnation_or_behind_the_position_only_the_position_is_returned(
    department: DepartmentDatabase, reader: Reader
) -> None:
    await department.place(coffees(1))
    current, name = await reader.position()
    for revision, incarnation in ((1, "another"), (current + 1, name)):
        page = await reader.after(revision, incarnation)
        assert (page.is_empty, page.revision, page.incarnation) == (True, current, name)


async def test_a_snapshot_has_open_tickets_the_last_closed_ones_and_all_stock(
    department: DepartmentDatabase, reader: Reader
) -> None:
    states = [[], [Verb.START], [Verb.START, Verb.FINISH], [*SERVE], [Verb.CANCEL]]
    orders = [coffees(1) for _ in states]
    held, refused = coffees(1, hold=True), order(("beer", 1))
    await department.place(*orders, held, refused)
    for placement, verbs in zip(orders, states, strict=True):
        if verbs:
            await department.move(placement.order_id, *verbs)
    first, rest = await reader.snapshot()
    assert (first.reset, first.more, rest.reset, rest.more) == (True, True, False, False)
    assert {ticket.state for ticket in first.tickets} == {TicketState.SERVED, TicketState.CANCELLED}
    assert set(ids(rest)) == {orders[0].order_id, orders[1].order_id, orders[2].order_id, held.order_id}
    assert {each.item for each in first.stock} == set(department.menu.items)
    assert first.revision == rest.revision == (await reader.position())[0]


async def test_a_snapshot_has_the_tickets_that_were_closed_last(department: DepartmentDatabase, reader: Reader) -> None:
    for _ in range(CLOSED_IN_SNAPSHOT // 10 + 1):
        orders = [coffees(1) for _ in range(10)]
        await department.place(*orders)
        await department.cancel(*(placement.order_id for placement in orders))
    first, _ = await reader.snapshot()
    revisions = [ticket.revision for ticket in first.tickets]
    assert len(revisions) == CLOSED_IN_SNAPSHOT
    assert revisions == sorted(revisions)
    assert revisions[-1] == first.revision


async def test_of_too_many_open_tickets_the_newest_are_in_a_snapshot(
    department: DepartmentDatabase, reader: Reader, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(changes, "OPEN_IN_SNAPSHOT", 3)
    orders = [coffees(1) for _ in range(5)]
    await department.place(*orders)
    first, rest = await reader.snapshot()
    assert ids(rest) == [placement.order_id for placement in orders[2:]]
    assert first.read_to > 0
    monkeypatch.setattr(changes, "OPEN_IN_SNAPSHOT", 5)
    first, rest = await reader.snapshot()
    assert (len(rest.tickets), first.read_to) == (5, 0)


async def test_what_changes_while_a_snapshot_is_read_is_a_change_after_it(
    department: DepartmentDatabase, reader: Reader, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(changes, "PAGE_TICKETS", 2)
    orders = [coffees(1) for _ in range(5)]
    await department.place(*orders)
    first = await department.database.look_up(changes.begin_snapshot)
    second = await department.database.look_up(changes.continue_snapshot, first)
    await department.move(orders[4].order_id, Verb.START)
    await department.move(orders[0].order_id, *SERVE)
    third = await department.database.look_up(changes.continue_snapshot, second)
    assert ids(first, second, third) == [placement.order_id for placement in orders[:4]]
    assert (third.more, third.revision) == (False, first.revision)
    assert ids(await reader.after(third.revision)) == [orders[4].order_id, orders[0].order_id]


async def test_only_tickets_that_the_staff_have_moved_whatever_became_of_them(
    department: DepartmentDatabase, reader: Reader
) -> None:
    before, _ = await reader.position()
    recalled, untouched, cancelled, by_gateway = (coffees(1) for _ in range(4))
    await department.place(recalled, untouched, cancelled, by_gateway)
    await department.move(recalled.order_id, Verb.START, Verb.RECALL)
    await department.move(cancelled.order_id, Verb.CANCEL)
    await department.cancel(by_gateway.order_id)
    page = await reader.after(before, moved=True)
    assert (ids(page), page.stock) == ([recalled.order_id, cancelled.order_id], [])
    first, rest = await reader.snapshot(moved=True)
    assert (first.reset, first.is_empty, ids(rest)) == (True, True, [recalled.order_id, cancelled.order_id])
    await department.cancel(recalled.order_id)
    assert ids(await reader.after(page.revision, moved=True)) == [recalled.order_id]


async def test_a_ticket_that_cannot_be_read_is_left_out_and_named(
    department: DepartmentDatabase, reader: Reader
) -> None:
    before, _ = await reader.position()
    strange, good = coffees(1), coffees(1)
    await department.place(strange, good)

    def state(connection: Connection, name: str) -> None:
        connection.execute(
            text("UPDATE tickets SET state = :s WHERE order_id = :o"), {"s": name, "o": strange.order_id}
        )

    await department.database.write(state, "boiling")
    page = await reader.after(before)
    assert (ids(page), [each.order_id for each in page.unreadable]) == ([good.order_id], [strange.order_id])
    await department.database.write(state, "queued")


async def test_every_query_uses_its_index(department: DepartmentDatabase, explain: Callable[..., str]) -> None:
    values = {"after": 0, "until": 100, "most": 10}
    for statement, index in (
        (changes._CHANGED, "ix_tickets_revision"),
        (changes._MOVED, "ix_tickets_moved"),
        (changes._OPEN, "ix_tickets_open"),
        (changes._OPEN_BEFORE, "ix_tickets_open"),
        (changes._LAST_CLOSED, "ix_tickets_revision"),
    ):
        plan = await department.database.look_up(explain, statement, values)
        assert index in plan, plan


@pytest.fixture
def explain() -> Callable[..., str]:
    """Return a function that explains a statement as the program sends it."""

    def explain(connection: Connection, statement: Statement, values: dict[str, int]) -> str:
        is_sqlite = connection.dialect.name == "sqlite"
        cursor = connection.connection.cursor()
        text = statement.text(connection)
        cursor.execute(f"EXPLAIN {'QUERY PLAN ' if is_sqlite else ''}{text}", values)
        return "\n".join(str(row[-1]) for row in cursor.fetchall())

    return explain


async def test_tickets_that_wait_are_counted(department: DepartmentDatabase) -> None:
    orders = [coffees(1) for _ in range(4)]
    await department.place(*orders, coffees(1, hold=True))
    await department.move(orders[0].order_id, Verb.START)
    for verb in (Verb.START, Verb.FINISH):
        await department.move(orders[1].order_id, verb)
    assert await department.database.look_up(changes.count_waiting) == 3
