"""Recording in an order's row what a department's staff cancelled of its ticket, whichever gateway owns the order."""

from gateway.domain.errors import TakenOver
from gateway.domain.lines import Outcome
from gateway.domain.order import Order
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

        It waits while the row owes the department something: the department's response may say the same. Where a
        restored department lacks a cancel that the row shows, the department is asked for it, or, about a single line,
        what it has. Raises OrderUnreadable, TakenOver, DatabaseError, and then nothing is settled.
        """
        order_id, department = withdrawal
        order = await self._journal.find(order_id)
        found = await self._journal.unsettled(withdrawal)  # after the order: what that shows was written here before
        if found is None:
            return True
        if order is not None and department in order.shares:
            if department in order.owed:
                return False
            if _differs(order, department, found) and not await self._change(withdrawal):
                return False
        return await self._journal.settle_withdrawal(withdrawal, found)

    async def _change(self, withdrawal: Withdrawal) -> bool:
        """Change an order that says otherwise, durably; return False where it is known to say so, but not written."""
        order_id, department = withdrawal
        in_flight = await self._cancelling.own(order_id)
        try:
            found = await self._journal.unsettled(withdrawal)
            order = in_flight.order
            if found is None or not (_differs(order, department, found) and _follow(order, department, found)):
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


def _differs(order: Order, department: str, found: Unsettled) -> bool:
    """Return whether an order that owes a department nothing says otherwise than the department's ticket."""
    lines = order.shares[department]
    is_open = any(line.is_open for line in lines)
    if found.withdrawn or found.gone:
        return is_open and found.withdrawn
    if not is_open:
        return any(line.outcome is Outcome.CANCELLED for line in lines)
    shown = {place for place, line in enumerate(lines) if line.outcome is Outcome.CANCELLED}
    return any(lines[place].is_open for place in found.lines) or not shown <= found.lines.keys()


def _follow(order: Order, department: str, found: Unsettled) -> bool:
    """Change an order as the department's ticket has it; return whether that changed anything."""
    if found.withdrawn:
        return order.withdraw(department, found.reason)
    is_withdrawn = order.withdraw_lines(department, found.lines)
    return order.ask_again(department, found.lines) or order.cancel_again(department) or is_withdrawn
