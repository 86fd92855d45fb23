"""The quick version: a little of everything, on SQLite and on PostgreSQL with replicas of all programs."""

from pathlib import Path

import pytest

from tests.support.audits import figures
from tests.torture.conftest import OpenSite
from tests.torture.run import Plan, torture
from tests.torture.site import Server

pytestmark = pytest.mark.proof

KILLS = 6
ORDERS = 150


@pytest.mark.parametrize("database", ["sqlite", "postgresql"])
async def test_whatever_is_killed_every_promise_is_kept(
    request: pytest.FixtureRequest, open_site: OpenSite, tmp_path: Path, database: str
) -> None:
    server: Server | None = request.getfixturevalue("server") if database == "postgresql" else None
    site = await open_site(server, replicas=2 if server else 1)
    plan = Plan(seed=7, kills=KILLS, orders=ORDERS, clients=12, audit_every=5.0, archive_every=10.0)
    result = await torture(site, tmp_path, plan, print)

    print(result.report())
    assert result.wrong == []
    assert figures(result.audit)["acknowledged"] > ORDERS / 4
    assert result.kills >= KILLS
