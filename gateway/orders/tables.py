"""The gateway's tables, its statements, and how an order is written in a row and read from one."""

from collections.abc import Sequence
from typing import Any

import msgspec
import sqlalchemy as sa

from gateway.domain.currencies import Currency
from gateway.domain.errors import OrderUnreadable
from gateway.domain.lines import Line
from gateway.domain.order import Order, Policy
from gateway.domain.transitions import Goal
from infra.db.database import Statement, encode_json, insert_records, strings, update_records

metadata = sa.MetaData()

orders = sa.Table(
    "orders",
    metadata,
    sa.Column("seq", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True, doc="order of arrival"),
    sa.Column("order_id", sa.String(36), nullable=False, unique=True),
    sa.Column("policy", sa.String(16), nullable=False),
    sa.Column("placed_for", sa.String(64), doc="the table"),
    sa.Column("currency", sa.String(3), nullable=False, doc="ISO 4217, as it was configured when the order was taken"),
    sa.Column("lines", sa.Text, nullable=False, doc="JSON array of Line"),
    sa.Column("status", sa.String(16), nullable=False),
    sa.Column("owed", sa.Text, doc="JSON object of department and Goal; NULL once nothing is owed"),
    sa.Column("response_recorded", sa.Boolean, nullable=False),
    sa.Column("created_at_ms", sa.BigInteger, nullable=False),
    sa.Column("owner", sa.BigInteger, nullable=False, doc="number of the gateway that owns it"),
    sa.Column("epoch", sa.BigInteger, nullable=False, doc="grows with every owner and every decision"),
    sa.Index("ix_orders_status_seq", "status", "seq"),
    sa.Index(
        "ix_orders_placed_for_seq",
        "placed_for",
        "seq",
        sqlite_where=sa.text("placed_for IS NOT NULL"),
        postgresql_where=sa.text("placed_for IS NOT NULL"),
    ),
    sa.Index(
        "ix_orders_unfinished",
        "seq",
        sqlite_where=sa.text("owed IS NOT NULL"),
        postgresql_where=sa.text("owed IS NOT NULL"),
    ),
)

gateways = sa.Table(
    "gateways",
    metadata,
    sa.Column(
        "number",
        sa.BigInteger().with_variant(sa.Integer, "sqlite"),
        primary_key=True,
        doc="never given twice: a gateway whose lease ended comes back under another one",
    ),
    sa.Column("renewals", sa.BigInteger, nullable=False, doc="grows as long as the gateway lives"),
    sqlite_autoincrement=True,
)

pulse = sa.Table(
    "pulse",
    metadata,
    sa.Column("only", sa.Boolean, primary_key=True, default=True),
    sa.Column("beats", sa.BigInteger, nullable=False, doc="written to see whether the journal can be"),
)

_encode = msgspec.json.Encoder().encode
_decode_lines = msgspec.json.Decoder(list[Line]).decode
_decode_owed = msgspec.json.Decoder(dict[str, Goal]).decode

INSERT = Statement(lambda dialect: insert_records(dialect, orders, list(orders.c)[1:]).returning(orders.c.order_id))
UPDATE = Statement(
    lambda dialect: update_records(
        dialect,
        orders,
        [orders.c.order_id, orders.c.owner],
        [orders.c.lines, orders.c.status, orders.c.owed, orders.c.response_recorded],
        version=orders.c.epoch,
    ).returning(orders.c.order_id, orders.c.owner)
)
FIND = Statement(lambda dialect: sa.select(orders).where(orders.c.order_id.in_(strings(dialect, "order_ids"))))
KNOWN = Statement(
    lambda dialect: sa.select(orders.c.order_id).where(orders.c.order_id.in_(strings(dialect, "order_ids")))
)


Row = Order | OrderUnreadable


def row_of(order: Order) -> dict[str, Any]:
    """Return the row that holds an order as it is now."""
    return {
        "order_id": order.order_id,
        "policy": str(order.policy),
        "placed_for": order.table,
        "currency": order.currency.code,
        "lines": _encode(order.lines).decode(),
        "status": str(order.status),
        "owed": encode_json(order.owed) if order.owed else None,
        "response_recorded": order.response_recorded,
        "created_at_ms": order.created_at_ms,
        "owner": order.owner,
        "epoch": order.epoch,
    }


def read_row(row: Sequence[Any]) -> Row:
    """Return the order of a row, or why this version cannot read it: one bad row does not affect the others."""
    try:
        return _order(row)
    except (ValueError, TypeError, msgspec.MsgspecError) as error:
        return OrderUnreadable(row[1], str(error))


def _order(row: Sequence[Any]) -> Order:
    _, order_id, policy, table, currency, lines, _, owed, response_recorded, created_at_ms, owner, epoch = row
    order = Order(
        order_id,
        Policy(policy),
        table,
        Currency(currency),
        _decode_lines(lines),
        created_at_ms,
        _decode_owed(owed) if owed else {},
        bool(response_recorded),
        owner=owner,
        epoch=epoch,
    )
    if order.owed.keys() - order.shares.keys():
        raise ValueError(f"it owes {', '.join(order.owed)} something, and has lines for {', '.join(order.shares)}")
    return order
