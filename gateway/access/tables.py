"""The tables of access. Every statement is about one restaurant, the tenant of the connection's database."""

import sqlalchemy as sa

from infra.db.indexes import partial_index

metadata = sa.MetaData()

_NAME, _HASH, _ID, _ROLE = sa.String(64), sa.String(64), sa.String(16), sa.String(16)
_LIVING = sa.text("removed_at_ms IS NULL")


def _restaurant(*, is_key: bool = True) -> sa.Column[str]:
    return sa.Column("restaurant", sa.String(40), primary_key=is_key, nullable=False)


state = sa.Table(
    "access_state",
    metadata,
    _restaurant(),
    sa.Column("revision", sa.BigInteger, nullable=False, doc="grows with each change that a gateway has to see"),
    sa.Column("table_secret", _HASH, nullable=False, doc="signs table codes; another one voids them all"),
)

keys = sa.Table(
    "access_keys",
    metadata,
    _restaurant(),
    sa.Column("key_id", _ID, primary_key=True),
    sa.Column("name", _NAME, nullable=False),
    sa.Column("role", _ROLE, nullable=False),
    sa.Column("departments", sa.Text, nullable=False, doc="JSON array: of a station"),
    sa.Column("rights", sa.Text, nullable=False, doc="JSON array of actions: of a service"),
    sa.Column("secret_hash", _HASH, nullable=False),
    sa.Column("made_at_ms", sa.BigInteger, nullable=False),
    sa.Column("used_at_ms", sa.BigInteger),
    sa.Column("revoked_at_ms", sa.BigInteger),
    sa.UniqueConstraint("restaurant", "secret_hash"),
)

people = sa.Table(
    "access_people",
    metadata,
    _restaurant(),
    sa.Column("person_id", _ID, primary_key=True),
    sa.Column("name", _NAME, nullable=False),
    sa.Column("role", _ROLE, nullable=False),
    sa.Column("pin_hash", sa.Text, nullable=False),
    sa.Column("made_at_ms", sa.BigInteger, nullable=False),
    sa.Column("used_at_ms", sa.BigInteger),
    sa.Column("removed_at_ms", sa.BigInteger),
    partial_index("ux_access_people_name", "restaurant", "name", where=_LIVING, unique=True),
)

sessions = sa.Table(
    "access_sessions",
    metadata,
    _restaurant(),
    sa.Column("session_hash", _HASH, primary_key=True),
    sa.Column("key_id", _ID, doc="the device's key"),
    sa.Column("person_id", _ID, doc="who signed in with a PIN"),
    sa.Column("placed_for", _NAME, doc="the table of a guest"),
    sa.Column("made_at_ms", sa.BigInteger, nullable=False),
    sa.Column("used_at_ms", sa.BigInteger, nullable=False),
    sa.Column("acted_at_ms", sa.BigInteger, nullable=False, doc="when it last changed something"),
    sa.Column("proved_at_ms", sa.BigInteger, nullable=False, doc="when a PIN or a pairing code opened it, or 0"),
    sa.Column("ended_revision", sa.BigInteger, doc="the revision that ended it"),
)

pairing_codes = sa.Table(
    "access_pairing_codes",
    metadata,
    _restaurant(),
    sa.Column("code_hash", _HASH, primary_key=True),
    sa.Column("key_id", _ID, nullable=False),
    sa.Column("ends_at_ms", sa.BigInteger, nullable=False),
    sa.Column("used_at_ms", sa.BigInteger),
)

audit = sa.Table(
    "access_audit",
    metadata,
    sa.Column("seq", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True),
    _restaurant(is_key=False),
    sa.Column("at_ms", sa.BigInteger, nullable=False),
    sa.Column("who", _NAME, nullable=False),
    sa.Column("what", sa.String(32), nullable=False),
    sa.Column("subject", sa.String(100), nullable=False),
    sa.Column("origin", _NAME, nullable=False, doc="the client's address, or `shell`"),
    sa.Index("ix_access_audit_seq", "restaurant", "seq"),
)
