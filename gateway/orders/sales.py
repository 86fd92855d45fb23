"""The script that adds up the sales of a range of time within the database, so that no order has to leave it."""

from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

from gateway.domain.lines import Outcome
from gateway.domain.sales import QUARTER_MS, Sold
from gateway.orders.queries import placed_between
from gateway.orders.tables import HAS_SEQ, orders, own


def read_sold(connection: sa.Connection, from_ms: int | None, to_ms: int | None) -> list[Sold]:
    """Return what was accepted, and not taken back since, of orders that were placed in a range of time."""
    line, field = _lines(connection)
    quantity, price = (sa.cast(field(name), sa.BigInteger) for name in ("quantity", "unit_price"))
    # Integers are divided to the smaller one by both databases.
    columns = [orders.c.created_at_ms.op("/")(QUARTER_MS), orders.c.currency, field("department"), field("item")]
    query = (
        sa.select(*columns, sa.func.sum(quantity), sa.func.sum(quantity * price))
        .select_from(orders.join(line, sa.true()))
        .where(own(connection, orders), HAS_SEQ, placed_between(from_ms, to_ms))
        .where(field("outcome") == Outcome.ACCEPTED.value)
        .group_by(*(sa.literal_column(str(place)) for place in range(1, 5)))
    )
    return [Sold(row[0], row[1], row[2], row[3], int(row[4]), int(row[5])) for row in connection.execute(query).all()]


def _lines(connection: sa.Connection) -> Any:
    """Return an order's lines as a table, and a function that returns a line's field as text."""
    if connection.dialect.name == "postgresql":
        table = sa.func.json_array_elements(sa.cast(orders.c.lines, postgresql.JSON)).table_valued("value")
        table = table.render_derived(name="line")
        return table, lambda name: table.c.value.op("->>")(name)
    table = sa.func.json_each(orders.c.lines).table_valued("value", name="line")
    return table, lambda name: sa.func.json_extract(table.c.value, f"$.{name}")
