"""An order that was archived: 410, whoever asks for it, and its id is not to be had again."""

import uuid

import httpx

from gateway.rest.idempotency import NAMESPACE
from tests.support.fake_departments import STOCK
from tests.support.orders import new_id
from tests.support.rest_app import Served, problem


async def archive(served: Served, order_id: str) -> None:
    """Leave of an order what archiving leaves."""
    insert = f"INSERT INTO archived_orders (restaurant, order_id) VALUES ('main', '{order_id}')"
    await served.restaurant.database.write(lambda connection: connection.exec_driver_sql(insert).rowcount)


def is_gone(response: httpx.Response, order_id: str) -> None:
    found = problem(response, 410)
    assert found["title"] == "The order is archived"
    assert found["detail"] == f"order {order_id} was archived; a new order needs an order_id, or a key, of its own"


async def test_its_id_is_refused_on_every_path(served: Served) -> None:
    order_id = new_id()
    await archive(served, order_id)
    body = f'{{"order_id":"{order_id}","lines":[{{"department":"bar","item":"coffee"}}]}}'

    is_gone(await served.post("/orders", body), order_id)
    is_gone(await served.post("/orders/", body), order_id)
    is_gone(await served.client.get(f"/orders/{order_id}"), order_id)
    is_gone(await served.client.delete(f"/orders/{order_id}"), order_id)
    assert served.restaurant.bar.stock["coffee"] == STOCK["bar"]["coffee"]


async def test_its_key_is_refused_too(served: Served) -> None:
    order_id = str(uuid.uuid5(NAMESPACE, "round 2"))
    await archive(served, order_id)
    body = {"lines": [{"department": "bar", "item": "coffee"}]}
    response = await served.client.post("/orders", json=body, headers={"Idempotency-Key": "round-2"})

    assert response.status_code == 201
    is_gone(
        await served.client.post("/orders", json=body, headers={"Idempotency-Key": '"round 2"'}),
        order_id,
    )


async def test_another_order_in_the_same_batch_is_placed(served: Served) -> None:
    await archive(served, new_id())

    assert (await served.order("bar coffee")).status_code == 201
