"""Responses with fewer system calls and less work than uvicorn's own: head and body leave in one write."""

import asyncio
import socket
from collections.abc import Callable
from functools import partial
from typing import Any, Protocol, cast

from litestar.types import Receive, Scope, Send
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, RequestResponseCycle

CONNECTION = "connection"
"""The key, in a request's ASGI scope, of the connection that it came on, where the server is this package's own."""

HEADERS = "headers_by_name"
"""The key, in a request's ASGI scope, of its headers as a dictionary, where this package's protocol made it."""

STREAM_BUFFER_BYTES = 16 * 1024
SEND_BUFFER_BYTES = 64 * 1024
UNACKNOWLEDGED_MS = 20_000


class Connection(Protocol):
    """What a long response needs of its connection: GuardedHttp. `on_lost` is called when the client has left."""

    transport: asyncio.Transport
    on_lost: Callable[[], None]
    headers: list[tuple[bytes, bytes]]


class HeldHead:
    """A response's transport that keeps the head until the body follows: with uvloop each write is a system call."""

    __slots__ = ("_head", "_transport")

    def __init__(self, transport: asyncio.Transport) -> None:
        self._transport = transport
        self._head: bytes | None = None

    def write(self, data: bytes) -> None:
        """Keep a head; write anything later, with the head before it."""
        if self._head is None:
            self._head = data
        else:
            self._transport.write(self._head + data)
            self._head = b""

    def write_whole(self, response: bytes) -> None:
        """Write a head with its body at once."""
        self._head = b""
        self._transport.write(response)

    def flush(self) -> None:
        """Write a head that no body follows."""
        if self._head:
            self.write(b"")

    def close(self) -> None:
        """Write the head if it is still kept, and close the connection."""
        self.flush()
        self._transport.close()

    def is_closing(self) -> bool:
        """Return whether the connection is closing."""
        return self._transport.is_closing()


def read_whole(receive: Receive, most: int | None) -> bytes | None:
    """Return a request's body if all of it has arrived, as `receive` would: two coroutines less, 0.4 µs.

    Return None, and leave the body to `receive`, for more than `most` bytes, and if `receive` is not uvicorn's own.
    """
    cycle = getattr(receive, "__self__", None)
    if (
        not isinstance(cycle, RequestResponseCycle)
        or cycle.more_body
        or cycle.waiting_for_100_continue
        or cycle.disconnected
        or cycle.response_complete
        or (most is not None and len(cycle.body) > most)
    ):
        return None
    body, cycle.body = bytes(cycle.body), bytearray()
    cycle.flow.resume_reading()
    cycle.message_event.clear()
    return body


def bound_buffers(scope: Scope) -> None:
    """Bound what the process and the system keep for the client of a long response.

    The connection of a client that reads nothing, or whose machine is gone, is given up after UNACKNOWLEDGED_MS; the
    default is a quarter of an hour. Does nothing where the server is another one.
    """
    connection: Connection | None = cast("dict[str, Any]", scope).get(CONNECTION)
    if connection is None or connection.transport.is_closing():
        return
    connection.transport.set_write_buffer_limits(high=STREAM_BUFFER_BYTES)
    sock = connection.transport.get_extra_info("socket")
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER_BYTES)
    if hasattr(socket, "TCP_USER_TIMEOUT"):  # Linux
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, UNACKNOWLEDGED_MS)


def release_headers(scope: Scope) -> None:
    """Release a request's headers, once nothing needs them: a long response would keep them to its end, 0.8 KiB."""
    facts = cast("dict[str, Any]", scope)
    facts["headers"] = []
    facts.pop(HEADERS, None)
    connection: Connection | None = facts.get(CONNECTION)
    if connection is not None:
        connection.headers = []


def call_when_lost(scope: Scope, receive: Receive, leave: Callable[[], None]) -> Callable[[], object]:
    """Call `leave` when the client has closed the connection; return a function that ends this.

    Nothing else may receive meanwhile. Where the server is another one, a task waits for the client to leave.
    """
    connection: Connection | None = cast("dict[str, Any]", scope).get(CONNECTION)
    if connection is None:
        waiting = asyncio.get_running_loop().create_task(_wait_until_lost(receive))
        waiting.add_done_callback(lambda _: leave())
        return waiting.cancel
    connection.on_lost = leave
    if connection.transport.is_closing():
        leave()
    return partial(setattr, connection, "on_lost", do_nothing)


def do_nothing() -> None:
    """Do nothing, as the default of `on_lost`."""


async def _wait_until_lost(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


class ChunkWriter:
    """Writes pieces of a response that has begun, and goes on, at once: without a coroutine and what ASGI needs."""

    __slots__ = ("_cycle",)

    def __init__(self, cycle: RequestResponseCycle) -> None:
        """Write to uvicorn's own object of a request (`chunked`)."""
        self._cycle = cycle

    def write(self, piece: bytes) -> bool:
        """Write a piece; return False, and write nothing, where the client has left or does not read."""
        cycle = self._cycle
        if cycle.flow.write_paused or cycle.disconnected or cycle.response_complete:
            return False
        cycle.transport.write(b"%x\r\n%b\r\n" % (len(piece), piece))
        return True


def chunked(send: Send) -> RequestResponseCycle | None:
    """Return uvicorn's own object of the request whose response `send` sends in chunks.

    Return None where the server is another one, and for a response that is not in chunks, as to HTTP/1.0.
    """
    cycle = getattr(send, "__self__", None)
    return cycle if isinstance(cycle, RequestResponseCycle) and cycle.chunked_encoding else None


async def respond(send: Send, status: int, headers: list[tuple[bytes, bytes]], body: bytes) -> None:
    """Send a whole response in one write, without uvicorn's checks, to a request whose body was read to its end.

    So the headers have to be valid HTTP, and `content-length` has to be among them. If `send` is not uvicorn's own,
    this sends the two messages of ASGI. Raises RuntimeError if a response to the request has begun already.
    """
    cycle = getattr(send, "__self__", None)
    if not isinstance(cycle, RequestResponseCycle):
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": body, "more_body": False})
        return
    if cycle.response_started:
        raise RuntimeError("a response to this request has begun already")
    if cycle.flow.write_paused and not cycle.disconnected:
        await cycle.flow.drain()
    if not cycle.disconnected:
        _write_whole(cycle, status, headers, body)


def _write_whole(cycle: RequestResponseCycle, status: int, headers: list[tuple[bytes, bytes]], body: bytes) -> None:
    lines = [b"%b: %b\r\n" % header for header in (*cycle.default_headers, *headers)]
    if not cycle.keep_alive:
        lines.append(b"connection: close\r\n")
    cycle.response_started = cycle.response_complete = True
    transport: object = cycle.transport
    write = transport.write_whole if isinstance(transport, HeldHead) else cycle.transport.write
    write(b"".join((STATUS_LINE[status], *lines, b"\r\n", body)))
    cycle.message_event.set()
    if not cycle.keep_alive:
        cycle.transport.close()
    cycle.on_response()
