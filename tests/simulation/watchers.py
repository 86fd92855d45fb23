"""Watchers: they follow WatchChanges over the simulated network, break off, resume, and keep a picture.

Every page is checked as it comes: nothing comes twice, nothing goes back. In the end each picture is the database.
"""

import asyncio
import random
from collections.abc import Iterator
from contextlib import contextmanager
from typing import cast

from grpclib.const import Cardinality, Status
from grpclib.exceptions import GRPCError, StreamTerminatedError

from departments import changes, feed, watching
from departments.rpc.servicer import WATCH_CHANGES
from generated.restaurant import v1
from tests.simulation.network import Channel
from tests.simulation.watch_calls import WatchCall
from tests.simulation.world import World
from tests.support.pictures import Picture, Truth, read_truth

FIRST_PAGE_SECONDS, NEXT_PAGE_SECONDS = 5.0, 12.0
MOST_SECONDS_AWAY = 30.0
CATCH_UP_SECONDS = 60.0
SMALL = {
    (changes, "PAGE_TICKETS"): 5,
    (changes, "CLOSED_IN_SNAPSHOT"): 4,
    (feed, "PAGES_KEPT"): 3,
    (feed, "MOST_BEHIND"): 80,
    (watching, "MOST_BEHIND"): 80,
    (feed, "RATE"): 20.0,
    (feed, "BURST"): 10.0,
}
"""Limits of the product, so low that an evening meets them."""

SLOW_FEEDS = {
    (feed, "MOST_BEHIND"): 20,
    (watching, "MOST_BEHIND"): 20,
    (feed, "RATE"): 1.0,
    (feed, "BURST"): 4.0,
}
"""Limits of a feed, so low that an evening's orders flood it, and it goes on from the present."""

BROKEN = (StreamTerminatedError, ConnectionRefusedError, TimeoutError)
TO_BE_TRIED_AGAIN = frozenset({Status.UNAVAILABLE, Status.RESOURCE_EXHAUSTED})


class Watcher:
    """Follows one department, all of its changes or the tickets that the staff have moved."""

    def __init__(
        self, world: World, name: str, dice: random.Random, complaints: list[str], *, moved_only: bool
    ) -> None:
        self.picture = Picture(moved_only)
        self.complaints = complaints
        self._world = world
        self._name = name
        self._dice = dice
        self._moved_only = moved_only
        self._is_steady = False
        self._channel = Channel(world.network, name)
        self._server: object = None

    def __str__(self) -> str:
        return f"a watcher of {'moved tickets' if self._moved_only else 'all'} at {self._name}"

    async def follow(self) -> None:
        """Watch again and again, for ever."""
        while True:
            away = self._dice.expovariate(self._dice.choice((5.0, 0.5, 0.1)))
            await asyncio.sleep(min(away, 0.5 if self._is_steady else MOST_SECONDS_AWAY))
            patience = 1e9 if self._is_steady else self._dice.choice((0.5, 5.0, 30.0)) * self._dice.random()
            try:
                async with asyncio.timeout(patience):
                    await self._watch()
            except BROKEN:
                continue
            except GRPCError as error:
                if error.status not in TO_BE_TRIED_AGAIN:
                    self.complaints.append(f"{self}: {error!r}")

    async def _watch(self) -> None:
        incarnation, revision = self.picture.position
        request = v1.WatchChangesRequest(incarnation, revision, self._moved_only)
        opened = self._channel.request(
            WATCH_CHANGES, Cardinality.STREAM_STREAM, v1.WatchChangesRequest, v1.WatchChangesResponse
        )
        slowness = self._dice.choice((0.0, 0.0, 0.0, 1.0))
        async with cast("WatchCall", opened) as call:
            await call.send_message(request)
            seconds = FIRST_PAGE_SECONDS
            while True:
                async with asyncio.timeout(seconds):
                    page = await call.recv_message()
                self._server = call.server
                self.complaints += [f"{self}: {wrong}" for wrong in self.picture.see(page)]
                if slowness and not self._is_steady:
                    await asyncio.sleep(slowness * self._dice.random())
                seconds = NEXT_PAGE_SECONDS

    async def check(self) -> None:
        """When all is quiet: catch up with the database, and compare."""
        self._is_steady = True
        disk, loop = self._world.disks[self._name], self._world.loop
        truth = read_truth(disk.query)
        end = loop.time() + CATCH_UP_SECONDS
        while not self._has_caught_up(truth) and loop.time() < end:  # noqa: ASYNC110 - no real wait
            await asyncio.sleep(0.25)
        self.picture.forget(disk.archived() - truth.tickets.keys())
        wrong = self.picture.differences(truth)
        if not self._has_menu():
            wrong.append(f"its menu is {self.picture.prices}, and the department's {self._prices()}")
        self.complaints += [f"{self}: {each}" for each in wrong]

    def _has_caught_up(self, truth: Truth) -> bool:
        return self.picture.position == truth.position and self._has_menu()

    def _has_menu(self) -> bool:
        """Whether it has the menu of the department's program, which a start may change without a revision."""
        return self._moved_only or self.picture.prices == self._prices()

    def _prices(self) -> dict[str, int]:
        for station in self._world.stations:
            if station.service is self._server and station.department is not None:
                return {item.id: item.price for item in station.department.menu.items.values()}
        return {}


@contextmanager
def low_limits(*, small_pages: bool, slow_feeds: bool) -> Iterator[None]:
    """Let pages, kept pages and backlogs be small; let feeds be slow."""
    low = (SMALL if small_pages else {}) | (SLOW_FEEDS if slow_feeds else {})
    before = {(module, name): vars(module)[name] for module, name in low}
    try:
        for (module, name), value in low.items():
            setattr(module, name, value)
        yield
    finally:
        for (module, name), value in before.items():
            setattr(module, name, value)
