"""A department's tables and the statements that touch them. Every function runs inside the caller's transaction."""

from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import Any

import msgspec
import sqlalchemy as sa

from departments.domain.stock import Stock
from departments.domain.tickets import State, Ticket, TicketLine
from plumbing.database import Statement, encode_json, insert_records, strings, update_records

metadata = sa.MetaData()

department = sa.Table(
    "department",
    metadata,
    sa.Column("only", sa.Boolean, primary_key=True, default=True),
    sa.Column("revision", sa.BigInteger, nullable=False, doc="grows with every change, in the change's transaction"),
    sa.Column("beats", sa.BigInteger, nullable=False, doc="written to see whether the database can be"),
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
    sa.Column("epoch", sa.BigInteger, nullable=False, doc="of the gateway's latest decision that was heard"),
    sqlite_with_rowid=False,
)

PAGE = 1000

_decode = msgspec.json.Decoder(list[TicketLine]).decode

_NEXT_REVISION = Statement(
    sa.update(department)
    .values(revision=department.c.revision + sa.bindparam("changes"))
    .returning(department.c.revision)
)
_TICKETS = Statement(lambda dialect: sa.select(tickets).where(tickets.c.order_id.in_(strings(dialect, "order_ids"))))
_INSERT_TICKETS = Statement(lambda dialect: insert_records(dialect, tickets, list(tickets.c)))
_UPDATE_TICKETS = Statement(
    lambda dialect: update_records(
        dialect, tickets, [tickets.c.order_id], [tickets.c.state, tickets.c.revision, tickets.c.epoch]
    )
)
_STOCK = Statement(sa.select(stock))
_INSERT_STOCK = Statement(lambda dialect: insert_records(dialect, stock, list(stock.c)))
_UPDATE_STOCK = Statement(lambda dialect: update_records(dialect, stock, [stock.c.item], list(stock.c)[1:]))


def reserve_revisions(connection: sa.Connection, changes: int) -> int:
    """Reserve the next `changes` revisions and answer the first.

    Every writing transaction starts here: the row's lock makes them take turns, in the order of their revisions, on
    PostgreSQL as on SQLite.
    """
    last: int = _NEXT_REVISION.run(connection, {"changes": changes}).fetchone()[0]
    return last - changes + 1


def open_batch(
    connection: sa.Connection, order_ids: Collection[str], changes: int
) -> tuple[int, dict[str, Ticket], dict[str, Stock]]:
    """Reserve revisions, then read the tickets of these orders and all stock: three statements, sent before any answer.

    Each sees what was committed before it ran, hence before this transaction's turn.
    """
    turn = _NEXT_REVISION.run(connection, {"changes": changes})
    known = _TICKETS.run(connection, {"order_ids": encode_json(list(order_ids))})
    shelves = _STOCK.run(connection, {})
    return turn.fetchone()[0] - changes + 1, _by_order_id(known), _by_item(shelves)


def beat(connection: sa.Connection) -> None:
    """Write something that means nothing."""
    connection.execute(sa.update(department).values(beats=department.c.beats + 1))


def revision(connection: sa.Connection) -> int:
    """Read the department's revision."""
    current: int = connection.execute(sa.select(department.c.revision)).scalar_one()
    return current


def read_tickets(connection: sa.Connection, order_ids: Collection[str]) -> dict[str, Ticket]:
    """Read the tickets of these orders, by order id; unknown ones are left out."""
    return _by_order_id(_TICKETS.run(connection, {"order_ids": encode_json(list(order_ids))}))


def changed_tickets(connection: sa.Connection, after: int, states: Collection[State], limit: int) -> list[Ticket]:
    """Read at most `limit` tickets that changed after a revision, oldest change first; of all states where empty."""
    query = sa.select(tickets).where(tickets.c.revision > after).order_by(tickets.c.revision).limit(limit)
    if states:
        query = query.where(tickets.c.state.in_(states))
    return [_ticket(row) for row in connection.execute(query)]


def page_of_tickets(connection: sa.Connection, after: str, limit: int) -> list[Ticket]:
    """Read at most `limit` tickets whose order ids come after this one, in their order."""
    query = sa.select(tickets).where(tickets.c.order_id > after).order_by(tickets.c.order_id).limit(limit)
    return [_ticket(row) for row in connection.execute(query)]


def every_ticket(connection: sa.Connection, *, by_age: bool = False) -> Iterator[Ticket]:
    """Read all tickets as of one moment, a few at a time: there may be more than fit into memory."""
    query = sa.select(tickets).execution_options(yield_per=PAGE)
    if by_age:
        query = query.order_by(tickets.c.placed_at_ms, tickets.c.order_id)
    return (_ticket(row) for row in connection.execute(query))


def insert_tickets(connection: sa.Connection, new: Iterable[Ticket]) -> None:
    """Write tickets that are not there yet."""
    rows = [
        {
            "order_id": ticket.order_id,
            "placed_for": ticket.table,
            "state": ticket.state.value,
            "lines": encode_json(ticket.lines),
            "placed_at_ms": ticket.placed_at_ms,
            "revision": ticket.revision,
            "epoch": ticket.epoch,
        }
        for ticket in new
    ]
    if rows:
        _INSERT_TICKETS.run_rows(connection, rows)


def update_tickets(connection: sa.Connection, changed: Iterable[Ticket]) -> None:
    """Write the new states of tickets, and the epochs they have heard of."""
    rows = [
        {
            "order_id": ticket.order_id,
            "state": ticket.state.value,
            "revision": ticket.revision,
            "epoch": ticket.epoch,
        }
        for ticket in changed
    ]
    if rows:
        _UPDATE_TICKETS.run_rows(connection, rows)


def read_stock(connection: sa.Connection) -> dict[str, Stock]:
    """Read all stock, by item; a menu is small."""
    return _by_item(_STOCK.run(connection, {}))


def insert_stock(connection: sa.Connection, new: Sequence[Stock], revision: int) -> None:
    """Write the stock of items that were never seen before."""
    if new:
        _INSERT_STOCK.run_rows(connection, _stock_rows(new, revision))


def update_stock(connection: sa.Connection, changed: Sequence[Stock], revision: int) -> None:
    """Write the new figures of items."""
    if changed:
        _UPDATE_STOCK.run_rows(connection, _stock_rows(changed, revision))


def _by_order_id(rows: Iterable[Sequence[Any]]) -> dict[str, Ticket]:
    return {row[0]: _ticket(row) for row in rows}


def _by_item(rows: Iterable[Sequence[Any]]) -> dict[str, Stock]:
    return {row[0]: Stock(*row[:5]) for row in rows}


def _stock_rows(shelves: Sequence[Stock], revision: int) -> list[dict[str, Any]]:
    return [
        {
            "item": shelf.item,
            "received": shelf.received,
            "on_hand": shelf.on_hand,
            "held": shelf.held,
            "sold": shelf.sold,
            "revision": revision,
        }
        for shelf in shelves
    ]


def _ticket(row: Sequence[Any]) -> Ticket:
    order_id, table, state, lines, placed_at_ms, revision, epoch = row
    return Ticket(order_id, table, State(state), _decode(lines), placed_at_ms, revision, epoch)
