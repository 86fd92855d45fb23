"""The index of orders by status leaves out the usual ones, which every order was entered in it as, twice."""

from alembic import op

from infra.db.indexes import only_where

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

_NAME = "ix_orders_status_seq"


def upgrade() -> None:
    """Make the index of the unusual orders in place of that of all."""
    _make("status <> 'pending' AND status <> 'accepted'")


def downgrade() -> None:
    """Make the index of all orders again."""
    _make("seq > 0")


def _make(condition: str) -> None:
    op.drop_index(_NAME, "orders")
    op.create_index(_NAME, "orders", ["restaurant", "status", "seq"], **only_where(op.get_bind().dialect, condition))
