"""What is kept of tickets that were archived: their order ids, and what they took from the stock."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the tables, and count in the department's row what is in them."""
    op.create_table(
        "archived_tickets",
        sa.Column("restaurant", sa.String(40), primary_key=True),
        sa.Column("order_id", sa.String(36), primary_key=True),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "archived_stock",
        sa.Column("restaurant", sa.String(40), primary_key=True),
        sa.Column("item", sa.String(64), primary_key=True),
        sa.Column("sold", sa.BigInteger, nullable=False),
        sa.Column("wasted", sa.BigInteger, nullable=False),
        sqlite_with_rowid=False,
    )
    op.add_column("department", sa.Column("archived", sa.BigInteger, nullable=False, server_default="0"))


def downgrade() -> None:
    """Drop the tables and the column."""
    if op.get_bind().execute(sa.text("SELECT count(*) FROM archived_tickets")).scalar_one():
        raise RuntimeError("tickets were archived, and without their ids they could be placed again")
    op.drop_column("department", "archived")
    op.drop_table("archived_stock")
    op.drop_table("archived_tickets")
