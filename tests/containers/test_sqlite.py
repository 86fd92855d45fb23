"""The stack as it is: SQLite, one of everything. The order tests of real processes run here again, in containers."""

import re
import subprocess
from pathlib import Path

import pytest

from tests.containers.stack import PROGRAMS, OpenSqlite, SqliteSystem, docker
from tests.support.order_tests import (
    MENUS,
    test_64_clients_buy_exactly_what_there_is,
    test_a_cancelled_order_is_restocked_once,
    test_a_refused_order_sent_again_is_refused_with_the_same_words,
    test_another_body_with_a_known_order_id_is_refused,
    test_clients_of_several_departments_at_once_take_what_each_has,
    test_the_menu_shows_live_stock,
    test_the_same_order_sent_10_times_at_once_has_one_effect_and_one_response,
    test_the_set_menu_gets_the_counters_words,
)
from tests.support.processes import ROOT
from tests.support.rest_clients import decided, line, order, outcomes

__all__ = [
    "test_64_clients_buy_exactly_what_there_is",
    "test_a_cancelled_order_is_restocked_once",
    "test_a_refused_order_sent_again_is_refused_with_the_same_words",
    "test_another_body_with_a_known_order_id_is_refused",
    "test_clients_of_several_departments_at_once_take_what_each_has",
    "test_the_menu_shows_live_stock",
    "test_the_same_order_sent_10_times_at_once_has_one_effect_and_one_response",
    "test_the_set_menu_gets_the_counters_words",
]

pytestmark = [pytest.mark.containers, pytest.mark.timeout(300)]

ADDRESSES = ("gateway:8000", "bar:50052", "kitchen:50053", "bakery:50051")


@pytest.fixture(scope="module")
def system(open_sqlite: OpenSqlite) -> SqliteSystem:
    return open_sqlite(MENUS)


def test_all_are_healthy_and_only_the_gateway_is_published(system: SqliteSystem) -> None:
    assert all(system[name].is_healthy for name in PROGRAMS)
    assert system.published() == {"gateway": [f"127.0.0.1:{system.port}"]}


def test_the_departments_network_leads_nowhere(system: SqliteSystem) -> None:
    networks = system["bar"].inspect()["NetworkSettings"]["Networks"]

    assert [docker("network", "inspect", "-f", "{{.Internal}}", each).strip() for each in networks] == ["true"]


def test_whoever_stands_beside_the_gateway_reaches_no_department(system: SqliteSystem) -> None:
    assert system.reachable("front", *ADDRESSES) == {"gateway:8000"}


@pytest.mark.parametrize("name", PROGRAMS)
def test_a_program_is_nobody_and_can_do_nothing_else(system: SqliteSystem, name: str) -> None:
    container = system[name]
    status = dict(each.split(":\t", 1) for each in Path(f"/proc/{container.pid}/status").read_text().splitlines())
    host = container.inspect()["HostConfig"]

    assert set(status["Uid"].split()) == {"10001"}
    assert {status[each] for each in ("CapInh", "CapPrm", "CapEff", "CapBnd")} == {"0" * 16}
    assert status["NoNewPrivs"] == "1"
    assert host["ReadonlyRootfs"]
    assert (host["Memory"], host["PidsLimit"]) == (256 * 2**20, 64)
    with pytest.raises(AssertionError, match="Read-only file system"):
        container.run("touch", "/app/file")


def test_a_program_tells_how_it_is(system: SqliteSystem) -> None:
    assert system["bar"].run("python", "-m", "ops.health") == "SERVING\n"
    assert system["gateway"].run("python", "-m", "ops.health") == "ready\n"


def test_the_functions_of_the_runbooks_work(system: SqliteSystem) -> None:
    page = (ROOT / "docs/runbooks/README.md").read_text()
    _, containers, _ = re.findall(r"^```sh\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)
    calls = "metrics bar; logs gateway; health gateway; status; disk; audit; restart bakery >&2"
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", f"{containers}\n{calls}"],
        cwd=ROOT,
        env=system.variables,
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stderr
    said = ("comanda_revision{", "ready for orders", "\nready\n", "healthy", "Filesystem", "acknowledged")
    assert [each for each in said if each not in done.stdout] == []
    system.wait_ready()


async def test_a_department_that_is_down_is_pending_until_it_is_back(system: SqliteSystem) -> None:
    async with system.client() as client:
        system.compose("stop", "kitchen")
        placed = await client.post("/orders", json=order(line("bar", "gin"), line("kitchen", "pasta")))
        system.compose("start", "kitchen")
        found = await decided(client, placed.json()["order_id"])

    assert (placed.status_code, outcomes(placed.json())) == (202, ["accepted", "pending"])
    assert outcomes(found) == ["accepted", "accepted"]
