"""Reads all orders in the order of their ids, a slice at a time, for whoever compares them with departments' tickets.

Order ids are UUIDs in lower case, so every database sorts them alike, whatever its collation is.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any, Literal, NamedTuple

import msgspec
import sqlalchemy as sa

from gateway.domain.currencies import EXPONENTS
from gateway.domain.lines import TicketState
from gateway.domain.order import Policy
from gateway.orders.tables import COLUMNS, archived_orders, decode_quotes, orders, own, ticket_states
from gateway.orders.ticket_states import KnownState
from infra.db.slices import Slices, picker

OrderRow = Sequence[Any]
"""What `read_row` takes."""

_STATE = ticket_states.c

_of_accepted = picker(COLUMNS, "policy", "placed_for", "currency", "lines", "quotes", "owed", "response_recorded")
_ORDERS = Slices(orders, orders.c.order_id, COLUMNS, own)
_STATES = Slices(
    ticket_states, _STATE.order_id, [_STATE.department, _STATE.order_id, _STATE.revision, _STATE.state], own
)
_AGAIN = Slices(orders, orders.c.order_id, [orders.c.order_id], lambda connection, _: _is_archived(connection))

_POLICIES = frozenset(policy.value for policy in Policy)
_TICKET_STATES = {state.value: state for state in TicketState}


class AcceptedLine(msgspec.Struct, gc=False, kw_only=True):
    """A line that was accepted. Of what `Line` is, it is the part whose outcome is `accepted`, at a price."""

    department: str
    item: str
    quantity: int = 1
    note: str = ""
    expected_price: int | None = None
    allergy: bool = False
    outcome: Literal["accepted"]
    unit_price: int
    available: int | None = None
    reason: str | None = None


class AcceptedOrder(NamedTuple):
    """An order all of whose lines were accepted, that owes nothing, and whose first response is on record."""

    table: str
    lines: list[AcceptedLine]


_decode = msgspec.json.Decoder(list[AcceptedLine]).decode


def end_of_slice(connection: sa.Connection, after: str, size: int) -> str | None:
    """Return the id of the last of the `size` orders that follow an order id; None where there are fewer."""
    return _ORDERS.end(connection, after, size)


def orders_between(connection: sa.Connection, after: str, until: str | None) -> Mapping[str, OrderRow]:
    """Return the rows of the orders with ids above `after` and up to `until`, where that is given, by the id."""
    return {row[1]: row for row in _ORDERS.between(connection, after, until)}


def archived_between(connection: sa.Connection, after: str, until: str | None) -> list[str]:
    """Return the ids of the orders of this range that are here, and at the same moment on record as archived."""
    return [order_id for (order_id,) in _AGAIN.between(connection, after, until)]


def known_between(connection: sa.Connection, after: str, until: str | None) -> Mapping[str, Mapping[str, KnownState]]:
    """Return what is known of the tickets of these orders that the staff have moved, by department and order id."""
    known: dict[str, dict[str, KnownState]] = defaultdict(dict)
    for department, order_id, revision, state in _STATES.between(connection, after, until):
        known[department][order_id] = KnownState(revision, _TICKET_STATES.get(state) or TicketState(state))
    return known


def read_accepted(row: OrderRow) -> AcceptedOrder | None:
    """Return the order of a row where all of it was accepted and nothing is left to do; None for every other.

    It takes a third of the time of `read_row`, which reads whatever this returns.
    """
    policy, table, currency, lines, quotes, owed, response_recorded = _of_accepted(row)
    if owed or not response_recorded or policy not in _POLICIES or currency not in EXPONENTS:
        return None
    try:
        if quotes:
            decode_quotes(quotes)
        return AcceptedOrder(table or "", _decode(lines))
    except (ValueError, TypeError):  # not accepted, or not readable, which `read_row` tells
        return None


def _is_archived(connection: sa.Connection) -> "sa.ColumnElement[bool]":
    """Return the condition that an order is the restaurant's and on record as archived."""
    archived = sa.select(archived_orders.c.order_id).where(
        own(connection, archived_orders), archived_orders.c.order_id == orders.c.order_id
    )
    return own(connection, orders) & archived.exists()
