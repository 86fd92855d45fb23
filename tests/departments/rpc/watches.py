"""A client of WatchChanges, and the picture that it makes of the department."""

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from typing import Any

from generated.restaurant import v1
from tests.support.waiting import until


@dataclass
class WatchClient:
    """Watches over one call after another, each from the position after the one before."""

    moved_only: bool = False
    pages: list[v1.WatchChangesResponse] = field(default_factory=list)
    tickets: dict[str, tuple[int, v1.TicketState]] = field(default_factory=dict)
    stock: dict[str, tuple[int, int, int]] = field(default_factory=dict)
    menu: v1.GetMenuResponse | None = None
    seen: list[tuple[str, int]] = field(default_factory=list)
    revision: int = 0
    incarnation: str = ""
    resets: int = 0
    reading: asyncio.Event = field(default_factory=asyncio.Event)
    _done: asyncio.Event = field(default_factory=asyncio.Event)
    _task: "asyncio.Task[None] | None" = None

    def start(self, stub: v1.DepartmentServiceStub) -> "WatchClient":
        """Watch; pages are read while `reading` is set."""
        self.reading.set()
        self._done = asyncio.Event()
        self._task = asyncio.create_task(self._receive(stub))
        return self

    async def end(self) -> None:
        """End the client's side, and wait for the end of the call."""
        self._done.set()
        await self.ended()

    async def ended(self) -> None:
        """Wait for the end of the call; raises what it ended with."""
        assert self._task is not None
        await asyncio.wait_for(self._task, 20)

    async def break_off(self) -> None:
        assert self._task is not None
        self._task.cancel()
        await asyncio.wait([self._task])

    async def until(self, fact: Callable[["WatchClient"], bool]) -> None:
        """Wait until the picture is as a fact says, or the call ends."""
        task = self._task
        assert task is not None
        await until(lambda: fact(self) or task.done(), 20)
        if task.done():
            task.result()
        assert fact(self)

    async def _requests(self) -> AsyncIterator[v1.WatchChangesRequest]:
        yield v1.WatchChangesRequest(self.incarnation, self.revision, self.moved_only)
        await self._done.wait()

    async def _receive(self, stub: v1.DepartmentServiceStub) -> None:
        async for page in stub.watch_changes(self._requests()):
            self.pages.append(page)
            self._see(page)
            await self.reading.wait()

    def _see(self, page: v1.WatchChangesResponse) -> None:
        if page.reset:
            self.resets += 1
            self.tickets.clear()
            self.stock.clear()
        if page.tickets:
            self._see_tickets(page.tickets)
        if page.stock:
            columns = page.stock.items, page.stock.on_hand, page.stock.sold, page.stock.revisions
            for item, on_hand, sold, revision in zip(*columns, strict=True):
                assert self.stock.get(item, (0, 0, 0))[2] < revision
                self.stock[item] = on_hand, sold, revision
        if page.menu:
            self.menu = page.menu
        if not page.more:
            self.revision, self.incarnation = page.revision, page.incarnation

    def _see_tickets(self, changed: v1.ChangedTickets) -> None:
        check_columns(changed)
        for order_id, revision, state in zip(changed.order_ids, changed.revisions, changed.states, strict=True):
            assert self.tickets.get(order_id, (0, None))[0] < revision, "a change came twice, or too late"
            self.tickets[order_id] = revision, state
            self.seen.append((order_id, revision))


def check_columns(changed: v1.ChangedTickets) -> None:
    """Check that all columns have one entry a ticket, one a line, or one a line that the staff cancelled."""
    columns: dict[str, list[Any]] = changed.__dict__
    cancelled = sum(each.name == "CANCELLED" for each in changed.outcomes)
    of_cancelled = {"cancelled_lines", "line_cancel_reasons"}
    of_lines = {"items", "quantities", "notes", "allergies", "made", "outcomes", "unit_prices"}
    for name, column in columns.items():
        if isinstance(column, list):
            expected = sum(changed.line_counts) if name in of_lines else len(changed.order_ids)
            expected = cancelled if name in of_cancelled else expected
            assert len(column) == expected, name
