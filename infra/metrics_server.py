"""`GET /metrics` on a port of its own: a small HTTP server in the program's loop.

A request costs the loop some 0.2 ms. The text is made in a thread, beside which the loop waits for the interpreter
0.5 ms at a time (runtime.py). The loop takes part on purpose: a program whose loop hangs cannot be scraped, and
Prometheus reports that. One scrape runs at a time; at most MOST_CONNECTIONS wait for it.
"""

import asyncio
import socket
from http import HTTPStatus
from typing import Annotated

import structlog
from msgspec import Meta

from infra.metrics import Metrics
from infra.supervise import end

PATH = "/metrics"
PORT_OFFSET = 1900
_HIGHEST_PORT = 65535
HEAD_BYTES = 8192
HEAD_SECONDS = 5.0
MOST_CONNECTIONS = 16

MetricsHost = Annotated[
    str,
    Meta(
        description="Address of `/metrics`, which Prometheus scrapes. It asks for no key and has no TLS, so any other "
        "than a loopback address belongs to a network that only Prometheus reaches."
    ),
]

MetricsPort = Annotated[
    Annotated[int, Meta(ge=0, le=65535)] | None,
    Meta(
        description=f"Port of `/metrics`; 0 for any that is free, which the log names. Where it is not set, the "
        f"program's own port and {PORT_OFFSET} more: 9900 for a gateway on port 8000."
    ),
]

log = structlog.get_logger("metrics")


def metrics_port(configured: int | None, own_port: int) -> int:
    """Return the port of the metrics of a program that listens on `own_port`; 0 is any that is free."""
    if configured is not None or not own_port:
        return configured or 0
    above = own_port + PORT_OFFSET
    return above if above <= _HIGHEST_PORT else own_port - PORT_OFFSET


class MetricsServer:
    """Serves the metrics of one program."""

    def __init__(self, metrics: Metrics, seconds: float = HEAD_SECONDS) -> None:
        """`seconds` is how long a request may take to arrive, and a response to be read."""
        self._metrics = metrics
        self._seconds = seconds
        self._scraping = asyncio.Lock()
        self._serving: set[asyncio.Task[None]] = set()
        self._server: asyncio.Server | None = None

    async def start(self, sock: socket.socket) -> None:
        """Accept connections on a bound socket."""
        self._server = await asyncio.start_server(self._serve, sock=sock.dup(), limit=HEAD_BYTES)

    async def close(self) -> None:
        """Stop listening, and break off the scrapes that run."""
        if self._server is not None:
            self._server.close()
        await end(self._serving)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one request, and close its connection; a client that leaves, or sends too slowly, gets nothing."""
        task = asyncio.current_task()
        if task is None or len(self._serving) >= MOST_CONNECTIONS:
            writer.transport.abort()
            return
        self._serving.add(task)
        try:
            async with asyncio.timeout(self._seconds):
                head = await reader.readuntil(b"\r\n\r\n")
            writer.write(await self._respond(head))
            async with asyncio.timeout(self._seconds):
                await writer.drain()
                writer.close()
                await writer.wait_closed()
        except (OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            return  # it left, or sent too slowly (TimeoutError is an OSError) or too much
        finally:
            writer.transport.abort()  # does nothing where it is closed
            self._serving.discard(task)

    async def _respond(self, head: bytes) -> bytes:
        request, *lines = head.decode("latin-1").split("\r\n")
        method, _, rest = request.partition(" ")
        path = rest.partition(" ")[0].partition("?")[0]
        if path != PATH:
            return _response(HTTPStatus.NOT_FOUND, f"there is {PATH} only\n".encode())
        if method not in ("GET", "HEAD"):
            return _response(HTTPStatus.METHOD_NOT_ALLOWED, b"", allow="GET, HEAD")
        try:
            async with self._scraping:
                body, kind = await self._metrics.scrape(_header(lines, "accept"))
        except Exception as error:  # a fault of this program: it is logged, and Prometheus sees the status
            log.error("a scrape failed", exc_info=error)
            return _response(HTTPStatus.INTERNAL_SERVER_ERROR, b"it has been logged\n")
        return _response(HTTPStatus.OK, body, kind, is_head=method == "HEAD")


def _header(lines: list[str], wanted: str) -> str:
    for line in lines:
        name, _, value = line.partition(":")
        if name.strip().lower() == wanted:
            return value.strip()
    return ""


def _response(
    status: HTTPStatus, body: bytes, kind: str = "text/plain; charset=utf-8", *, is_head: bool = False, allow: str = ""
) -> bytes:
    lines = [f"HTTP/1.1 {status.value} {status.phrase}", f"content-type: {kind}", f"content-length: {len(body)}"]
    lines += [f"allow: {allow}"] if allow else []
    head = "\r\n".join([*lines, "cache-control: no-store", "connection: close", "", ""])
    return head.encode("latin-1") + (b"" if is_head else body)
