"""A program that is down reaches a person, by a real Prometheus, a real Alertmanager and a receiver of notifications.

Rules, routes and receivers are those of deploy/observability, but for the times: no alert waits, and no group does.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.support.alertmanager import Webhook, running_alertmanager, running_webhook
from tests.support.database_contents import Store
from tests.support.processes import ROOT, Program, free_ports
from tests.support.prometheus import Prometheus, running_prometheus
from tests.support.systems import Systems
from tests.support.waiting import wait_for

pytestmark = pytest.mark.proof

ALERT = "ComandaProgramDown"


@dataclass(frozen=True)
class Watched:
    """A program whose metrics are at `target`, and what is sent about it."""

    program: Program
    target: str
    prometheus: Prometheus
    webhook: Webhook


@pytest.fixture
def watched(tmp_path: Path) -> Iterator[Watched]:
    (port,) = free_ports(1)
    target = f"127.0.0.1:{port}"
    systems = Systems(tmp_path, Store)
    try:
        system = systems.open({"bar": {"coffee": 1}}, gateway=False, BAR_METRICS_PORT=port)
        with (
            running_webhook() as webhook,
            running_alertmanager(tmp_path, webhook) as alertmanager,
            running_prometheus(tmp_path, [target], alertmanager) as prometheus,
        ):
            yield Watched(system["bar"], target, prometheus, webhook)
    finally:
        systems.close()


def test_a_program_that_is_down_wakes_somebody_until_it_is_up_again(watched: Watched) -> None:
    wait_for(lambda: watched.prometheus.value('sum(up{job="comanda"})') == 1, "the bar is scraped")
    assert watched.webhook.notifications == []

    watched.program.kill()

    (firing,) = wait_for(lambda: watched.webhook.of(ALERT, "firing"), "somebody is told that the bar is down")
    assert firing.receiver == "page"
    assert firing.labels["instance"] == watched.target
    assert firing.annotations["summary"] == f"{watched.target} does not serve its metrics"
    runbook = ROOT / firing.annotations["runbook"]
    assert runbook.read_text().startswith(f"# {ALERT}")

    watched.program.restart()

    (resolved, *_) = wait_for(lambda: watched.webhook.of(ALERT, "resolved"), "somebody is told that it is up again")
    assert (resolved.receiver, resolved.labels) == ("page", firing.labels)
