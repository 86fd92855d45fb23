"""Which lines of a ticket the staff cancelled, and the line that a step was about."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the columns; no row that there is has to be written."""
    op.add_column("tickets", sa.Column("cancelled_lines", sa.Text, nullable=False, server_default=""))
    op.add_column("steps", sa.Column("line", sa.BigInteger))


def downgrade() -> None:
    """Drop the columns."""
    if op.get_bind().execute(sa.text("SELECT count(*) FROM steps WHERE line IS NOT NULL")).scalar_one():
        raise RuntimeError("single lines were cancelled, and without their record the stock would not add up")
    op.drop_column("steps", "line")
    op.drop_column("tickets", "cancelled_lines")
