"""WatchChanges over a socket: a department as it is served, and clients that read, do not read, break and go on."""

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import pytest
import pytest_asyncio
from grpclib.client import Channel
from grpclib.config import Configuration
from grpclib.const import Cardinality, Status
from grpclib.exceptions import GRPCError

from departments.app import DepartmentApp
from departments.domain.positions import Position
from departments.domain.steps import Move
from departments.domain.tickets import NOT_FOR_STAFF, TRANSITIONS, Decision, TicketState
from departments.feed import MOST_BEHIND, PAGES_KEPT
from departments.rpc.enums import STATES
from departments.rpc.servicer import DESCRIPTORS, WATCH_CHANGES, DepartmentServicer
from departments.rpc.status import to_status
from departments.storage import MIGRATIONS
from generated import bar as bar_messages
from generated.restaurant import v1
from infra.db.database import Database
from infra.grpc.call_guard import GuardedStream
from infra.grpc.server import GrpcServer
from infra.sockets import bind
from tests.departments.department_servers import services
from tests.departments.rpc.watches import WatchClient
from tests.support.department_factories import coffees, new_id, order, small_menu
from tests.support.migrated import prepare
from tests.support.postgresql import new_postgresql_database
from tests.support.waiting import until

MENU = small_menu(coffee=100_000, tea=50)
SMALL_WINDOW = Configuration(http2_connection_window_size=65_535, http2_stream_window_size=65_535)


@dataclass
class Bar:
    """One process of a department: its database, its service, its server, and a client's stub."""

    app: DepartmentApp
    database: Database
    servicer: DepartmentServicer
    server: GrpcServer
    port: int
    channel: Channel

    @property
    def stub(self) -> v1.DepartmentServiceStub:
        return v1.DepartmentServiceStub(self.channel)

    @property
    def watchers(self) -> int:
        """How many watch its own commits."""
        return len(self.app.commits.all) + len(self.app.commits.steps)

    @property
    def is_stalled(self) -> bool:
        """True where a message waits for its reader."""
        streams = (cast("GuardedStream", stream._stream) for stream in self.server._streams)
        return any(stream._stalled_looks is not None for stream in streams)

    async def tickets(self) -> dict[str, tuple[int, v1.TicketState]]:
        page = await self.app.changes(Position(), frozenset(), 1_000_000)
        return {ticket.order_id: (ticket.revision, STATES[ticket.state]) for ticket in page.tickets}

    async def close(self, grace: float = 0.0) -> None:
        self.channel.close()
        await self.server.drain(grace)
        self.app.close()
        self.database.close()


async def open_bar(url: str, *, port: int = 0, call_seconds: float = 20.0, config: Configuration | None = None) -> Bar:
    database = Database(url, schema="bar")
    prepare(database, MIGRATIONS)
    app = DepartmentApp(MENU, database)
    await app.open()
    served = services(app)
    server = GrpcServer(
        served,
        descriptors=DESCRIPTORS,
        translate=to_status,
        healthy=app.is_writable,
        max_message_bytes=1 << 20,
        cut_if_unread=[WATCH_CHANGES],
        call_seconds=call_seconds,
    )
    sock = bind("127.0.0.1", port)
    await server.start(sock)
    port = sock.getsockname()[1]
    return Bar(app, database, served[0], server, port, Channel("127.0.0.1", port, config=config))


@asynccontextmanager
async def opened(url: str, **options: object) -> AsyncIterator[Bar]:
    bar = await open_bar(url, **options)  # type: ignore[arg-type]  # the options of open_bar
    try:
        yield bar
    finally:
        await bar.close()


@pytest_asyncio.fixture
async def bar(tmp_path: Path) -> AsyncIterator[Bar]:
    async with opened(f"sqlite:///{tmp_path}/bar.db") as bar:
        yield bar


def move(order_id: str, verb: str, expected: str) -> Move:
    return Move(order_id, next(v for _, v in TRANSITIONS if v.value == verb), TicketState(expected), new_id(), "Ann")


async def test_a_new_watcher_gets_a_snapshot_and_then_every_change(bar: Bar) -> None:
    old, new = coffees(2), order(("tea", 1), ("beer", 1), table="7")
    await bar.app.place([old])
    watch = WatchClient().start(bar.stub)
    await watch.until(lambda watch: old.order_id in watch.tickets)
    assert watch.pages[0].reset
    assert watch.menu is not None
    assert [item.id for item in watch.menu.items] == ["coffee", "tea"]
    assert watch.stock["coffee"][:2] == (99_998, 2)
    await bar.app.place([new])
    await watch.until(lambda watch: new.order_id in watch.tickets)
    page = watch.pages[-1]
    assert page.tickets is not None
    assert (page.tickets.tables, page.tickets.items, page.tickets.line_counts) == (["7"], ["tea", "beer"], [2])
    assert page.tickets.outcomes == [v1.Outcome.ACCEPTED, v1.Outcome.NOT_ON_MENU]
    assert abs(page.now_ms - watch.pages[0].now_ms) < 60_000
    await bar.app.move(move(new.order_id, "start", "queued"))
    await watch.until(lambda watch: watch.tickets[new.order_id][1] is v1.TicketState.PREPARING)
    moved = watch.pages[-1].tickets
    assert moved is not None
    assert moved.moved_by == ["Ann"]
    assert moved.moved_at_ms == moved.started_at_ms != [0]
    assert watch.stock["tea"][:2] == (49, 1)
    await watch.end()
    assert watch.resets == 1


async def test_a_watch_ends_well_when_its_caller_ends_its_side(bar: Bar) -> None:
    for moved_only in (False, True):
        watch = WatchClient(moved_only).start(bar.stub)
        await watch.until(lambda watch: watch.revision > 0)
        assert bar.watchers == 1
        await watch.end()
        assert bar.watchers == 0


async def test_a_watch_that_breaks_off_leaves_nothing_behind(bar: Bar) -> None:
    watch = WatchClient().start(bar.stub)
    await watch.until(lambda watch: watch.revision > 0)
    await watch.break_off()
    await until(lambda: bar.watchers == 0)


async def test_a_call_without_a_request_ends_at_once(bar: Bar) -> None:
    async def nothing() -> AsyncIterator[v1.WatchChangesRequest]:
        for _ in range(0):
            yield v1.WatchChangesRequest()

    assert [page async for page in bar.stub.watch_changes(nothing())] == []


async def test_a_revision_that_no_database_holds_is_refused(bar: Bar) -> None:
    watch = WatchClient(revision=2**63).start(bar.stub)
    with pytest.raises(GRPCError) as refused:
        await watch.ended()
    assert refused.value.status is Status.INVALID_ARGUMENT


async def test_bytes_that_are_no_request_end_the_call(bar: Bar) -> None:
    async def talk_nonsense() -> None:
        both = Cardinality.STREAM_STREAM
        async with bar.channel.request(
            WATCH_CHANGES, both, bar_messages.OrderRequest, v1.WatchChangesResponse
        ) as stream:
            await stream.send_message(bar_messages.OrderRequest())  # an empty message, so a position
            assert await stream.recv_message() is not None
            await stream.send_message(_Bytes(b"\xff"))
            while await stream.recv_message() is not None:
                pass

    with pytest.raises(GRPCError) as refused:
        await talk_nonsense()
    assert refused.value.status is Status.INVALID_ARGUMENT
    await until(lambda: bar.watchers == 0)


class _Bytes(bar_messages.OrderRequest):
    """A message whose bytes are those given."""

    def __init__(self, data: bytes) -> None:
        self.__dict__["data"] = data

    def SerializeToString(self) -> bytes:  # noqa: N802 - the name that codecs call
        data: bytes = self.__dict__["data"]
        return data


async def test_a_failing_database_ends_the_watch_with_unavailable(bar: Bar, tmp_path: Path) -> None:
    watch = WatchClient().start(bar.stub)
    await watch.until(lambda watch: watch.revision > 0)
    await bar.database.write(lambda connection: connection.exec_driver_sql("ALTER TABLE stock RENAME TO gone"))
    for event in bar.app.commits.all:
        event.set()
    with pytest.raises(GRPCError) as ended:
        await watch.ended()
    assert ended.value.status is Status.UNAVAILABLE
    await bar.database.write(lambda connection: connection.exec_driver_sql("ALTER TABLE gone RENAME TO stock"))
    await bar.app.place([placed := coffees(1)])
    await watch.start(bar.stub).until(lambda watch: placed.order_id in watch.tickets)
    assert watch.resets == 1
    await watch.end()


@pytest.mark.parametrize("is_read", [True, False])
async def test_a_drain_ends_watches_at_once_also_where_nobody_reads_them(tmp_path: Path, is_read: bool) -> None:
    bar = await open_bar(f"sqlite:///{tmp_path}/bar.db", config=SMALL_WINDOW)
    watch = WatchClient().start(bar.stub)
    await watch.until(lambda watch: watch.revision > 0)
    if not is_read:
        await fill_the_window(bar, watch)
    began = asyncio.get_running_loop().time()
    draining = asyncio.create_task(bar.server.drain(60))
    if is_read:
        with pytest.raises(GRPCError) as ended:
            await watch.ended()
        assert ended.value.status is Status.UNAVAILABLE
        assert asyncio.get_running_loop().time() - began < 1
    await draining
    assert asyncio.get_running_loop().time() - began < 10
    await watch.break_off()
    bar.channel.close()
    bar.database.close()


async def fill_the_window(bar: Bar, watch: WatchClient) -> None:
    """Let the client read nothing more, and commit more than its window holds."""
    watch.reading.clear()
    for _ in range(4):
        await bar.app.place([coffees(1) for _ in range(300)])
        await asyncio.sleep(0)
    await until(lambda: bar.is_stalled)


@pytest.mark.long
async def test_a_message_that_its_reader_does_not_let_through_is_given_up(tmp_path: Path) -> None:
    async with opened(f"sqlite:///{tmp_path}/bar.db", call_seconds=1.0, config=SMALL_WINDOW) as bar:
        watch = WatchClient().start(bar.stub)
        await watch.until(lambda watch: watch.revision > 0)
        await fill_the_window(bar, watch)
        await until(lambda: bar.watchers == 0)
        await watch.break_off()


@pytest.mark.long
async def test_a_slow_watcher_gets_a_reset_and_costs_no_memory(tmp_path: Path) -> None:
    async with opened(f"sqlite:///{tmp_path}/bar.db", config=SMALL_WINDOW) as bar:
        slow = WatchClient().start(bar.stub)
        await slow.until(lambda watch: watch.revision > 0)
        await fill_the_window(bar, slow)
        for _ in range(MOST_BEHIND // 500 + 1):
            await bar.app.place([coffees(1) for _ in range(500)])
        feed, last = bar.servicer.watching._all._feed, max(revision for revision, _ in (await bar.tickets()).values())
        await until(lambda: feed.head >= last)
        assert len(feed._pages) <= PAGES_KEPT
        slow.reading.set()
        await slow.until(lambda watch: watch.resets == 2 and not watch.pages[-1].more)
        expected = await bar.tickets()
        await slow.until(lambda watch: watch.tickets == expected)
        await slow.end()


async def test_replicas_see_each_others_changes(postgresql: str) -> None:
    postgresql_url = new_postgresql_database(postgresql)
    async with opened(postgresql_url) as first, opened(postgresql_url) as second:
        watches = [WatchClient().start(first.stub), WatchClient(moved_only=True).start(first.stub)]
        for watch in watches:
            await watch.until(lambda watch: watch.revision > 0)
        placed = coffees(1)
        await second.app.place([placed])
        began = asyncio.get_running_loop().time()
        await watches[0].until(lambda watch: placed.order_id in watch.tickets)
        assert asyncio.get_running_loop().time() - began < 2
        await second.app.move(move(placed.order_id, "start", "queued"))
        for watch in watches:
            await watch.until(
                lambda watch: watch.tickets.get(placed.order_id, (0, None))[1] is v1.TicketState.PREPARING
            )
        # A position of one replica is good at the other.
        for watch in watches:
            await watch.end()
            await second.app.place([coffees(1)])
            await watch.start(second.stub).until(lambda watch: len(watch.pages) > 3)
            assert watch.resets == 1
            await watch.end()


async def test_a_watch_goes_on_from_its_position_after_a_restart(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/bar.db"
    bar = await open_bar(url)
    before, after = coffees(1), coffees(1)
    watch, moved = WatchClient().start(bar.stub), WatchClient(moved_only=True).start(bar.stub)
    await bar.app.place([before])
    await watch.until(lambda watch: before.order_id in watch.tickets)
    await bar.close()
    bar = await open_bar(url)
    await bar.app.place([after])
    await bar.app.move(move(before.order_id, "start", "queued"))
    await moved.start(bar.stub).until(lambda moved: before.order_id in moved.tickets)
    await watch.start(bar.stub).until(lambda watch: watch.tickets.keys() == {before.order_id, after.order_id})
    await watch.until(lambda watch: watch.tickets[before.order_id][1] is v1.TicketState.PREPARING)
    assert watch.resets == 1
    assert len(watch.seen) == len(set(watch.seen)) == 3
    await watch.end()
    await moved.end()
    await bar.close()


STEPS = [(before, verb) for before, verb in TRANSITIONS if verb not in NOT_FOR_STAFF and before is not TicketState.HELD]


async def change_something(dice: random.Random, bar: Bar) -> None:
    """Place orders, decide about some, or take a step with one, at random."""
    held = dice.random() < 0.3
    orders = [coffees(1, hold=held) for _ in range(dice.randrange(1, 4))]
    tickets = await bar.app.place(orders)
    if held and dice.random() < 0.8:
        decide = dice.choice([bar.app.confirm, bar.app.suspend])
        await decide([Decision(placement.order_id, 1) for placement in orders])
    page = await bar.app.changes(Position(), frozenset(), 1_000)
    ticket = dice.choice(page.tickets)
    steps = [verb for before, verb in STEPS if before is ticket.state]
    if steps:
        await bar.app.move(Move(ticket.order_id, dice.choice(steps), ticket.state, new_id()))
    elif ticket.state is TicketState.HELD and len(tickets) > 1:
        await bar.app.cancel([Decision(ticket.order_id)])


@pytest.mark.long
@pytest.mark.parametrize("seed", range(4))
async def test_watchers_that_break_at_random_end_with_what_the_database_has(database_url: str, seed: int) -> None:
    """Also where the department restarts, and each change comes once."""
    dice = random.Random(seed)
    bar = await open_bar(database_url)
    watches = [WatchClient(), WatchClient(), WatchClient(moved_only=True)]
    for watch in watches:
        watch.start(bar.stub)
    for _ in range(60):
        await change_something(dice, bar)
        if dice.random() < 0.2:
            watch = dice.choice(watches)
            await watch.break_off()
            watch.start(bar.stub)
        if dice.random() < 0.05:
            for watch in watches:
                await watch.break_off()
            await bar.close()
            bar = await open_bar(database_url)
            for watch in watches:
                watch.start(bar.stub)
        await asyncio.sleep(dice.choice([0.0, 0.001, 0.02]))
    expected, stock = await bar.tickets(), (await bar.app.stock_levels()).stock["coffee"]
    moved = {
        ticket.order_id
        for ticket in (await bar.app.changes(Position(), frozenset(), 1_000)).tickets
        if ticket.moved_at_ms
    }
    for watch in watches:
        all_of_them = {
            order_id: ticket for order_id, ticket in expected.items() if order_id in moved or not watch.moved_only
        }
        await watch.until(lambda watch, expected=all_of_them: watch.tickets == expected)  # type: ignore[misc]
        assert len(watch.seen) == len(set(watch.seen))
        if not watch.moved_only:
            assert watch.stock["coffee"][:2] == (stock.on_hand, stock.sold)
        await watch.end()
    await bar.close()
