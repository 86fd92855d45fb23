"""A real Prometheus scrapes a running system, and everything that the rules and the dashboard ask for is there.

One system on SQLite speaks mutual TLS; beside it is a gateway on PostgreSQL, whose lease counts, and whose department
is away. So every series exists, also those that only one kind of installation has.
"""

import re
import socket
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any

import httpx
import pytest

from ops import certs
from ops.dashboard import expressions
from tests.support.database_contents import Store
from tests.support.keys import AUTHORIZED
from tests.support.metrics import samples_of
from tests.support.postgresql import new_postgresql_database
from tests.support.processes import ROOT, Program, environment, free_ports
from tests.support.prometheus import FOLDER, Prometheus, filled_in, rules, running_prometheus, selectors, tool
from tests.support.rest_clients import line, order
from tests.support.systems import System, Systems
from tests.support.waiting import START_SECONDS, wait_for

pytestmark = pytest.mark.proof

MENUS = {"bar": {"coffee": 100, "beer": 0}, "kitchen": {"pasta": 100}}
EXPRESSIONS = [*(rule["expr"] for rule in rules()), *map(filled_in, expressions())]
_LOOKED_FOR = re.compile(r"metrics (\w+) [|] grep (?:-E )?'?([^'\n]+)'?$", re.MULTILINE)
_DOCUMENTED = re.compile(r"^\| (`[a-z_`, ]+`) \|", re.MULTILINE)


@dataclass(frozen=True)
class Site:
    """What is observed, and who observes it; `ports` are those of the metrics."""

    system: System
    ports: dict[str, int]
    prometheus: Prometheus


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory, postgresql: str) -> Iterator[Site]:
    folder = tmp_path_factory.mktemp("site")
    certs.main(["issue", "--folder", str(folder / "certs")])
    names = [*MENUS, "gateway", "other"]
    ports = dict(zip(names, free_ports(len(names)), strict=True))
    settings: dict[str, Any] = {
        f"{name}_TLS_{kind}".upper(): folder / "certs" / name / f"{kind}.pem"
        for name in (*MENUS, "gateway")
        for kind in ("ca", "cert", "key")
    }
    with ExitStack() as stack:
        systems = Systems(folder, Store)
        stack.callback(systems.close)
        settings |= {f"{name.upper()}_METRICS_PORT": ports[name] for name in (*MENUS, "gateway")}
        system = systems.open(MENUS, **settings)
        other = lone_gateway(folder, new_postgresql_database(postgresql), ports["other"])
        stack.callback(other.close)
        other.start()
        other.wait_ready()
        targets = [f"127.0.0.1:{port}" for port in ports.values()]
        prometheus = stack.enter_context(running_prometheus(folder, targets))
        stack.enter_context(following(system))
        make_traffic(system)
        yield Site(system, ports, prometheus)


def lone_gateway(folder: Path, url: str, metrics_port: int) -> Program:
    """Return a gateway on PostgreSQL whose department is away."""
    port, nobody = free_ports(2)
    variables = environment(
        HOME=folder / "other",
        DATABASE_URL=url,
        DEPARTMENTS=f"bar=127.0.0.1:{nobody}",
        PORT=port,
        METRICS_PORT=metrics_port,
        WAIT_FOR_DEPARTMENTS=0,
    )
    return Program("other", ["-m", "gateway"], variables, port, folder)


@contextmanager
def following(system: System) -> Iterator[None]:
    """Follow the events while the body runs."""
    with (
        httpx.Client(base_url=system.url, headers=AUTHORIZED, trust_env=False, timeout=START_SECONDS) as client,
        client.stream("GET", "/events") as response,
    ):
        assert response.status_code == 200
        yield


def make_traffic(system: System) -> None:
    """Place two orders, one of which is refused in part, ask for one that is unknown, and send what is no HTTP."""
    with httpx.Client(base_url=system.url, headers=AUTHORIZED, trust_env=False, timeout=START_SECONDS) as client:
        for lines in ([line("bar", "coffee")], [line("bar", "beer"), line("kitchen", "pasta")]):
            assert client.post("/orders", json=order(*lines)).status_code == 201
        assert client.get("/orders/01a20500-46cf-77d9-baa1-aabeeac332af").status_code == 404
    with closing(socket.create_connection(("127.0.0.1", system.gateway.port))) as connection:
        connection.sendall(b"nonsense\r\n\r\n")
        assert connection.recv(100).startswith(b"HTTP/1.1 400 ")


def test_every_program_is_scraped(site: Site) -> None:
    wait_for(lambda: site.prometheus.value('sum(up{job="comanda"})') == 4, "four programs are scraped")
    programs = site.prometheus.query("count by (program) (comanda_build_info)")
    assert {each["metric"]["program"]: each["value"][1] for each in programs} == {
        "bar": "1",
        "kitchen": "1",
        "gateway": "2",
    }


def test_orders_are_counted_where_they_were_placed(site: Site) -> None:
    placed = 'sum by (outcome) (comanda_orders_total{program="gateway"}) > 0'
    wait_for(lambda: site.prometheus.query(placed), "the orders are counted")
    found = {each["metric"]["outcome"]: each["value"][1] for each in site.prometheus.query(placed)}
    assert found == {"accepted": "1", "partly_accepted": "1"}
    assert site.prometheus.value('sum(comanda_lines_refused_total{reason="out_of_stock"})') == 1
    stock = 'comanda_stock_on_hand{program="bar", item="coffee"} == 99'
    wait_for(lambda: site.prometheus.query(stock), "a coffee is gone")


def test_every_expression_is_valid_and_names_series_that_exist(site: Site) -> None:
    wanted = {each for expr in EXPRESSIONS for each in selectors(expr)}
    assert len(wanted) > 50

    def missing() -> list[str]:
        return [each for each in sorted(wanted) if not site.prometheus.query(f"count({each})")]

    wait_for(lambda: not missing(), "every series that is asked for exists") if missing() else None
    for expr in EXPRESSIONS:
        site.prometheus.query(expr)


def test_a_department_that_is_away_is_an_alert(site: Site) -> None:
    def pending() -> list[str]:
        return [
            alert["labels"]["department"]
            for alert in site.prometheus.alerts()
            if alert["labels"]["alertname"] == "ComandaBreakerOpen"
            and alert["labels"]["instance"].endswith(f":{site.ports['other']}")
        ]

    assert wait_for(pending, "the breaker of the other gateway is open") == ["bar"]


def test_the_page_lists_what_is_scraped_and_nothing_else(site: Site) -> None:
    shown = set[str]()
    for port in site.ports.values():
        text = httpx.get(f"http://127.0.0.1:{port}/metrics", trust_env=False, timeout=START_SECONDS).text
        samples_of(text)  # it is well-formed, and no series is there twice
        shown.update(re.findall(r"^# TYPE comanda_(\w+)", text, re.MULTILINE))
    page = (ROOT / "docs" / "observability.md").read_text()
    documented = {name for row in _DOCUMENTED.findall(page) for name in re.findall(r"`([a-z_]+)`", row)}
    assert documented == shown


def test_what_a_runbook_looks_for_in_metrics_is_there(site: Site) -> None:
    text = {
        name: httpx.get(f"http://127.0.0.1:{port}/metrics", trust_env=False, timeout=START_SECONDS).text
        for name, port in site.ports.items()
    }
    text["gateway"] += text["other"]  # which has a lease
    pages = sorted((ROOT / "docs" / "runbooks").glob("Comanda*.md"))
    wanted = [(page.stem, *found) for page in pages for found in _LOOKED_FOR.findall(page.read_text())]
    assert len(wanted) >= len(pages)

    missing = [
        (page, program, each)
        for page, program, pattern in wanted
        for each in alternatives(pattern)
        if not re.search(each, text[program], re.MULTILINE)
    ]
    assert missing == []


def alternatives(pattern: str) -> list[str]:
    """Return the patterns without alternatives of one whose alternatives are in groups: `^a_(b|c)` is two."""
    parts = re.split(r"\(([^)]*)\)", pattern)
    return ["".join(each) for each in product(*(part.split("|") for part in parts))]


@pytest.mark.parametrize(
    "command",
    [
        ("promtool", "check", "config", "prometheus.yml"),
        ("promtool", "check", "config", "prometheus.local.yml"),
        ("promtool", "check", "rules", "rules.yml"),
        ("promtool", "test", "rules", "rules_test.yml"),
        ("amtool", "check-config", "alertmanager.yml"),
    ],
    ids=" ".join,
)
def test_the_tools_find_no_fault(command: tuple[str, ...]) -> None:
    name, *arguments = command
    program = tool(name, "prometheus-alertmanager" if name == "amtool" else "prometheus")
    done = subprocess.run([program, *arguments], cwd=FOLDER, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
