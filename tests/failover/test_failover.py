"""The short form: a cluster's primary is stopped while clients order.

Its lease is ended after some seconds, so that nobody waits for Patroni's `ttl`.
"""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.failover.cluster import Cluster, running_cluster
from tests.failover.faults import Duration
from tests.failover.proof import prove
from tests.failover.site import Site

pytestmark = [pytest.mark.proof, pytest.mark.timeout(400)]

BUSY_SECONDS = 15.0
"""How long it may take until orders are taken again where other tests run at the same time; the long form has 3 s."""

PLAN = ("primary stopped",)


@pytest.fixture
def cluster() -> Iterator[Cluster]:
    with running_cluster(loop_wait=1) as cluster:
        yield cluster


async def test_whatever_the_primary_does_every_promise_is_kept(cluster: Cluster, tmp_path: Path) -> None:
    site = Site(tmp_path, await asyncio.to_thread(cluster.new_database, "comanda"), replicas=1)
    try:
        await site.open()
        rounds, _ = await prove(
            cluster, site, tmp_path, PLAN, Duration(stop=8.0, lease=5.0), print, clients=4, limit=BUSY_SECONDS
        )
    finally:
        await site.close()
    assert [each.wrong for each in rounds] == [()]
