"""What is left of a connection that was closed."""

import asyncio
import gc
import socket
import weakref
from collections.abc import Iterator
from typing import Any

import pytest

from infra.http.guard import GuardedHttp, guarded_http
from infra.http.response import respond
from infra.http.server import HttpServer
from infra.stop_signals import StopSignals
from tests.support.waiting import until


@pytest.fixture
def without_gc() -> Iterator[None]:
    """Let the collector of reference cycles free nothing meanwhile."""
    gc.collect()
    gc.disable()
    yield
    gc.enable()


async def app(scope: Any, receive: Any, send: Any) -> None:
    """Respond to each request with a short text."""
    if scope["type"] == "http":
        await respond(send, 200, [(b"content-length", b"2")], b"ok")


@pytest.mark.usefixtures("without_gc")
async def test_nothing_is_kept_of_a_connection_that_was_closed() -> None:
    """No cycle of references is left, which would stay until the collector runs, after thousands of connections."""
    connections = weakref.WeakSet[GuardedHttp]()
    bounded = guarded_http(10.0, 1024)
    made = bounded.connection_made

    class Noted(bounded):  # type: ignore[valid-type, misc]
        def connection_made(self, transport: Any) -> None:
            connections.add(self)
            made(self, transport)

    sock = socket.create_server(("127.0.0.1", 0))
    server, signals = HttpServer(app, Noted, 1), StopSignals()
    serving = asyncio.create_task(server.serve(sock))
    for _ in range(3):
        reader, writer = await asyncio.open_connection(*sock.getsockname())
        writer.write(b"GET / HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n")
        assert (await reader.read()).endswith(b"ok")
        writer.close()
        await writer.wait_closed()
        del reader, writer
    await until(lambda: not connections)
    stopping = asyncio.create_task(server.stop_on(signals, 0.0, lambda: None))
    signals.stop.set()
    await serving
    stopping.cancel()
