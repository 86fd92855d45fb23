"""Orders as they are listed and looked up: read from the journal, and shown as they are known here where that is newer.

The record of an order's first response follows within moments, and no listing hurries it. Until then the journal's row
is older than what is known here, and memory stands in for it, but only as long as both are of the same owner, nothing
was decided, and the first response is not on record: what was decided, or became known later, is shown as it is
written.
"""

from collections.abc import Mapping, Sequence

from gateway.domain.order import Order, Status
from gateway.orders.in_flight import InFlightOrders
from gateway.orders.journal import Journal, JournalPage
from gateway.orders.wanted import ANY, Wanted


class Listing:
    """Reads single orders and pages of them."""

    def __init__(self, journal: Journal, in_flight: InFlightOrders) -> None:
        """Read from a journal, beside the orders that this gateway has in memory."""
        self._journal = journal
        self._in_flight = in_flight

    async def find(self, order_id: str) -> Order:
        """Read one order; raises OrderNotFound, OrderArchived, OrderUnreadable, DatabaseError."""
        ahead = self._in_flight.ahead_of_journal_one(order_id)
        found = await self._journal.find(order_id)
        if found is None:
            raise await self._journal.missing(order_id)
        return self._as_known(found, ahead)

    async def find_all(self, order_ids: Sequence[str]) -> list[Order]:
        """Read these orders; unknown and unreadable ones are left out. Raises DatabaseError."""
        ahead: dict[str, Order] = {}
        for order_id in order_ids:
            ahead.update(self._in_flight.ahead_of_journal_one(order_id))
        found = await self._journal.find_all(order_ids)
        return [self._as_known(order, ahead) for order in found.values() if isinstance(order, Order)]

    async def page(
        self, limit: int, before: int | None, status: Status | None, table: str | None, wanted: Wanted = ANY
    ) -> JournalPage:
        """List orders, newest first; raises DatabaseError."""
        orders: list[Order] = []
        while True:
            # Taken before the page is read: what is ahead of the journal may be written, and forgotten here, meanwhile.
            ahead = self._in_flight.ahead_of_journal()
            also = [order_id for order_id, order in ahead.items() if order.status is status] if status else []
            page = await self._journal.page(limit - len(orders), before, status, table, also=also, wanted=wanted)
            known = (self._as_known(order, ahead) for order in page.orders)
            orders += [order for order in known if status in (None, order.status)]
            if page.cursor is None or len(orders) == limit:
                return JournalPage(orders, page.cursor)
            before = page.cursor

    def _as_known(self, found: Order, ahead: Mapping[str, Order]) -> Order:
        """Return what is known here of an order that was read, where that is newer and no crash would undo it."""
        in_flight = self._in_flight.get(found.order_id)
        known = in_flight.order if in_flight is not None and in_flight.is_written else ahead.get(found.order_id)
        if found.response_recorded or known is None or known.epoch or (known.owner, 0) != (found.owner, found.epoch):
            return found
        known.tickets = found.tickets
        return known
