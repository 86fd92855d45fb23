"""What the Helm chart says has been run: its pods, with a PostgreSQL and certificates as its operators make them."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
import trustme

from tests.containers.pods import Files, Node, address, config_maps, logs, passes, pod_of
from tests.containers.stack import COMEBACK_SECONDS, Container, docker
from tests.support.chart import Resource, render
from tests.support.keys import AUTHORIZED, KEY
from tests.support.processes import free_ports
from tests.support.rest_clients import Json, line, order, outcomes
from tests.support.waiting import wait_for

pytestmark = [pytest.mark.containers, pytest.mark.timeout(300)]

START_SECONDS = 120.0
PASSWORD = "of-the-operator"
DATABASE = "comanda-db-rw.comanda"  # CloudNativePG's Service of the primary, in the release's namespace
STARTED = {"bakery": "bakery", "bar": "bar", "bar-2": "bar", "gateway": "gateway"}
"""The program of each container."""

URL = f"postgresql://comanda:{PASSWORD}@{DATABASE}:5432/comanda"

TURN_TLS_ON = f"""
set -e
install -o postgres -m 600 /tls/tls.key /tmp/tls.key
install -o postgres -m 600 /tls/tls.crt /tmp/tls.crt
export PGPASSWORD={PASSWORD}
for setting in "ssl_key_file = '/tmp/tls.key'" "ssl_cert_file = '/tmp/tls.crt'" "ssl = on"; do
  psql -q -h 127.0.0.1 -U comanda comanda -c "ALTER SYSTEM SET $setting"
done
psql -q -h 127.0.0.1 -U comanda comanda -c "SELECT pg_reload_conf()"
"""


@dataclass
class Release:
    """A release of the chart that runs: its resources, and a container of each Deployment; of the bar there are two."""

    node: Node
    pods: dict[str, Resource]
    containers: dict[str, Container]

    @property
    def url(self) -> str:
        return f"http://{address(self.containers['gateway'])}:8000"

    def is_ready(self, name: str) -> bool:
        (container,) = self.pods[STARTED[name]]["containers"]
        return passes(self.containers[name], container["readinessProbe"], 8000)


@pytest.fixture(scope="module")
def release(image: str, others: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Release]:
    repository, tag = image.split(":")
    resources = render({
        "image": {"repository": repository, "tag": tag},
        "gateway": {"firstKeySecret": "first-key"},
        "departments": {"kitchen": None},
        "menuCheckSeconds": 0.5,
    })  # fmt: skip
    folder = tmp_path_factory.mktemp("node")
    node = Node(f"comanda-node-{free_ports(1)[0]}", folder, config_maps(resources), secrets(resources))
    node.open()
    try:
        start_database(node, others["POSTGRES_IMAGE"])
        pods = {
            each["metadata"]["name"].removeprefix("comanda-"): pod_of(each)
            for each in resources
            if each["kind"] in {"Deployment", "CronJob"}
        }
        with ThreadPoolExecutor(2) as executor:
            started = {
                name: executor.submit(node.start, name, pods[program], f"comanda-{program}")
                for name, program in STARTED.items()
            }
        containers = {name: each.result() for name, each in started.items()}
        release = Release(node, pods, containers)
        for name in containers:
            wait_for(lambda name=name: release.is_ready(name), f"{name} is ready", START_SECONDS)  # type: ignore[misc]
        yield release
    finally:
        node.close()


def secrets(resources: list[Resource]) -> dict[str, Files]:
    """Make what cert-manager makes of the Certificates, CloudNativePG of the Cluster, and an operator of the values."""
    authority, of_database = trustme.CA(), trustme.CA()
    found: dict[str, Files] = {"first-key": {"key": KEY}, "comanda-db-app": {"uri": URL}}
    for each in resources:
        if each["kind"] == "Certificate" and "dnsNames" in each["spec"]:
            found[each["spec"]["secretName"]] = files_of(authority, *each["spec"]["dnsNames"])
    found["comanda-db-server"] = files_of(of_database, DATABASE)
    found["comanda-db-ca"] = {"ca.crt": of_database.cert_pem.bytes().decode()}
    return found


def files_of(authority: trustme.CA, *names: str) -> Files:
    leaf = authority.issue_cert(*names)
    return {
        "ca.crt": authority.cert_pem.bytes().decode(),
        "tls.crt": b"".join(each.bytes() for each in leaf.cert_chain_pems).decode(),
        "tls.key": leaf.private_key_pem.bytes().decode(),
    }


def start_database(node: Node, image: str) -> None:
    """Start what stands in for CloudNativePG's primary: PostgreSQL with the operator's password and certificate."""
    tls = node.folder / "database"
    tls.mkdir()
    for name, text in node.secrets["comanda-db-server"].items():
        (tls / name).write_text(text)
    variables = {"POSTGRES_USER": "comanda", "POSTGRES_DB": "comanda", "POSTGRES_PASSWORD": PASSWORD}
    environment = [f"--env={name}={value}" for name, value in variables.items()]
    options = [f"--network={node.name}", f"--network-alias={DATABASE}", f"--volume={tls}:/tls:ro", *environment]
    database = Container(docker("run", "--detach", *options, image).strip())

    def is_there() -> bool:
        ready = ["pg_isready", "--quiet", "--host=127.0.0.1", "--username=comanda"]
        return passes(database, {"exec": {"command": ready}})

    wait_for(is_there, "PostgreSQL is there", COMEBACK_SECONDS)
    docker("exec", "--user=root", database.id, "sh", "-c", TURN_TLS_ON)


def get(release: Release, path: str) -> Json:
    response = httpx.get(release.url + path, headers=AUTHORIZED, timeout=30, trust_env=False)
    assert response.status_code == 200, response.text
    found: Json = response.json()
    return found


def spec_of(release: Release, name: str) -> Resource:
    """Return the specification of a container, by the container's name here."""
    (spec,) = release.pods[STARTED[name]]["containers"]
    found: Resource = spec
    return found


def connections(container: Container, port: int) -> int:
    """Count the connections that others have with a container's port."""
    lines = Path(f"/proc/{container.pid}/net/tcp").read_text().splitlines()[1:]
    found = [line.split()[1:4] for line in lines]
    return sum(local.endswith(f":{port:04X}") and state == "01" for local, _, state in found)


def place(release: Release) -> list[str]:
    """Place an order at both departments, and return its outcomes when it is decided."""
    wanted = order(line("bar", "coffee"), line("bakery", "cookie"))
    response = httpx.post(f"{release.url}/orders", json=wanted, headers=AUTHORIZED, timeout=30, trust_env=False)
    assert response.status_code in {201, 202}, response.text

    def decided() -> list[str]:
        found = outcomes(get(release, f"/orders/{wanted['order_id']}"))
        return [] if "pending" in found else found

    return wait_for(decided, "the order is decided", COMEBACK_SECONDS)


def test_an_order_is_placed_at_every_department(release: Release) -> None:
    assert place(release) == ["accepted"] * 2


@pytest.mark.parametrize("probe", ["startupProbe", "livenessProbe"])
def test_every_probe_passes(release: Release, probe: str) -> None:
    """Readiness has passed by now."""
    for name in ("bar", "gateway"):
        (spec,) = release.pods[name]["containers"]
        assert passes(release.containers[name], spec[probe], 8000), name


def test_a_probe_without_the_programs_certificate_fails(release: Release) -> None:
    """It is the certificate that lets it pass, and not that nobody asks for one."""
    command = ["env", "COMANDA_TLS_CA=", "COMANDA_TLS_CERT=", "COMANDA_TLS_KEY=", "python", "-m", "ops.health", "bar"]
    assert not passes(release.containers["bar"], {"exec": {"command": command}})


def test_a_new_menu_is_taken_up_by_all_replicas_without_a_restart(release: Release) -> None:
    old = release.node.config_maps["comanda-bar-menu"]["bar.toml"]
    assert "price = 350" in old
    before = {name: container.pid for name, container in release.containers.items()}
    release.node.update(
        "comanda-bar-menu", {"bar.toml": old.replace("price = 350", "price = 375")}, "bar-menus", "bar-2-menus"
    )

    def has_been_read(name: str) -> bool:
        return "the menu was read anew" in logs(release.containers[name])

    for name in ("bar", "bar-2"):
        wait_for(lambda name=name: has_been_read(name), f"{name} has the new menu", COMEBACK_SECONDS)  # type: ignore[misc]
    prices = {item["id"]: item["price"] for each in get(release, "/menu")["departments"] for item in each["items"]}
    assert prices["coffee"] == 375
    assert {name: container.pid for name, container in release.containers.items()} == before


def test_a_manager_is_made_by_a_command_in_a_gateway(release: Release) -> None:
    assert "/pair/" in release.containers["gateway"].run("python", "-m", "ops", "access", "manager")


def test_orders_go_on_when_the_replica_dies_that_got_them(release: Release) -> None:
    (port,) = (each["containerPort"] for each in spec_of(release, "bar")["ports"] if each["name"] == "grpc")
    serving = [release.containers[name] for name in ("bar", "bar-2")]
    used, other = sorted(
        serving, key=lambda each: connections(each, port), reverse=True
    )  # a probe connects for a moment
    assert connections(used, port)
    used.crash()
    assert place(release) == ["accepted"] * 2
    wait_for(lambda: connections(other, port), "the gateway has connected to the other replica", COMEBACK_SECONDS)


def test_the_nightly_audit_finds_nothing_wrong(release: Release) -> None:
    assert "lost" in release.node.run("audit", release.pods["audit"])
