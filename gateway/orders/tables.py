"""The gateway's tables, its statements, and how an order is written in a row and read from one.

One database may hold several restaurants: every statement is about one, the tenant of the connection's database.
"""

from collections.abc import Iterable, Sequence
from typing import Any

import msgspec
import sqlalchemy as sa

from gateway.domain.currencies import Currency
from gateway.domain.errors import OrderUnreadable
from gateway.domain.lines import Line
from gateway.domain.order import Order, Policy
from gateway.domain.ready_time import Quote
from gateway.domain.transitions import Goal
from infra.db.database import Statement, encode_json, insert_into, insert_records, strings, tenant, update_records
from infra.db.indexes import partial_index

metadata = sa.MetaData()

HAS_SEQ = sa.text("seq > 0")
"""The condition of indexes, which is true of every order. A query can use them where it states it, in this text.

It keeps PostgreSQL from using such an index to look orders up by their ids: as long as it has no statistics, it assumes
that few rows are a restaurant's, so any index that begins with it seems as good as the key, and such a plan is kept.
"""

IS_UNUSUAL = sa.text("status <> 'pending' AND status <> 'accepted'")
"""The condition of the index by status. Without it every order is entered twice: as it is asked and as it ends.

Not IN: for its list SQLite would fill a table of its own with each INSERT.
"""

orders = sa.Table(
    "orders",
    metadata,
    sa.Column("seq", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True, doc="order of arrival"),
    sa.Column("restaurant", sa.String(40), nullable=False, doc="the tenant: every statement filters by it"),
    sa.Column("order_id", sa.String(36), nullable=False),
    sa.Column("policy", sa.String(16), nullable=False),
    sa.Column("number", sa.BigInteger, nullable=False, doc="what people call out; unique over two days"),
    sa.Column("placed_for", sa.String(64), doc="the table"),
    sa.Column("currency", sa.String(3), nullable=False, doc="ISO 4217, as it was configured when the order was taken"),
    sa.Column("lines", sa.Text, nullable=False, doc="JSON array of Line"),
    sa.Column("quotes", sa.Text, doc="JSON object of department and Quote: when it is ready"),
    sa.Column("status", sa.String(16), nullable=False),
    sa.Column("owed", sa.Text, doc="JSON object of department and Goal; NULL once nothing is owed"),
    sa.Column("response_recorded", sa.Boolean, nullable=False),
    sa.Column("created_at_ms", sa.BigInteger, nullable=False),
    sa.Column("owner", sa.BigInteger, nullable=False, doc="number of the gateway that owns it"),
    sa.Column("epoch", sa.BigInteger, nullable=False, doc="grows with every owner and every decision"),
    sa.UniqueConstraint("restaurant", "order_id"),
    partial_index("ix_orders_seq", "restaurant", "seq", where=HAS_SEQ),
    partial_index("ix_orders_created", "restaurant", "created_at_ms", where=HAS_SEQ),
    partial_index("ix_orders_status_seq", "restaurant", "status", "seq", where=IS_UNUSUAL),
    partial_index(
        "ix_orders_placed_for_seq", "restaurant", "placed_for", "seq", where=sa.text("placed_for IS NOT NULL")
    ),
    partial_index("ix_orders_unfinished", "restaurant", "seq", where=sa.text("owed IS NOT NULL")),
)

gateways = sa.Table(
    "gateways",
    metadata,
    sa.Column(
        "number",
        sa.BigInteger().with_variant(sa.Integer, "sqlite"),
        primary_key=True,
        doc="never given twice: a gateway whose lease ended comes back under another one",
    ),
    sa.Column("restaurant", sa.String(40), nullable=False),
    sa.Column("renewals", sa.BigInteger, nullable=False, doc="grows as long as the gateway lives"),
    sa.UniqueConstraint("restaurant", "number"),
    sqlite_autoincrement=True,
)

pulse = sa.Table(
    "pulse",
    metadata,
    sa.Column("restaurant", sa.String(40), primary_key=True),
    sa.Column("beats", sa.BigInteger, nullable=False, doc="written to see whether the journal can be"),
)

order_days = sa.Table(
    "order_days",
    metadata,
    sa.Column("restaurant", sa.String(40), primary_key=True),
    sa.Column("day", sa.BigInteger, primary_key=True, autoincrement=False, doc="ordinal of the date"),
    sa.Column("permutation", sa.BigInteger, nullable=False, doc="the day's random number: see gateway/domain/numbers"),
    sa.Column("taken", sa.BigInteger, nullable=False, doc="how many ranks are taken"),
    sa.Column("held", sa.Text, doc="JSON array of numbers that open orders of days before had when the day began"),
)

watch_positions = sa.Table(
    "watch_positions",
    metadata,
    sa.Column("restaurant", sa.String(40), primary_key=True),
    sa.Column("department", sa.String(40), primary_key=True),
    sa.Column("incarnation", sa.String(32), nullable=False),
    sa.Column("revision", sa.BigInteger, nullable=False, doc="the staff's steps up to here are in ticket_states"),
)

ticket_states = sa.Table(
    "ticket_states",
    metadata,
    sa.Column("restaurant", sa.String(40), primary_key=True),
    sa.Column("order_id", sa.String(36), primary_key=True),
    sa.Column("department", sa.String(40), primary_key=True),
    sa.Column("incarnation", sa.String(32), nullable=False),
    sa.Column("revision", sa.BigInteger, nullable=False),
    sa.Column("state", sa.String(16), nullable=False),
    sa.Column("placed_at_ms", sa.BigInteger, nullable=False),
    sa.Column("started_at_ms", sa.BigInteger, nullable=False),
    sa.Column("ready_at_ms", sa.BigInteger, nullable=False),
    sa.Column("served_at_ms", sa.BigInteger, nullable=False),
    sa.Column("cancelled_at_ms", sa.BigInteger, nullable=False),
    sa.Column("moved_by", sa.String(64), nullable=False),
    sa.Column("cancel_reason", sa.String(200), nullable=False),
    sa.Column("withdrawn", sa.SmallInteger, nullable=False, doc="1: the staff cancelled it"),
    sa.Column(
        "settled", sa.SmallInteger, nullable=False, doc="0: withdrawn, whole or in part, and not in the order's row yet"
    ),
    sa.Column(
        "cancelled_lines",
        sa.Text,
        nullable=False,
        server_default="",
        doc="JSON object of places and reasons: single lines that the staff cancelled; or empty",
    ),
    partial_index("ix_ticket_states_unsettled", "restaurant", where=sa.text("settled = 0")),
    sqlite_with_rowid=False,
)

archived_orders = sa.Table(
    "archived_orders",
    metadata,
    sa.Column("restaurant", sa.String(40), primary_key=True),
    sa.Column("order_id", sa.String(36), primary_key=True, doc="kept for ever, so that no order is placed twice"),
    sqlite_with_rowid=False,
)

archived_figures = sa.Table(
    "archived_figures",
    metadata,
    sa.Column("restaurant", sa.String(40), primary_key=True),
    sa.Column("kind", sa.String(16), primary_key=True, doc="of FigureKind"),
    sa.Column("quarter", sa.BigInteger, primary_key=True, autoincrement=False, doc="with which the hour begins"),
    sa.Column("subject", sa.Text, primary_key=True, doc="JSON array: what the figure is of"),
    sa.Column("quantity", sa.BigInteger, nullable=False),
    sa.Column("total", sa.BigInteger, nullable=False, doc="in minor units; 0 where it is no money"),
    sqlite_with_rowid=False,
)

_encode = msgspec.json.Encoder().encode
decode_lines = msgspec.json.Decoder(list[Line]).decode
decode_quotes = msgspec.json.Decoder(dict[str, Quote]).decode
_decode_owed = msgspec.json.Decoder(dict[str, Goal]).decode

COLUMNS = [column for column in orders.c if column is not orders.c.restaurant]
"""What `read_row` takes: the restaurant is known."""


def own(connection: sa.Connection, table: sa.Table) -> "sa.ColumnElement[bool]":
    """Return the condition that a row is the restaurant's."""
    return table.c.restaurant == tenant(connection)


INSERT = Statement(
    lambda connection: insert_records(
        connection.dialect, orders, COLUMNS[1:], {orders.c.restaurant: tenant(connection)}
    ).returning(orders.c.order_id)
)
UPDATE = Statement(
    lambda connection: update_records(
        connection.dialect,
        orders,
        [orders.c.order_id, orders.c.owner],
        [orders.c.lines, orders.c.status, orders.c.owed, orders.c.response_recorded],
        version=orders.c.epoch,
        constants={orders.c.restaurant: tenant(connection)},
    ).returning(orders.c.order_id, orders.c.owner)
)
FIND = Statement(lambda connection: sa.select(*COLUMNS).where(is_among(connection)))
KNOWN = Statement(lambda connection: sa.select(orders.c.order_id).where(is_among(connection)))
_ARCHIVED = Statement(lambda connection: _select_archived(connection))
DELETE = Statement(lambda connection: sa.delete(orders).where(is_among(connection)))


def is_among(connection: sa.Connection, table: sa.Table = orders) -> "sa.ColumnElement[bool]":
    """Return the condition that a row is the restaurant's, and its order id one of the JSON array `order_ids`."""
    return sa.tuple_(table.c.restaurant, table.c.order_id).in_(
        strings(connection.dialect, "order_ids", tenant(connection))
    )


def archived_among(connection: sa.Connection, order_ids: Sequence[str]) -> set[str]:
    """Return those of these order ids whose orders were archived."""
    return {order_id for (order_id,) in ask_archived(connection, order_ids)}


def ask_archived(connection: sa.Connection, order_ids: Sequence[str]) -> Iterable[tuple[str]]:
    """Ask which of these order ids were archived; on PostgreSQL whoever reads the result first waits for it."""
    if not order_ids:
        return ()
    rows: Iterable[tuple[str]] = _ARCHIVED.run(connection, {"order_ids": encode_json(list(order_ids))})
    return rows


def _select_archived(connection: sa.Connection) -> "sa.Select[Any]":
    """Select those of the JSON array `order_ids` that were archived: each new order is asked for."""
    if connection.dialect.name == "postgresql":
        return sa.select(archived_orders.c.order_id).where(is_among(connection, archived_orders))
    # Each id is looked up. An IN would sort the array into a table of its own, which takes twice as long, and for a
    # join SQLite, without statistics, reads all that was ever archived.
    each = sa.func.json_each(sa.bindparam("order_ids", type_=sa.Text)).table_valued("value")
    is_archived = own(connection, archived_orders) & (archived_orders.c.order_id == each.c.value)
    return sa.select(each.c.value).where(sa.exists().where(is_archived))


def count_beat(connection: sa.Connection) -> None:
    """Add 1 to the beats; a restaurant that is new to the database has no row yet."""
    first = insert_into(connection.dialect, pulse).values(restaurant=tenant(connection), beats=1)
    more = {"beats": pulse.c.beats + 1}
    connection.execute(first.on_conflict_do_update(index_elements=[pulse.c.restaurant], set_=more))


Row = Order | OrderUnreadable


def row_of_change(order: Order) -> dict[str, Any]:
    """Return what UPDATE writes of an order as it is now, with its keys."""
    return {
        "order_id": order.order_id,
        "lines": _encode(order.lines).decode(),
        "status": str(order.status),
        "owed": encode_json(order.owed) if order.owed else None,
        "response_recorded": order.response_recorded,
        "owner": order.owner,
        "epoch": order.epoch,
    }


def row_of(order: Order) -> dict[str, Any]:
    """Return the row that holds an order as it is now."""
    row = row_of_change(order)
    row["policy"] = str(order.policy)
    row["number"] = order.number
    row["placed_for"] = order.table
    row["currency"] = order.currency.code
    row["quotes"] = _encode(order.quotes).decode() if order.quotes else None
    row["created_at_ms"] = order.created_at_ms
    return row


def read_row(row: Sequence[Any]) -> Row:
    """Return the order of a row, or why this version cannot read it: one bad row does not affect the others."""
    try:
        return _order(row)
    except (ValueError, TypeError, msgspec.MsgspecError) as error:
        return OrderUnreadable(row[1], str(error))


def _order(row: Sequence[Any]) -> Order:
    (
        _,
        order_id,
        policy,
        number,
        table,
        currency,
        lines,
        quotes,
        _,
        owed,
        response_recorded,
        created_at_ms,
        owner,
        epoch,
    ) = row
    order = Order(
        order_id,
        Policy(policy),
        table,
        Currency(currency),
        decode_lines(lines),
        created_at_ms,
        _decode_owed(owed) if owed else {},
        bool(response_recorded),
        number,
        owner=owner,
        epoch=epoch,
        quotes=decode_quotes(quotes) if quotes else {},
    )
    if order.owed.keys() - order.shares.keys():
        raise ValueError(f"it owes {', '.join(order.owed)} something, and has lines for {', '.join(order.shares)}")
    return order
