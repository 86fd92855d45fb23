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
        sa.Column("order_id", sa.String(36), nullable=False, unique=True),
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
    )
    op.create_table(
        "gateways",
        sa.Column("number", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True),
        sa.Column("renewals", sa.BigInteger, nullable=False),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_orders_status_seq", "orders", ["status", "seq"])
    for name, column in (("ix_orders_placed_for_seq", "placed_for"), ("ix_orders_unfinished", "owed")):
        condition = sa.text(f"{column} IS NOT NULL")
        columns = ["seq"] if column == "owed" else [column, "seq"]
        op.create_index(name, "orders", columns, sqlite_where=condition, postgresql_where=condition)
    pulse = op.create_table(
        "pulse",
        sa.Column("only", sa.Boolean, primary_key=True),
        sa.Column("beats", sa.BigInteger, nullable=False),
    )
    op.bulk_insert(pulse, [{"only": True, "beats": 0}])


def downgrade() -> None:
    """Drop the tables."""
    for table in ("pulse", "gateways", "orders"):
        op.drop_table(table)
