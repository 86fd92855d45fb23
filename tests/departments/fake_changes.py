"""A department in memory whose changes are watched, and the picture that a watcher makes of it."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass, field, replace

from departments.commits import Commits
from departments.domain.changes import ChangePage, MenuOnSale
from departments.domain.menu import Menu
from departments.domain.stock import Stock
from departments.domain.tickets import Ticket, TicketState
from departments.feed import Watcher
from departments.watching import Watching
from tests.support.department_factories import BAR

PAGE = 3


class FakeDepartment:
    """Changes of tickets and of one item's stock; a read takes `seconds`, and a page has at most `page` tickets."""

    def __init__(self, seconds: float = 0.001) -> None:
        self.seconds = seconds
        self.page = PAGE
        self.menu: Menu = BAR
        self.is_shared = False
        self.incarnation = "first"
        self.revision = 0
        self.tickets: dict[str, Ticket] = {}
        self.coffee = Stock("coffee", 0, 0, 0, 0)
        self.commits = Commits()
        self.reads: list[float] = []
        self.looks = 0
        self.encoded = 0
        self.error: Exception | None = None
        self.watching = Watching(self, self.commits.all, self.commits.steps, self._encode)

    def change(self, order_id: str, *, moved: bool = False, announce: bool = True) -> None:
        """Commit a change of a ticket; without `announce` as another process would."""
        self.revision += 1
        before = self.tickets.get(order_id)
        moved_at_ms = 1 if moved or (before and before.moved_at_ms) else 0
        self.tickets[order_id] = Ticket(
            order_id, "", TicketState.QUEUED, [], 1, revision=self.revision, moved_at_ms=moved_at_ms
        )
        self.coffee = replace(self.coffee, received=self.revision, revision=self.revision)
        if announce:
            self.commits.announce(moved=bool(moved_at_ms))

    def watch(self, revision: int = 0, incarnation: str = "first", *, moved_only: bool = False) -> "Watch":
        return Watch(self, Watcher(incarnation, revision), moved_only)

    async def position(self) -> tuple[int, str]:
        self.looks += 1
        return self.revision, self.incarnation

    async def count_waiting(self) -> int:
        return sum(ticket.state is TicketState.QUEUED for ticket in self.tickets.values())

    async def changes_after(self, after: int, incarnation: str, until: int = 0, *, moved_only: bool) -> ChangePage:
        await self._read()
        if incarnation != self.incarnation or after > self.revision:
            return ChangePage(self.incarnation, self.revision, read_to=self.revision)
        tickets, read_to, last = self._tickets(after, min(until or self.revision, self.revision), moved_only)
        stock = [] if moved_only or not after < self.coffee.revision <= read_to else [self.coffee]
        is_cut, current = read_to < last, self.revision
        return ChangePage(incarnation, read_to, tickets, stock, read_to=read_to, is_cut=is_cut, current=current)

    async def begin_snapshot(self, *, moved_only: bool) -> ChangePage:
        await self._read()
        menu = None if moved_only else await self.menu_on_sale()
        stock = [] if moved_only else [self.coffee]
        return ChangePage(self.incarnation, self.revision, [], stock, menu, reset=True, more=True)

    async def continue_snapshot(self, last: ChangePage, *, moved_only: bool) -> ChangePage:
        await self._read()
        tickets, read_to, until = self._tickets(last.read_to, last.revision, moved_only)
        return ChangePage(last.incarnation, until, tickets, more=read_to < until, read_to=read_to)

    async def menu_on_sale(self) -> MenuOnSale:
        return MenuOnSale(self.menu, {"coffee": self.coffee})

    async def _read(self) -> None:
        self.reads.append(asyncio.get_running_loop().time())
        if self.error is not None:
            raise self.error
        await asyncio.sleep(self.seconds)

    def _tickets(self, after: int, until: int, moved_only: bool) -> tuple[list[Ticket], int, int]:
        found = sorted(
            (ticket for ticket in self.tickets.values() if ticket.moved_at_ms or not moved_only),
            key=lambda ticket: ticket.revision,
        )
        changed = [ticket for ticket in found if after < ticket.revision <= until]
        page = changed[: self.page]
        return page, page[-1].revision if len(changed) > self.page else until, until

    def _encode(self, page: ChangePage) -> ChangePage:
        self.encoded += 1
        return page


@dataclass
class Watch:
    """A watcher and its picture: every ticket, with the revision at which it was seen last."""

    department: FakeDepartment
    watcher: Watcher
    moved_only: bool
    pages: list[tuple[float, ChangePage]] = field(default_factory=list)
    picture: dict[str, int] = field(default_factory=dict)
    changes: list[tuple[str, int]] = field(default_factory=list)
    revision: int = 0
    incarnation: str = ""
    gate: asyncio.Event = field(default_factory=asyncio.Event)
    task: "asyncio.Task[None] | None" = None

    def start(self) -> "Watch":
        """Receive pages whenever the gate is open, which it is at first."""
        self.gate.set()
        self.task = asyncio.create_task(self._receive())
        return self

    def messages(self) -> AsyncGenerator[ChangePage, None]:
        return self.department.watching.watch(self.watcher, moved_only=self.moved_only)

    async def _receive(self) -> None:
        async with aclosing(self.messages()) as pages:
            async for page in pages:
                self.pages.append((asyncio.get_running_loop().time(), page))
                self.see(page)
                await self.gate.wait()

    def see(self, page: ChangePage) -> None:
        """Bring the picture up to date."""
        if page.reset:
            self.picture.clear()
            self.revision = 0
        for ticket in page.tickets:
            assert self.picture.get(ticket.order_id, 0) < ticket.revision, "a change came twice, or too late"
            self.picture[ticket.order_id] = ticket.revision
            self.changes.append((ticket.order_id, ticket.revision))
        if not page.more:
            assert page.revision >= self.revision
            self.revision, self.incarnation = page.revision, page.incarnation

    @property
    def resets(self) -> int:
        return sum(page.reset for _, page in self.pages)

    async def stop(self) -> None:
        """Leave, as a caller whose connection breaks."""
        assert self.task is not None
        self.task.cancel()
        await asyncio.wait([self.task])
