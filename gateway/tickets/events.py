"""The events of the restaurant, and everybody who follows them."""

from collections import deque
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from gateway.domain.errors import TooManyStreams
from gateway.domain.order import Order
from gateway.domain.tickets import DepartmentState, Tick
from gateway.tickets.log import ORDERS, EventLog, Public, Wanted
from gateway.tickets.positions import Vector
from gateway.tickets.readers import GuestReader, OrderReader, Reader, Reading
from gateway.tickets.store import Changes, Picture
from gateway.tickets.waking import Waking
from infra.clock import Clock

TICK_SECONDS = 5.0

CHECKPOINTS = 720
"""At how many ticks the positions are remembered: an hour's."""

UNKNOWN_SECONDS = 60.0
"""How long ago a client is taken to have left whose positions are not among those that are remembered."""


class Events:
    """Turns changes into events, and wakes the readers that want them."""

    def __init__(
        self,
        pictures: Mapping[str, Picture],
        encode: Callable[[Any], bytes],
        clock: Clock,
        most: int,
    ) -> None:
        """`encode` returns a state as the JSON of its REST resource; `most` clients may follow at once."""
        self.log = EventLog(encode, clock.monotonic)
        self.ticks = 0
        self.is_ending = False
        self.on_interest: Callable[[], None] = _do_nothing
        self.on_changed_orders: Callable[[Iterable[str]], None] = _do_nothing
        self._pictures = pictures
        self._clock = clock
        self.most = most
        self._readers: set[Reader] = set()
        self.waking = Waking(self._readers, clock.monotonic)
        self._order_readers: dict[str, set[OrderReader]] = {}
        self._of_one_order = 0
        self._with_orders = 0
        self._checkpoints: deque[tuple[float, Vector]] = deque(maxlen=CHECKPOINTS)

    @property
    def followers(self) -> int:
        """How many clients follow."""
        return len(self._readers) + self._of_one_order

    def check_room(self) -> None:
        """Raise TooManyStreams where no more clients may follow."""
        if self.followers >= self.most:
            raise TooManyStreams(self.most)

    def follow_as_guest(self, orders: Iterable[Order]) -> Reading:
        """Follow what can be had, and some orders, which are as they were read just now, until `unfollow`."""
        return GuestReader(self.follow(Wanted(public=Public.MENU), {}), [self.follow_order(order) for order in orders])

    def follow(self, wanted: Wanted, known: Vector) -> Reader:
        """Follow the restaurant or some departments, after the positions that a client has, until `unfollow`."""
        reader = Reader(self, wanted, known)
        self._readers.add(reader)
        self._with_orders += wanted.includes(ORDERS)
        self.on_interest()
        return reader

    def follow_order(self, order: Order) -> OrderReader:
        """Follow one order, which is as it was read just now, until `unfollow`."""
        reader = OrderReader(self, order.order_id)
        self._order_readers.setdefault(order.order_id, set()).add(reader)
        self._of_one_order += 1
        self.on_interest()
        reader.offer(self.log.event("order", order))
        self.on_changed_orders([order.order_id])
        return reader

    def unfollow(self, reading: Reading) -> None:
        """Forget a client."""
        if isinstance(reading, GuestReader):
            for part in reading.parts:
                self.unfollow(part)
        elif isinstance(reading, Reader):
            self._readers.remove(reading)
            self._with_orders -= reading.wanted.includes(ORDERS)
        elif isinstance(reading, OrderReader):
            self._of_one_order -= 1
            self._order_readers[reading.order_id].remove(reading)
            if not self._order_readers[reading.order_id]:
                del self._order_readers[reading.order_id]

    def wants_order(self, order_id: str) -> bool:
        """Return whether anybody follows an order."""
        return self._with_orders > 0 or order_id in self._order_readers

    def want_orders(self, order_ids: list[str]) -> None:
        """Let these orders follow as events."""
        if order_ids:
            self.on_changed_orders(order_ids)

    def enter(self, picture: Picture, changes: Changes) -> None:
        """Enter what a department's page changed."""
        name, position = picture.department, picture.position
        revision = position.revision if position is not None else 0
        if changes.is_reset:
            self.log.reset(name)
        is_step = False
        for ticket in changes.tickets:
            is_moved = ticket.moved_at_ms > 0 and not changes.is_reset
            self.log.add("ticket", name, ticket.order_id, ticket, ticket.revision, is_urgent=is_moved)
            is_step |= is_moved
        for stock in changes.stock:
            self.log.add("stock", name, stock.item, stock, stock.revision)
        if changes.menu is not None:
            self.log.add("menu", name, "", changes.menu, revision)
        for order_id in changes.dropped:
            self.log.drop("ticket", name, order_id)
        self.log.move(name, position)
        if changes.is_reset or changes.tickets or changes.stock or changes.menu is not None:
            self.waking.note(name, is_urgent=is_step)
        if changes.tickets:
            self.on_changed_orders([ticket.order_id for ticket in changes.tickets if self.wants_order(ticket.order_id)])

    def enter_department(self, state: DepartmentState) -> None:
        """Enter that a department can be followed, or cannot."""
        self.log.add("department", state.name, "", state)
        self.waking.note(state.name, is_urgent=True)

    def enter_order(self, order: Order) -> None:
        """Enter an order as it is now, unless its last event shows the same."""
        frame = self.log.event("order", order)
        for reader in self._order_readers.get(order.order_id, ()):
            reader.offer(frame)
        if self._with_orders and self.log.add_order(order.order_id, frame):
            self.waking.note(ORDERS)

    def tick_all(self) -> None:
        """Let every reader that has received everything get a tick."""
        self.ticks += 1
        positions = self.log.vector()
        if not self._checkpoints or self._checkpoints[-1][1] != positions:
            self._checkpoints.append((self._clock.monotonic(), positions))
        for reader in self._everybody():
            reader.wake()

    def tick(self, wanted: Wanted) -> bytes:
        """Return a tick as an event, with the revisions of the departments that are wanted."""
        tick = Tick(round(self._clock.wall() * 1000), self.log.revisions(wanted))
        has_id = wanted.departments != frozenset() and wanted.public is None
        return self.log.event("tick", tick, self.log.id if has_id else "")

    def end(self) -> None:
        """End all readers: their clients connect again, to another gateway where there is one."""
        self.is_ending = True
        for reader in self._everybody():
            reader.end()

    def is_complete_since(self, department: str, revision: int) -> bool:
        """Return whether every change of a department after a revision is in the log."""
        return self._pictures[department].complete_since <= revision

    def away_since(self, known: Vector) -> float:
        """Return a moment of the monotonic clock at which these, or older ones, were the departments' positions."""
        for at, positions in reversed(self._checkpoints):
            if all(_is_reached(positions.get(name), position) for name, position in known.items()):
                return at - TICK_SECONDS
        return self._clock.monotonic() - UNKNOWN_SECONDS

    def _everybody(self) -> list[Reading]:
        of_orders = [reader for readers in self._order_readers.values() for reader in readers]
        return [*self._readers, *of_orders]


def _is_reached(position: tuple[str, int] | None, known: tuple[str, int]) -> bool:
    """Return whether a client that knows a position has received everything to another, older one."""
    return position is None or (position[0] == known[0] and position[1] <= known[1])


def _do_nothing(*_: object) -> None:
    """Ignore it, as the default of the callbacks."""
