"""A department's tables and the statements that touch them. Every function runs inside the caller's transaction."""

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
    sa.Column("revision", sa.BigInteger, nullable=False, doc="grows with every change, in the change's transaction"),
    sa.Column("beats", sa.BigInteger, nullable=False, doc="written to see whether the database can be"),
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
    sa.Column("revision", sa.BigInteger, nullable=False, doc="the last of the batch that changed it"),
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
    sa.Column("epoch", sa.BigInteger, nullable=False, doc="of the gateway's latest decision that was heard"),
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
    sa.Column("step_id", sa.String(64), primary_key=True, doc="names the step among those of its ticket"),
    sa.Column("verb", sa.String(16), nullable=False),
    sa.Column("before", sa.String(16), nullable=False, doc="the ticket's state before the step"),
    sa.Column("after", sa.String(16), nullable=False, doc="and after it"),
    sa.Column("moved_by", sa.String(64), nullable=False),
    sa.Column("reason", sa.String(200), nullable=False),
    sa.Column("moved_at_ms", sa.BigInteger, nullable=False),
    sa.Column("revision", sa.BigInteger, nullable=False, doc="the ticket's, by the step"),
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
_WHEN_PLACED = [column for column in tickets.c if column.server_default is None]
_INSERT_TICKETS = Statement(lambda dialect: insert_records(dialect, tickets, _WHEN_PLACED))
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
) -> tuple[int, dict[str, Ticket | TicketUnreadable], dict[str, Stock]]:
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


def position(connection: sa.Connection) -> tuple[int, str]:
    """Read the department's revision, and the incarnation that it counts in."""
    revision, incarnation = connection.execute(sa.select(department.c.revision, department.c.incarnation)).one()
    return revision, incarnation


def renew_incarnation(connection: sa.Connection, name: str) -> None:
    """Write another incarnation."""
    connection.execute(sa.update(department).values(incarnation=name))


def read_tickets(connection: sa.Connection, order_ids: Collection[str]) -> dict[str, Ticket | TicketUnreadable]:
    """Read the tickets of these orders, by order id; unknown ones are left out."""
    return _by_order_id(_TICKETS.run(connection, {"order_ids": encode_json(list(order_ids))}))


def changed_tickets(
    connection: sa.Connection, after: int, until: int, states: Collection[TicketState], limit: int
) -> list[Ticket | TicketUnreadable]:
    """Read at most `limit` tickets whose last change is after one revision and not after another, oldest change first.

    `states`: all where empty.
    """
    changed = sa.between(tickets.c.revision, after + 1, until)
    query = sa.select(tickets).where(changed).order_by(tickets.c.revision).limit(limit)
    if states:
        query = query.where(tickets.c.state.in_(states))
    return [_ticket(row) for row in connection.execute(query)]


def page_of_tickets(connection: sa.Connection, after: str, limit: int) -> list[Ticket | TicketUnreadable]:
    """Read at most `limit` tickets whose order ids come after this one, in their order."""
    query = sa.select(tickets).where(tickets.c.order_id > after).order_by(tickets.c.order_id).limit(limit)
    return [_ticket(row) for row in connection.execute(query)]


def every_ticket(connection: sa.Connection, *, by_age: bool = False) -> Iterator[Ticket | TicketUnreadable]:
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
            "source": ticket.source.value,
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


def record_step(connection: sa.Connection, ticket: Ticket, step: Step) -> None:
    """Write a ticket after a step of the staff's, and the step."""
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
    """Read a step that was taken; raises TicketUnreadable where this version does not know its words."""
    query = sa.select(steps).where(steps.c.order_id == order_id, steps.c.step_id == step_id)
    row = connection.execute(query).one_or_none()
    if row is None:
        return None
    try:
        words = {"verb": Verb(row.verb), "before": TicketState(row.before), "after": TicketState(row.after)}
    except ValueError as error:
        raise TicketUnreadable(order_id, row.revision, str(error)) from error
    return Step(**{**row._mapping, **words})


def last_moved(connection: sa.Connection, order_id: str) -> int:
    """Read the revision of the staff's last step with a ticket; 0 where they have taken none."""
    query = sa.select(sa.func.coalesce(sa.func.max(steps.c.revision), 0)).where(steps.c.order_id == order_id)
    revision: int = connection.execute(query).scalar_one()
    return revision


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


def _by_order_id(rows: Iterable[Sequence[Any]]) -> dict[str, Ticket | TicketUnreadable]:
    return {row[0]: _ticket(row) for row in rows}


def _by_item(rows: Iterable[Sequence[Any]]) -> dict[str, Stock]:
    return {row[0]: Stock(*row[:6]) for row in rows}


def _stock_rows(shelves: Sequence[Stock], revision: int) -> list[dict[str, Any]]:
    return [
        {
            "item": shelf.item,
            "received": shelf.received,
            "on_hand": shelf.on_hand,
            "held": shelf.held,
            "sold": shelf.sold,
            "wasted": shelf.wasted,
            "revision": revision,
        }
        for shelf in shelves
    ]


def _ticket(row: Sequence[Any]) -> Ticket | TicketUnreadable:
    """Read a row; one that holds a word unknown to this version is an error of its own, which stops no other row."""
    order_id, table, state, lines, placed_at_ms, revision, epoch, source, moved_by, moved_at_ms, reason, *flags = row
    try:
        known = TicketState(state), _decode(lines), placed_at_ms, revision, epoch, TicketSource(source)
    except ValueError as error:  # msgspec's errors are some too
        return TicketUnreadable(order_id, revision, str(error))
    return Ticket(order_id, table, *known, moved_by, moved_at_ms, reason, *map(bool, flags))
