"""A table for the tests of the database."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "notes",
        sa.Column("id", sa.String(64), primary_key=True),
        sa.Column("text", sa.Text),
        sa.Column("number", sa.BigInteger, nullable=False),
        sa.CheckConstraint("number >= 0", name="not_below_zero"),
    )
