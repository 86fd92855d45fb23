"""Orders as they are listed and looked up: read from the journal, and shown as they are known here where that is newer.

The record of what a guest was told follows within moments, and no listing hurries it. Until then the journal's row is
older than what is known here, and memory stands in for it, but only as long as both are of the same owner, nothing was
decided, and the first answer is not on record: what was decided, or became known later, is shown as it is written.
"""

from collections.abc import Mapping

from gateway.domain.errors import OrderNotFound
from gateway.domain.order import Order, Status
from gateway.orders.in_flight import InFlightOrders
from gateway.orders.journal import Journal, Page


class Listing:
    """Reads orders for whoever looks at them."""

    def __init__(self, journal: Journal, running: InFlightOrders) -> None:
        """Read from a journal, beside the orders that this gateway looks after."""
        self._journal = journal
        self._running = running

    async def find(self, order_id: str) -> Order:
        """Read one order; raises OrderNotFound, OrderUnreadable, DatabaseError."""
        told = self._running.told_of(order_id)
        found = await self._journal.find(order_id)
        if found is None:
            raise OrderNotFound(order_id)
        return self._as_known(found, told)

    async def page(self, limit: int, before: int | None, status: Status | None, table: str | None) -> Page:
        """List orders, newest first; raises DatabaseError."""
        orders: list[Order] = []
        while True:
            # What was told before the page is read may be written, and forgotten here, before it is shown.
            told = self._running.told()
            also = [order_id for order_id, order in told.items() if order.status is status] if status else []
            page = await self._journal.page(limit - len(orders), before, status, table, also=also)
            known = (self._as_known(order, told) for order in page.orders)
            orders += [order for order in known if status in (None, order.status)]
            if page.cursor is None or len(orders) == limit:
                return Page(orders, page.cursor)
            before = page.cursor

    def _as_known(self, found: Order, told: Mapping[str, Order]) -> Order:
        """Return what is known here of an order that was read, where that is newer and no crash would take it back."""
        running = self._running.get(found.order_id)
        known = running.order if running is not None and running.on_record else told.get(found.order_id)
        if found.response_recorded or known is None or known.epoch or (known.owner, 0) != (found.owner, found.epoch):
            return found
        return known
