"""Recording in an order's row that a department's staff cancelled its ticket, whichever gateway owns the order."""

from gateway.domain.errors import TakenOver
from gateway.orders.cancelling import Cancelling
from gateway.orders.delivery import Delivery
from gateway.orders.in_flight import InFlightOrder, InFlightOrders
from gateway.orders.journal import Journal
from gateway.orders.ticket_states import Unsettled, Withdrawal


class Withdrawing:
    """Owns an order, changes it, and writes it down, as a cancel by a client does."""

    def __init__(self, journal: Journal, in_flight: InFlightOrders, delivery: Delivery, cancelling: Cancelling) -> None:
        """Work beside the order path."""
        self._journal = journal
        self._in_flight = in_flight
        self._recorder = delivery.recorder
        self._cancelling = cancelling

    async def record(self, withdrawal: Withdrawal) -> bool:
        """Record a withdrawal in the order's row, however often it is asked; return False where that has to wait.

        It waits while the row owes the department something: the department's response will say that the ticket is
        cancelled. Where a restored department lacks a cancel that the row shows, the department is asked for it.
        Raises OrderUnreadable, TakenOver, DatabaseError, and then nothing is settled.
        """
        order_id, department = withdrawal
        found = await self._journal.unsettled(withdrawal)
        if found is None:
            return True
        order = await self._journal.find(order_id)
        if order is not None and department in order.shares:
            if department in order.owed:
                return False
            is_open = any(line.is_open for line in order.shares[department])
            if is_open is found.withdrawn and not await self._change(withdrawal, found):
                return False
        return await self._journal.settle_withdrawal(withdrawal, withdrawn=found.withdrawn)

    async def _change(self, withdrawal: Withdrawal, found: Unsettled) -> bool:
        """Change an order that says otherwise, durably; return False where it is known to say so, but not written."""
        order_id, department = withdrawal
        in_flight = await self._cancelling.own(order_id)
        try:
            order = in_flight.order
            if not (order.withdraw(department, found.reason) if found.withdrawn else order.cancel_again(department)):
                return False
            in_flight.decided()
            await self._write(in_flight)
        finally:
            self._in_flight.forget_if_finished(in_flight)
        return True

    async def _write(self, in_flight: InFlightOrder) -> None:
        try:
            await self._recorder.write_decision(in_flight)
        except TakenOver:
            self._in_flight.release(in_flight)
            raise
        except Exception:
            self._recorder.write_decision_soon(in_flight)  # the ticket is cancelled: the decision stands
            raise
