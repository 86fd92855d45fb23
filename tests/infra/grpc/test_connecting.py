"""A name with several addresses, of which some are dead."""

import asyncio
import socket
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import pytest

from infra.grpc.connecting import SILENT_SECONDS, AddressInfo, Connector
from tests.support.silent_addresses import address_info, free_address, silent_address


class Names:
    """A resolver that returns the same addresses each time."""

    def __init__(self, *addresses: AddressInfo) -> None:
        self.addresses = addresses
        self.asked = 0

    async def __call__(self, host: str, port: int) -> Sequence[AddressInfo]:
        self.asked += 1
        return self.addresses


@contextmanager
def listening() -> Iterator[AddressInfo]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield address_info(server)


async def reached(connector: Connector) -> object:
    with await connector.connect() as sock:
        assert sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
        return sock.getpeername()


async def test_a_silent_address_is_passed_over() -> None:
    loop = asyncio.get_running_loop()
    with silent_address() as silent, listening() as alive:
        began = loop.time()
        assert await reached(Connector("bar", 1, Names(silent, alive))) == alive[4]
    assert SILENT_SECONDS <= loop.time() - began < SILENT_SECONDS + 1


async def test_an_address_that_refuses_is_passed_over_at_once() -> None:
    loop = asyncio.get_running_loop()
    with listening() as alive:
        began = loop.time()
        assert await reached(Connector("bar", 1, Names(free_address(), free_address(), alive))) == alive[4]
    assert loop.time() - began < SILENT_SECONDS


async def test_a_new_connection_goes_to_another_address_by_names_that_are_asked_for_anew() -> None:
    with listening() as one, listening() as other:
        names = Names(one, other)
        connector = Connector("bar", 1, names)
        assert [await reached(connector) for _ in range(3)] == [one[4], other[4], one[4]]
        names.addresses = (other,)
        assert [await reached(connector) for _ in range(2)] == [other[4], other[4]]
    assert names.asked == 5


async def test_where_none_can_be_reached_each_says_why() -> None:
    with pytest.raises(ConnectionRefusedError):
        await reached(Connector("bar", 1, Names(free_address())))
    with pytest.raises(OSError, match=r"failed.*; .*failed"):
        await reached(Connector("bar", 1, Names(free_address(), free_address())))
    with pytest.raises(OSError, match="bar has no address"):
        await reached(Connector("bar", 1, Names()))


async def test_a_deadline_ends_all_attempts() -> None:
    with silent_address() as one, silent_address() as other:
        connector = Connector("bar", 1, Names(one, other))
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(SILENT_SECONDS * 1.5):
                await reached(connector)
    assert len(asyncio.all_tasks()) == 1


async def test_a_name_of_this_machine_is_resolved() -> None:
    with listening() as alive:
        host, port = alive[4]
        assert await reached(Connector(host, port)) == alive[4]
