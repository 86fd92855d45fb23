"""Watchers of departments, whose pictures have to be the databases once all faults are over.

Each follows one replica over one call after another, half of them through the proxies that fail. They break off at
random, and so do their calls whenever something is killed, paused or reset.
"""

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import aclosing
from itertools import cycle, islice

from grpclib.client import Channel
from grpclib.const import Status
from grpclib.exceptions import GRPCError

from generated.restaurant import v1
from infra.grpc.peer_guard import is_transport_failure
from tests.support.database_contents import Books
from tests.support.pictures import Picture
from tests.torture.site import Site

FIRST_PAGE_SECONDS, NEXT_PAGE_SECONDS = 5.0, 12.0
CATCH_UP_SECONDS = 30.0
NOT_NOW = frozenset({Status.UNAVAILABLE, Status.RESOURCE_EXHAUSTED, Status.DEADLINE_EXCEEDED})


class Watcher:
    """Follows a department at a port, all of it or the tickets that the staff have moved."""

    def __init__(self, name: str, port: int, chance: random.Random, *, moved_only: bool) -> None:
        """Know nothing yet."""
        self.picture = Picture(moved_only)
        self.surprises: list[str] = []
        self.calls = 0
        self.name = name
        self._port = port
        self._chance = chance
        self._is_steady = False

    @property
    def changes(self) -> int:
        """How many changes came."""
        return self.picture.changes

    @property
    def resets(self) -> int:
        """How many snapshots came."""
        return self.picture.resets

    def __str__(self) -> str:
        """Return who this is."""
        return f"a watcher of {'moved tickets' if self.picture.moved_only else 'all'} at {self.name}, {self._port}"

    async def follow(self) -> None:
        """Watch again and again (until cancelled)."""
        while True:
            await asyncio.sleep(0.2 * self._chance.random())
            patience = None if self._is_steady else self._chance.choice((1.0, 10.0, 60.0)) * self._chance.random()
            try:
                async with asyncio.timeout(patience):
                    await self._watch()
            except GRPCError as error:
                if error.status not in NOT_NOW:
                    self.surprises.append(f"{self}: {error!r}")
            except Exception as error:
                if not is_transport_failure(error):
                    raise

    async def _watch(self) -> None:
        self.calls += 1
        channel = Channel("127.0.0.1", self._port)
        left = asyncio.Event()

        async def requests() -> AsyncIterator[v1.WatchChangesRequest]:
            yield v1.WatchChangesRequest(*self.picture.position, self.picture.moved_only)
            await left.wait()

        try:
            stub = v1.DepartmentServiceStub(channel)
            async with aclosing(stub.watch_changes(requests())) as pages:  # type: ignore[type-var]
                seconds = FIRST_PAGE_SECONDS
                while True:
                    async with asyncio.timeout(seconds):
                        page = await anext(pages, None)
                    if page is None:
                        return
                    self.surprises += [f"{self}: {wrong}" for wrong in self.picture.see(page)]
                    seconds = NEXT_PAGE_SECONDS
        finally:
            left.set()
            channel.close()

    async def check(self, books: Books) -> list[str]:
        """When all is quiet: catch up with the database, and list where the picture differs from it."""
        self._is_steady = True
        truth = await asyncio.to_thread(books.truth, self.name)
        deadline = asyncio.get_running_loop().time() + CATCH_UP_SECONDS
        while self.picture.position != truth.position and asyncio.get_running_loop().time() < deadline:
            await asyncio.sleep(0.05)
            if self.picture.position[1] > truth.position[1]:
                truth = await asyncio.to_thread(books.truth, self.name)  # a page of the last change was late
        self.picture.forget(await asyncio.to_thread(books.archived, self.name) - truth.tickets.keys())
        return [*self.surprises, *(f"{self}: {wrong}" for wrong in self.picture.differences(truth))]


def watchers_of(site: Site, count: int, seed: int) -> list[Watcher]:
    """Make so many watchers, shared out among the departments' programs and the proxies before them."""
    ports = [(program.name, program.port) for program in site.departments]
    ports += [(name, proxy.port) for (_, name), proxy in site.proxies.items()]
    return [
        Watcher(name, port, random.Random(f"{seed}-watcher-{number}"), moved_only=number % 4 == 3)
        for number, (name, port) in enumerate(islice(cycle(ports), count))
    ]
