"""Which lines of an order's tickets the staff cancelled, as the gateway has followed it."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column; no row that there is has to be written."""
    op.add_column("ticket_states", sa.Column("cancelled_lines", sa.Text, nullable=False, server_default=""))


def downgrade() -> None:
    """Drop the column."""
    rows = "SELECT count(*) FROM ticket_states WHERE cancelled_lines <> ''"
    if op.get_bind().execute(sa.text(rows)).scalar_one():
        raise RuntimeError("single lines were cancelled, and without their record their orders would not say by whom")
    op.drop_column("ticket_states", "cancelled_lines")
