"""Real departments on real sockets. Tests count their calls, break them, stop and restart them on the same port."""

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from grpclib.const import Status
from grpclib.exceptions import GRPCError

from departments.app import DepartmentApp
from departments.domain.positions import Position
from departments.domain.steps import Move
from departments.domain.stock import Stock
from departments.domain.tickets import TicketState, Verb
from departments.menu_file import SHIPPED, find_menu, read_menu
from departments.rpc.limits import Limits
from departments.rpc.servicer import DESCRIPTORS, DepartmentServicer
from departments.rpc.status import to_status
from departments.storage import MIGRATIONS
from gateway.department_client.client import CallPolicy, DepartmentClient
from generated.restaurant import v1
from infra.grpc.peer_guard import WatchedChannel
from infra.grpc.server import GrpcServer
from infra.sockets import bind
from tests.support.breakable_database import BreakableDatabase
from tests.support.migrated import prepare

HOST = "127.0.0.1"
QUICK = CallPolicy(deadline=2.0)
SHORT = CallPolicy(deadline=0.25)
"""For a deadline that is meant to be missed."""

ABOUT_THE_CALLER = (Status.UNAUTHENTICATED, Status.PERMISSION_DENIED)
"""The statuses that a department returns to every call where a setting is wrong."""


@dataclass
class Network:
    """What the network, or a faulty server, does to calls, and the calls that were made."""

    calls: list[tuple[str, int]] = field(default_factory=list)
    in_flight: int = 0
    most_in_flight: int = 0
    gate: asyncio.Event = field(default_factory=asyncio.Event)
    on_call: Callable[[], None] = lambda: None
    alter: Callable[[Any], Any] = lambda response: response
    implements_streams: bool = True
    streams: int = 0

    async def deliver(self, rpc: str, count: int, call: Callable[[], Awaitable[Any]]) -> Any:
        self.calls.append((rpc, count))
        self.in_flight += 1
        self.most_in_flight = max(self.most_in_flight, self.in_flight)
        try:
            await self.gate.wait()
            self.on_call()
            return self.alter(await call())
        finally:
            self.in_flight -= 1

    def sizes(self, rpc: str) -> list[int]:
        """Return the number of orders in each call of an RPC."""
        return [count for name, count in self.calls if name == rpc]


class WatchedServicer(DepartmentServicer):
    """The real service behind the simulated network."""

    def __init__(self, app: DepartmentApp, network: Network) -> None:
        super().__init__(app, Limits())
        self._network = network

    async def get_menu(self, get_menu_request: v1.GetMenuRequest) -> v1.GetMenuResponse:
        response: v1.GetMenuResponse = await self._network.deliver(
            "menu", 0, lambda: super(WatchedServicer, self).get_menu(get_menu_request)
        )
        return response

    async def place_orders(self, place_orders_request: v1.PlaceOrdersRequest) -> v1.PlaceOrdersResponse:
        response: v1.PlaceOrdersResponse = await self._network.deliver(
            "place",
            len(place_orders_request.order_ids),
            lambda: super(WatchedServicer, self).place_orders(place_orders_request),
        )
        return response

    async def stream_orders(
        self, stream_orders_request_iterator: AsyncIterator[v1.StreamOrdersRequest]
    ) -> AsyncIterator[v1.StreamOrdersResponse]:
        if not self._network.implements_streams:
            raise GRPCError(Status.UNIMPLEMENTED, "Method not found")
        self._network.streams += 1
        async for response in super().stream_orders(stream_orders_request_iterator):
            yield response

    async def place_batch(self, batch: v1.StreamOrdersRequest) -> v1.StreamOrdersResponse:
        response: v1.StreamOrdersResponse = await self._network.deliver(
            "place", len(batch.order_ids), lambda: super(WatchedServicer, self).place_batch(batch)
        )
        return response

    async def confirm_orders(self, confirm_orders_request: v1.ConfirmOrdersRequest) -> v1.ConfirmOrdersResponse:
        response: v1.ConfirmOrdersResponse = await self._network.deliver(
            "confirm",
            len(confirm_orders_request.order_ids),
            lambda: super(WatchedServicer, self).confirm_orders(confirm_orders_request),
        )
        return response

    async def suspend_orders(self, suspend_orders_request: v1.SuspendOrdersRequest) -> v1.SuspendOrdersResponse:
        response: v1.SuspendOrdersResponse = await self._network.deliver(
            "suspend",
            len(suspend_orders_request.order_ids),
            lambda: super(WatchedServicer, self).suspend_orders(suspend_orders_request),
        )
        return response

    async def cancel_orders(self, cancel_orders_request: v1.CancelOrdersRequest) -> v1.CancelOrdersResponse:
        response: v1.CancelOrdersResponse = await self._network.deliver(
            "cancel",
            len(cancel_orders_request.order_ids),
            lambda: super(WatchedServicer, self).cancel_orders(cancel_orders_request),
        )
        return response


class DepartmentProgram:
    """One department's program without its process: its database, its service, its server."""

    def __init__(self, name: str, folder: Path, stock: int | None = None) -> None:
        """`stock`: the quantity of every item, in place of the menu file's."""
        self.name = name
        self.menu = read_menu(find_menu(name, SHIPPED))
        self.network = Network()
        self.network.gate.set()
        self.port = 0
        self._stock = stock
        self._folder = folder
        self._clients: list[DepartmentClient] = []
        self._is_open = False

    async def open(self) -> None:
        """Start serving; after a stop on the same port as before."""
        self.database = BreakableDatabase(f"sqlite:///{self._folder}/{self.name}.db", self.name)
        prepare(self.database, MIGRATIONS)
        self.app = DepartmentApp(self.menu, self.database)
        await self.app.open()
        if self._stock is not None:
            await self.database.write(_fill, self._stock)
        self._server = GrpcServer(
            [WatchedServicer(self.app, self.network)],
            descriptors=DESCRIPTORS,
            translate=to_status,
            healthy=self.app.is_writable,
            max_message_bytes=4 * 1024 * 1024,
        )
        sock = bind(HOST, self.port)
        self.port = sock.getsockname()[1]
        await self._server.start(sock)
        self._is_open = True

    async def stop(self) -> None:
        """Stop serving, and end the calls in flight."""
        if self._is_open:
            await self.drain(0.0)

    async def drain(self, grace: float) -> None:
        """Stop serving as on SIGTERM."""
        self._is_open = False
        await self._server.drain(grace)
        self.database.close()

    async def close(self) -> None:
        for client in self._clients:
            client.close()
        self.network.gate.set()
        await self.stop()

    def client(self, call_policy: CallPolicy = QUICK) -> DepartmentClient:
        """Return a client of the department, as the gateway has it."""
        client = DepartmentClient(self.name, WatchedChannel(HOST, self.port), call_policy)
        self._clients.append(client)
        return client

    @property
    def streams(self) -> int:
        """Return the number of open streams."""
        return len(self._server._streams)

    @property
    def connections(self) -> set[Any]:
        """Return the open connections."""
        return set(self._server._server.open)

    async def stock(self) -> dict[str, Stock]:
        return (await self.app.stock_levels()).stock

    async def states(self) -> dict[str, TicketState]:
        """Return the state of every ticket, by order id."""
        page = await self.app.changes(Position(), frozenset(), 1000)
        return {ticket.order_id: ticket.state for ticket in page.tickets}

    async def start(self, order_id: str) -> None:
        """Start to prepare the order's ticket."""
        await self.app.move(Move(order_id, Verb.START, TicketState.QUEUED, "start"))


def refuse(status: Status, times: int | None = None) -> Callable[[], None]:
    """Return an `on_call` that fails every call, or the first few."""
    left = times

    def fail() -> None:
        nonlocal left
        if left is None:
            raise GRPCError(status, "as the test asks")
        if left > 0:
            left -= 1
            raise GRPCError(status, "as the test asks")

    return fail


@asynccontextmanager
async def open_program(name: str, folder: Path, stock: int | None = None) -> AsyncIterator[DepartmentProgram]:
    program = DepartmentProgram(name, folder, stock)
    await program.open()
    try:
        yield program
    finally:
        await program.close()


def free_port() -> int:
    """Return a port on which no program listens."""
    with socket.socket() as sock:
        sock.bind((HOST, 0))
        port: int = sock.getsockname()[1]
        return port


def _fill(connection: Any, stock: int) -> None:
    figures = f"received = {stock}, on_hand = {stock}, held = 0, sold = 0, wasted = 0"
    connection.exec_driver_sql(f"UPDATE stock SET {figures}")
    connection.exec_driver_sql(f"UPDATE stock_changes SET delta = {stock}, on_hand = {stock}")
