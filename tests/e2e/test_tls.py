"""Mutual TLS between real processes: who gets in, who does not, and certificates that change while orders are taken."""

import asyncio
import ssl
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from grpclib.const import Handler, Status
from grpclib.exceptions import GRPCError, StreamTerminatedError
from grpclib.health.v1.health_grpc import HealthStub
from grpclib.health.v1.health_pb2 import HealthCheckRequest

from generated.restaurant import v1
from infra.grpc.peer_guard import WatchedChannel
from ops import certs
from tests.support.database_contents import Store
from tests.support.processes import Program, environment, free_ports, run
from tests.support.rest_clients import Load, line, order, outcomes
from tests.support.systems import System, Systems
from tests.support.waiting import eventually

MENUS = {"bar": {"coffee": 1_000_000}, "kitchen": {"pasta": 1_000_000}}
METHODS: dict[str, Handler] = v1.DepartmentServiceBase().__mapping__()
PROGRAMS = (*MENUS, "gateway")
TAKEN_UP = 15.0  # seconds in which every program has to have taken up new files


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("tls") / "certs"
    change(folder)
    return folder


@pytest.fixture(scope="module")
def systems(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Systems]:
    systems = Systems(tmp_path_factory.mktemp("systems"), Store)
    yield systems
    systems.close()


@pytest.fixture(scope="module")
def system(systems: Systems, folder: Path) -> System:
    return systems.open(MENUS, **settings(folder))


def change(folder: Path, step: str = "issue") -> None:
    certs.main([step, "--folder", str(folder)])


def settings(folder: Path) -> dict[str, Any]:
    return {
        f"{program}_TLS_{kind}".upper(): folder / program / f"{kind}.pem"
        for program in PROGRAMS
        for kind in ("ca", "cert", "key")
    }


def context(folder: Path, program: str | None) -> ssl.SSLContext:
    """Make a client's side by hand, so that it is not the product's."""
    tls = ssl.create_default_context(cafile=str(folder / "gateway" / "ca.pem"))
    tls.set_alpn_protocols(["h2"])
    if program:
        tls.load_cert_chain(folder / program / "cert.pem", folder / program / "key.pem")
    return tls


@asynccontextmanager
async def calling(
    system: System, name: str, tls: ssl.SSLContext | None, peer: str = ""
) -> AsyncIterator[WatchedChannel]:
    channel = WatchedChannel("127.0.0.1", system[name].port, tls, peer or name)
    try:
        yield channel
    finally:
        channel.close()
        await asyncio.sleep(0.1)  # TLS says goodbye, and waits for one


async def menu_at(channel: WatchedChannel) -> str:
    return (await v1.DepartmentServiceStub(channel).get_menu(v1.GetMenuRequest(), timeout=5)).name


async def test_orders_are_taken(system: System) -> None:
    async with system.client() as client:
        response = await client.post("/orders", json=order(line("bar", "coffee"), line("kitchen", "pasta")))

    assert response.status_code == 201, response.text
    assert outcomes(response.json()) == ["accepted", "accepted"]


async def test_the_gateways_certificate_is_let_in(system: System, folder: Path) -> None:
    async with calling(system, "bar", context(folder, "gateway")) as channel:
        assert await menu_at(channel) == "bar"


@pytest.mark.parametrize("program", ["bar", "kitchen"])
async def test_a_departments_certificate_is_no_gateways(system: System, folder: Path, program: str) -> None:
    async with calling(system, "bar", context(folder, program)) as channel:
        with pytest.raises(GRPCError) as refused:
            await menu_at(channel)

    assert refused.value.status is Status.PERMISSION_DENIED
    assert refused.value.message == f"the certificate is for {program}; only gateway may call"


async def status_of(channel: WatchedChannel, path: str) -> Status:
    """Call a method with an empty request, and return its status."""
    method = METHODS[path]
    call = channel.request(path, method.cardinality, method.request_type, method.reply_type)
    try:
        async with asyncio.timeout(10), call as stream:
            await stream.send_message(method.request_type(), end=True)
            async for _ in stream:
                pass
    except GRPCError as error:
        return error.status
    return Status.OK


@pytest.mark.parametrize("path", METHODS)
async def test_every_method_is_the_gateways_alone(system: System, folder: Path, path: str) -> None:
    """Orders, moves, changes of stock, and the changes that are watched: certificates decide for each of them."""
    async with calling(system, "bar", context(folder, "kitchen")) as channel:
        assert await status_of(channel, path) is Status.PERMISSION_DENIED
    async with calling(system, "bar", context(folder, "gateway")) as channel:
        assert await status_of(channel, path) in (Status.OK, Status.INVALID_ARGUMENT, Status.NOT_FOUND)


async def test_a_department_may_ask_how_it_is(system: System, folder: Path) -> None:
    async with calling(system, "bar", context(folder, "bar")) as channel:
        assert (await HealthStub(channel).Check(HealthCheckRequest())).status == 1
    async with calling(system, "bar", context(folder, "kitchen")) as channel:
        with pytest.raises(GRPCError) as refused:
            await HealthStub(channel).Check(HealthCheckRequest())
    assert refused.value.status is Status.PERMISSION_DENIED


async def test_nobody_is_let_in_without_a_certificate(system: System, folder: Path) -> None:
    async with calling(system, "bar", context(folder, None)) as channel:
        with pytest.raises((ssl.SSLError, StreamTerminatedError, ConnectionError)):
            await menu_at(channel)


async def test_plaintext_is_not_understood(system: System) -> None:
    async with calling(system, "bar", None) as channel:
        with pytest.raises((StreamTerminatedError, ConnectionError)):
            await menu_at(channel)


async def test_another_authoritys_gateway_is_not_let_in(system: System, tmp_path: Path, folder: Path) -> None:
    change(tmp_path / "certs")
    stranger = context(folder, None)
    stranger.load_cert_chain(tmp_path / "certs/gateway/cert.pem", tmp_path / "certs/gateway/key.pem")

    async with calling(system, "bar", stranger) as channel:
        with pytest.raises((ssl.SSLError, StreamTerminatedError, ConnectionError)):
            await menu_at(channel)


async def test_a_department_cannot_stand_in_for_another(systems: Systems, system: System, folder: Path) -> None:
    impostor = systems.open({"bar": MENUS["bar"]}, gateway=False, **settings(folder))
    (port,) = free_ports(1)
    misled = {
        **settings(folder),
        "HOME": impostor["bar"].log.parent / "misled",
        "DEPARTMENTS": f"kitchen=127.0.0.1:{impostor['bar'].port}",
        "PORT": port,
        "TIME_TO_DECIDE": 60,
        "WAIT_FOR_DEPARTMENTS": 0,
    }
    gateway = Program("gateway", ["-m", "gateway"], environment(**misled), port, impostor["bar"].log.parent)
    gateway.restart()
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", trust_env=False) as client:
        response = await client.post("/orders", json=order(line("kitchen", "pasta")))
    gateway.close()

    assert response.status_code == 202, response.text
    assert outcomes(response.json()) == ["pending"]
    assert "certificate is not valid for 'kitchen'" in gateway.output


async def test_the_health_command_speaks_tls(system: System, folder: Path) -> None:
    variables = environment(**settings(folder), BAR_PORT=system["bar"].port, GATEWAY_PORT=system["gateway"].port)

    healthy = [await asyncio.to_thread(run, ["-m", "ops.health", name], variables) for name in ("bar", "gateway")]

    assert [(each.code, each.stdout) for each in healthy] == [(0, "SERVING\n"), (0, "ready\n")]


async def test_certificates_and_authority_change_under_load_and_nobody_waits(system: System, folder: Path) -> None:
    old = context(folder, "gateway")
    load = Load(system)
    async with load:
        for step in ("issue", "new-authority", "issue", "forget-old"):
            before = {name: system[name].output.count("new certificate ") for name in PROGRAMS}
            change(folder, step)

            async def taken_up(before: dict[str, int] = before) -> bool:
                return all(system[name].output.count("new certificate ") > before[name] for name in PROGRAMS)

            await eventually(taken_up, f"{step} is taken up", TAKEN_UP)
            await asyncio.sleep(3)  # the gateway leaves its old connections

    assert load.responses > 100
    assert load.wrong == []
    async with calling(system, "bar", context(folder, "gateway")) as channel:
        assert await menu_at(channel) == "bar"
    async with calling(system, "bar", old) as channel:
        with pytest.raises(ssl.SSLCertVerificationError):
            await menu_at(channel)


@pytest.mark.parametrize(
    ("program", "variables", "told"),
    [
        (["-m", "departments", "bar"], {"HOST": "0.0.0.0"}, "COMANDA_PLAINTEXT=0.0.0.0"),
        (["-m", "gateway"], {"DEPARTMENTS": "bar=bar:50052"}, "COMANDA_PLAINTEXT=bar"),
        (["-m", "gateway"], {"TLS_CA": "ca.pem"}, "COMANDA_TLS_CERT and COMANDA_TLS_KEY is not set"),
        (["-m", "departments", "bar"], {"TLS_CA": "x", "TLS_CERT": "y", "TLS_KEY": "z"}, "TLS: x cannot be used"),
    ],
)
def test_what_is_set_wrongly_is_one_line(
    program: list[str], variables: dict[str, object], told: str, tmp_path: Path
) -> None:
    done = run(program, environment(HOME=tmp_path, **variables))

    assert done.code == 2, sys.executable
    assert told in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert not list(tmp_path.iterdir())
