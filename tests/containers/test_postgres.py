"""Two of everything on PostgreSQL behind a proxy: what is killed, upgraded, renewed and restored as clients order."""

import asyncio
import os
import random
import socket
import ssl
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from ops import certs
from tests.containers.conftest import NEW
from tests.containers.stack import COMMAND_SECONDS, PASSWORD, Stack, docker
from tests.support.processes import ROOT, free_ports
from tests.support.recorded_clients import MENUS, Party, ResponseLog
from tests.support.rest_clients import Json, Load, line, order
from tests.support.systems import write_menu
from tests.support.waiting import wait_for

PAUSE = 0.2  # seconds between two orders of a client: two cores have to serve all of the containers, and them

pytestmark = [pytest.mark.containers, pytest.mark.timeout(600)]

PROGRAMS = ("bar", "kitchen", "bakery", "gateway")
UPGRADED = ("bar", "gateway")  # of both kinds; the others are replaced by the same lines, and take as long
SERVICES = (*PROGRAMS, "proxy", "postgres")
HTTP_REQUEST_SECONDS = 10.0  # what deploy/haproxy.cfg gives a request to arrive


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("postgres")
    certs.main(["--containers", "--folder", str(folder / "certs")])
    for name, stock in MENUS.items():
        write_menu(folder / "menus", name, stock)
    return folder


@pytest.fixture(scope="module")
def stack(image: str, others: dict[str, str], folder: Path) -> Iterator[Stack]:
    (port,) = free_ports(1)
    variables = {
        **others,
        "COMANDA_IMAGE": image,
        "COMANDA_MENUS": folder / "menus",
        "COMANDA_CERTS": folder / "certs",
        "COMANDA_DB_PASSWORD": PASSWORD,
    }
    stack = Stack("docker-compose.postgres.yml", f"comanda-{port}", port, variables)
    stack.ca = folder / "certs/proxy/ca.pem"
    try:
        stack.up()
        yield stack
    finally:
        stack.close()


def test_there_are_two_of_each_and_only_the_proxy_is_published(stack: Stack) -> None:
    assert {name: len(stack.containers(name)) for name in PROGRAMS} == dict.fromkeys(PROGRAMS, 2)
    assert stack.published() == {"proxy": [f"127.0.0.1:{stack.port}"]}


def test_no_process_is_root(stack: Stack) -> None:
    for service in SERVICES:
        (owner,) = {Path(f"/proc/{each.pid}").stat().st_uid for each in stack.containers(service)}
        assert owner != 0, service


def test_nobody_but_the_proxy_can_reach_a_gateway_and_nothing_can_reach_out(stack: Stack) -> None:
    networks = {service: _networks(stack, service) for service in SERVICES}

    assert networks == {
        "bar": {"departments"},
        "kitchen": {"departments"},
        "bakery": {"departments"},
        "postgres": {"departments"},
        "gateway": {"departments", "gateways"},
        "proxy": {"gateways", "front"},
    }
    everything = ("proxy:8443", "gateway:8000", "bar:50052", "kitchen:50053", "bakery:50051", "postgres:5432")
    assert stack.reachable("front", *everything) == {"proxy:8443"}
    assert [_is_internal(stack, name) for name in ("departments", "gateways", "front")] == [True, True, False]


async def test_the_proxy_holds_slow_clients_off_and_serves_the_others(stack: Stack) -> None:
    slow = await asyncio.to_thread(_begin_requests, stack, 50)
    began = asyncio.get_running_loop().time()
    async with Load(stack, PAUSE) as load:
        await asyncio.sleep(2)
    behind = stack["gateway"].run("python", "-c", _CONNECTIONS)
    responses = [await asyncio.to_thread(each.recv, 100) for each in slow]
    took = asyncio.get_running_loop().time() - began
    for each in slow:
        each.close()

    assert load.responses > 10
    assert load.wrong == []
    assert int(behind) < 20
    assert {response.split(b"\r\n")[0] for response in responses} == {b"HTTP/1.1 408 Request Time-out"}
    assert HTTP_REQUEST_SECONDS - 2 < took < HTTP_REQUEST_SECONDS + 10


async def test_whatever_is_killed_nothing_is_lost(stack: Stack, tmp_path: Path) -> None:
    chance = random.Random(1)
    with ResponseLog(tmp_path / "told.jsonl") as book:
        party = Party([stack.url], book, seed=1, pause=PAUSE, verify=stack.verify)
        async with party.celebrating(8):
            for service in ("kitchen", "gateway", "postgres", "bar"):
                await stack.crash_and_return(chance.choice(stack.containers(service)))

    # The proxy's own 503, while no gateway is ready, does not say when to come again.
    assert [each for each in party.surprises if not each.startswith("503 without Retry-After: <html>")] == []
    assert len(book.orders) > 50
    await _settled(stack)
    assert stack.wrong(book.path) == {}


async def test_replicas_are_replaced_one_by_one_and_no_order_fails(stack: Stack, next_image: str) -> None:
    before = {each.id for service in UPGRADED for each in stack.containers(service)}
    stack.variables["COMANDA_IMAGE"] = next_image
    async with Load(stack, PAUSE) as load:
        await asyncio.to_thread(_upgrade, stack)

    after = [each for service in UPGRADED for each in stack.containers(service)]
    assert before.isdisjoint(each.id for each in after)
    assert {each.inspect()["Config"]["Image"] for each in after} == {NEW}
    assert len(after) == 2 * len(UPGRADED)
    assert load.wrong == []
    assert load.responses > 200
    await _settled(stack)
    assert stack.wrong() == {}


async def test_an_upgrade_that_does_not_start_is_taken_back(stack: Stack) -> None:
    before = {each.id for each in stack.containers("gateway")}
    async with Load(stack, PAUSE) as load:
        stack.variables["COMANDA_CURRENCY"] = "euro"
        done = await asyncio.to_thread(_run_upgrade, stack, "gateway")
        del stack.variables["COMANDA_CURRENCY"]

    assert done.returncode == 1
    assert "COMANDA_CURRENCY='euro' is not allowed" in done.stderr
    assert done.stderr.endswith("is removed; the others are as they were\n")
    assert {each.id for each in stack.containers("gateway")} == before
    assert load.wrong == []


async def test_certificates_are_renewed_and_no_order_fails(stack: Stack, folder: Path) -> None:
    old = _certificate(stack)
    taken_up = {each.id: _renewals(each.id) for service in PROGRAMS for each in stack.containers(service)}
    async with Load(stack, PAUSE) as load:
        await asyncio.to_thread(certs.main, ["--folder", str(folder / "certs")])
        await asyncio.to_thread(stack.compose, "kill", "-s", "HUP", "proxy")
        await asyncio.to_thread(wait_for, lambda: _certificate(stack) != old, "the proxy has a new certificate")
        await asyncio.to_thread(
            wait_for,
            lambda: all(_renewals(each) > count for each, count in taken_up.items()),
            "all programs have new certificates",
        )
        await asyncio.sleep(2)

    assert load.wrong == []
    assert load.responses > 50


async def test_a_dump_is_put_back_into_an_empty_database(stack: Stack, tmp_path: Path) -> None:
    before: list[Json] = []
    async with stack.client() as client:
        for _ in range(20):
            response = await client.post("/orders", json=order(line("bar", "coffee"), line("bakery", "cookie")))
            before.append(response.json())
    dump = tmp_path / "comanda.dump"
    async with Load(stack, PAUSE):
        with dump.open("wb") as file:
            await asyncio.to_thread(_pipe, stack, "pg_dump -U comanda -h 127.0.0.1 -Fc comanda", stdout=file)

    stack.compose("stop", *PROGRAMS)
    stack["postgres"].run("dropdb", "-U", "comanda", "-h", "/tmp", "comanda")
    stack["postgres"].run("createdb", "-U", "comanda", "-h", "/tmp", "comanda")
    with dump.open("rb") as file:
        _pipe(stack, "pg_restore -U comanda -h 127.0.0.1 -d comanda --exit-on-error", stdin=file)
    stack.compose("start", *PROGRAMS)
    stack.wait_ready()

    async with stack.client() as client:
        for each in before:
            assert (await client.get(f"/orders/{each['order_id']}")).json() == each
    await _settled(stack)
    assert stack.wrong() == {}  # all databases of one moment


_CONNECTIONS = """
lines = open("/proc/net/tcp").read().splitlines()[1:]
print(sum(line.split()[1].endswith(":1F40") and line.split()[3] == "01" for line in lines))
"""  # established ones to port 8000


def _networks(stack: Stack, service: str) -> set[str]:
    found: set[str] = set()
    for each in stack.containers(service):
        found |= set(each.inspect()["NetworkSettings"]["Networks"])
    return {name.rpartition("_")[2] for name in found}


def _is_internal(stack: Stack, network: str) -> bool:
    project = stack.variables["COMPOSE_PROJECT_NAME"]
    return docker("network", "inspect", "-f", "{{.Internal}}", f"{project}_{network}").strip() == "true"


def _begin_requests(stack: Stack, count: int) -> list[ssl.SSLSocket]:
    """Connect, and send the beginning of an order."""
    context = ssl.create_default_context(cafile=stack.ca)
    begun = []
    for _ in range(count):
        plain = socket.create_connection(("127.0.0.1", stack.port), timeout=2 * HTTP_REQUEST_SECONDS)
        each = context.wrap_socket(plain, server_hostname="localhost")
        each.sendall(
            b'POST /orders HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 99\r\n\r\n{"li'
        )
        begun.append(each)
    return begun


def _certificate(stack: Stack) -> str:
    return ssl.get_server_certificate(("127.0.0.1", stack.port), timeout=5)


def _renewals(container: str) -> int:
    done = subprocess.run(["docker", "logs", container], capture_output=True, text=True, check=True)
    return done.stderr.count('"event": "new certificate"')


def _upgrade(stack: Stack) -> None:
    done = _run_upgrade(stack, *UPGRADED)
    assert done.returncode == 0, done.stdout + done.stderr


def _run_upgrade(stack: Stack, *services: str) -> "subprocess.CompletedProcess[str]":
    """Run what an operator runs."""
    return subprocess.run(
        [ROOT / "deploy/upgrade", *services],
        env=stack.variables,
        capture_output=True,
        text=True,
        check=False,
        timeout=COMMAND_SECONDS,
    )


def _pipe(stack: Stack, command: str, **files: object) -> None:
    """Run a command in the database's container, from or to a file."""
    subprocess.run(
        ["docker", "exec", "-i", "-e", f"PGPASSWORD={PASSWORD}", stack["postgres"].id, *command.split()],
        check=True,
        env=os.environ,
        timeout=COMMAND_SECONDS,
        **files,  # type: ignore[call-overload]
    )


async def _settled(stack: Stack) -> None:
    """Wait until no order is pending."""
    async with stack.client() as client:
        for _ in range(120):
            response = await client.get("/orders", params={"status": "pending", "limit": 1})
            if response.status_code == 200 and not response.json()["orders"]:
                return
            await asyncio.sleep(0.5)
    raise AssertionError("orders are still pending after a minute")
