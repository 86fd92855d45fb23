"""More orders than the gateway can hold: some are told to come back, before anything was written down."""

import asyncio
import time
from collections import Counter

import httpx
import pytest

from tests.support.waiting import eventually
from tests.torture.conftest import OpenSite
from tests.torture.test_replicas import assert_all_zeros, order

pytestmark = pytest.mark.proof

ROOM = 8
CROWD = 60
SOON_SECONDS = 4.0  # before the department that hangs is given up, and there is room for more
PUSH_SECONDS = 2.0
MENUS = {"bar": {"coffee": 1_000_000}}


async def test_what_does_not_fit_is_refused_before_it_is_written_down(open_site: OpenSite) -> None:
    site = await open_site(menus=MENUS, MAX_WAITING=ROOM, DEADLINE=20)
    (bar,) = site.departments
    bar.pause()
    bodies = [order(bar=("coffee", 1)) for _ in range(CROWD)]
    async with httpx.AsyncClient(base_url=site.urls[0], timeout=30, limits=_MANY, trust_env=False) as client:
        asking = [asyncio.create_task(client.post("/orders", json=body)) for body in bodies]

        async def are_told() -> bool:
            return sum(task.done() for task in asking) >= CROWD - ROOM

        await eventually(are_told, "those who do not fit are told", SOON_SECONDS)
        done, waiting = await asyncio.wait(asking, timeout=0)
        refused = [task.result() for task in done]
        journal = site.books.orders()
        bar.resume()
        taken = [await task for task in waiting]
        again = await client.post("/orders", json=bodies[-1])

    assert Counter(response.status_code for response in refused) == {503: CROWD - ROOM}
    assert len(taken) == ROOM
    for response in refused:
        assert response.headers["content-type"] == "application/problem+json"
        assert int(response.headers["retry-after"]) > 0
    told = dict(zip((body["order_id"] for body in bodies), asking, strict=True))
    assert journal.keys() == {order_id for order_id, task in told.items() if task in waiting}
    assert {response.status_code for response in taken} <= {201, 202}
    assert again.status_code == 201


async def test_a_crowd_without_end_gets_responses_and_the_gateway_is_itself_again_when_it_leaves(
    open_site: OpenSite,
) -> None:
    site = await open_site(menus=MENUS, MAX_WAITING=ROOM)
    told: dict[str, int] = {}
    late: list[float] = []
    enough = time.monotonic() + PUSH_SECONDS

    async def push(client: httpx.AsyncClient) -> None:
        while time.monotonic() < enough:
            body = order(bar=("coffee", 1))
            began = time.monotonic()
            response = await client.post("/orders", json=body)
            late.append(time.monotonic() - began)
            told[body["order_id"]] = response.status_code

    async with httpx.AsyncClient(base_url=site.urls[0], timeout=30, limits=_MANY, trust_env=False) as client:
        await asyncio.gather(*(push(client) for _ in range(CROWD)))
        began = time.monotonic()
        afterwards = [await client.post("/orders", json=order(bar=("coffee", 1))) for _ in range(20)]
        seconds = time.monotonic() - began

    statuses = Counter(told.values())
    print(f"{statuses}; the slowest response took {max(late):.2f} s; 20 orders afterwards {seconds:.2f} s")
    assert statuses.keys() == {201, 503}
    assert [response.status_code for response in afterwards] == [201] * 20

    await eventually(site.is_settled, "everything is settled")
    assert site.books.orders().keys() - {response.json()["order_id"] for response in afterwards} == {
        order_id for order_id, status in told.items() if status == 201
    }
    assert_all_zeros(site)


_MANY = httpx.Limits(max_connections=None)
