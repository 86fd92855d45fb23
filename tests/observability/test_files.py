"""What can be checked of the alerts, the runbooks, the dashboard and the Compose services without running them."""

import json
import re
import subprocess
from collections import Counter
from typing import Any

import pytest
import yaml

from ops.dashboard import FILE, dashboard_json, expressions
from tests.support.processes import ROOT
from tests.support.prometheus import FOLDER, rules, selectors

ALERTS = {rule["alert"]: rule for rule in rules() if "alert" in rule}
RUNBOOKS = ROOT / "docs" / "runbooks"
CASES = [
    case
    for test in yaml.safe_load((FOLDER / "rules_test.yml").read_text())["tests"]
    for case in test["alert_rule_test"]
]


@pytest.mark.parametrize("name", ALERTS)
def test_an_alert_has_a_severity_and_a_runbook_that_says_what_to_do(name: str) -> None:
    alert = ALERTS[name]
    assert alert["labels"]["severity"] in ("page", "ticket")
    assert alert["annotations"]["runbook"] == f"docs/runbooks/{name}.md"
    page = (RUNBOOKS / f"{name}.md").read_text()
    assert page.startswith(f"# {name}\n")
    assert [part in page for part in ("**It means**", "**Look at**", "**Do**", "```sh\n")] == [True] * 4
    assert f"| [{name}]({name}.md) | {alert['labels']['severity']} |" in (RUNBOOKS / "README.md").read_text()


FUNCTIONS = ("metrics", "logs", "health", "restart", "status", "disk", "audit")
ELSEWHERE = {"psql", "du", "openssl"}
"""Commands on the pages that are no functions: they are for the machine of the database, or of the files."""

_BLOCK = re.compile(r"^ *```sh\n(.*?)^ *```$", re.MULTILINE | re.DOTALL)
_GREP = re.compile(r"^ *(metrics|logs) (\w+) [|] grep -E '([^']+)'$", re.MULTILINE)


def commands(name: str) -> list[str]:
    """Return the commands of a page, each line of its blocks."""
    blocks = _BLOCK.findall((RUNBOOKS / f"{name}.md").read_text())
    return [line.strip() for block in blocks for line in block.splitlines()]


def test_the_first_page_defines_the_functions_of_all_others_for_each_kind_of_installation() -> None:
    blocks = _BLOCK.findall((RUNBOOKS / "README.md").read_text())

    assert len(blocks) == 3
    for block in blocks:
        script = f"{block}\ndeclare -F {' '.join(FUNCTIONS)}"
        done = subprocess.run(["bash", "-euc", script], capture_output=True, text=True, check=False)
        assert (done.stdout.split(), done.stderr) == (list(FUNCTIONS), "")


@pytest.mark.parametrize("name", ALERTS)
def test_commands_of_a_page_are_those_functions(name: str) -> None:
    assert commands(name)
    assert {command.split()[0] for command in commands(name)} <= {*FUNCTIONS, *ELSEWHERE}


@pytest.mark.parametrize("name", ALERTS)
def test_what_a_page_looks_for_in_a_log_is_logged_somewhere(name: str) -> None:
    sources = [
        *(ROOT / "gateway").rglob("*.py"),
        *(ROOT / "departments").rglob("*.py"),
        *(ROOT / "infra").rglob("*.py"),
    ]
    said = {text for file in sources for text in re.findall(r'log\.\w+\(\s*"([^"]+)"', file.read_text())}
    wanted = [text for kind, _, texts in _GREP.findall(page_of(name)) if kind == "logs" for text in texts.split("|")]

    assert [text for text in wanted if not any(text in each for each in said)] == []


def page_of(name: str) -> str:
    """Return a page's text."""
    return (RUNBOOKS / f"{name}.md").read_text()


def test_every_page_is_an_alerts() -> None:
    assert {page.stem for page in RUNBOOKS.glob("*.md")} == {"README", *ALERTS}


@pytest.mark.parametrize("name", ALERTS)
def test_an_alert_is_tried_with_series_in_which_it_fires_and_in_which_it_does_not(name: str) -> None:
    fires = Counter(bool(case["exp_alerts"]) for case in CASES if case["alertname"] == name)
    assert fires[True] >= 1
    assert fires[False] >= 1


def test_the_committed_dashboard_is_current() -> None:
    assert FILE.read_text() == dashboard_json(), "run `just fix`"


def test_the_expressions_of_a_panel_have_names_of_their_own() -> None:
    graphs: list[dict[str, Any]] = [each for each in json.loads(dashboard_json())["panels"] if each["type"] != "row"]
    assert len(expressions()) == sum(len(graph["targets"]) for graph in graphs)
    for graph in graphs:
        names = [target["refId"] for target in graph["targets"]]
        assert len(set(names)) == len(names) > 0
        assert all(names)


def test_selectors_are_found_in_an_expression() -> None:
    expr = '1 - sum by (restaurant) (rate(comanda_a_bucket{le="1.0"}[5m])) / comanda:b:rate5m > up{job="comanda"}'
    assert selectors(expr) == ['comanda_a_bucket{le="1.0"}', "comanda:b:rate5m", 'up{job="comanda"}']


@pytest.mark.parametrize("file", ["docker-compose.yml", "docker-compose.postgres.yml"])
def test_compose_starts_what_is_configured(file: str) -> None:
    """Prometheus finds each program by its service's name, on the port on which its containers serve metrics."""
    services = yaml.safe_load((ROOT / file).read_text())["services"]
    shared = yaml.safe_load((FOLDER / "services.yml").read_text())["services"]
    program = yaml.safe_load((ROOT / "deploy/program.yml").read_text())["services"]["program"]["environment"]
    config = yaml.safe_load((FOLDER / "prometheus.yml").read_text())
    (found,) = config["scrape_configs"][0]["dns_sd_configs"]
    assert found["port"] == program["COMANDA_METRICS_PORT"]
    assert set(found["names"]) == {"gateway", "bar", "kitchen", "bakery"} <= set(services)
    assert set(shared) == {"prometheus", "alertmanager", "grafana", "jaeger"} <= set(services)
    for service in shared.values():
        mounted = [volume.partition(":")[0] for volume in service.get("volumes", []) if volume.startswith("./")]
        assert all((FOLDER / path).exists() for path in mounted)
        assert all(port.startswith("127.0.0.1:") for port in service["ports"])
