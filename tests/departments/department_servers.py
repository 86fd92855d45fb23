"""A whole department, from its services to its database, on a channel."""

import asyncio
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

from grpclib.client import Channel
from grpclib.testing import ChannelFor

from departments.app import DepartmentApp
from departments.domain.menu import Menu
from departments.rpc.counter import Counter, counters
from departments.rpc.limits import Limits
from departments.rpc.servicer import DESCRIPTORS, DepartmentServicer
from departments.rpc.status import to_status
from departments.storage import MIGRATIONS
from generated.restaurant import v1
from infra.db.database import Database
from infra.grpc.server import GrpcServer
from infra.sockets import bind
from tests.support.department_factories import new_id
from tests.support.migrated import prepare


@contextmanager
def open_database(menu: Menu, folder: Path) -> Iterator[Database]:
    """Open a department's SQLite file."""
    database = Database(f"sqlite:///{folder}/{menu.name}.db", schema=menu.name)
    prepare(database, MIGRATIONS)
    yield database
    database.close()


@asynccontextmanager
async def open_department(menu: Menu, folder: Path) -> AsyncIterator[DepartmentApp]:
    """Open a department on a SQLite file of its own."""
    with open_database(menu, folder) as database:
        department = DepartmentApp(menu, database)
        await department.open()
        yield department


def services(department: DepartmentApp, limits: Limits | None = None) -> Sequence[Any]:
    """The services that the program serves."""
    servicer = DepartmentServicer(department, limits or Limits())
    return [servicer, *counters(department.menu, Counter(department, new_id))]


@asynccontextmanager
async def in_memory(department: DepartmentApp) -> AsyncIterator[Channel]:
    """Speak with a department over gRPC without a socket; its errors are not translated."""
    async with ChannelFor(services(department)) as channel:
        yield channel


@asynccontextmanager
async def served(department: DepartmentApp, limits: Limits | None = None) -> AsyncIterator[Channel]:
    """Speak with a department as it is served, over a loopback socket."""
    sock = bind("127.0.0.1", 0)
    server = GrpcServer(
        services(department, limits),
        descriptors=DESCRIPTORS,
        translate=to_status,
        healthy=department.is_writable,
        max_message_bytes=1 << 20,
    )
    await server.start(sock)
    channel = Channel("127.0.0.1", sock.getsockname()[1])
    yield channel
    channel.close()
    async with asyncio.timeout(10):
        await server.drain(5)


def place_request(*orders: tuple[str, list[tuple[str, int]]], hold: bool = False) -> v1.PlaceOrdersRequest:
    """Orders of (item, quantity) lines, in columns."""
    lines = [line for _, order_lines in orders for line in order_lines]
    return v1.PlaceOrdersRequest(
        order_ids=[order_id for order_id, _ in orders],
        tables=["7"] * len(orders),
        holds=[hold] * len(orders),
        line_counts=[len(order_lines) for _, order_lines in orders],
        items=[item for item, _ in lines],
        quantities=[quantity for _, quantity in lines],
        notes=[""] * len(lines),
    )
