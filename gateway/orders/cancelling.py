"""Cancelling an order for its client: at whichever gateway the request arrives, and until it is being made."""

import asyncio
from collections.abc import Callable

from gateway.domain.errors import NotCancellable, TakenOver
from gateway.domain.lines import Outcome
from gateway.domain.order import Order, Status
from gateway.domain.transitions import Goal
from gateway.orders.delivery import Delivery
from gateway.orders.expiry import Expiry
from gateway.orders.in_flight import InFlightOrder, InFlightOrders, Phase
from infra.errors import DatabaseError

TRIES_TO_CANCEL = 5


class Cancelling:
    """Takes over the order to cancel, decides, and waits for its departments."""

    def __init__(
        self,
        in_flight: InFlightOrders,
        delivery: Delivery,
        expiry: Expiry,
        *,
        note_unknown_write: Callable[[], None],
    ) -> None:
        """`note_unknown_write` is called where a write failed that may have been carried out."""
        self._in_flight = in_flight
        self._delivery = delivery
        self._recorder = delivery.recorder
        self._expiry = expiry
        self._note_unknown_write = note_unknown_write

    async def cancel(self, order_id: str) -> Order:
        """Cancel what is not being made yet; raises OrderNotFound, NotCancellable, TakenOver, DatabaseError."""
        for left in reversed(range(TRIES_TO_CANCEL)):
            try:
                return await self._cancel(await self.own(order_id))
            except TakenOver:
                if not left:
                    raise
        raise AssertionError("the last try returns or raises")

    async def own(self, order_id: str) -> InFlightOrder:
        """Own an order, and return it once all its departments have responded.

        Raises OrderNotFound, TakenOver, DatabaseError.
        """
        while True:
            in_flight = self._in_flight.get(order_id)
            if in_flight is None:
                order = await self._recorder.read(order_id)
                if order_id in self._in_flight:
                    continue
                in_flight = self._in_flight.add(order, self._expiry.of_new())
                try:
                    await self._delivery.take_over(in_flight)
                except BaseException as error:
                    self._in_flight.abandon(in_flight, error)
                    self._note_unknown_write()
                    raise
            await in_flight.wait()
            if in_flight.phase is Phase.RESPONDED and self._in_flight.is_current(in_flight):
                return in_flight

    async def _cancel(self, in_flight: InFlightOrder) -> Order:
        order = in_flight.order
        try:
            if order.status is not Status.CANCELLED:
                await self.decide(in_flight)
            order = await self._recorder.write_and_read(in_flight)
        finally:
            self._in_flight.forget_if_finished(in_flight)
        is_under_way = not {Goal.CANCEL, Goal.SUSPEND}.isdisjoint(order.owed.values())
        if not is_under_way and all(line.outcome is not Outcome.CANCELLED for line in order.lines):
            reasons = {line.reason for line in order.lines if line.outcome is Outcome.ACCEPTED and line.reason}
            raise NotCancellable(order.order_id, "; ".join(sorted(reasons)))
        return order

    async def decide(self, in_flight: InFlightOrder) -> None:
        """Decide to cancel, as the client asks, and wait for the departments' responses.

        Raises NotCancellable, TakenOver, DatabaseError, and then nothing has changed.
        """
        order, owed = in_flight.order, dict(in_flight.order.owed)
        order.cancel()
        in_flight.decided()
        try:
            await self._recorder.write_decision(in_flight)
        except TakenOver:
            self._in_flight.release(in_flight)
            raise
        except DatabaseError:
            if self._in_flight.is_current(in_flight):
                in_flight.decision_withdrawn(owed)
                self._delivery.ask_all(in_flight)  # whose record overwrites the cancel, should it be written after all
            raise
        except (Exception, asyncio.CancelledError):
            self._recorder.write_decision_soon(in_flight)  # it may be written, and others may wait: it is carried out
            raise
        await in_flight.wait()
