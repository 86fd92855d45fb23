"""The orders in memory that this gateway still works on, and the phases of each.

An order is in one phase; an event takes it to the next, by one table (TRANSITIONS). An event for which the table has no
entry is a fault of this program and raises IllegalEvent.

    RECORDING ──recorded──▶ ASKING ──responded──▶ RESPONDED ──forgotten──▶ FORGOTTEN
                              │ ▲                     │
                       decided│ │decision_written     │decided
                              ▼ │                     │
                            DECIDING ◀────────────────┘

RELEASED, not drawn, is reached from every phase: another gateway has the order, or it was never written.
"""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from gateway.domain.errors import BrokenOff, TakenOver
from gateway.domain.lines import LineState
from gateway.domain.order import Order
from gateway.domain.transitions import Goal


class Phase(StrEnum):
    """Where the work on an order is. Only from ASKING on is it in the journal as this gateway's."""

    RECORDING = "recording"
    """It is being inserted or taken over. Until its row is committed, an order must not be returned to any client."""
    ASKING = "asking"
    """A client waits for the departments' responses."""
    DECIDING = "deciding"
    """A decision is being written. Until it is durable, it must not be returned to a client or sent to a department."""
    RESPONDED = "responded"
    """Every department has responded or could not be reached. What is still owed is asked for again."""
    FORGOTTEN = "forgotten"
    """Nothing is owed, and the journal has it all."""
    RELEASED = "released"
    """The order is not this gateway's: another one took it, or it was not written."""


class Event(StrEnum):
    """What happens to an order in memory."""

    RECORDED = "recorded"
    RESPONDED = "responded"
    DECIDED = "decided"
    DECISION_WRITTEN = "decision_written"
    DECISION_DELAYED = "decision_delayed"
    DECISION_WITHDRAWN = "decision_withdrawn"
    FORGOTTEN = "forgotten"
    RELEASED = "released"


TRANSITIONS: dict[Event, dict[Phase, Phase]] = {
    Event.RECORDED: {Phase.RECORDING: Phase.ASKING},
    Event.RESPONDED: {Phase.ASKING: Phase.RESPONDED, Phase.RESPONDED: Phase.RESPONDED},
    Event.DECIDED: {Phase.ASKING: Phase.DECIDING, Phase.RESPONDED: Phase.DECIDING},
    Event.DECISION_WRITTEN: {Phase.DECIDING: Phase.ASKING},
    Event.DECISION_DELAYED: {Phase.DECIDING: Phase.DECIDING},
    Event.DECISION_WITHDRAWN: {Phase.DECIDING: Phase.RESPONDED},
    Event.FORGOTTEN: {Phase.RESPONDED: Phase.FORGOTTEN},
    Event.RELEASED: dict.fromkeys(Phase, Phase.RELEASED),
}

_AFTER_RECORDED = TRANSITIONS[Event.RECORDED]
_AFTER_RESPONDED = TRANSITIONS[Event.RESPONDED]
_AFTER_FORGOTTEN = TRANSITIONS[Event.FORGOTTEN]

WRITTEN = frozenset({Phase.ASKING, Phase.DECIDING, Phase.RESPONDED, Phase.FORGOTTEN})
"""The phases in which the journal has the order as this gateway's."""


class IllegalEvent(Exception):
    """An event came in a phase that has no transition for it: a fault of this program."""

    def __init__(self, order_id: str, phase: Phase, event: Event) -> None:
        super().__init__(f"order {order_id} is {phase}; {event} is not possible then")


@dataclass(slots=True)
class InFlightOrder:
    """An order in memory: until it owes nothing and its record is written.

    `response` is done when every department in `awaited` has responded, or could not be reached. `is_new`: its client
    sent it here and waits for it. From `expires_at` on, by the gateway's monotonic clock, it is too old to be placed.
    `unwritten` counts the records that are still to be made of it. `reported`: for which reason a decision was last
    logged as still owed, by department. `written_state`: epoch and results as they were last written, where that is
    kept. `is_response_written`: the first response to its client is in the journal; from then on the order is returned
    as it is written there.
    """

    order: Order
    response: asyncio.Future[None]
    expires_at: float
    is_new: bool = False
    phase: Phase = Phase.RECORDING
    awaited: dict[str, Goal] | None = None
    unwritten: int = 0
    reported: dict[str, tuple[Goal, str]] | None = None
    written_state: tuple[int, list[LineState]] | None = None
    is_response_written: bool = False

    @property
    def is_written(self) -> bool:
        """Whether the journal has the order as this gateway's."""
        return self.phase in WRITTEN

    @property
    def is_ahead_of_journal(self) -> bool:
        """Whether the first response may have said more than is written, as its record is not made yet."""
        return bool(self.unwritten) and self.is_written and not (self.order.epoch or self.is_response_written)

    def state(self) -> tuple[int, list[LineState]]:
        """Return the order's epoch and results, to compare them with what is written."""
        return self.order.epoch, self.order.results()

    def recorded(self) -> None:
        """Record that the journal has the order, as this gateway's."""
        self.phase = _AFTER_RECORDED.get(self.phase) or self._refuse(Event.RECORDED)

    def taken(self, order: Order) -> None:
        """Record that the order was taken over in this form: it was written before, perhaps by another gateway."""
        self.recorded()
        self.order, self.is_new = order, False

    def responded(self) -> None:
        """Record that every department responded or could not be reached: whoever waits gets the order as it is now."""
        self.phase = _AFTER_RESPONDED.get(self.phase) or self._refuse(Event.RESPONDED)
        self._wake()

    def decided(self) -> None:
        """Record that the lines hold a decision that is not written: whoever wants the order from now on waits."""
        self._move(Event.DECIDED)
        self.order.decision_unwritten = True
        if self.response.done():
            self.response = asyncio.get_running_loop().create_future()

    def decision_written(self, state: tuple[int, list[LineState]]) -> None:
        """Record that the decision is durable, with what was written: it may be sent to departments."""
        self.written_state = state
        if self.phase is Phase.DECIDING:  # else the order was taken over while the decision was written
            self._move(Event.DECISION_WRITTEN)
            self.order.decision_unwritten = False

    def decision_delayed(self) -> None:
        """Record that the decision could not be written yet: whoever waits gets the order as it is written."""
        self._move(Event.DECISION_DELAYED)
        self._wake()
        self.response = asyncio.get_running_loop().create_future()

    def decision_withdrawn(self, owed: dict[str, Goal]) -> None:
        """Record that the decision was not written and does not count: what was `owed` before is owed again."""
        self._move(Event.DECISION_WITHDRAWN)
        self.order.decision_unwritten = False
        self._wake()
        self.order.owed = owed

    def forgotten(self) -> None:
        """Record that nothing is owed, and that the journal has it all."""
        self.phase = _AFTER_FORGOTTEN.get(self.phase) or self._refuse(Event.FORGOTTEN)

    def released(self, error: BaseException | None = None) -> None:
        """Record that the order is not this gateway's, or not any more.

        Whoever waits gets the error; without one, the order as it is.
        """
        self._move(Event.RELEASED)
        self.order.decision_unwritten = False
        if error is None:
            self._wake()
        elif not self.response.done():
            self.response.set_exception(error)
            self.response.exception()  # no client has to be waiting

    async def wait(self) -> None:
        """Wait beside others until the departments responded; a waiter that is cancelled leaves the others waiting."""
        while True:
            response = self.response
            try:
                await asyncio.shield(response)
                return
            except asyncio.CancelledError:
                if not response.cancelled():
                    raise
                self.replace_cancelled(response)  # the client that waited for it directly is gone

    def replace_cancelled(self, response: "asyncio.Future[None]") -> None:
        """Put a future in the place of one that was cancelled with its client, done where the order responded since."""
        if self.response is response and response.cancelled():
            self.response = asyncio.get_running_loop().create_future()
            if self.phase in (Phase.RESPONDED, Phase.FORGOTTEN):
                self._wake()

    def _wake(self) -> None:
        if not self.response.done():
            self.order.response_recorded |= self.is_new
            self.response.set_result(None)

    def _move(self, event: Event) -> None:
        self.phase = TRANSITIONS[event].get(self.phase) or self._refuse(event)

    def _refuse(self, event: Event) -> Phase:
        raise IllegalEvent(self.order.order_id, self.phase, event)


class InFlightOrders:
    """Orders in memory by their ids."""

    def __init__(self) -> None:
        """Start with none."""
        self._orders: dict[str, InFlightOrder] = {}

    def __len__(self) -> int:
        """How many orders are in memory."""
        return len(self._orders)

    def __contains__(self, order_id: str) -> bool:
        """Whether an order is in memory."""
        return order_id in self._orders

    def orders(self) -> list[Order]:
        """Return all of them, as a copy, which may be made in another thread."""
        return [each.order for each in list(self._orders.values())]

    def get(self, order_id: str) -> InFlightOrder | None:
        """Find an order."""
        return self._orders.get(order_id)

    def add(self, order: Order, expires_at: float, *, is_new: bool = False) -> InFlightOrder:
        """Keep an order that is being recorded; what was known of it before is out of date, and released."""
        stale = self._orders.get(order.order_id)
        if stale is not None and stale.is_written:
            self.release(stale)
        response: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        in_flight = self._orders[order.order_id] = InFlightOrder(order, response, expires_at, is_new)
        return in_flight

    def put(self, in_flight: InFlightOrder) -> None:
        """Keep an order as it is known here now; what was known of it before is released."""
        stale = self._orders.get(in_flight.order.order_id)
        if stale is not None and stale is not in_flight:
            self.release(stale)
        self._orders[in_flight.order.order_id] = in_flight

    def ahead_of_journal(self) -> dict[str, Order]:
        """Return the orders whose first response may have said more than is written: it is at the departments."""
        return {order_id: each.order for order_id, each in self._orders.items() if each.is_ahead_of_journal}

    def ahead_of_journal_one(self, order_id: str) -> Mapping[str, Order]:
        """Return one such order by its id, or nothing where its record is made."""
        in_flight = self._orders.get(order_id)
        return {order_id: in_flight.order} if in_flight is not None and in_flight.is_ahead_of_journal else {}

    def of(self, order: Order) -> InFlightOrder | None:
        """Find this very order, unless it was released meanwhile."""
        in_flight = self._orders.get(order.order_id)
        return in_flight if in_flight is not None and in_flight.order is order else None

    def is_current(self, in_flight: InFlightOrder) -> bool:
        """Return whether this is still what is known of its order."""
        return self._orders.get(in_flight.order.order_id) is in_flight

    def forget_if_finished(self, in_flight: InFlightOrder) -> None:
        """Forget an order once it owes nothing and all of it is written."""
        if in_flight.phase is Phase.RESPONDED and not (in_flight.order.owed or in_flight.unwritten):
            in_flight.forgotten()
            self._remove(in_flight)

    def abandon(self, in_flight: InFlightOrder, error: BaseException | None) -> None:
        """Forget an order that was not recorded here; whoever waits gets the error, or the order as it was found.

        An error that ends the request alone, such as a cancelled task, reaches the others as BrokenOff.
        """
        self._remove(in_flight)
        is_of_request = error is not None and not isinstance(error, Exception)
        in_flight.released(BrokenOff(in_flight.order.order_id) if is_of_request else error)

    def release(self, in_flight: InFlightOrder) -> None:
        """Leave an order to the gateway that took it: from here on it owes nothing that could still be asked for."""
        self._remove(in_flight)
        in_flight.order.owed = {}
        in_flight.released(TakenOver(in_flight.order.order_id))

    def release_all(self) -> None:
        """Release every order that is in the journal as this gateway's."""
        for in_flight in [each for each in self._orders.values() if each.is_written]:
            self.release(in_flight)

    def _remove(self, in_flight: InFlightOrder) -> None:
        if self.is_current(in_flight):
            del self._orders[in_flight.order.order_id]
