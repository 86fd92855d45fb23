"""The watches of the departments: one for each, however many clients there are.

They run while somebody is interested, and a minute longer; then they end, and cost the order path nothing. A watch
resumes after the position that was reached, whatever was restarted, this side or the other.

In a flood of orders the departments publish their tickets at a bounded rate: what is known of these is late, and the
orders are not. What the staff do does not wait for it: `steps_taken` takes in the tickets that they have moved, from
the watch that orders follow (orders/following.py).
"""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Collection, Iterable, Mapping, Sequence
from contextlib import aclosing, suppress
from typing import Any, Protocol

import structlog

from gateway.department_client.errors import DepartmentCallError
from gateway.domain.order import Order
from gateway.domain.tickets import ChangePage, DepartmentState, Position
from gateway.orders.backoff import Backoff
from gateway.tickets.events import TICK_SECONDS, Events
from gateway.tickets.order_feed import OrderFeed
from gateway.tickets.store import Picture
from infra.clock import Clock
from infra.supervise import in_background

IDLE_SECONDS = 60.0
"""How long the watches go on after the last client has left."""

AWAY_SECONDS = 1.0
"""How long a department may be away before it counts as unreachable: so long may a restart take."""

FIRST_RETRY = 0.1
RETRY_CAP = 2.0

KNOWN_SECONDS = 2.0
"""How long a client that is the first waits for the departments."""

log = structlog.get_logger("watch")


class Watch(Protocol):
    """What is needed of a department's watch; DepartmentWatch has it, and so has a fake in tests."""

    name: str

    def pages(self, position: Position | None) -> AsyncGenerator[ChangePage, None]:
        """Yield the changes after a position; raises DepartmentCallError."""

    def close(self) -> None:
        """Close the connection."""


class Follower:
    """Keeps one department's picture up to date, while it runs."""

    def __init__(
        self, watch: Watch, picture: Picture, events: Events, clock: Clock, random: Callable[[], float]
    ) -> None:
        """`random` returns a number from 0 to 1."""
        self.watch = watch
        self.settled = asyncio.Event()  # whether the department can be followed is known
        self._picture = picture
        self._events = events
        self._clock = clock
        self._backoff = Backoff(FIRST_RETRY, RETRY_CAP, random)
        self._is_open: bool | None = None
        self._received_ms = self._received_at = 0.0
        self._failing_since: float | None = None

    @property
    def is_open(self) -> bool:
        """Return whether the department's changes arrive."""
        return self._is_open is True

    async def run(self) -> None:
        """Follow the department until cancelled."""
        self.settled.clear()
        self._is_open = None
        self._note_received()
        while True:
            try:
                await self._follow()
            except DepartmentCallError as error:
                self._picture.forget_incomplete()
                self._note_failure(str(error))
            await asyncio.sleep(self._backoff.next())

    async def _follow(self) -> None:
        async with aclosing(self.watch.pages(self._picture.position)) as pages:
            async for page in pages:
                self._backoff.reset()
                self._events.enter(self._picture, self._picture.apply(page))
                self._note_received()
                if not page.more:
                    self._note_state(is_open=True)

    def steps_taken(self, page: ChangePage) -> None:
        """Take in tickets that the staff have moved, unless nobody follows."""
        if self.settled.is_set() and self._is_open:
            self._events.enter(self._picture, self._picture.apply_steps(page))

    @property
    def age(self) -> float:
        """How many seconds ago the last page came, or the following began."""
        return max(0.0, self._clock.monotonic() - self._received_at)

    def _note_received(self) -> None:
        self._received_ms, self._failing_since = self._clock.wall() * 1000, None
        self._received_at = self._clock.monotonic()

    def _note_failure(self, reason: str) -> None:
        now = self._clock.monotonic()
        if self._failing_since is None:
            self._failing_since = now
        if now - self._failing_since >= AWAY_SECONDS:
            self._note_state(is_open=False, reason=reason)

    def _note_state(self, *, is_open: bool, reason: str = "") -> None:
        if is_open is not self._is_open:
            self._is_open = is_open
            self._events.enter_department(DepartmentState(self.watch.name, is_open, round(self._received_ms)))
            if is_open:
                log.info("a department is followed", department=self.watch.name)
            else:
                log.warning("a department cannot be followed", department=self.watch.name, reason=reason)
        self.settled.set()


class LiveDepartments:
    """The watches of all departments, and what they have told."""

    def __init__(
        self,
        watches: Mapping[str, Watch],
        pictures: Mapping[str, Picture],
        events: Events,
        feed: OrderFeed,
        *,
        clock: Clock,
        random: Callable[[], float],
    ) -> None:
        """`random` returns a number from 0 to 1. `run` has to run for anything to happen."""
        self.events = events
        self._pictures = pictures
        self._feed = feed
        self._monotonic = clock.monotonic
        self._followers = {
            name: Follower(watch, pictures[name], events, clock, random) for name, watch in watches.items()
        }
        self._wanted = asyncio.Event()
        self._wanted_until = 0.0
        events.on_interest = self.want
        events.on_changed_orders = feed.add

    async def run(self) -> None:
        """Watch while anybody is interested, until cancelled."""
        while True:
            if self._monotonic() >= self._wanted_until:
                self._wanted.clear()
            await self._wanted.wait()
            works = {f"watch {name}": each.run for name, each in self._followers.items()}
            works |= {"orders' events": self._feed.run, "readers of events": self.events.waking.run}
            async with in_background(works):
                await self._tick_while_wanted()
            for follower in self._followers.values():
                follower.settled.clear()

    def want(self) -> None:
        """Let the watches run, and go on for a while."""
        self._wanted_until = self._monotonic() + IDLE_SECONDS
        self._wanted.set()

    async def known(self) -> None:
        """Wait, at most KNOWN_SECONDS, until each department's picture is up to date or it is known to be away."""
        self.want()
        with suppress(TimeoutError):
            async with asyncio.timeout(KNOWN_SECONDS):
                for follower in self._followers.values():
                    await follower.settled.wait()

    async def pictures(self) -> Iterable[Picture]:
        """Return what is known of each department, up to date where it can be reached."""
        await self.known()
        return self._pictures.values()

    def orders_changed(self, order_ids: Iterable[str]) -> None:
        """Let events follow of orders that the staff changed, where anybody wants them."""
        self._feed.add_urgent([order_id for order_id in order_ids if self.events.wants_order(order_id)])

    def steps_taken(self, page: ChangePage) -> None:
        """Take in a page of tickets that the staff have moved."""
        self._followers[page.department].steps_taken(page)

    @property
    def unreachable(self) -> list[str]:
        """The departments whose changes do not arrive: what is known of them is out of date."""
        return [name for name, follower in self._followers.items() if not follower.is_open]

    def ages(self) -> dict[str, float]:
        """Return how many seconds ago the last page of each department came; nothing while nobody is interested."""
        return {name: each.age for name, each in self._followers.items() if self._wanted.is_set()}

    @property
    def names(self) -> Collection[str]:
        """The departments."""
        return self._pictures.keys()

    def close(self) -> None:
        """Close the connections."""
        for follower in self._followers.values():
            follower.watch.close()

    async def _tick_while_wanted(self) -> None:
        while self._monotonic() < self._wanted_until:
            await asyncio.sleep(TICK_SECONDS)
            if self.events.followers:
                self.want()
                self.events.tick_all()


def live_departments(
    watches: Mapping[str, Watch],
    find_all: Callable[[Sequence[str]], Awaitable[list[Order]]],
    encode: Callable[[Any], bytes],
    *,
    most: int,
    clock: Clock,
    random: Callable[[], float],
) -> LiveDepartments:
    """Put the parts together: what the watches tell, and the events of it, which `most` clients may follow at once.

    `find_all` reads orders; `encode` returns a state as the JSON of its REST resource.
    """
    pictures = {name: Picture(name) for name in watches}
    events = Events(pictures, encode, clock, most)
    feed = OrderFeed(find_all, events.enter_order, events.wants_order, clock.monotonic)
    return LiveDepartments(watches, pictures, events, feed, clock=clock, random=random)
