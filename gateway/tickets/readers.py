"""The readers of the events: one for each client, with what it has received.

A reader begins with what its client does not have: all that is known, after a `reset`, or what changed after the id
that the client sent. Then follows what is new. A `tick` follows as soon as a reader has received everything, and then
at intervals; so a client that gets one is up to date.
"""

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Protocol

from gateway.tickets.log import ORDERS, Entry, EventLog, Wanted
from gateway.tickets.positions import VOID, Vector


class Source(Protocol):
    """What readers need of the service that has them (events.py)."""

    log: EventLog
    ticks: int

    def tick(self, wanted: Wanted) -> bytes:
        """Return a tick as an event."""

    def is_complete_since(self, department: str, revision: int) -> bool:
        """Return whether every change of a department after a revision is in the log."""

    def away_since(self, known: Vector) -> float:
        """Return a moment of the monotonic clock at which these, or older ones, were the departments' positions."""

    def want_orders(self, order_ids: list[str]) -> None:
        """Let these orders follow as events."""


class Sink(Protocol):
    """Gives a client its events at once, without the task that sends its response."""

    def deliver(self, reading: "Reading", content: bytes) -> bool:
        """Send something to the client of a reading; return False, and send nothing, where that would have to wait."""


class Reading(ABC):
    """A client's place in the events.

    The task of the client's response calls `read` for what is to be sent. While it waits there, what is new goes to the
    `sink`, where there is one: to wake a task for each of many clients takes as long as it takes to send.
    """

    # An asyncio.Event would take a kilobyte.
    __slots__ = ("_is_due", "_is_ended", "_is_paused", "_is_woken", "_undelivered", "_waiter", "sink", "whole")

    def __init__(self) -> None:
        self.whole: Reading | None = None  # what this is a part of, which is read in its place
        self.sink: Sink | None = None
        self._undelivered = b""
        self._is_due = self._is_ended = self._is_woken = self._is_paused = False
        self._waiter: asyncio.Future[None] | None = None

    @abstractmethod
    def next(self) -> bytes:
        """Return what the client has not received yet, or a piece of it; empty where there is nothing."""

    async def read(self) -> bytes:
        """Wait until there is something, and return it; empty when the reading has ended."""
        while not self._is_ended:
            if content := self._undelivered:
                self._undelivered = b""
                return content
            self._is_woken = False
            if content := self.next():
                return content
            if not self._is_woken:
                self._waiter = asyncio.get_running_loop().create_future()
                await self._waiter
        return b""

    def wake(self) -> None:
        """Look for something new."""
        waiter, sink = self._woken_waiter(), self.sink
        if waiter is None:
            return
        if sink is None or self._is_ended:
            waiter.set_result(None)
        else:
            self._is_due = True  # in the loop's next turn: what else changes in this one goes with it
            asyncio.get_running_loop().call_soon(self._deliver_or_return, waiter, sink)

    def deliver(self) -> None:
        """Give the client what is new, at once."""
        waiter = self._woken_waiter()
        if waiter is not None and (self.sink is None or self._is_ended or not self._deliver(self.sink)):
            waiter.set_result(None)

    @property
    def is_waiting(self) -> bool:
        """Whether the client's task waits for something new."""
        return self._waiter is not None and not self._waiter.done()

    def _woken_waiter(self) -> "asyncio.Future[None] | None":
        """Note that something is new; return what the client's task waits for, None where it will look by itself."""
        if self.whole is not None:
            self.whole.wake()
        self._is_woken = True
        waiter = self._waiter
        return None if waiter is None or self._is_due or waiter.done() else waiter

    @property
    def has_more(self) -> bool:
        """Whether something may follow what `next` has just returned."""
        return False

    def _deliver_or_return(self, waiter: "asyncio.Future[None]", sink: Sink) -> None:
        self._is_due = False
        if not (waiter.done() or self._deliver(sink)):
            waiter.set_result(None)

    def _deliver(self, sink: Sink) -> bool:
        """Give the client what is new; return False where its task has to go on, to send that or to end."""
        while not self._is_ended and (content := self.next()):
            if not sink.deliver(self, content):
                self._undelivered = content
                return False
            if not self.has_more:
                break
        return not self._is_ended

    def pause(self, seconds: float) -> None:
        """Return nothing that is not urgent for some time."""
        self._is_paused = True
        asyncio.get_running_loop().call_later(seconds, self._go_on)

    def _go_on(self) -> None:
        self._is_paused = False
        self.wake()

    def end(self) -> None:
        """Return nothing any more."""
        if self.whole is not None:
            self.whole.end()
        self._is_ended = True
        self.wake()


class Reader(Reading):
    """The place of a client that follows the whole restaurant, or some departments."""

    __slots__ = (
        "_away_since", "_begins_to", "_changed", "_cursor", "_has_orders", "_head", "_known", "_log", "_orders_dropped",
        "_source", "_ticks", "_urgent_to", "wanted",
    )  # fmt: skip

    def __init__(self, source: Source, wanted: Wanted, known: Vector) -> None:
        """`known`: the positions that the client has, empty for none."""
        super().__init__()
        self.wanted = wanted
        self._source = source
        self._log = source.log
        self._head = b""
        self._cursor = self._begins_to = self._urgent_to = 0
        self._ticks = -1
        self._begin(known)

    def next(self) -> bytes:
        """Return what follows the cursor, and a tick where that is all; where it is not, what is urgent besides."""
        if self._is_paused:
            return self._urgent()
        if self._has_missed_something():
            self._begin({})
        if self._cursor < self._begins_to:
            piece = self._log.select(self._cursor, self._begins_to, self._begins_with, self.wanted.public)
        else:
            piece = self._log.piece(self._cursor, self.wanted, self._urgent_to)
        self._cursor = piece.cursor
        content = piece.content
        if self._head:
            content, self._head = self._head + content, b""
        if self._cursor < self._log.end:
            content += self._urgent()
        if self._ticks != self._source.ticks and self._cursor == self._log.end:
            self._ticks = self._source.ticks
            content += self._source.tick(self.wanted)
        return content

    @property
    def has_more(self) -> bool:
        """Whether the log goes on after the cursor."""
        return self._cursor < self._log.end and not self._is_paused

    def _urgent(self) -> bytes:
        """Return the urgent entries to which the cursor has not come."""
        last = self._log.last_urgent
        if last <= self._urgent_to or last <= self._cursor:
            return b""
        urgent = self._log.urgent_after(max(self._cursor, self._urgent_to), self.wanted)
        self._urgent_to = last
        return urgent

    def _begin(self, known: Vector) -> None:
        log, present = self._log, self._log.vector()
        self._known: Mapping[str, int] = {
            name: revision
            for name, (incarnation, revision) in known.items()
            if name in present and present[name][0] == incarnation and self._source.is_complete_since(name, revision)
        } or _KNOWS_NOTHING
        self._cursor, self._begins_to, self._urgent_to = 0, log.end, log.end
        self._ticks = -1
        void = [name for name in present if self.wanted.includes(name) and name not in self._known]
        self._head = log.event("reset", {"departments": sorted(void)}, VOID) if void or not known else b""
        self._has_orders = bool(self._known) and self.wanted.includes(ORDERS)
        self._orders_dropped = log.dropped_to(_ONLY_ORDERS)
        self._away_since = self._source.away_since(known) if self._has_orders else 0.0
        self._changed = self._changed_orders() if self._has_orders else frozenset[str]()
        if self._has_orders:  # what is in the log may be older: nobody may have followed meanwhile
            recent = (entry.id for entry in log.after(0) if entry.kind == "order" and self._begins_with(entry))
            self._source.want_orders([*self._changed.union(recent)])

    def _changed_orders(self) -> frozenset[str]:
        """Return the orders whose tickets the client has not received as they are."""
        tickets = (entry for entry in self._log.after(0) if entry.kind == "ticket")
        return frozenset(entry.id for entry in tickets if self._begins_with(entry))

    def _begins_with(self, entry: Entry) -> bool:
        """Return whether the client needs an entry that is older than this reader."""
        if not self.wanted.wants(entry):
            return False
        if entry.kind == "department":
            return True
        if entry.kind == "order":
            return self._has_orders and (entry.at >= self._away_since or entry.id in self._changed)
        return entry.kind != "reset" and entry.revision > self._known.get(entry.department, -1)

    def _has_missed_something(self) -> bool:
        """Return whether an entry that the client needs was dropped before this reader came to it."""
        if self._log.dropped_to(self.wanted) > max(self._cursor, self._begins_to):
            return True
        if self._cursor >= self._begins_to:
            return False
        if self._has_orders and self._orders_dropped != self._log.dropped_to(_ONLY_ORDERS):
            return True
        return not all(self._source.is_complete_since(name, revision) for name, revision in self._known.items())


class OrderReader(Reading):
    """The place of a client that follows one order and nothing else: no positions, which would count others' orders."""

    __slots__ = ("_frame", "_shown", "_source", "_ticks", "order_id")

    def __init__(self, source: Source, order_id: str) -> None:
        """Have nothing to return until the order's present state is offered."""
        super().__init__()
        self.order_id = order_id
        self._source = source
        self._frame = b""
        self._shown = b""
        self._ticks = -1

    def offer(self, frame: bytes) -> None:
        """Give the client its order as it is now, in place of a state that it has not read."""
        if frame != self._shown:
            self._frame = frame
            self.wake()

    def next(self) -> bytes:
        """Return the order, unless the client has it as it is, and a tick where one is due."""
        content = b""
        if self._frame:
            content = self._shown = self._frame
            self._frame = b""
        if self._shown and self.whole is None and self._ticks != self._source.ticks:
            self._ticks = self._source.ticks
            content += self._source.tick(_NOTHING)
        return content


class GuestReader(Reading):
    """The place of a client that follows what can be had and its own orders, on one connection."""

    __slots__ = ("_menu", "_orders")

    def __init__(self, menu: Reader, orders: Sequence[OrderReader]) -> None:
        """Read all of these; the tick is that of the menu, which follows when everything has been sent."""
        super().__init__()
        self._menu = menu
        self._orders = orders
        for part in self.parts:
            part.whole = self

    @property
    def parts(self) -> tuple[Reading, ...]:
        """The readings of which it is made."""
        return (*self._orders, self._menu)

    @property
    def has_more(self) -> bool:
        """Whether the menu's events go on."""
        return self._menu.has_more

    def pause(self, seconds: float) -> None:
        """Return nothing of the menu for some time; an order waits for nothing."""
        self._menu.pause(seconds)

    def next(self) -> bytes:
        """Return the orders that changed, and what is new of the menu."""
        return b"".join([part.next() for part in self.parts])


_KNOWS_NOTHING: Mapping[str, int] = MappingProxyType({})
"""One for all: a dict of its own would take each client 80 bytes."""

_ONLY_ORDERS = Wanted(frozenset({ORDERS}))
_NOTHING = Wanted(frozenset())
