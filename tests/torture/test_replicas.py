"""Several gateways, and several of each department, on one PostgreSQL."""

import asyncio
import time
import uuid
from typing import Any

import httpx
import pytest

from tests.support.audits import figures
from tests.support.waiting import eventually
from tests.torture.conftest import OpenSite
from tests.torture.site import Server, Site

pytestmark = pytest.mark.proof

HANDOVER_SECONDS = 15.0
STOCK, QUANTITY, CROWD = 100, 3, 45


def order(**lines: tuple[str, int]) -> dict[str, Any]:
    asked = [{"department": name, "item": item, "quantity": quantity} for name, (item, quantity) in lines.items()]
    return {"order_id": str(uuid.uuid4()), "table": "7", "lines": asked}


async def test_the_orders_of_a_gateway_that_dies_or_hangs_are_handed_over(open_site: OpenSite, server: Server) -> None:
    """One gateway is killed, one hangs and comes back: the third sees to the orders of both, once."""
    site = await open_site(server, menus={"kitchen": {"pizza": STOCK}}, replicas=3, WAIT_FOR_DEPARTMENTS=0)
    killed, hanging, heir = site.gateways
    for kitchen in site.departments:
        await site.kill(kitchen)
    async with httpx.AsyncClient(timeout=30, trust_env=False) as client:
        bodies = [order(kitchen=("pizza", 1)) for _ in range(20)]
        responses = await asyncio.gather(
            *(client.post(f"{site.urls[n % 2]}/orders", json=body) for n, body in enumerate(bodies))
        )
        assert {response.status_code for response in responses} == {202}
        await site.kill(killed)
        hanging.pause()
        began = time.monotonic()
        for kitchen in site.departments:
            await site.revive(kitchen)
        await eventually(site.is_settled, "the heir has seen to all orders", HANDOVER_SECONDS)
        seconds = time.monotonic() - began
        hanging.resume()

        async def is_put_right() -> bool:
            again = await client.post(f"{site.urls[1]}/orders", json=bodies[1])
            return again.status_code == 201

        await eventually(is_put_right, "the gateway that hung has heard of its heir")
        fresh = await client.post(f"{site.urls[1]}/orders", json=order(kitchen=("pizza", 1)))
        assert fresh.status_code in (201, 202)  # its own breaker may not have closed yet

        async def is_served() -> bool:
            response = await client.get(f"{site.urls[2]}/orders/{fresh.json()['order_id']}")
            return bool(response.json()["status"] == "accepted")

        await eventually(is_served, "the gateway that hung takes orders again")
        found = [await client.get(f"{site.urls[2]}/orders/{body['order_id']}") for body in bodies]

    print(f"handed over within {seconds:.1f} s")
    assert "another gateway has ended this one's lease" in hanging.output
    assert "resumed" in heir.output
    assert [response.json()["status"] for response in found] == ["accepted"] * len(bodies)
    assert_all_zeros(site)


async def test_replicas_of_a_department_sell_exactly_what_there_is(open_site: OpenSite, server: Server) -> None:
    wanted = {"coffee": "best_effort", "tea": "all_or_nothing"}
    site = await open_site(server, menus={"bar": dict.fromkeys(wanted, STOCK)}, replicas=2)
    bodies = [order(bar=(item, QUANTITY)) | {"policy": policy} for _ in range(CROWD) for item, policy in wanted.items()]
    async with httpx.AsyncClient(timeout=30, trust_env=False, limits=httpx.Limits(max_connections=64)) as client:
        # Each order arrives at both gateways, and so at both replicas of the bar.
        twice = await asyncio.gather(*(client.post(f"{url}/orders", json=body) for body in bodies for url in site.urls))

    statuses = [response.status_code for response in twice]
    assert statuses[::2] == statuses[1::2]
    served = STOCK // QUANTITY
    for number, item in enumerate(wanted):
        assert sorted(statuses[2 * number :: 4]) == [201] * served + [409] * (CROWD - served), item
    await eventually(site.is_settled, "everything is settled")
    assert [shelf.sold for shelf in site.books.check("bar").values()] == [served * QUANTITY] * 2
    assert_all_zeros(site)


def assert_all_zeros(site: Site) -> None:
    audit = site.audit()
    assert audit.returncode == 0, audit.stdout + audit.stderr
    assert {name for name, count in figures(audit).items() if count} == {"acknowledged"}, audit.stdout
