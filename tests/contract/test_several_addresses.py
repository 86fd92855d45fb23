"""A department whose name has several addresses, as a headless Service of Kubernetes has, and one of them is dead."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from grpclib.const import Status

from gateway.department_client.client import CallPolicy, DepartmentClient
from gateway.domain.lines import TicketState
from gateway.domain.transitions import Goal
from infra.grpc.connecting import AddressInfo
from infra.grpc.peer_guard import WatchedChannel
from tests.contract.department_programs import HOST, DepartmentProgram, open_program, refuse
from tests.support.orders import order
from tests.support.silent_addresses import free_address, silent_address


def address_of(program: DepartmentProgram) -> AddressInfo:
    family, kind, protocol, name, _ = free_address()
    return family, kind, protocol, name, (HOST, program.port)


@asynccontextmanager
async def client_of(*addresses: AddressInfo) -> AsyncIterator[DepartmentClient]:
    async def resolve(host: str, port: int) -> Sequence[AddressInfo]:
        return addresses

    client = DepartmentClient("bar", WatchedChannel("bar", 1, resolve=resolve), CallPolicy())
    try:
        yield client
    finally:
        client.close()


async def places(client: DepartmentClient) -> bool:
    """Place an order for a coffee; raises Unreachable."""
    return (await client.submit(Goal.PLACE, order("bar coffee"))).state is TicketState.QUEUED


async def test_an_order_is_placed_within_its_deadline_though_the_first_address_is_silent(
    full_bar: DepartmentProgram,
) -> None:
    with silent_address() as silent:
        async with client_of(silent, address_of(full_bar)) as client:
            assert await places(client)
            assert client.is_reachable


async def test_an_order_goes_to_the_other_replica_when_one_dies(full_bar: DepartmentProgram, tmp_path: Path) -> None:
    """Each has a database of its own here, which shows where an order went."""
    (tmp_path / "other").mkdir()
    async with (
        open_program("bar", tmp_path / "other", stock=10) as other,
        client_of(address_of(full_bar), address_of(other)) as client,
    ):
        assert await places(client)
        await full_bar.stop()
        assert await places(client)
        assert client.is_reachable
        assert len(await other.states()) == 1


async def test_an_order_goes_to_the_other_replica_when_one_is_unavailable(
    full_bar: DepartmentProgram, tmp_path: Path
) -> None:
    """As one whose database is away."""
    (tmp_path / "other").mkdir()
    full_bar.network.on_call = refuse(Status.UNAVAILABLE)
    async with (
        open_program("bar", tmp_path / "other", stock=10) as other,
        client_of(address_of(full_bar), address_of(other)) as client,
    ):
        assert await places(client)
        assert client.is_reachable
        assert (len(await full_bar.states()), len(await other.states())) == (0, 1)


async def test_a_connection_that_holds_is_kept(full_bar: DepartmentProgram) -> None:
    with silent_address() as silent:
        async with client_of(silent, address_of(full_bar)) as client:
            for _ in range(3):
                assert await places(client)
            assert len(full_bar.connections) == 1
