import asyncio
import socket
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
import structlog

from infra.metrics import Family, Metrics, one
from infra.metrics_server import MOST_CONNECTIONS, MetricsServer, metrics_port
from infra.sockets import bind


@asynccontextmanager
async def serving(metrics: Metrics, seconds: float = 10) -> AsyncIterator[int]:
    """Serve metrics, and yield the port."""
    with bind("127.0.0.1", 0) as sock:
        server = MetricsServer(metrics, seconds)
        await server.start(sock)
        try:
            yield sock.getsockname()[1]
        finally:
            await server.close()
            metrics.close()


async def asked(port: int, request: str) -> tuple[str, str]:
    """Send a request; return the head and the body of the response, which is all until the connection ends."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(request.encode())
    async with asyncio.timeout(10):
        head, _, body = (await reader.read()).decode().partition("\r\n\r\n")
    writer.close()
    return head, body


def some() -> Metrics:
    metrics = Metrics({"program": "bar"})
    metrics.add(lambda: [one("left", "gauge", "What is left.", 3)])
    return metrics


async def test_the_metrics_are_at_one_path() -> None:
    async with serving(some()) as port:
        head, body = await asked(port, "GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n")
    assert head.startswith("HTTP/1.1 200 OK\r\ncontent-type: text/plain; version=")
    assert f"content-length: {len(body)}" in head
    assert 'comanda_left{program="bar"} 3.0\n' in body


async def test_the_header_says_which_format_is_wanted() -> None:
    async with serving(some()) as port:
        request = "GET /metrics?x=1 HTTP/1.1\r\nHost: x\r\nAccept: application/openmetrics-text;version=1.0.0\r\n\r\n"
        head, body = await asked(port, request)
    assert "content-type: application/openmetrics-text" in head
    assert body.endswith("# EOF\n")


@pytest.mark.parametrize(
    ("request_line", "status", "has_body"),
    [
        ("HEAD /metrics HTTP/1.1", "200 OK", False),
        ("GET / HTTP/1.1", "404 Not Found", True),
        ("GET /metrics/x HTTP/1.1", "404 Not Found", True),
        ("POST /metrics HTTP/1.1", "405 Method Not Allowed", False),
        ("nonsense", "404 Not Found", True),
    ],
)
async def test_whatever_else_is_asked_has_a_status(request_line: str, status: str, has_body: bool) -> None:
    async with serving(some()) as port:
        head, body = await asked(port, f"{request_line}\r\nHost: x\r\n\r\n")
    assert head.startswith(f"HTTP/1.1 {status}\r\n")
    assert bool(body) is has_body


async def test_a_fault_is_logged_and_the_next_scrape_is_served() -> None:
    faults = [ZeroDivisionError("here")]

    def source() -> list[Family]:
        if faults:
            raise faults.pop()
        return []

    metrics = Metrics({})
    metrics.add(source)
    with structlog.testing.capture_logs() as logs:
        async with serving(metrics) as port:
            first, _ = await asked(port, "GET /metrics HTTP/1.1\r\n\r\n")
            second, _ = await asked(port, "GET /metrics HTTP/1.1\r\n\r\n")
    assert first.startswith("HTTP/1.1 500 ")
    assert second.startswith("HTTP/1.1 200 ")
    assert [line["event"] for line in logs] == ["a scrape failed"]


async def test_the_loop_goes_on_while_the_text_is_made() -> None:
    begun, go_on = asyncio.Event(), threading.Event()
    loop = asyncio.get_running_loop()

    def source() -> list[Family]:
        loop.call_soon_threadsafe(begun.set)
        assert go_on.wait(10), "the loop stands still"
        return [one("left", "gauge", "What is left.", 3)]

    metrics = Metrics({})
    metrics.add(source)
    async with serving(metrics) as port:
        scraping = asyncio.create_task(asked(port, "GET /metrics HTTP/1.1\r\n\r\n"))
        await begun.wait()
        go_on.set()
        assert "comanda_left 3.0" in (await scraping)[1]


async def test_a_client_that_sends_too_much_or_leaves_gets_nothing() -> None:
    async with serving(some()) as port:
        assert await asked_and_cut(port, b"GET /metrics HTTP/1.1\r\nX: " + b"x" * 20_000) == b""
        _, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"GET /met")
        writer.close()
        assert (await asked(port, "GET /metrics HTTP/1.1\r\n\r\n"))[0].startswith("HTTP/1.1 200 ")


async def asked_and_cut(port: int, request: bytes) -> bytes:
    """Return what comes before the connection is cut."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(request)
    try:
        async with asyncio.timeout(10):
            return await reader.read()
    except ConnectionError:
        return b""
    finally:
        writer.close()


async def test_a_client_that_sends_nothing_is_cut_off() -> None:
    async with serving(some(), seconds=0.05) as port:
        assert await asked_and_cut(port, b"") == b""


async def test_only_some_connections_are_kept() -> None:
    async with serving(some()) as port:
        idle = [await asyncio.open_connection("127.0.0.1", port) for _ in range(MOST_CONNECTIONS)]
        assert await asked_and_cut(port, b"") == b""
        for _, writer in idle:
            writer.close()


@pytest.mark.parametrize(
    ("configured", "own", "port"),
    [(None, 8000, 9900), (None, 65_000, 63_100), (None, 0, 0), (0, 8000, 0), (7, 8000, 7)],
)
def test_the_port_is_derived_from_the_programs_own(configured: int | None, own: int, port: int) -> None:
    assert metrics_port(configured, own) == port


def test_derived_ports_of_programs_on_one_machine_differ() -> None:
    own = [8000, 8001, *range(50_051, 50_080)]
    derived = [metrics_port(None, port) for port in own]
    assert len({*own, *derived}) == 2 * len(own)


async def test_the_socket_is_closed_at_the_end() -> None:
    async with serving(some()) as port:
        pass
    with socket.socket() as sock:
        assert sock.connect_ex(("127.0.0.1", port)) != 0


async def test_a_scrape_that_runs_at_the_end_is_broken_off_and_is_no_fault() -> None:
    begun = asyncio.Event()

    async def never() -> None:
        begun.set()
        await asyncio.Event().wait()

    metrics = some()
    metrics.prepare(never)
    with structlog.testing.capture_logs() as logs:
        async with serving(metrics) as port:
            scraping = asyncio.create_task(asked_and_cut(port, b"GET /metrics HTTP/1.1\r\n\r\n"))
            await begun.wait()
        assert await scraping == b""
    assert logs == []
