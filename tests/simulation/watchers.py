"""Watchers: they follow WatchChanges over the simulated network, break off, resume, and keep a picture.

Every page is checked as it comes: nothing comes twice, nothing goes back. In the end each picture is the database.
"""

import asyncio
import random
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, NamedTuple, cast

import msgspec
from grpclib.const import Cardinality, Status
from grpclib.exceptions import GRPCError, StreamTerminatedError

from departments import changes, feed, watching
from departments.domain.tickets import OPEN, Outcome, TicketSource, TicketState
from departments.rpc.enums import OUTCOMES, SOURCES, STATES
from departments.rpc.servicer import WATCH_CHANGES
from generated.restaurant import v1
from tests.simulation.network import Channel
from tests.simulation.storage import Disk
from tests.simulation.watch_calls import WatchCall
from tests.simulation.world import World

FIRST_PAGE_SECONDS, NEXT_PAGE_SECONDS = 5.0, 12.0
CATCH_UP_SECONDS = 60.0
SMALL = {
    (changes, "PAGE_TICKETS"): 5,
    (changes, "CLOSED_IN_SNAPSHOT"): 4,
    (feed, "PAGES_KEPT"): 3,
    (watching, "MOST_BEHIND"): 80,
}
"""Limits of the product, so low that an evening meets them."""

BROKEN = (StreamTerminatedError, ConnectionRefusedError, TimeoutError)
TO_BE_TRIED_AGAIN = frozenset({Status.UNAVAILABLE, Status.RESOURCE_EXHAUSTED})


class SeenLine(NamedTuple):
    """A line of a ticket, as it is watched."""

    item: str
    quantity: int
    note: str
    allergy: bool
    made: bool
    outcome: int
    unit_price: int


class SeenTicket(NamedTuple):
    """A ticket, as it is watched."""

    revision: int
    state: int
    table: str
    number: int
    source: int
    times: tuple[int, ...]
    moved_by: str
    cancel_reason: str
    wasted: bool
    lines: tuple[SeenLine, ...]


class SeenStock(NamedTuple):
    """The stock of an item, as it is watched."""

    revision: int
    received: int
    on_hand: int
    held: int
    sold: int
    wasted: int
    off_sale: bool
    unlimited: bool


@dataclass(slots=True)
class Picture:
    """What a watcher knows. `since`: the revision of the last snapshot; `is_whole`: all its pages have come."""

    incarnation: str = ""
    revision: int = 0
    since: int = 0
    is_whole: bool = True
    tickets: dict[str, SeenTicket] = field(default_factory=dict)
    stock: dict[str, SeenStock] = field(default_factory=dict)
    prices: dict[str, int] = field(default_factory=dict)
    changes: int = 0
    resets: int = 0

    def see(self, page: v1.WatchChangesResponse) -> list[str]:
        """Take a page over; return what is wrong with it."""
        wrong = []
        if page.reset:
            self.tickets, self.stock, self.since, self.is_whole = {}, {}, page.revision, False
            self.resets += 1
        after = self.revision if self.is_whole else 0
        if self.is_whole and (page.incarnation != self.incarnation or page.revision < self.revision):
            wrong.append(f"a watcher at {self.revision} of {self.incarnation} was sent {page.revision}")
        for order_id, ticket in seen_tickets(page.tickets or v1.ChangedTickets()):
            if not max(after, self._known(order_id)) < ticket.revision <= page.revision:
                wrong.append(f"{order_id} of {ticket.revision} came after {after} and {self._known(order_id)}")
            self.tickets[order_id] = ticket
            self.changes += 1
        for item, stock in seen_stock(page.stock or v1.ChangedStock()):
            if not max(after, self.stock[item].revision if item in self.stock else 0) < stock.revision <= page.revision:
                wrong.append(f"the stock of {item} of {stock.revision} came after {after}")
            self.stock[item] = stock
            self.changes += 1
        if page.menu:
            self.prices = {item.id: item.price for item in page.menu.items}
        if not page.more:
            self.incarnation, self.revision, self.is_whole = page.incarnation, page.revision, True
        return wrong

    def _known(self, order_id: str) -> int:
        return self.tickets[order_id].revision if order_id in self.tickets else 0

    def position(self) -> tuple[str, int]:
        """Return from where to go on: nowhere within a snapshot, which has to be begun anew."""
        return (self.incarnation, self.revision) if self.is_whole else ("", 0)


class Watcher:
    """Follows one department, all of its changes or the tickets that the staff have moved."""

    def __init__(
        self, world: World, name: str, dice: random.Random, complaints: list[str], *, moved_only: bool
    ) -> None:
        self.picture = Picture()
        self.complaints = complaints
        self._world = world
        self._name = name
        self._dice = dice
        self._moved_only = moved_only
        self._is_steady = False
        self._channel = Channel(world.network, name, from_gateway=False)
        self._server: object = None

    def __str__(self) -> str:
        return f"a watcher of {'moved tickets' if self._moved_only else 'all'} at {self._name}"

    async def follow(self) -> None:
        """Watch again and again, for ever."""
        while True:
            await asyncio.sleep(self._dice.expovariate(1 if self._is_steady else self._dice.choice((5.0, 0.5, 0.1))))
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
        incarnation, revision = self.picture.position()
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
        current = tuple(disk.query("SELECT incarnation, revision FROM department")[0])
        end = loop.time() + CATCH_UP_SECONDS
        while self.picture.position() != current and loop.time() < end:  # noqa: ASYNC110 - no real wait
            await asyncio.sleep(0.25)
        if self.picture.position() != current:
            self.complaints.append(f"{self}: it is at {self.picture.position()}, the database at {current}")
            return
        self.complaints += [f"{self}: {wrong}" for wrong in self._compare(disk)]

    def _compare(self, disk: Disk) -> list[str]:
        tickets, stock = tickets_of(disk), stock_of(disk)
        if self._moved_only:
            expected = {order_id: ticket for order_id, ticket in tickets.items() if ticket.times[-1]}
            expected_stock: dict[str, SeenStock] = {}
        else:
            open_ = {STATES[state] for state in OPEN}
            since, known = self.picture.since, self.picture.tickets
            expected = {
                order_id: ticket
                for order_id, ticket in tickets.items()
                if ticket.state in open_ or ticket.revision > since or order_id in known
            }
            expected_stock = stock
        wrong = differences("ticket", self.picture.tickets, expected)
        wrong += differences("stock", self.picture.stock, expected_stock)
        if not self._moved_only and (prices := self._prices()) != self.picture.prices:
            wrong.append(f"its menu is {self.picture.prices}, and the department's {prices}")
        return wrong

    def _prices(self) -> dict[str, int]:
        for station in self._world.stations:
            if station.service is self._server and station.department is not None:
                return {item.id: item.price for item in station.department.menu.items.values()}
        return {}


def differences(what: str, seen: dict[str, Any], there: dict[str, Any]) -> list[str]:
    """List where a picture differs from the database."""
    return [
        f"{what} {key}: it believes {seen.get(key)}, and there is {there.get(key)}"
        for key in sorted(seen.keys() | there.keys())
        if seen.get(key) != there.get(key)
    ]


def seen_tickets(columns: v1.ChangedTickets) -> Iterator[tuple[str, SeenTicket]]:
    """Yield the tickets of a page, with the ids of their orders."""
    line_columns = (
        columns.items,
        columns.quantities,
        columns.notes,
        columns.allergies,
        columns.made,
        columns.outcomes,
        columns.unit_prices,
    )
    lines = (SeenLine(*line) for line in zip(*line_columns, strict=True))
    times = zip(
        columns.placed_at_ms,
        columns.started_at_ms,
        columns.ready_at_ms,
        columns.served_at_ms,
        columns.cancelled_at_ms,
        columns.moved_at_ms,
        strict=True,
    )
    heads = zip(columns.order_ids, columns.revisions, columns.states, columns.tables, columns.numbers, strict=True)
    tails = zip(
        columns.sources,
        times,
        columns.moved_by,
        columns.cancel_reasons,
        columns.wasted,
        columns.line_counts,
        strict=True,
    )
    for (order_id, *head), (*tail, count) in zip(heads, tails, strict=True):
        yield order_id, SeenTicket(*head, *tail, tuple(next(lines) for _ in range(count)))


def seen_stock(columns: v1.ChangedStock) -> Iterator[tuple[str, SeenStock]]:
    """Yield the stock of a page, with its items."""
    figures = (columns.received, columns.on_hand, columns.held, columns.sold, columns.wasted)
    flags = (columns.off_sale, columns.unlimited)
    for item, *stock in zip(columns.items, columns.revisions, *figures, *flags, strict=True):
        yield item, SeenStock(*stock)


def tickets_of(disk: Disk) -> dict[str, SeenTicket]:
    """Read a department's tickets as a watcher should see them."""
    return {
        row.order_id: SeenTicket(
            row.revision,
            STATES[TicketState(row.state)],
            row.placed_for,
            row.number,
            SOURCES[TicketSource(row.source)],
            (
                row.placed_at_ms,
                row.started_at_ms,
                row.ready_at_ms,
                row.served_at_ms,
                row.cancelled_at_ms,
                row.moved_at_ms,
            ),
            row.moved_by,
            row.cancel_reason,
            bool(row.wasted),
            tuple(_seen_line(line) for line in msgspec.json.decode(row.lines)),
        )
        for row in disk.query("SELECT * FROM tickets")
    }


def _seen_line(line: dict[str, Any]) -> SeenLine:
    outcome = OUTCOMES[Outcome(line["outcome"])]
    return SeenLine(**{name: line[name] for name in SeenLine._fields if name != "outcome"}, outcome=outcome)


def stock_of(disk: Disk) -> dict[str, SeenStock]:
    """Read a department's stock as a watcher should see it."""
    return {
        row.item: SeenStock(
            row.revision,
            row.received,
            row.on_hand,
            row.held,
            row.sold,
            row.wasted,
            bool(row.off_sale),
            bool(row.unlimited),
        )
        for row in disk.query("SELECT * FROM stock")
    }


@contextmanager
def small_limits(*, apply: bool) -> Iterator[None]:
    """Let pages, kept pages and backlogs be small."""
    before = {(module, name): vars(module)[name] for module, name in SMALL}
    try:
        for (module, name), value in SMALL.items() if apply else ():
            setattr(module, name, value)
        yield
    finally:
        for (module, name), value in before.items():
            setattr(module, name, value)
