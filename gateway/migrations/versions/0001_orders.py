"""The journal of orders."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the tables and their indexes."""
    op.create_table(
        "orders",
        sa.Column("seq", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True),
        sa.Column("restaurant", sa.String(40), nullable=False),
        sa.Column("order_id", sa.String(36), nullable=False),
        sa.Column("policy", sa.String(16), nullable=False),
        sa.Column("placed_for", sa.String(64)),
        sa.Column("currency", sa.String(3), nullable=False),
        sa.Column("lines", sa.Text, nullable=False),
        sa.Column("status", sa.String(16), nullable=False),
        sa.Column("owed", sa.Text),
        sa.Column("response_recorded", sa.Boolean, nullable=False),
        sa.Column("created_at_ms", sa.BigInteger, nullable=False),
        sa.Column("owner", sa.BigInteger, nullable=False),
        sa.Column("epoch", sa.BigInteger, nullable=False),
        sa.UniqueConstraint("restaurant", "order_id"),
    )
    op.create_table(
        "gateways",
        sa.Column("number", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True),
        sa.Column("restaurant", sa.String(40), nullable=False),
        sa.Column("renewals", sa.BigInteger, nullable=False),
        sa.UniqueConstraint("restaurant", "number"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_orders_seq", "orders", ["restaurant", "seq"])
    op.create_index("ix_orders_status_seq", "orders", ["restaurant", "status", "seq"])
    for name, columns, condition in (
        ("ix_orders_placed_for_seq", ["restaurant", "placed_for", "seq"], sa.text("placed_for IS NOT NULL")),
        ("ix_orders_unfinished", ["restaurant", "seq"], sa.text("owed IS NOT NULL")),
    ):
        op.create_index(name, "orders", columns, sqlite_where=condition, postgresql_where=condition)
    op.create_table(
        "pulse",
        sa.Column("restaurant", sa.String(40), primary_key=True),
        sa.Column("beats", sa.BigInteger, nullable=False),
    )


def downgrade() -> None:
    """Drop the tables."""
    for table in ("pulse", "gateways", "orders"):
        op.drop_table(table)
