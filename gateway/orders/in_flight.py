"""The orders that a gateway looks after at this moment, in memory."""

import asyncio
from dataclasses import dataclass, field

from gateway.domain.errors import TakenOver
from gateway.domain.lines import LineState
from gateway.domain.order import Order
from gateway.domain.transitions import Goal


@dataclass(slots=True)
class InFlightOrder:
    """An order in memory: until it owes nothing and its record is written.

    `heard` is done when every department in `waiting` has been heard, or could not be. `on_record`: the journal has it,
    as this gateway's; before, it is nobody's to see. `is_new`: it came here from its guest, who waits for it.
    From `expires_at` on, on the gateway's monotonic clock, it is too old to be placed.
    `unwritten` counts the records that are still to be made of it. `reported`: for which reason a decision was last
    logged as still owed, by department. `durable`: epoch and results as they were written last, where that is kept.
    `is_answer_written`: that its guest was answered is on record; what becomes known later is told once it is written.
    """

    order: Order
    heard: asyncio.Future[None]
    on_record: bool = True
    is_new: bool = False
    expires_at: float = 0.0
    waiting: dict[str, Goal] = field(default_factory=dict)
    unwritten: int = 0
    reported: dict[str, tuple[Goal, str]] | None = None
    durable: tuple[int, list[LineState]] | None = None
    is_answer_written: bool = False

    @property
    def is_told(self) -> bool:
        """Tell whether its guest may have been told more of it than is written, for it was the first answer."""
        return bool(self.unwritten) and self.on_record and not (self.order.epoch or self.is_answer_written)

    def state(self) -> tuple[int, list[LineState]]:
        """Tell how the order stands, to compare it with what is durable."""
        return self.order.epoch, self.order.results()

    async def wait(self) -> None:
        """Wait beside others until the order is heard; whoever stops waiting leaves them waiting."""
        while True:
            heard = self.heard
            try:
                await asyncio.shield(heard)
                return
            except asyncio.CancelledError:
                if not heard.cancelled():
                    raise
                self.leave(heard)  # its guest, who waited for it directly, is gone

    def leave(self, heard: "asyncio.Future[None]") -> None:
        """Put a future in the place of one that was cancelled with its guest."""
        if self.heard is heard and heard.cancelled():
            self.heard = asyncio.get_running_loop().create_future()

    def finish(self, error: Exception | None = None) -> None:
        """Answer whoever waits for this order."""
        if self.heard.done():
            return
        if error is not None:
            self.heard.set_exception(error)
            self.heard.exception()  # nobody has to be waiting
            return
        self.order.response_recorded |= self.is_new
        self.heard.set_result(None)


class InFlightOrders:
    """Running orders by their ids."""

    def __init__(self) -> None:
        """Start with none."""
        self._running: dict[str, InFlightOrder] = {}

    def __len__(self) -> int:
        """How many orders are looked after here."""
        return len(self._running)

    def __contains__(self, order_id: str) -> bool:
        """Tell whether an order is looked after here."""
        return order_id in self._running

    def get(self, order_id: str) -> InFlightOrder | None:
        """Find an order."""
        return self._running.get(order_id)

    def add(self, order: Order, expires_at: float, *, is_new: bool = False, on_record: bool = True) -> InFlightOrder:
        """Look after an order; what was known of it before is out of date, and given up."""
        stale = self._running.get(order.order_id)
        if stale is not None and stale.on_record:
            self.hand_over(stale)
        heard: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        running = self._running[order.order_id] = InFlightOrder(order, heard, on_record, is_new, expires_at)
        return running

    def put(self, running: InFlightOrder) -> None:
        """Look after an order as it is known here now; what was known of it before is given up."""
        stale = self._running.get(running.order.order_id)
        if stale is not None and stale is not running:
            self.hand_over(stale)
        self._running[running.order.order_id] = running

    def told(self) -> dict[str, Order]:
        """List the orders of which a guest may have been told more than is written: it is at the departments."""
        return {order_id: running.order for order_id, running in self._running.items() if running.is_told}

    def told_of(self, order_id: str) -> dict[str, Order]:
        """List one order, where that is so of it."""
        running = self._running.get(order_id)
        return {order_id: running.order} if running is not None and running.is_told else {}

    def of(self, order: Order) -> InFlightOrder | None:
        """Find this very order, unless it was handed over meanwhile."""
        running = self._running.get(order.order_id)
        return running if running is not None and running.order is order else None

    def is_current(self, running: InFlightOrder) -> bool:
        """Tell whether this is still what is known of its order."""
        return self._running.get(running.order.order_id) is running

    def forget(self, running: InFlightOrder) -> None:
        """Forget an order that was finished or never begun."""
        if self.is_current(running):
            del self._running[running.order.order_id]

    def hand_over(self, running: InFlightOrder) -> None:
        """Give an order up to whichever gateway took it: from here on it owes nothing that could still be asked for."""
        self.forget(running)
        running.order.owed = {}
        running.finish(TakenOver(running.order.order_id))

    def hand_over_all(self) -> None:
        """Give up every order that is on record."""
        for running in [running for running in self._running.values() if running.on_record]:
            self.hand_over(running)
