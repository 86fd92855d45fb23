"""A department's tables. One database may hold several restaurants, so every key begins with the restaurant."""

import sqlalchemy as sa

from infra.db.database import tenant
from infra.db.indexes import partial_index

metadata = sa.MetaData()


def _restaurant() -> "sa.Column[str]":
    return sa.Column("restaurant", sa.String(40), primary_key=True, doc="the tenant: every statement filters by it")


department = sa.Table(
    "department",
    metadata,
    _restaurant(),
    sa.Column(
        "revision", sa.BigInteger, nullable=False, doc="grows with every change, in the transaction of the change"
    ),
    sa.Column("beats", sa.BigInteger, nullable=False, doc="a probe writes it, nothing reads it"),
    sa.Column("incarnation", sa.String(32), nullable=False, doc="a random name, renewed by a restore"),
    sa.Column("archived", sa.BigInteger, nullable=False, server_default="0", doc="rows of archived_tickets"),
)

stock = sa.Table(
    "stock",
    metadata,
    _restaurant(),
    sa.Column("item", sa.String(64), primary_key=True),
    sa.Column("received", sa.BigInteger, nullable=False),
    sa.Column("on_hand", sa.BigInteger, nullable=False),
    sa.Column("held", sa.BigInteger, nullable=False),
    sa.Column("sold", sa.BigInteger, nullable=False),
    sa.Column("wasted", sa.BigInteger, nullable=False),
    sa.Column("off_sale", sa.SmallInteger, nullable=False, doc="1: the staff have taken it off sale"),
    sa.Column("unlimited", sa.SmallInteger, nullable=False, doc="1: it has no figure on hand"),
    sa.Column("revision", sa.BigInteger, nullable=False, doc="the last revision of the batch that changed it"),
    sa.CheckConstraint("received = on_hand + held + sold + wasted", name="stock_law"),
    sa.CheckConstraint("on_hand >= 0 AND held >= 0 AND sold >= 0 AND wasted >= 0", name="stock_not_below_zero"),
    sa.CheckConstraint("unlimited = 0 OR on_hand = 0", name="stock_unlimited"),
)

# Not IN: for its list SQLite would fill a table of its own with each INSERT, which costs it 3 µs.
IS_OPEN = sa.text("(state = 'held' OR state = 'queued' OR state = 'preparing' OR state = 'ready')")
IS_MOVED = sa.text("moved_at_ms > 0")
HAS_REVISION = sa.text("revision > 0")
"""The conditions of indexes. A query can use an index where it states the index's condition, in this text.

Every ticket has a revision. The condition keeps PostgreSQL from using the index to look orders up by their ids: as long
as it has no statistics, it assumes that few rows are a restaurant's, so any index that begins with it seems as good as
the key, and such a plan is kept.
"""

tickets = sa.Table(
    "tickets",
    metadata,
    _restaurant(),
    sa.Column("order_id", sa.String(36), primary_key=True),
    sa.Column("placed_for", sa.String(64), nullable=False, doc="the table, or empty"),
    sa.Column("state", sa.String(16), nullable=False),
    sa.Column("lines", sa.Text, nullable=False, doc="JSON array of TicketLine"),
    sa.Column("placed_at_ms", sa.BigInteger, nullable=False),
    sa.Column("revision", sa.BigInteger, nullable=False),
    sa.Column("epoch", sa.BigInteger, nullable=False, doc="of the gateway's latest decision that arrived"),
    sa.Column("source", sa.String(16), nullable=False),
    sa.Column("moved_by", sa.String(64), nullable=False, server_default="", doc="who took the staff's last step"),
    sa.Column("moved_at_ms", sa.BigInteger, nullable=False, server_default="0"),
    sa.Column("cancel_reason", sa.String(200), nullable=False, server_default=""),
    sa.Column("withdrawn", sa.SmallInteger, nullable=False, server_default="0", doc="1: the staff cancelled it"),
    sa.Column("wasted", sa.SmallInteger, nullable=False, server_default="0", doc="1: it had been started by then"),
    sa.Column("started_at_ms", sa.BigInteger, nullable=False, server_default="0"),
    sa.Column("ready_at_ms", sa.BigInteger, nullable=False, server_default="0"),
    sa.Column("served_at_ms", sa.BigInteger, nullable=False, server_default="0"),
    sa.Column("cancelled_at_ms", sa.BigInteger, nullable=False, server_default="0"),
    sa.Column("number", sa.BigInteger, nullable=False, doc="the order's short number, or 0"),
    sa.Column(
        "cancelled_lines", sa.Text, nullable=False, server_default="", doc="JSON array of CancelledLine, or empty"
    ),
    partial_index("ix_tickets_revision", "restaurant", "revision", where=HAS_REVISION),
    partial_index("ix_tickets_open", "restaurant", "revision", where=IS_OPEN),
    partial_index("ix_tickets_moved", "restaurant", "revision", where=IS_MOVED),
    sqlite_with_rowid=False,
)

steps = sa.Table(
    "steps",
    metadata,
    _restaurant(),
    sa.Column("order_id", sa.String(36), primary_key=True),
    sa.Column("step_id", sa.String(64), primary_key=True, doc="unique among the steps of one ticket"),
    sa.Column("verb", sa.String(16), nullable=False),
    sa.Column("before", sa.String(16), nullable=False, doc="the ticket's state before the step"),
    sa.Column("after", sa.String(16), nullable=False, doc="the ticket's state after the step"),
    sa.Column("moved_by", sa.String(64), nullable=False),
    sa.Column("reason", sa.String(200), nullable=False),
    sa.Column("moved_at_ms", sa.BigInteger, nullable=False),
    sa.Column("revision", sa.BigInteger, nullable=False, doc="of the ticket after the step"),
    sa.Column("line", sa.BigInteger, doc="the place of the line that was cancelled, from 0; NULL for the whole ticket"),
    sqlite_with_rowid=False,
)

stock_changes = sa.Table(
    "stock_changes",
    metadata,
    _restaurant(),
    sa.Column("change_id", sa.String(64), primary_key=True),
    sa.Column("item", sa.String(64), nullable=False),
    sa.Column("reason", sa.String(16), nullable=False),
    sa.Column("delta", sa.BigInteger, nullable=False, doc="of the quantity on hand"),
    sa.Column("on_hand", sa.BigInteger, nullable=False, doc="after the change"),
    sa.Column("changed_by", sa.String(64), nullable=False),
    sa.Column("changed_at_ms", sa.BigInteger, nullable=False),
    sa.Column("revision", sa.BigInteger, nullable=False),
    partial_index("ix_stock_changes_item", "restaurant", "item", "revision", where=HAS_REVISION),
    partial_index("ix_stock_changes_revision", "restaurant", "revision", where=HAS_REVISION),
    sqlite_with_rowid=False,
)


archived_tickets = sa.Table(
    "archived_tickets",
    metadata,
    _restaurant(),
    sa.Column("order_id", sa.String(36), primary_key=True, doc="kept for ever, so that no order is placed twice"),
    sqlite_with_rowid=False,
)

archived_stock = sa.Table(
    "archived_stock",
    metadata,
    _restaurant(),
    sa.Column("item", sa.String(64), primary_key=True),
    sa.Column("sold", sa.BigInteger, nullable=False, doc="on tickets that were archived"),
    sa.Column("wasted", sa.BigInteger, nullable=False, doc="likewise"),
    sqlite_with_rowid=False,
)


def own(connection: sa.Connection, table: sa.Table) -> "sa.ColumnElement[bool]":
    """Return the condition that a row is the restaurant's."""
    return table.c.restaurant == tenant(connection)
