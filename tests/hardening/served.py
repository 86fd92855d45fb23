"""A server in this process, whose calls run for as long as a test wants."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import trustme
from grpclib.events import RecvRequest, listen

from generated.restaurant import v1
from infra.grpc.server import GrpcServer
from infra.sockets import bind
from tests.support.processes import ROOT

MOVE_TICKET = "/restaurant.v1.DepartmentService/MoveTicket"
STREAM_ORDERS = "/restaurant.v1.DepartmentService/StreamOrders"


class Kitchen(v1.DepartmentServiceBase):
    """Responds to GetMenu and to orders at once, and to MoveTicket when it is let."""

    def __init__(self) -> None:
        """Let no MoveTicket finish yet."""
        self.let = asyncio.Event()
        self.running = 0

    async def get_menu(self, get_menu_request: v1.GetMenuRequest) -> v1.GetMenuResponse:
        """Respond at once."""
        return v1.GetMenuResponse(name="bar")

    async def stream_orders(
        self, stream_orders_request_iterator: AsyncIterator[v1.StreamOrdersRequest]
    ) -> AsyncIterator[v1.StreamOrdersResponse]:
        """Respond to each batch with its number."""
        async for batch in stream_orders_request_iterator:
            yield v1.StreamOrdersResponse(batch.number)

    async def move_ticket(self, move_ticket_request: v1.MoveTicketRequest) -> v1.MoveTicketResponse:
        """Respond when it is let."""
        self.running += 1
        try:
            await self.let.wait()
        finally:
            self.running -= 1
        return v1.MoveTicketResponse()


@dataclass
class Served:
    """A server that listens, and what arrived there."""

    server: GrpcServer
    port: int
    kitchen: Kitchen
    metadata: list[Any] = field(default_factory=list)

    async def until_running(self, count: int) -> None:
        """Wait until so many calls of MoveTicket run."""
        async with asyncio.timeout(10):
            while self.kitchen.running != count:  # noqa: ASYNC110 - until they have arrived, within 10 seconds
                await asyncio.sleep(0.001)


def tls_contexts(authority: trustme.CA) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """Make both sides of TLS, the server's and a client's, for a server that is called bar."""
    server = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    server.set_alpn_protocols(["h2"])
    authority.issue_cert("bar").configure_cert(server)
    client = ssl.create_default_context()
    client.set_alpn_protocols(["h2"])
    authority.configure_trust(client)
    return server, client


class _Contexts:
    """The server's side of TLS, as GrpcServer takes it."""

    def __init__(self, server: ssl.SSLContext) -> None:
        self.server = server


@asynccontextmanager
async def serve(
    tls: ssl.SSLContext | None = None, kitchen: Kitchen | None = None, **options: Any
) -> AsyncIterator[Served]:
    """Serve until the block ends."""

    async def healthy() -> bool:
        return True

    kitchen = kitchen or Kitchen()
    server = GrpcServer(
        [kitchen],
        descriptors=ROOT / "generated" / "descriptors.binpb",
        translate=lambda error: None,
        healthy=healthy,
        max_message_bytes=1024 * 1024,
        **options,
    )
    sock = bind("127.0.0.1", 0)
    contexts: Any = _Contexts(tls) if tls else None
    await server.start(sock, contexts)
    served = Served(server, sock.getsockname()[1], kitchen)

    async def note(event: RecvRequest) -> None:
        served.metadata.append(event.metadata)

    listen(server._server, RecvRequest, note)
    try:
        yield served
    finally:
        kitchen.let.set()
        await server.drain(0.0)
