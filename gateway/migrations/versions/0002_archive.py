"""What is kept of orders that were archived: their ids, and what reports need of them."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the tables."""
    op.create_table(
        "archived_orders",
        sa.Column("restaurant", sa.String(40), primary_key=True),
        sa.Column("order_id", sa.String(36), primary_key=True),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "archived_figures",
        sa.Column("restaurant", sa.String(40), primary_key=True),
        sa.Column("kind", sa.String(16), primary_key=True),
        sa.Column("quarter", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("subject", sa.Text, primary_key=True),
        sa.Column("quantity", sa.BigInteger, nullable=False),
        sa.Column("total", sa.BigInteger, nullable=False),
        sqlite_with_rowid=False,
    )


def downgrade() -> None:
    """Drop the tables."""
    if op.get_bind().execute(sa.text("SELECT count(*) FROM archived_orders")).scalar_one():
        raise RuntimeError("orders were archived, and without their ids they could be placed again")
    op.drop_table("archived_figures")
    op.drop_table("archived_orders")
