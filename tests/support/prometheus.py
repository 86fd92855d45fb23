"""A real Prometheus on this machine, with deploy/observability's configuration and rules."""

import re
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import yaml

from tests.support.processes import ROOT, free_ports
from tests.support.waiting import START_SECONDS, STOP_SECONDS, wait_for

FOLDER = ROOT / "deploy" / "observability"
CONFIG = FOLDER / "prometheus.local.yml"

_SELECTOR = re.compile(r"(?<![\w:\"{])((?:comanda|process)[\w:]*|up)(\{[^}]*\})?(?![\w:(\"])")


def tool(name: str, package: str = "prometheus") -> str:
    """Return a program of Debian's package."""
    program = shutil.which(name)
    assert program, f"this test needs {name} itself; install it: apt-get install {package}"
    return program


def rules() -> list[dict[str, Any]]:
    """Return every rule."""
    groups = yaml.safe_load((FOLDER / "rules.yml").read_text())["groups"]
    return [rule for group in groups for rule in group["rules"]]


def selectors(expr: str) -> list[str]:
    """Return the selectors of series in an expression: `comanda_tickets{state="ready"}`."""
    return [name + (labels or "") for name, labels in _SELECTOR.findall(expr)]


def filled_in(expr: str) -> str:
    """Return an expression of the dashboard as Grafana sends it, for all restaurants."""
    return expr.replace("$restaurant", ".*").replace("$__rate_interval", "1m")


@dataclass(frozen=True, slots=True)
class Prometheus:
    """One that runs."""

    client: httpx.Client

    def query(self, expr: str) -> list[dict[str, Any]]:
        """Return what an expression is now: a list of series with their values; raises AssertionError for an error."""
        answer = self.client.get("/api/v1/query", params={"query": expr}).json()
        assert answer["status"] == "success", (expr, answer)
        result: list[dict[str, Any]] = answer["data"]["result"]
        return result

    def value(self, expr: str) -> float | None:
        """Return the value of an expression that has one series, or None where it has none."""
        found = self.query(expr)
        return float(found[0]["value"][1]) if found else None

    def alerts(self) -> list[dict[str, Any]]:
        """Return the alerts that are pending or firing."""
        found: list[dict[str, Any]] = self.client.get("/api/v1/alerts").json()["data"]["alerts"]
        return found


@contextmanager
def running_prometheus(folder: Path, targets: Sequence[str], alertmanager: int | None = None) -> Iterator[Prometheus]:
    """Run Prometheus on some targets, with the configuration for one machine but for those and the pace.

    With the port of an Alertmanager it sends its alerts there, and no alert waits for its `for`.
    """
    config = yaml.safe_load(CONFIG.read_text())
    config["global"] = {"scrape_interval": "1s", "evaluation_interval": "1s"}
    config["rule_files"] = [str(FOLDER / "rules.yml")]
    config["scrape_configs"][0]["static_configs"] = [{"targets": list(targets)}]
    if alertmanager is None:
        del config["alerting"]
    else:
        config["alerting"]["alertmanagers"][0]["static_configs"] = [{"targets": [f"127.0.0.1:{alertmanager}"]}]
        config["rule_files"] = [str(_impatient_rules(folder))]
    (folder / "prometheus.yml").write_text(yaml.safe_dump(config))
    (port,) = free_ports(1)
    command = [tool("prometheus"), f"--config.file={folder}/prometheus.yml", f"--storage.tsdb.path={folder}/data"]
    command += [f"--web.listen-address=127.0.0.1:{port}", "--log.level=warn"]
    with (folder / "prometheus.log").open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL)
    try:
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", trust_env=False, timeout=START_SECONDS) as client:
            wait_for(lambda: is_ready(client), "Prometheus is ready", START_SECONDS)
            yield Prometheus(client)
    finally:
        process.terminate()
        process.wait(STOP_SECONDS)


def _impatient_rules(folder: Path) -> Path:
    """Write the rules anew, each of which fires as soon as its condition holds."""
    content = yaml.safe_load((FOLDER / "rules.yml").read_text())
    for group in content["groups"]:
        for rule in group["rules"]:
            rule.pop("for", None)
    path = folder / "rules.yml"
    path.write_text(yaml.safe_dump(content))
    return path


def is_ready(client: httpx.Client) -> bool:
    """Return whether Prometheus or Alertmanager says that it serves."""
    try:
        return client.get("/-/ready").status_code == 200
    except httpx.TransportError:
        return False
