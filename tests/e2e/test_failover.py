"""The primary of a database hangs, and its standby takes over: orders are taken again, and nothing is lost."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.books import Store
from tests.e2e.guests import Json, line, order, outcomes
from tests.e2e.harness import House, Houses, environment, eventually, run
from tests.infra.db.clusters import Cluster, running_cluster


@pytest.fixture
def cluster() -> Iterator[Cluster]:
    with running_cluster() as cluster:
        yield cluster


@pytest.fixture
def houses(cluster: Cluster, tmp_path: Path) -> Iterator[Houses]:
    url = cluster.new_database("house", "?target_session_attrs=read-write")
    houses = Houses(tmp_path, lambda home: Store(home, url))
    yield houses
    houses.close()


async def test_orders_are_taken_while_a_primary_hangs_once_another_is_promoted(
    cluster: Cluster, houses: Houses
) -> None:
    house = houses.open({"bar": {"coffee": 1000}, "kitchen": {"pasta": 1000}})
    wish = order(line("bar", "coffee"), line("kitchen", "pasta"))
    told: list[Json] = []
    async with house.client() as client:
        told += [(await client.post("/orders", json=wish)).json() for _ in range(20)]
        await eventually(lambda: _is_settled(house), "all outcomes are on record")
        cluster.catch_up()
        with cluster.primary.hanging():
            refused = await asyncio.wait_for(client.post("/orders", json=wish), 10)
            assert refused.status_code == 503
            cluster.standby.promote()

            async def is_taken() -> bool:
                answer = await client.post("/orders", json=wish)
                if answer.status_code == 201:
                    told.append(answer.json())
                return answer.status_code == 201

            await eventually(is_taken, "an order is taken while the old primary hangs")
            for each in told:
                assert outcomes(each) == ["accepted", "accepted"]
                assert (await client.get(f"/orders/{each['order_id']}")).json() == each
            audit = await asyncio.to_thread(_audit, house)
            assert audit.startswith("0 "), audit
            logs = house.gateway.output
            assert logs.count("the database cannot be reached") <= 1
            house.close()


async def _is_settled(house: House) -> bool:
    return not house.books.unfinished()


def _audit(house: House) -> str:
    variables = environment(HOME=house.books.store.home, DATABASE_URL=house.books.store.url or "", MENUS=house.menus)
    done = run(["-m", "ops", "audit"], variables)
    return f"{done.code} {done.stdout}{done.stderr}"
