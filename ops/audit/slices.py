"""A part of all orders and tickets: those with order ids within a range."""

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from departments.domain.errors import TicketUnreadable
from departments.domain.tickets import Ticket
from departments.rows import TicketOrUnreadable, read_ticket
from departments.slices import TicketRow
from gateway.domain.errors import OrderUnreadable
from gateway.domain.order import Order
from gateway.orders.slices import OrderRow
from gateway.orders.tables import read_row
from gateway.orders.ticket_states import KnownState
from ops.audit.following import Followed
from ops.audit.plain import is_plainly_right

Shares = dict[str, Ticket | None]
"""An order's tickets by department; None where the department has no ticket of it."""

Known = Mapping[str, Mapping[str, KnownState]]
"""What the gateway knows of the tickets that the staff have moved, by department and order id."""


class Rows(NamedTuple):
    """What the databases have within a range: tickets, read before the orders, and what the gateway knows of them.

    `followed` was read before all of it. `tickets` are by department and order id, `orders` by order id. `again`: the
    orders that are on record as archived.
    """

    followed: Followed
    tickets: Mapping[str, Mapping[str, TicketRow]]
    orders: Mapping[str, OrderRow]
    known: Known
    again: Sequence[str]


class Slice(NamedTuple):
    """The same, read and understood, without the orders that are plainly right, and without their tickets.

    Those are only counted, in `plain_orders` and `plain_tickets`. `unreadable`: how many orders cannot be read; they
    are not in `orders`.
    """

    followed: Followed
    tickets: Mapping[str, Mapping[str, TicketOrUnreadable]]
    orders: Mapping[str, Order]
    known: Known
    again: Sequence[str]
    unreadable: int
    plain_orders: int
    plain_tickets: int

    def share(self, order: Order) -> Shares:
        """Return an order's tickets; a department that has no database here, or an unreadable ticket, is left out."""
        share: Shares = {}
        for name in order.shares:
            if name in self.tickets:
                ticket = self.tickets[name].get(order.order_id)
                if not isinstance(ticket, TicketUnreadable):
                    share[name] = ticket
        return share

    def known_state(self, department: str, order_id: str) -> KnownState | None:
        """Return what the gateway knows of a ticket; None where it knows of no step of the staff."""
        return self.known.get(department, {}).get(order_id)


def read_slice(rows: Rows, on_unreadable: Callable[[OrderUnreadable], None]) -> Slice:
    """Read the rows of all orders but those that are plainly right; `on_unreadable` is called for each unreadable."""
    plain = {
        order_id for order_id, row in rows.orders.items() if is_plainly_right(order_id, row, rows.tickets, rows.known)
    }
    tickets = {
        name: {order_id: read_ticket(row) for order_id, row in found.items() if order_id not in plain}
        for name, found in rows.tickets.items()
    }
    orders, unreadable = {}, 0
    for order in (read_row(row) for order_id, row in rows.orders.items() if order_id not in plain):
        if isinstance(order, OrderUnreadable):
            unreadable += 1
            on_unreadable(order)
        else:
            orders[order.order_id] = order
    plain_tickets = sum(map(len, rows.tickets.values())) - sum(map(len, tickets.values()))
    return Slice(rows.followed, tickets, orders, rows.known, rows.again, unreadable, len(plain), plain_tickets)
