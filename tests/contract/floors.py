"""Real departments behind real sockets, which can be watched, broken, stopped and started again on the same port."""

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from grpclib.const import Status
from grpclib.exceptions import GRPCError

from departments.app import DepartmentApp as Station
from departments.domain.positions import Position
from departments.domain.steps import Move
from departments.domain.stock import Stock
from departments.domain.tickets import State, Verb
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
from tests.gateway.fakes import BreakableDatabase

HOST = "127.0.0.1"
QUICK = CallPolicy(deadline=2.0)
SHORT = CallPolicy(deadline=0.25)
"""For what is meant to run out."""


@dataclass
class Wire:
    """What the network, or a bad server, does to calls; and what was called."""

    calls: list[tuple[str, int]] = field(default_factory=list)
    under_way: int = 0
    most_under_way: int = 0
    way: asyncio.Event = field(default_factory=asyncio.Event)
    on_call: Callable[[], None] = lambda: None
    mangle: Callable[[Any], Any] = lambda response: response
    knows_streams: bool = True
    streams: int = 0

    async def carry(self, rpc: str, count: int, call: Callable[[], Awaitable[Any]]) -> Any:
        self.calls.append((rpc, count))
        self.under_way += 1
        self.most_under_way = max(self.most_under_way, self.under_way)
        try:
            await self.way.wait()
            self.on_call()
            return self.mangle(await call())
        finally:
            self.under_way -= 1

    def sizes(self, rpc: str) -> list[int]:
        """List how many orders each call of a kind carried."""
        return [count for name, count in self.calls if name == rpc]


class WatchedFloor(DepartmentServicer):
    """The real service, with the wire in front of it."""

    def __init__(self, station: Station, wire: Wire) -> None:
        super().__init__(station, Limits())
        self._wire = wire

    async def get_menu(self, get_menu_request: v1.GetMenuRequest) -> v1.GetMenuResponse:
        answer: v1.GetMenuResponse = await self._wire.carry(
            "menu", 0, lambda: super(WatchedFloor, self).get_menu(get_menu_request)
        )
        return answer

    async def place_orders(self, place_orders_request: v1.PlaceOrdersRequest) -> v1.PlaceOrdersResponse:
        answer: v1.PlaceOrdersResponse = await self._wire.carry(
            "place",
            len(place_orders_request.order_ids),
            lambda: super(WatchedFloor, self).place_orders(place_orders_request),
        )
        return answer

    async def stream_orders(
        self, stream_orders_request_iterator: AsyncIterator[v1.StreamOrdersRequest]
    ) -> AsyncIterator[v1.StreamOrdersResponse]:
        if not self._wire.knows_streams:
            raise GRPCError(Status.UNIMPLEMENTED, "Method not found")
        self._wire.streams += 1
        async for answer in super().stream_orders(stream_orders_request_iterator):
            yield answer

    async def place_batch(self, batch: v1.StreamOrdersRequest) -> v1.StreamOrdersResponse:
        answer: v1.StreamOrdersResponse = await self._wire.carry(
            "place", len(batch.order_ids), lambda: super(WatchedFloor, self).place_batch(batch)
        )
        return answer

    async def confirm_orders(self, confirm_orders_request: v1.ConfirmOrdersRequest) -> v1.ConfirmOrdersResponse:
        answer: v1.ConfirmOrdersResponse = await self._wire.carry(
            "confirm",
            len(confirm_orders_request.order_ids),
            lambda: super(WatchedFloor, self).confirm_orders(confirm_orders_request),
        )
        return answer

    async def suspend_orders(self, suspend_orders_request: v1.SuspendOrdersRequest) -> v1.SuspendOrdersResponse:
        answer: v1.SuspendOrdersResponse = await self._wire.carry(
            "suspend",
            len(suspend_orders_request.order_ids),
            lambda: super(WatchedFloor, self).suspend_orders(suspend_orders_request),
        )
        return answer

    async def cancel_orders(self, cancel_orders_request: v1.CancelOrdersRequest) -> v1.CancelOrdersResponse:
        answer: v1.CancelOrdersResponse = await self._wire.carry(
            "cancel",
            len(cancel_orders_request.order_ids),
            lambda: super(WatchedFloor, self).cancel_orders(cancel_orders_request),
        )
        return answer


class Floor:
    """One department's program, near enough: its database, its service, its server."""

    def __init__(self, name: str, folder: Path, stock: int | None = None) -> None:
        """`stock`: how much there is of everything, in place of what the menu file says."""
        self.name = name
        self.menu = read_menu(find_menu(name, SHIPPED))
        self.wire = Wire()
        self.wire.way.set()
        self.port = 0
        self._stock = stock
        self._folder = folder
        self._clients: list[DepartmentClient] = []
        self._is_open = False

    async def open(self) -> None:
        """Start serving; the second time on the same port."""
        self.database = BreakableDatabase(f"sqlite:///{self._folder}/{self.name}.db", self.name)
        self.database.prepare(MIGRATIONS)
        self.station = Station(self.menu, self.database)
        await self.station.open()
        if self._stock is not None:
            await self.database.write(_fill, self._stock)
        self._server = GrpcServer(
            [WatchedFloor(self.station, self.wire)],
            descriptors=DESCRIPTORS,
            translate=to_status,
            healthy=self.station.is_writable,
            max_message_bytes=4 * 1024 * 1024,
        )
        sock = bind(HOST, self.port)
        self.port = sock.getsockname()[1]
        await self._server.start(sock)
        self._is_open = True

    async def stop(self) -> None:
        """Stop serving, and cut off whoever is being served."""
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
        self.wire.way.set()
        await self.stop()

    def department(self, calling: CallPolicy = QUICK) -> DepartmentClient:
        """The department as the gateway sees it."""
        client = DepartmentClient(self.name, WatchedChannel(HOST, self.port), calling)
        self._clients.append(client)
        return client

    @property
    def streams(self) -> int:
        """How many streams are open."""
        return len(self._server._streams)

    @property
    def connections(self) -> set[Any]:
        """Who is connected."""
        return set(self._server._server.open)

    async def stock(self) -> dict[str, Stock]:
        return (await self.station.shelves()).stock

    async def states(self) -> dict[str, State]:
        """Tell where every ticket is, by order."""
        page = await self.station.changes(Position(), frozenset(), 1000)
        return {ticket.order_id: ticket.state for ticket in page.tickets}

    async def start(self, order_id: str) -> None:
        """Begin to make what was ordered."""
        await self.station.move(Move(order_id, Verb.START, State.QUEUED, "start"))


@asynccontextmanager
async def open_floor(name: str, folder: Path, stock: int | None = None) -> AsyncIterator[Floor]:
    floor = Floor(name, folder, stock)
    await floor.open()
    try:
        yield floor
    finally:
        await floor.close()


def free_port() -> int:
    """Find a port at which nobody listens."""
    with socket.socket() as sock:
        sock.bind((HOST, 0))
        port: int = sock.getsockname()[1]
        return port


def _fill(connection: Any, stock: int) -> None:
    figures = f"received = {stock}, on_hand = {stock}, held = 0, sold = 0, wasted = 0"
    connection.exec_driver_sql(f"UPDATE stock SET {figures}")
