"""A watch of a department, against the real service."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing
from pathlib import Path

import pytest

from gateway.department_client.convert_tickets import change_page
from gateway.department_client.errors import Unreachable
from gateway.department_client.staff import StaffClient
from gateway.department_client.watch import DepartmentWatch, WatchTimeouts
from gateway.domain.lines import Outcome, TicketState
from gateway.domain.staff import Move, Verb
from gateway.domain.tickets import ChangePage, Position
from gateway.domain.transitions import Goal
from gateway.tickets.store import Picture
from generated.restaurant import v1
from infra.grpc.peer_guard import WatchedChannel
from tests.contract.department_programs import HOST, DepartmentProgram, open_program
from tests.support.orders import order
from tests.support.waiting import until


@pytest.fixture
async def bar(tmp_path: Path) -> AsyncIterator[DepartmentProgram]:
    async with open_program("bar", tmp_path) as program:
        yield program


class Watching:
    """A watch that gathers pages into a picture, and what ended it."""

    def __init__(self, watch: DepartmentWatch, *, position: Position | None = None, moved_only: bool = False) -> None:
        self.picture = Picture("bar")
        self.pages: list[ChangePage] = []
        self.error: Exception | None = None
        self._task = asyncio.get_running_loop().create_task(self._run(watch, position, moved_only))

    async def _run(self, watch: DepartmentWatch, position: Position | None, moved_only: bool) -> None:
        try:
            async with aclosing(watch.pages(position, moved_only=moved_only)) as pages:
                async for page in pages:
                    self.pages.append(page)
                    self.picture.apply(page)
        except Exception as error:  # noqa: BLE001 - the test looks at it
            self.error = error

    async def ended(self) -> Exception:
        await asyncio.wait([self._task])
        assert self.error is not None
        return self.error

    async def leave(self) -> None:
        self._task.cancel()
        await asyncio.wait([self._task])


@pytest.fixture
async def watch(bar: DepartmentProgram) -> AsyncIterator[DepartmentWatch]:
    watch = DepartmentWatch("bar", WatchedChannel(HOST, bar.port), WatchTimeouts(first=5.0, next=12.0))
    yield watch
    watch.close()


async def test_a_snapshot_and_then_the_changes(bar: DepartmentProgram, watch: DepartmentWatch) -> None:
    asked = order("bar coffee 2", "bar soda", table="7")
    asked.lines[0].note = "no sugar"
    client = bar.client()
    await client.submit(Goal.PLACE, asked)
    watching = Watching(watch)
    await until(lambda: watching.picture.position is not None)
    picture = watching.picture
    ticket = picture.open[asked.order_id]
    assert (ticket.department, ticket.table, ticket.source, ticket.state) == ("bar", "7", "gateway", TicketState.QUEUED)
    assert ticket.placed_at_ms
    assert [(line.item, line.quantity, line.note, line.outcome) for line in ticket.lines] == [
        ("coffee", 2, "no sugar", Outcome.ACCEPTED),
        ("soda", 1, "", Outcome.ACCEPTED),
    ]
    assert ticket.lines[0].unit_price > 0
    assert set(picture.stock) == set(bar.menu.items)
    assert picture.stock["coffee"].sold == 2
    assert picture.stock["coffee"].on_sale
    assert picture.menu is not None
    assert picture.menu.titles["en"]
    assert {item.id for item in picture.menu.items} == set(picture.stock)
    await bar.start(asked.order_id)
    await until(lambda: picture.open[asked.order_id].state is TicketState.PREPARING)
    assert picture.open[asked.order_id].started_at_ms
    await client.submit(Goal.PLACE, order("bar coffee"))
    await until(lambda: picture.stock["coffee"].sold == 3)
    await watching.leave()


async def test_a_cancelled_line_comes_with_its_reason_in_a_snapshot_and_as_a_change(
    bar: DepartmentProgram, watch: DepartmentWatch
) -> None:
    """Other tickets stand before it, so that its place among all lines is not that in its ticket."""
    client, channel = bar.client(), WatchedChannel(HOST, bar.port)
    staff = StaffClient("bar", channel)
    whole, first, second = (order("bar coffee", "bar soda") for _ in range(3))
    for each in (whole, first, second):
        await client.submit(Goal.PLACE, each)
    await staff.move(Move(first.order_id, Verb.CANCEL, TicketState.QUEUED, "a", "Ada", "none left", 1))
    watching = Watching(watch)
    await until(lambda: watching.picture.position is not None)
    known = watching.picture.open
    assert known[first.order_id] == await staff.find(first.order_id)
    assert known[first.order_id].cancelled_lines == {1: "none left"}
    assert known[whole.order_id].cancelled_lines == known[second.order_id].cancelled_lines == {}
    await staff.move(Move(second.order_id, Verb.CANCEL, TicketState.QUEUED, "b", "Ada", "", 0))
    await until(lambda: known[second.order_id].cancelled_lines == {0: ""})
    await until(lambda: watching.picture.stock["coffee"].sold == 2)
    await watching.leave()
    channel.close()


async def test_a_watch_goes_on_after_a_position(bar: DepartmentProgram, watch: DepartmentWatch) -> None:
    client = bar.client()
    first, second = order("bar coffee"), order("bar coffee")
    await client.submit(Goal.PLACE, first)
    before = Watching(watch)
    await until(lambda: before.picture.position is not None)
    await before.leave()
    await client.submit(Goal.PLACE, second)
    after = Watching(watch, position=before.picture.position)
    await until(lambda: any(page.tickets for page in after.pages))
    assert not any(page.reset for page in after.pages)
    assert [ticket.order_id for page in after.pages for ticket in page.tickets] == [second.order_id]
    await after.leave()


async def test_a_position_of_another_incarnation_leads_to_a_reset(
    bar: DepartmentProgram, watch: DepartmentWatch
) -> None:
    watching = Watching(watch, position=Position("another", 7))
    await until(lambda: watching.picture.position is not None)
    assert watching.pages[0].reset
    await watching.leave()


async def test_only_what_the_staff_moved(bar: DepartmentProgram, watch: DepartmentWatch) -> None:
    client = bar.client()
    moved, other = order("bar coffee"), order("bar coffee")
    await client.submit(Goal.PLACE, moved)
    await client.submit(Goal.PLACE, other)
    await bar.start(moved.order_id)
    watching = Watching(watch, moved_only=True)
    await until(lambda: bool(watching.picture.open))
    assert set(watching.picture.open) == {moved.order_id}
    assert not watching.picture.stock
    await watching.leave()


async def test_who_is_told_of_moved_tickets_only_learns_how_many_wait(
    bar: DepartmentProgram, watch: DepartmentWatch
) -> None:
    client = bar.client()
    asked = [order("bar coffee") for _ in range(3)]
    for each in asked:
        await client.submit(Goal.PLACE, each)
    watching = Watching(watch, moved_only=True)
    await until(lambda: watching.picture.position is not None)
    await bar.start(asked[0].order_id)
    await until(lambda: any(page.waiting is not None for page in watching.pages))
    assert [page.waiting for page in watching.pages if page.waiting is not None] == [3]
    await watching.leave()


async def test_two_watches_share_a_channel(bar: DepartmentProgram, watch: DepartmentWatch) -> None:
    watchings = [Watching(watch), Watching(watch, moved_only=True)]
    await until(lambda: all(each.picture.position is not None for each in watchings))
    assert len(bar.connections) == 1
    for each in watchings:
        await each.leave()
    await until(lambda: bar.streams == 0)


async def test_a_department_that_stops_ends_the_watch_at_once_and_is_found_again(
    bar: DepartmentProgram, watch: DepartmentWatch
) -> None:
    watching = Watching(watch)
    await until(lambda: watching.picture.position is not None)
    await asyncio.wait_for(bar.drain(5.0), 4.0)
    assert isinstance(await watching.ended(), Unreachable)
    await bar.open()
    again = Watching(watch, position=watching.picture.position)
    await until(lambda: bool(again.pages))
    await again.leave()


async def test_a_department_that_does_not_exist_is_unreachable(bar: DepartmentProgram, watch: DepartmentWatch) -> None:
    await bar.stop()
    assert isinstance(await Watching(watch).ended(), Unreachable)


async def test_a_channel_that_reconnects_ends_its_watches(bar: DepartmentProgram) -> None:
    channel = WatchedChannel(HOST, bar.port)
    watch = DepartmentWatch("bar", channel)
    watching = Watching(watch)
    await until(lambda: watching.picture.position is not None)
    channel.reconnect()
    assert isinstance(await watching.ended(), Unreachable)
    watch.close()


async def test_a_department_that_says_nothing_is_unreachable(bar: DepartmentProgram) -> None:
    watch = DepartmentWatch("bar", WatchedChannel(HOST, bar.port), WatchTimeouts(first=5.0, next=0.1))
    assert isinstance(await Watching(watch).ended(), Unreachable)
    watch.close()


@pytest.mark.parametrize(
    "tickets",
    [
        v1.ChangedTickets(order_ids=["o1"]),
        v1.ChangedTickets(items=["coffee"]),
        v1.ChangedTickets(cancelled_lines=[0], line_cancel_reasons=["none left"]),
        v1.ChangedTickets(cancelled_lines=[0]),
    ],
    ids=[
        "a column that is short",
        "lines that no ticket counts",
        "a cancelled line that there is not",
        "a cancelled line without a reason",
    ],
)
def test_columns_that_do_not_fit_each_other_are_refused(tickets: v1.ChangedTickets) -> None:
    with pytest.raises(ValueError, match=r"lengths|lines|line 0 is cancelled, and there are 0|shorter than"):
        change_page("bar", v1.WatchChangesResponse(tickets=tickets))
