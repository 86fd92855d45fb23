"""Tickets, their steps, stock, its changes, and the department's revision and incarnation."""

import sqlalchemy as sa
from alembic import op

from infra.db.indexes import only_where

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the tables."""
    op.create_table(
        "department",
        _restaurant(),
        sa.Column("revision", sa.BigInteger, nullable=False),
        sa.Column("beats", sa.BigInteger, nullable=False),
        sa.Column("incarnation", sa.String(32), nullable=False),
    )
    op.create_table(
        "stock",
        _restaurant(),
        sa.Column("item", sa.String(64), primary_key=True),
        sa.Column("received", sa.BigInteger, nullable=False),
        sa.Column("on_hand", sa.BigInteger, nullable=False),
        sa.Column("held", sa.BigInteger, nullable=False),
        sa.Column("sold", sa.BigInteger, nullable=False),
        sa.Column("wasted", sa.BigInteger, nullable=False),
        sa.Column("off_sale", sa.SmallInteger, nullable=False),
        sa.Column("unlimited", sa.SmallInteger, nullable=False),
        sa.Column("revision", sa.BigInteger, nullable=False),
        sa.CheckConstraint("received = on_hand + held + sold + wasted", name="stock_law"),
        sa.CheckConstraint("on_hand >= 0 AND held >= 0 AND sold >= 0 AND wasted >= 0", name="stock_not_below_zero"),
        sa.CheckConstraint("unlimited = 0 OR on_hand = 0", name="stock_unlimited"),
    )
    op.create_table(
        "tickets",
        _restaurant(),
        sa.Column("order_id", sa.String(36), primary_key=True),
        sa.Column("placed_for", sa.String(64), nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("lines", sa.Text, nullable=False),
        sa.Column("placed_at_ms", sa.BigInteger, nullable=False),
        sa.Column("revision", sa.BigInteger, nullable=False),
        sa.Column("epoch", sa.BigInteger, nullable=False),
        sa.Column("source", sa.String(16), nullable=False),
        sa.Column("moved_by", sa.String(64), nullable=False, server_default=""),
        sa.Column("moved_at_ms", sa.BigInteger, nullable=False, server_default="0"),
        sa.Column("cancel_reason", sa.String(200), nullable=False, server_default=""),
        sa.Column("withdrawn", sa.SmallInteger, nullable=False, server_default="0"),
        sa.Column("wasted", sa.SmallInteger, nullable=False, server_default="0"),
        sa.Column("started_at_ms", sa.BigInteger, nullable=False, server_default="0"),
        sa.Column("ready_at_ms", sa.BigInteger, nullable=False, server_default="0"),
        sa.Column("served_at_ms", sa.BigInteger, nullable=False, server_default="0"),
        sa.Column("cancelled_at_ms", sa.BigInteger, nullable=False, server_default="0"),
        sa.Column("number", sa.BigInteger, nullable=False),
        sqlite_with_rowid=False,
    )
    columns = ["restaurant", "revision"]
    is_open = "(state = 'held' OR state = 'queued' OR state = 'preparing' OR state = 'ready')"
    for name, condition in (
        ("ix_tickets_revision", "revision > 0"),
        ("ix_tickets_open", is_open),
        ("ix_tickets_moved", "moved_at_ms > 0"),
    ):
        op.create_index(name, "tickets", columns, **only_where(op.get_bind().dialect, condition))
    op.create_table(
        "steps",
        _restaurant(),
        sa.Column("order_id", sa.String(36), primary_key=True),
        sa.Column("step_id", sa.String(64), primary_key=True),
        sa.Column("verb", sa.String(16), nullable=False),
        sa.Column("before", sa.String(16), nullable=False),
        sa.Column("after", sa.String(16), nullable=False),
        sa.Column("moved_by", sa.String(64), nullable=False),
        sa.Column("reason", sa.String(200), nullable=False),
        sa.Column("moved_at_ms", sa.BigInteger, nullable=False),
        sa.Column("revision", sa.BigInteger, nullable=False),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "stock_changes",
        _restaurant(),
        sa.Column("change_id", sa.String(64), primary_key=True),
        sa.Column("item", sa.String(64), nullable=False),
        sa.Column("reason", sa.String(16), nullable=False),
        sa.Column("delta", sa.BigInteger, nullable=False),
        sa.Column("on_hand", sa.BigInteger, nullable=False),
        sa.Column("changed_by", sa.String(64), nullable=False),
        sa.Column("changed_at_ms", sa.BigInteger, nullable=False),
        sa.Column("revision", sa.BigInteger, nullable=False),
        sqlite_with_rowid=False,
    )
    has_revision = only_where(op.get_bind().dialect, "revision > 0")
    for name, columns in (
        ("ix_stock_changes_item", ["restaurant", "item", "revision"]),
        ("ix_stock_changes_revision", ["restaurant", "revision"]),
    ):
        op.create_index(name, "stock_changes", columns, **has_revision)


def downgrade() -> None:
    """Drop the tables."""
    for table in ("stock_changes", "steps", "tickets", "stock", "department"):
        op.drop_table(table)


def _restaurant() -> "sa.Column[str]":
    return sa.Column("restaurant", sa.String(40), primary_key=True)
