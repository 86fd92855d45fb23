"""Tickets, stock and the department's revision."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the tables."""
    department = op.create_table(
        "department",
        sa.Column("only", sa.Boolean, primary_key=True),
        sa.Column("revision", sa.BigInteger, nullable=False),
        sa.Column("beats", sa.BigInteger, nullable=False),
    )
    op.bulk_insert(department, [{"only": True, "revision": 0, "beats": 0}])
    op.create_table(
        "stock",
        sa.Column("item", sa.String(64), primary_key=True),
        sa.Column("received", sa.BigInteger, nullable=False),
        sa.Column("on_hand", sa.BigInteger, nullable=False),
        sa.Column("held", sa.BigInteger, nullable=False),
        sa.Column("sold", sa.BigInteger, nullable=False),
        sa.Column("revision", sa.BigInteger, nullable=False),
        sa.CheckConstraint("received = on_hand + held + sold", name="stock_law"),
        sa.CheckConstraint("on_hand >= 0 AND held >= 0 AND sold >= 0", name="stock_not_below_zero"),
    )
    op.create_table(
        "tickets",
        sa.Column("order_id", sa.String(36), primary_key=True),
        sa.Column("placed_for", sa.String(64), nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("lines", sa.Text, nullable=False),
        sa.Column("placed_at_ms", sa.BigInteger, nullable=False),
        sa.Column("revision", sa.BigInteger, nullable=False),
        sa.Column("epoch", sa.BigInteger, nullable=False),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_tickets_revision", "tickets", ["revision"])


def downgrade() -> None:
    """Drop the tables."""
    for table in ("tickets", "stock", "department"):
        op.drop_table(table)
