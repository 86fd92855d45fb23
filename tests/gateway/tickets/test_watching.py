"""The watches: one a department, while somebody is interested, and resumed after whatever happens."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from itertools import pairwise

from gateway.domain.lines import TicketState
from gateway.domain.order import Order
from gateway.domain.tickets import Position
from gateway.rest.event_json import event_json
from gateway.tickets.log import Wanted
from gateway.tickets.positions import read_id
from gateway.tickets.watching import AWAY_SECONDS, IDLE_SECONDS, KNOWN_SECONDS, LiveDepartments, live_departments
from infra.clock import Clock
from tests.support.event_stream import Parser, Screen
from tests.support.fake_watches import FakeWatch, live_ticket, page
from tests.support.virtual_time import run_virtually


class Live:
    """The live side over two fake departments, in virtual time."""

    def __init__(self) -> None:
        loop = asyncio.get_running_loop()
        self.watches = {name: FakeWatch(name) for name in ("bar", "kitchen")}
        self.departments: LiveDepartments = live_departments(
            self.watches,
            self._find_all,
            event_json,
            most=10,
            clock=Clock(wall=lambda: 1_700_000_000 + loop.time(), monotonic=loop.time),
            random=lambda: 1.0,
        )

    async def _find_all(self, order_ids: Sequence[str]) -> list[Order]:
        return []

    @property
    def bar(self) -> FakeWatch:
        return self.watches["bar"]


@asynccontextmanager
async def running() -> AsyncIterator[Live]:
    live = Live()
    task = asyncio.get_running_loop().create_task(live.departments.run())
    try:
        yield live
    finally:
        task.cancel()
        await asyncio.wait([task])


class Client:
    """A client that gathers what it is given, until it leaves."""

    def __init__(self, live: Live, last_id: str = "") -> None:
        self.live = live
        self.screen = Screen()
        self.pieces = 0
        self._parser = Parser()
        self.reading = live.departments.events.follow(Wanted(), read_id(last_id))
        self._task = asyncio.get_running_loop().create_task(self._read())

    async def _read(self) -> None:
        while piece := await self.reading.read():
            self.pieces += 1
            self.screen.take(self._parser.feed(piece))

    async def leave(self) -> None:
        self.live.departments.events.unfollow(self.reading)
        self.reading.end()
        await self._task


def test_nothing_is_watched_before_anybody_is_interested() -> None:
    async def check() -> None:
        async with running() as live:
            await asyncio.sleep(100)
            assert live.bar.calls == []

    run_virtually(check())


def test_there_is_one_watch_however_many_clients_there_are() -> None:
    async def check() -> None:
        async with running() as live:
            clients = [Client(live) for _ in range(5)]
            await asyncio.sleep(1)
            live.bar.change("o1")
            await asyncio.sleep(1)
            assert live.bar.calls == [None]
            assert all(("bar", "o1") in client.screen.tickets for client in clients)
            for client in clients:
                await client.leave()

    run_virtually(check())


def test_steps_reach_clients_before_the_changes_of_a_flood() -> None:
    async def check() -> None:
        async with running() as live:
            client = Client(live)
            await asyncio.sleep(1)
            for number in range(3000):
                live.bar.change(f"o{number}")
            await asyncio.sleep(0.01)
            moved = live_ticket("o7", 9000, TicketState.PREPARING, moved_at_ms=9)
            live.departments.steps_taken(page(9000, moved))
            await asyncio.sleep(0.01)
            assert client.screen.tickets["bar", "o7"]["state"] == "preparing"
            await client.leave()

    run_virtually(check())


def test_steps_are_left_to_the_watch_where_nobody_follows() -> None:
    async def check() -> None:
        async with running() as live:
            live.departments.steps_taken(page(9, live_ticket("o1", 9, moved_at_ms=9)))
            assert live.departments.events.log.end == 0

    run_virtually(check())


def test_in_a_flood_readers_are_woken_seldom_and_a_step_wakes_them_at_once() -> None:
    async def check() -> None:
        async with running() as live:
            clients = [Client(live) for _ in range(10)]
            await asyncio.sleep(1)
            before = [client.pieces for client in clients]
            for number in range(50):
                live.bar.change(f"o{number}")
                await asyncio.sleep(0.002)
            await asyncio.sleep(1)
            assert all(len(client.screen.tickets) == 50 for client in clients)
            pieces = [client.pieces - known for client, known in zip(clients, before, strict=True)]
            assert max(pieces) <= 8
            live.bar.change("calm")
            live.bar.change("o1", TicketState.PREPARING, moved_at_ms=9)
            await asyncio.sleep(0.001)
            assert clients[0].screen.tickets["bar", "o1"]["state"] == "preparing"
            for client in clients:
                await client.leave()

    run_virtually(check())


def test_the_watch_ends_a_minute_after_the_last_client_and_resumes_where_it_was() -> None:
    async def check() -> None:
        async with running() as live:
            client = Client(live)
            await asyncio.sleep(3 * IDLE_SECONDS)
            assert live.bar.open == 1
            await client.leave()
            await asyncio.sleep(IDLE_SECONDS / 2)
            assert live.bar.open == 1
            await asyncio.sleep(IDLE_SECONDS)
            assert live.bar.open == 0
            live.bar.change("meanwhile")
            client = Client(live, client.screen.last_id)
            await asyncio.sleep(1)
            assert live.bar.calls == [None, Position("first", 0)]
            assert ("bar", "meanwhile") in client.screen.tickets
            assert client.screen.resets == []
            await client.leave()

    run_virtually(check())


def test_a_short_absence_is_nobodys_business() -> None:
    async def check() -> None:
        async with running() as live:
            client = Client(live)
            await asyncio.sleep(1)
            live.bar.go_away()
            await asyncio.sleep(AWAY_SECONDS / 2)
            live.bar.come_back()
            await asyncio.sleep(5)
            assert [event.data["state"] for event in client.screen.received if event.kind == "department"] == [
                "open",
                "open",
            ]
            assert live.bar.calls[-1] == Position("first", 0)
            await client.leave()

    run_virtually(check())


def test_an_absence_is_reported_with_the_moment_of_the_last_page() -> None:
    async def check() -> None:
        async with running() as live:
            client = Client(live)
            await asyncio.sleep(10)
            live.bar.change("o1")
            await asyncio.sleep(10)
            live.bar.go_away()
            await asyncio.sleep(10)
            assert client.screen.departments["bar"] == {
                "name": "bar",
                "state": "unreachable",
                "since": "2023-11-14T22:13:30.000Z",
            }
            assert client.screen.departments["kitchen"]["state"] == "open"
            assert client.screen.ticks[-1]["departments"] == {"bar": 1, "kitchen": 0}
            live.bar.come_back()
            await asyncio.sleep(5)
            assert client.screen.departments["bar"]["state"] == "open"
            await client.leave()

    run_virtually(check())


def test_a_tick_comes_every_five_seconds() -> None:
    async def check() -> None:
        async with running() as live:
            client = Client(live)
            await asyncio.sleep(51)
            assert len(client.screen.ticks) in (10, 11)
            assert {after["now_ms"] - before["now_ms"] for before, after in pairwise(client.screen.ticks[1:])} == {5000}
            await client.leave()

    run_virtually(check())


def test_who_wants_the_pictures_waits_until_they_are_known() -> None:
    async def check() -> None:
        async with running() as live:
            live.bar.change("o1")
            bar, _ = await live.departments.pictures()
            assert set(bar.open) == {"o1"}

    run_virtually(check())


def test_who_wants_the_pictures_does_not_wait_for_a_department_that_is_away() -> None:
    async def check() -> None:
        async with running() as live:
            live.bar.go_away()
            before = asyncio.get_running_loop().time()
            await live.departments.pictures()
            assert asyncio.get_running_loop().time() - before <= KNOWN_SECONDS

    run_virtually(check())


def test_the_watches_are_closed_with_the_rest() -> None:
    async def check() -> None:
        async with running() as live:
            live.departments.close()
            assert live.bar.is_closed

    run_virtually(check())
