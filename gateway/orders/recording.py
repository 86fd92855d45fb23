"""Writing down what became of an order: later, where its departments know it all, or durably before it takes effect.

What a department responded can be had from it again, for it keeps its response, so an order's record of that is written
without being waited for. A decision that the gateway alone makes (all or nothing, cancel, expire, reject) is durable
before it is sent to a department or returned to a client.
"""

import asyncio
from collections.abc import Callable
from functools import partial

import structlog

from gateway.domain.errors import TakenOver
from gateway.domain.lines import LineState
from gateway.domain.order import Order
from gateway.orders.in_flight import InFlightOrder, InFlightOrders
from gateway.orders.journal import Journal
from gateway.orders.tasks import BackgroundTasks
from gateway.orders.traces import log_ids
from infra.errors import DatabaseError

log = structlog.get_logger("orders")


class Recorder:
    """Writes orders in memory to the journal."""

    def __init__(
        self,
        journal: Journal,
        in_flight: InFlightOrders,
        tasks: BackgroundTasks,
        journal_retry: float,
        *,
        ask_all: Callable[[InFlightOrder], None],
    ) -> None:
        """`ask_all` sends a decision once it is written; a failed write is repeated after `journal_retry` seconds."""
        self._journal = journal
        self._in_flight = in_flight
        self._tasks = tasks
        self._journal_retry = journal_retry
        self._ask_all = ask_all

    async def read(self, order_id: str) -> Order:
        """Read an order as it is written; raises OrderNotFound, OrderArchived, OrderUnreadable, DatabaseError."""
        order = await self._journal.find(order_id)
        if order is None:
            raise await self._journal.missing(order_id)
        return order

    async def write_and_read(self, in_flight: InFlightOrder, *, is_own: bool = False) -> Order:
        """Write an order as it is known here, then read it as it is written; raises TakenOver, DatabaseError.

        Nothing is written where the same was written last. Then nothing is read either, unless another gateway may have
        decided something since; before the first response to the client that waits (`is_own`) that does not matter, for
        what was decided here was true while the client waited.
        """
        order = in_flight.order
        if self._in_flight.is_current(in_flight) and in_flight.is_written and not order.decision_unwritten:
            if in_flight.written_state == in_flight.state():
                return order if is_own or not self._journal.is_shared else await self.read(order.order_id)
            try:
                await self._journal.update(order)
            except TakenOver:
                self._in_flight.release(in_flight)
                raise
        return await self.read(order.order_id)

    def respond(self, in_flight: InFlightOrder) -> None:
        """Let the client's response go, and write down how the order stands when it costs least."""
        in_flight.responded()
        in_flight.unwritten += 1
        self._write_later(in_flight)

    def _write_later(self, in_flight: InFlightOrder) -> None:
        if not self._in_flight.is_current(in_flight):
            return
        order = in_flight.order
        state = in_flight.state() if order.owed else None  # else it will be forgotten
        recorded = partial(self._recorded, in_flight, state, order.response_recorded)
        self._journal.update_later(order).add_done_callback(recorded)

    def _recorded(
        self,
        in_flight: InFlightOrder,
        state: tuple[int, list[LineState]] | None,
        response_recorded: bool,
        result: "asyncio.Future[Order | None]",
    ) -> None:
        """Note that a record was made, or make it again."""
        if result.cancelled():
            return
        error = result.exception()
        if not self._in_flight.is_current(in_flight):
            return
        if error is None:
            in_flight.unwritten -= 1
            in_flight.written_state, in_flight.is_response_written = state, response_recorded
            self._in_flight.forget_if_finished(in_flight)
        elif isinstance(error, TakenOver):
            self._in_flight.release(in_flight)
        else:
            log.debug("an order's outcome is not written yet", **log_ids(in_flight.order), reason=str(error))
            asyncio.get_running_loop().call_later(self._journal_retry, self._write_later, in_flight)

    async def write_decision(self, in_flight: InFlightOrder) -> None:
        """Write a decision down, then ask the departments; raises TakenOver, DatabaseError."""
        state = in_flight.state()
        await self._journal.update(in_flight.order)
        in_flight.decision_written(state)
        if self._in_flight.is_current(in_flight):
            self._ask_all(in_flight)

    def decide(self, in_flight: InFlightOrder) -> None:
        """Write a decision that the gateway made by itself; whoever asks for the order meanwhile waits for it."""
        in_flight.decided()
        self.write_decision_soon(in_flight)

    def write_decision_soon(self, in_flight: InFlightOrder) -> None:
        """Write a decision in a task of its own."""
        self._tasks.spawn(f"decision about {in_flight.order.order_id}", partial(self._write_until_durable, in_flight))

    async def _write_until_durable(self, in_flight: InFlightOrder) -> None:
        """Write a decision, however long the journal fails; meanwhile whoever waits gets the order as it is written."""
        while self._in_flight.is_current(in_flight):
            try:
                await self.write_decision(in_flight)
                return
            except TakenOver:
                self._in_flight.release(in_flight)
            except DatabaseError as error:
                log.debug("a decision is not written yet", **log_ids(in_flight.order), reason=str(error))
                await self._delay(in_flight)
            except Exception as error:  # a fault of this program: it is logged, and the decision written again
                log.error("a decision is not written yet", **log_ids(in_flight.order), exc_info=error)
                await self._delay(in_flight)

    async def _delay(self, in_flight: InFlightOrder) -> None:
        """Wait before a decision is written again."""
        if not self._in_flight.is_current(in_flight):
            return
        if not in_flight.order.decision_unwritten:  # it was written, and asking for it failed: it is decided anew
            in_flight.decided()
        in_flight.decision_delayed()
        await asyncio.sleep(self._journal_retry)
