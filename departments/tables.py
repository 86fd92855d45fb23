"""A department's tables and their statements. Every function runs inside the caller's transaction."""

import dataclasses
from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import Any

import msgspec
import sqlalchemy as sa

from departments.domain.errors import TicketUnreadable
from departments.domain.steps import Step
from departments.domain.stock import Stock
from departments.domain.tickets import Ticket, TicketLine, TicketSource, TicketState, Verb
from infra.db.database import Statement, encode_json, insert_records, strings, update_records

metadata = sa.MetaData()

department = sa.Table(
    "department",
    metadata,
    sa.Column("only", sa.Boolean, primary_key=True, default=True),
    sa.Column(
        "revision", sa.BigInteger, nullable=False, doc="grows with every change, in the transaction of the change"
    ),
    sa.Column("beats", sa.BigInteger, nullable=False, doc="a probe writes it, nothing reads it"),
    sa.Column("incarnation", sa.String(32), nullable=False, doc="a random name, renewed by a restore"),
)

stock = sa.Table(
    "stock",
    metadata,
    sa.Column("item", sa.String(64), primary_key=True),
    sa.Column("received", sa.BigInteger, nullable=False),
    sa.Column("on_hand", sa.BigInteger, nullable=False),
    sa.Column("held", sa.BigInteger, nullable=False),
    sa.Column("sold", sa.BigInteger, nullable=False),
    sa.Column("wasted", sa.BigInteger, nullable=False),
    sa.Column("revision", sa.BigInteger, nullable=False, doc="the last revision of the batch that changed it"),
    sa.CheckConstraint("received = on_hand + held + sold + wasted", name="stock_law"),
    sa.CheckConstraint("on_hand >= 0 AND held >= 0 AND sold >= 0 AND wasted >= 0", name="stock_not_below_zero"),
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
    sa.Column("epoch", sa.BigInteger, nullable=False, doc="of the gateway's latest decision that arrived"),
    sa.Column("source", sa.String(16), nullable=False),
    sa.Column("moved_by", sa.String(64), nullable=False, server_default="", doc="who took the staff's last step"),
    sa.Column("moved_at_ms", sa.BigInteger, nullable=False, server_default="0"),
    sa.Column("cancel_reason", sa.String(200), nullable=False, server_default=""),
    sa.Column("withdrawn", sa.SmallInteger, nullable=False, server_default="0", doc="1: the staff cancelled it"),
    sa.Column("wasted", sa.SmallInteger, nullable=False, server_default="0", doc="1: it had been started by then"),
    sqlite_with_rowid=False,
)

steps = sa.Table(
    "steps",
    metadata,
    sa.Column("order_id", sa.String(36), primary_key=True),
    sa.Column("step_id", sa.String(64), primary_key=True, doc="unique among the steps of one ticket"),
    sa.Column("verb", sa.String(16), nullable=False),
    sa.Column("before", sa.String(16), nullable=False, doc="the ticket's state before the step"),
    sa.Column("after", sa.String(16), nullable=False, doc="the ticket's state after the step"),
    sa.Column("moved_by", sa.String(64), nullable=False),
    sa.Column("reason", sa.String(200), nullable=False),
    sa.Column("moved_at_ms", sa.BigInteger, nullable=False),
    sa.Column("revision", sa.BigInteger, nullable=False, doc="of the ticket after the step"),
    sqlite_with_rowid=False,
)

TicketOrUnreadable = Ticket | TicketUnreadable
"""What a row of the tickets table is read as."""

ROWS_AT_ONCE = 1000

_decode = msgspec.json.Decoder(list[TicketLine]).decode

_NEXT_REVISION = Statement(
    sa.update(department)
    .values(revision=department.c.revision + sa.bindparam("changes"))
    .returning(department.c.revision)
)
_TICKETS = Statement(lambda dialect: sa.select(tickets).where(tickets.c.order_id.in_(strings(dialect, "order_ids"))))
_COLUMNS_OF_NEW = [column for column in tickets.c if column.server_default is None]
_INSERT_TICKETS = Statement(lambda dialect: insert_records(dialect, tickets, _COLUMNS_OF_NEW))
_UPDATE_TICKETS = Statement(
    lambda dialect: update_records(
        dialect, tickets, [tickets.c.order_id], [tickets.c.state, tickets.c.revision, tickets.c.epoch]
    )
)
_STOCK = Statement(sa.select(stock))
_INSERT_STOCK = Statement(lambda dialect: insert_records(dialect, stock, list(stock.c)))
_UPDATE_STOCK = Statement(lambda dialect: update_records(dialect, stock, [stock.c.item], list(stock.c)[1:]))


def reserve_revisions(connection: sa.Connection, changes: int) -> int:
    """Reserve the next `changes` revisions and return the first.

    Every writing transaction starts with this. The lock on the row lets one such transaction run at a time, so they
    commit in the order of their revisions, on PostgreSQL as on SQLite.
    """
    last: int = _NEXT_REVISION.run(connection, {"changes": changes}).fetchone()[0]
    return last - changes + 1


def open_batch(
    connection: sa.Connection, order_ids: Collection[str], changes: int
) -> tuple[int, dict[str, TicketOrUnreadable], dict[str, Stock]]:
    """Reserve revisions, then read the tickets of these orders and all stock; return the first revision and both.

    All three statements are sent before the first result is read. The lock that the first one takes makes the other two
    see everything that earlier transactions committed.
    """
    revision = _NEXT_REVISION.run(connection, {"changes": changes})
    known = _TICKETS.run(connection, {"order_ids": encode_json(list(order_ids))})
    items = _STOCK.run(connection, {})
    return revision.fetchone()[0] - changes + 1, _by_order_id(known), _by_item(items)


def write_probe(connection: sa.Connection) -> None:
    """Change a column that nothing reads."""
    connection.execute(sa.update(department).values(beats=department.c.beats + 1))


def position(connection: sa.Connection) -> tuple[int, str]:
    """Return the department's revision and incarnation."""
    revision, incarnation = connection.execute(sa.select(department.c.revision, department.c.incarnation)).one()
    return revision, incarnation


def renew_incarnation(connection: sa.Connection, name: str) -> None:
    """Write the name of a new incarnation."""
    connection.execute(sa.update(department).values(incarnation=name))


def read_tickets(connection: sa.Connection, order_ids: Collection[str]) -> dict[str, TicketOrUnreadable]:
    """Return the tickets of these orders, by order id; an unknown order has no entry."""
    return _by_order_id(_TICKETS.run(connection, {"order_ids": encode_json(list(order_ids))}))


def changed_tickets(
    connection: sa.Connection, after: int, until: int, states: Collection[TicketState], limit: int
) -> list[TicketOrUnreadable]:
    """Return at most `limit` tickets whose last change has a revision above `after` and up to `until`, oldest first.

    `states`: the states to return, or empty for all.
    """
    changed = sa.between(tickets.c.revision, after + 1, until)
    query = sa.select(tickets).where(changed).order_by(tickets.c.revision).limit(limit)
    if states:
        query = query.where(tickets.c.state.in_(states))
    return [_ticket(row) for row in connection.execute(query)]


def page_of_tickets(connection: sa.Connection, after: str, limit: int) -> list[TicketOrUnreadable]:
    """Return at most `limit` tickets whose order ids are greater than `after`, in order of their ids."""
    query = sa.select(tickets).where(tickets.c.order_id > after).order_by(tickets.c.order_id).limit(limit)
    return [_ticket(row) for row in connection.execute(query)]


def every_ticket(connection: sa.Connection, *, by_age: bool = False) -> Iterator[TicketOrUnreadable]:
    """Yield all tickets as of one moment. They are read in parts, because all of them may not fit into memory."""
    query = sa.select(tickets).execution_options(yield_per=ROWS_AT_ONCE)
    if by_age:
        query = query.order_by(tickets.c.placed_at_ms, tickets.c.order_id)
    return (_ticket(row) for row in connection.execute(query))


def insert_tickets(connection: sa.Connection, new: Iterable[Ticket]) -> None:
    """Insert new tickets."""
    rows = [
        {
            "order_id": ticket.order_id,
            "placed_for": ticket.table,
            "state": str(ticket.state),  # `value` of an enum's member takes 0.08 µs more
            "lines": encode_json(ticket.lines),
            "placed_at_ms": ticket.placed_at_ms,
            "revision": ticket.revision,
            "epoch": ticket.epoch,
            "source": str(ticket.source),
        }
        for ticket in new
    ]
    if rows:
        _INSERT_TICKETS.run_rows(connection, rows)


def update_tickets(connection: sa.Connection, changed: Iterable[Ticket]) -> None:
    """Write the new states, revisions and epochs of tickets."""
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


def record_step(connection: sa.Connection, ticket: Ticket, step: Step) -> None:
    """Write a ticket after a step of the staff, and insert the step."""
    changed = {
        "state": ticket.state.value,
        "revision": ticket.revision,
        "moved_by": ticket.moved_by,
        "moved_at_ms": ticket.moved_at_ms,
        "cancel_reason": ticket.cancel_reason,
        "withdrawn": int(ticket.withdrawn),
        "wasted": int(ticket.wasted),
    }
    connection.execute(sa.update(tickets).where(tickets.c.order_id == ticket.order_id).values(changed))
    connection.execute(sa.insert(steps).values(dataclasses.asdict(step)))


def read_step(connection: sa.Connection, order_id: str, step_id: str) -> Step | None:
    """Return a step that was taken, or None; raises TicketUnreadable for a value unknown to this version."""
    query = sa.select(steps).where(steps.c.order_id == order_id, steps.c.step_id == step_id)
    row = connection.execute(query).one_or_none()
    if row is None:
        return None
    try:
        enums = {"verb": Verb(row.verb), "before": TicketState(row.before), "after": TicketState(row.after)}
    except ValueError as error:
        raise TicketUnreadable(order_id, row.revision, str(error)) from error
    return Step(**{**row._mapping, **enums})


def last_moved(connection: sa.Connection, order_id: str) -> int:
    """Return the revision of the staff's last step with a ticket, or 0 where they have taken none."""
    query = sa.select(sa.func.coalesce(sa.func.max(steps.c.revision), 0)).where(steps.c.order_id == order_id)
    revision: int = connection.execute(query).scalar_one()
    return revision


def read_stock(connection: sa.Connection) -> dict[str, Stock]:
    """Return all stock, by item: a menu is small."""
    return _by_item(_STOCK.run(connection, {}))


def insert_stock(connection: sa.Connection, new: Sequence[Stock], revision: int) -> None:
    """Insert the stock of new items."""
    if new:
        _INSERT_STOCK.run_rows(connection, _stock_rows(new, revision))


def update_stock(connection: sa.Connection, changed: Sequence[Stock], revision: int) -> None:
    """Write the new quantities of items."""
    if changed:
        _UPDATE_STOCK.run_rows(connection, _stock_rows(changed, revision))


def _by_order_id(rows: Iterable[Sequence[Any]]) -> dict[str, TicketOrUnreadable]:
    return {row[0]: _ticket(row) for row in rows}


def _by_item(rows: Iterable[Sequence[Any]]) -> dict[str, Stock]:
    return {row[0]: Stock(*row[:6]) for row in rows}


def _stock_rows(stock: Sequence[Stock], revision: int) -> list[dict[str, Any]]:
    return [
        {
            "item": each.item,
            "received": each.received,
            "on_hand": each.on_hand,
            "held": each.held,
            "sold": each.sold,
            "wasted": each.wasted,
            "revision": revision,
        }
        for each in stock
    ]


def _ticket(row: Sequence[Any]) -> TicketOrUnreadable:
    """Return the ticket of a row, or an error (not raised) where the row has a value unknown to this version."""
    order_id, table, state, lines, placed_at_ms, revision, epoch, source, moved_by, moved_at_ms, reason, *flags = row
    try:
        known = TicketState(state), _decode(lines), placed_at_ms, revision, epoch, TicketSource(source)
    except ValueError as error:  # msgspec.ValidationError is a ValueError
        return TicketUnreadable(order_id, revision, str(error))
    return Ticket(order_id, table, *known, moved_by, moved_at_ms, reason, *map(bool, flags))
