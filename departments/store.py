"""A department's tables and the statements that touch them. Every function runs inside the caller's transaction."""

from collections.abc import Collection, Iterable, Sequence
from typing import Any

import msgspec
import sqlalchemy as sa

from departments.domain.stock import Stock
from departments.domain.tickets import State, Ticket, TicketLine

metadata = sa.MetaData()

department = sa.Table(
    "department",
    metadata,
    sa.Column("only", sa.Boolean, primary_key=True, default=True),
    sa.Column("revision", sa.BigInteger, nullable=False, doc="grows with every change, in the change's transaction"),
)

stock = sa.Table(
    "stock",
    metadata,
    sa.Column("item", sa.String(64), primary_key=True),
    sa.Column("received", sa.BigInteger, nullable=False),
    sa.Column("on_hand", sa.BigInteger, nullable=False),
    sa.Column("held", sa.BigInteger, nullable=False),
    sa.Column("sold", sa.BigInteger, nullable=False),
    sa.Column("revision", sa.BigInteger, nullable=False),
    sa.CheckConstraint("received = on_hand + held + sold", name="stock_law"),
    sa.CheckConstraint("on_hand >= 0 AND held >= 0 AND sold >= 0", name="stock_not_below_zero"),
)

tickets = sa.Table(
    "tickets",
    metadata,
    sa.Column("order_id", sa.String(36), primary_key=True),
    sa.Column("placed_for", sa.String(64), nullable=False, doc="the table, or empty"),
    sa.Column("state", sa.String(16), nullable=False),
    sa.Column("lines", sa.Text, nullable=False, doc="JSON array of TicketLine"),
    sa.Column("placed_at_ms", sa.BigInteger, nullable=False),
    sa.Column("revision", sa.BigInteger, nullable=False, index=True),
    sqlite_with_rowid=False,
)

_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(list[TicketLine]).decode

_NEXT_REVISION = (
    sa.update(department)
    .values(revision=department.c.revision + sa.bindparam("changes"))
    .returning(department.c.revision)
)
_TICKETS = sa.select(tickets).where(tickets.c.order_id.in_(sa.bindparam("order_ids", expanding=True)))
_STOCK = sa.select(stock)
_UPDATE_STOCK = (
    sa.update(stock)
    .where(stock.c.item == sa.bindparam("key"))
    .values({name: sa.bindparam(name) for name in ("received", "on_hand", "held", "sold", "revision")})
)
_UPDATE_TICKET = (
    sa.update(tickets)
    .where(tickets.c.order_id == sa.bindparam("key"))
    .values(state=sa.bindparam("state"), revision=sa.bindparam("revision"))
)


def reserve_revisions(connection: sa.Connection, changes: int) -> int:
    """Reserve the next `changes` revisions and answer the first.

    Every writing transaction starts here: the row's lock makes them take turns, in the order of their revisions, on
    PostgreSQL as on SQLite.
    """
    last: int = connection.execute(_NEXT_REVISION, {"changes": changes}).scalar_one()
    return last - changes + 1


def revision(connection: sa.Connection) -> int:
    """Read the department's revision."""
    current: int = connection.execute(sa.select(department.c.revision)).scalar_one()
    return current


def read_tickets(connection: sa.Connection, order_ids: Collection[str]) -> dict[str, Ticket]:
    """Read the tickets of these orders, by order id; unknown ones are left out."""
    rows = connection.execute(_TICKETS, {"order_ids": list(order_ids)})
    return {row[0]: _ticket(row) for row in rows}


def changed_tickets(connection: sa.Connection, after: int, states: Collection[State], limit: int) -> list[Ticket]:
    """Read at most `limit` tickets that changed after a revision, oldest change first; of all states where empty."""
    query = sa.select(tickets).where(tickets.c.revision > after).order_by(tickets.c.revision).limit(limit)
    if states:
        query = query.where(tickets.c.state.in_(states))
    return [_ticket(row) for row in connection.execute(query)]


def insert_tickets(connection: sa.Connection, new: Iterable[Ticket]) -> None:
    """Write tickets that are not there yet."""
    rows = [
        {
            "order_id": ticket.order_id,
            "placed_for": ticket.table,
            "state": ticket.state.value,
            "lines": _encode(ticket.lines).decode(),
            "placed_at_ms": ticket.placed_at_ms,
            "revision": ticket.revision,
        }
        for ticket in new
    ]
    if rows:
        connection.execute(sa.insert(tickets), rows)


def update_tickets(connection: sa.Connection, changed: Iterable[Ticket]) -> None:
    """Write the new states of tickets."""
    rows = [{"key": ticket.order_id, "state": ticket.state.value, "revision": ticket.revision} for ticket in changed]
    if rows:
        connection.execute(_UPDATE_TICKET, rows)


def read_stock(connection: sa.Connection) -> dict[str, Stock]:
    """Read all stock, by item; a menu is small."""
    return {row[0]: Stock(*row[:5]) for row in connection.execute(_STOCK)}


def insert_stock(connection: sa.Connection, new: Sequence[Stock], revision: int) -> None:
    """Write the stock of items that were never seen before."""
    connection.execute(sa.insert(stock), [_stock_row(shelf, revision) | {"item": shelf.item} for shelf in new])


def update_stock(connection: sa.Connection, changed: Sequence[Stock], revision: int) -> None:
    """Write the new figures of items."""
    if changed:
        connection.execute(_UPDATE_STOCK, [_stock_row(shelf, revision) | {"key": shelf.item} for shelf in changed])


def _stock_row(shelf: Stock, revision: int) -> dict[str, Any]:
    return {
        "received": shelf.received,
        "on_hand": shelf.on_hand,
        "held": shelf.held,
        "sold": shelf.sold,
        "revision": revision,
    }


def _ticket(row: "sa.Row[Any]") -> Ticket:
    order_id, table, state, lines, placed_at_ms, revision = row
    return Ticket(order_id, table, State(state), _decode(lines), placed_at_ms, revision)
