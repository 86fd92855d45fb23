"""What a scrape of the metrics reads of a department's database: open tickets by state, and the stock."""

from dataclasses import dataclass

import sqlalchemy as sa

from departments.schema import IS_OPEN, department, own, stock, tickets

MOST_ITEMS = 200
"""Items whose stock is read, by their names; a menu seldom has more, and each is a series of its own."""


@dataclass(frozen=True, slots=True)
class Summary:
    """Open tickets by state, their number and when the oldest was placed in ms since 1970; and what is left by item.

    Items without a figure on hand are left out; `items` counts all of them.
    """

    revision: int
    tickets: dict[str, tuple[int, int]]
    on_hand: dict[str, int]
    items: int


def read_summary(connection: sa.Connection) -> Summary:
    """Read the summary; it costs as much as there are open tickets, 10 ms for 10,000."""
    position = sa.select(department.c.revision).where(own(connection, department))
    by_state = (
        sa.select(tickets.c.state, sa.func.count(), sa.func.min(tickets.c.placed_at_ms))
        .where(own(connection, tickets), IS_OPEN)
        .group_by(tickets.c.state)
    )
    limited = sa.select(stock.c.item, stock.c.on_hand).where(own(connection, stock), stock.c.unlimited == 0)
    items = sa.select(sa.func.count()).where(own(connection, stock))
    return Summary(
        connection.execute(position).scalar_one(),
        {state: (count, oldest) for state, count, oldest in connection.execute(by_state)},
        dict(connection.execute(limited.order_by(stock.c.item).limit(MOST_ITEMS)).all()),
        connection.execute(items).scalar_one(),
    )
