"""The primary of a database hangs, and its standby takes over: orders are taken again, and nothing is lost."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.database_contents import Store
from tests.support.postgresql_cluster import Cluster, running_cluster
from tests.support.processes import environment, run
from tests.support.rest_clients import Json, line, order, outcomes
from tests.support.systems import System, Systems
from tests.support.waiting import eventually

pytestmark = pytest.mark.proof


@pytest.fixture
def cluster() -> Iterator[Cluster]:
    with running_cluster() as cluster:
        yield cluster


@pytest.fixture
def systems(cluster: Cluster, tmp_path: Path) -> Iterator[Systems]:
    url = cluster.new_database("system", "?target_session_attrs=read-write")
    systems = Systems(tmp_path, lambda home: Store(home, url))
    yield systems
    systems.close()


async def test_orders_are_taken_while_a_primary_hangs_once_another_is_promoted(
    cluster: Cluster, systems: Systems
) -> None:
    system = systems.open({"bar": {"coffee": 1000}, "kitchen": {"pasta": 1000}})
    wish = order(line("bar", "coffee"), line("kitchen", "pasta"))
    told: list[Json] = []
    async with system.client() as client:
        told += [(await client.post("/orders", json=wish)).json() for _ in range(20)]
        await eventually(lambda: _is_settled(system), "all outcomes are on record")
        cluster.catch_up()
        with cluster.primary.hanging():
            refused = await asyncio.wait_for(client.post("/orders", json=wish), 10)
            assert refused.status_code == 503
            cluster.standby.promote()

            async def is_taken() -> bool:
                response = await client.post("/orders", json=wish)
                if response.status_code == 201:
                    told.append(response.json())
                return response.status_code == 201

            await eventually(is_taken, "an order is taken while the old primary hangs")
            for each in told:
                assert outcomes(each) == ["accepted", "accepted"]
                assert (await client.get(f"/orders/{each['order_id']}")).json() == each
            audit = await asyncio.to_thread(_audit, system)
            assert audit.startswith("0 "), audit
            logs = system.gateway.output
            assert logs.count("the database cannot be reached") <= 1
            system.close()


async def _is_settled(system: System) -> bool:
    return not system.books.unfinished()


def _audit(system: System) -> str:
    variables = environment(HOME=system.books.store.home, DATABASE_URL=system.books.store.url or "", MENUS=system.menus)
    done = run(["-m", "ops", "audit"], variables)
    return f"{done.code} {done.stdout}{done.stderr}"
