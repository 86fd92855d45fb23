"""Reads all orders in the order of their ids, a slice at a time, for whoever compares them with departments' tickets.

Order ids are UUIDs in lower case, so every database sorts them alike, whatever its collation is.
"""

from collections.abc import Mapping

import sqlalchemy as sa

from gateway.domain.lines import TicketState
from gateway.orders.tables import COLUMNS, Row, orders, own, read_row, ticket_states
from gateway.orders.ticket_states import KnownState
from infra.db.slices import Slices

_STATE = ticket_states.c

_ORDERS = Slices(orders, orders.c.order_id, COLUMNS, own)
_STATES = Slices(
    ticket_states, _STATE.order_id, [_STATE.department, _STATE.order_id, _STATE.revision, _STATE.state], own
)


def end_of_slice(connection: sa.Connection, after: str, size: int) -> str | None:
    """Return the id of the last of the `size` orders that follow an order id; None where there are fewer."""
    return _ORDERS.end(connection, after, size)


def orders_between(connection: sa.Connection, after: str, until: str | None) -> list[Row]:
    """Return the orders with ids above `after` and up to `until`, where that is given."""
    return [read_row(row) for row in _ORDERS.between(connection, after, until)]


def known_between(connection: sa.Connection, after: str, until: str | None) -> Mapping[tuple[str, str], KnownState]:
    """Return what is known of the tickets of these orders that the staff have moved, by department and order id."""
    return {
        (department, order_id): KnownState(revision, TicketState(state))
        for department, order_id, revision, state in _STATES.between(connection, after, until)
    }
