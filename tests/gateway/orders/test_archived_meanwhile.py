"""An order that is archived while a gateway works on it: its client hears so."""

import pytest
import sqlalchemy as sa

from gateway.domain.errors import OrderArchived
from gateway.domain.order import Order
from tests.support.order_path import Restaurant
from tests.support.orders import order


def archive(connection: sa.Connection, order_id: str) -> None:
    """Leave of an order what archiving leaves."""
    connection.execute(
        sa.text("INSERT INTO archived_orders (restaurant, order_id) VALUES ('main', :id)"), {"id": order_id}
    )
    for table in ("ticket_states", "orders"):
        connection.execute(sa.text(f"DELETE FROM {table} WHERE order_id = :id"), {"id": order_id})


async def test_a_cancel_that_reads_an_order_before_and_takes_it_after_is_refused_as_archived(
    restaurant: Restaurant, monkeypatch: pytest.MonkeyPatch
) -> None:
    placed = await restaurant.service.place(order("bar coffee"))
    await restaurant.settle()
    take = restaurant.journal.take

    async def archive_and_take(order_id: str) -> Order | None:
        await restaurant.database.write(archive, order_id)
        return await take(order_id)

    monkeypatch.setattr(restaurant.journal, "take", archive_and_take)
    with pytest.raises(OrderArchived):
        await restaurant.service.cancel(placed.order_id)
