"""The journal of orders."""

import sqlalchemy as sa
from alembic import op

from infra.db.indexes import only_where

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
        sa.Column("number", sa.BigInteger, nullable=False),
        sa.Column("placed_for", sa.String(64)),
        sa.Column("currency", sa.String(3), nullable=False),
        sa.Column("lines", sa.Text, nullable=False),
        sa.Column("quotes", sa.Text),
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
    for name, columns, condition in (
        ("ix_orders_seq", ["restaurant", "seq"], "seq > 0"),
        ("ix_orders_created", ["restaurant", "created_at_ms"], "seq > 0"),
        ("ix_orders_status_seq", ["restaurant", "status", "seq"], "seq > 0"),
        ("ix_orders_placed_for_seq", ["restaurant", "placed_for", "seq"], "placed_for IS NOT NULL"),
        ("ix_orders_unfinished", ["restaurant", "seq"], "owed IS NOT NULL"),
    ):
        op.create_index(name, "orders", columns, **only_where(op.get_bind().dialect, condition))
    op.create_table(
        "pulse",
        sa.Column("restaurant", sa.String(40), primary_key=True),
        sa.Column("beats", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "order_days",
        sa.Column("restaurant", sa.String(40), primary_key=True),
        sa.Column("day", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("permutation", sa.BigInteger, nullable=False),
        sa.Column("taken", sa.BigInteger, nullable=False),
        sa.Column("held", sa.Text),
    )
    op.create_table(
        "watch_positions",
        sa.Column("restaurant", sa.String(40), primary_key=True),
        sa.Column("department", sa.String(40), primary_key=True),
        sa.Column("incarnation", sa.String(32), nullable=False),
        sa.Column("revision", sa.BigInteger, nullable=False),
    )
    times = ("placed_at_ms", "started_at_ms", "ready_at_ms", "served_at_ms", "cancelled_at_ms")
    op.create_table(
        "ticket_states",
        sa.Column("restaurant", sa.String(40), primary_key=True),
        sa.Column("order_id", sa.String(36), primary_key=True),
        sa.Column("department", sa.String(40), primary_key=True),
        sa.Column("incarnation", sa.String(32), nullable=False),
        sa.Column("revision", sa.BigInteger, nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        *(sa.Column(name, sa.BigInteger, nullable=False) for name in times),
        sa.Column("moved_by", sa.String(64), nullable=False),
        sa.Column("cancel_reason", sa.String(200), nullable=False),
        sa.Column("withdrawn", sa.SmallInteger, nullable=False),
        sa.Column("settled", sa.SmallInteger, nullable=False),
        sqlite_with_rowid=False,
    )
    op.create_index(
        "ix_ticket_states_unsettled",
        "ticket_states",
        ["restaurant"],
        **only_where(op.get_bind().dialect, "settled = 0"),
    )
    _create_access()


def _create_access() -> None:
    """Create the tables of access."""
    op.create_table(
        "access_state",
        sa.Column("restaurant", sa.String(40), primary_key=True),
        sa.Column("revision", sa.BigInteger, nullable=False),
        sa.Column("table_secret", sa.String(64), nullable=False),
    )
    op.create_table(
        "access_keys",
        sa.Column("restaurant", sa.String(40), primary_key=True),
        sa.Column("key_id", sa.String(16), primary_key=True),
        sa.Column("name", sa.String(64), nullable=False),
        sa.Column("role", sa.String(16), nullable=False),
        sa.Column("departments", sa.Text, nullable=False),
        sa.Column("rights", sa.Text, nullable=False),
        sa.Column("secret_hash", sa.String(64), nullable=False),
        sa.Column("made_at_ms", sa.BigInteger, nullable=False),
        sa.Column("used_at_ms", sa.BigInteger),
        sa.Column("revoked_at_ms", sa.BigInteger),
        sa.UniqueConstraint("restaurant", "secret_hash"),
    )
    op.create_table(
        "access_people",
        sa.Column("restaurant", sa.String(40), primary_key=True),
        sa.Column("person_id", sa.String(16), primary_key=True),
        sa.Column("name", sa.String(64), nullable=False),
        sa.Column("role", sa.String(16), nullable=False),
        sa.Column("pin_hash", sa.Text, nullable=False),
        sa.Column("made_at_ms", sa.BigInteger, nullable=False),
        sa.Column("used_at_ms", sa.BigInteger),
        sa.Column("removed_at_ms", sa.BigInteger),
    )
    op.create_index(
        "ux_access_people_name",
        "access_people",
        ["restaurant", "name"],
        unique=True,
        **only_where(op.get_bind().dialect, "removed_at_ms IS NULL"),
    )
    op.create_table(
        "access_sessions",
        sa.Column("restaurant", sa.String(40), primary_key=True),
        sa.Column("session_hash", sa.String(64), primary_key=True),
        sa.Column("key_id", sa.String(16)),
        sa.Column("person_id", sa.String(16)),
        sa.Column("placed_for", sa.String(64)),
        sa.Column("made_at_ms", sa.BigInteger, nullable=False),
        sa.Column("used_at_ms", sa.BigInteger, nullable=False),
        sa.Column("acted_at_ms", sa.BigInteger, nullable=False),
        sa.Column("proved_at_ms", sa.BigInteger, nullable=False),
        sa.Column("ended_revision", sa.BigInteger),
    )
    op.create_table(
        "access_pairing_codes",
        sa.Column("restaurant", sa.String(40), primary_key=True),
        sa.Column("code_hash", sa.String(64), primary_key=True),
        sa.Column("key_id", sa.String(16), nullable=False),
        sa.Column("ends_at_ms", sa.BigInteger, nullable=False),
        sa.Column("used_at_ms", sa.BigInteger),
    )
    op.create_table(
        "access_audit",
        sa.Column("seq", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True),
        sa.Column("restaurant", sa.String(40), nullable=False),
        sa.Column("at_ms", sa.BigInteger, nullable=False),
        sa.Column("who", sa.String(64), nullable=False),
        sa.Column("what", sa.String(32), nullable=False),
        sa.Column("subject", sa.String(100), nullable=False),
        sa.Column("origin", sa.String(64), nullable=False),
    )
    op.create_index("ix_access_audit_seq", "access_audit", ["restaurant", "seq"])


_ACCESS = ("audit", "pairing_codes", "sessions", "people", "keys", "state")


def downgrade() -> None:
    """Drop the tables."""
    for name in _ACCESS:
        op.drop_table(f"access_{name}")
    for table in ("ticket_states", "watch_positions", "order_days", "pulse", "gateways", "orders"):
        op.drop_table(table)
