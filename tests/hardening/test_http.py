"""The gateway against slow, endless and garbled HTTP: honest clients are served, and nobody stays for ever."""

import asyncio
import json
import resource
import socket
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from itertools import cycle
from pathlib import Path
from typing import cast

import httpx
import pytest

from gateway.settings import GatewaySettings
from infra.http import guard
from tests.hardening.conftest import RECEIVE_SECONDS
from tests.support.http2_peers import BUSY_SECONDS, Honest, memory_of
from tests.support.processes import Program
from tests.support.rest_clients import line, order
from tests.support.systems import System
from tests.support.waiting import eventually

GROWTH_MIB = 20
LATE = RECEIVE_SECONDS + 1.0 + BUSY_SECONDS  # it is looked for once in a while
KEEP_ALIVE_SECONDS = 5.0  # uvicorn's own
SLOWLY_READ_SECONDS = guard.READ_FACTOR * RECEIVE_SECONDS
SLOW_CONNECTIONS = 500

AT_ONCE = 100
TRIES = 5
"""Connections that are opened side by side, and how often more than may be open are, until all are soon enough."""

POST = b"POST /orders HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
PAGE = b"GET /assets/swagger-ui/swagger-ui-bundle.js HTTP/1.1\r\nHost: x\r\n\r\n"
GET = b"GET /health/live HTTP/1.1\r\nHost: x\r\n\r\n"


class Sender:
    """One connection, in bytes of one's own."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Use `connect`."""
        self.reader = reader
        self.writer = writer

    async def send(self, data: bytes) -> None:
        """Send, whether or not there is somebody left to take it."""
        with suppress(OSError):
            if not self.writer.is_closing():
                self.writer.write(data)
                await self.writer.drain()

    async def drip(self, data: Sequence[bytes], pause: float = 0.1) -> None:
        """Send in pieces, over and over, until the connection is closed."""
        for piece in cycle(data):
            if self.reader.at_eof() or self.writer.is_closing():
                return
            await self.send(piece)
            await asyncio.sleep(pause)

    async def responses(self, within: float = 15.0) -> bytes:
        """Read until the connection is closed."""
        responses = b""
        with suppress(OSError):
            async with asyncio.timeout(within):
                while data := await self.reader.read(65536):
                    responses += data
        return responses


@asynccontextmanager
async def connect(port: int, receive_buffer: int | None = None) -> AsyncIterator[Sender]:
    """Connect to the gateway."""
    sock = socket.socket()
    if receive_buffer:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
    sock.setblocking(False)
    await asyncio.get_running_loop().sock_connect(sock, ("127.0.0.1", port))
    reader, writer = await asyncio.open_connection(sock=sock)
    try:
        yield Sender(reader, writer)
    finally:
        writer.transport.abort()
        with suppress(OSError):
            await writer.wait_closed()


def statuses(responses: bytes) -> list[int]:
    """List the statuses in what was read."""
    return [int(part[:3]) for part in responses.split(b"HTTP/1.1 ")[1:]]


def problem(responses: bytes) -> dict[str, object]:
    """Return the body of the last response, which must be a problem."""
    head, _, body = responses[responses.rindex(b"HTTP/1.1 ") :].partition(b"\r\n\r\n")
    assert b"content-type: application/problem+json" in head.lower()
    found: dict[str, object] = json.loads(body)
    assert found["status"] == int(head[9:12])
    return found


@asynccontextmanager
async def honest_clients(url: str, *, at_least: int = 10) -> AsyncIterator[Honest]:
    """Place orders, each on a connection of its own, one after the other; each must be accepted."""
    honest, is_over = Honest(), asyncio.Event()

    async def order_on() -> None:
        while not is_over.is_set() or len(honest.seconds) < at_least:
            begin = time.monotonic()
            async with httpx.AsyncClient(base_url=url, timeout=5.0, trust_env=False, verify=False) as client:
                response = await client.post("/orders", json=order(line("bar", "coffee")))
            assert response.status_code == 201, response.text
            honest.seconds.append(time.monotonic() - begin)

    async with asyncio.TaskGroup() as group:
        group.create_task(order_on())
        try:
            yield honest
        finally:
            is_over.set()


SLOW = {
    "path": (b"GET /", [b"x"]),
    "headers": (b"GET / HTTP/1.1\r\n", [b"a: b\r\n"]),
    "one header": (b"GET / HTTP/1.1\r\nx: ", [b"y"]),
    "body": (POST + b"Content-Length: 60000\r\n\r\n", [b" "]),
    "chunks": (POST + b"Transfer-Encoding: chunked\r\n\r\n", [b"1\r\n \r\n"]),
    "trailers": (POST + b"Transfer-Encoding: chunked\r\n\r\n1\r\n \r\n0\r\n", [b"a: b\r\n"]),
    "empty lines": (b"", [b"\r\n"]),
}


async def _sends_slowly(port: int, kind: str) -> None:
    begin, drip = SLOW[kind]
    started = time.monotonic()
    async with connect(port) as sender:
        await sender.send(begin)
        dripping = asyncio.create_task(sender.drip(drip))
        responses = await sender.responses()
        dripping.cancel()
    assert RECEIVE_SECONDS <= time.monotonic() - started < LATE, kind
    assert problem(responses)["status"] in {400, 408}, kind


async def _sends_slowly_once_it_had_a_response(port: int) -> None:
    async with connect(port) as sender:
        await sender.send(GET)
        await sender.reader.readuntil(b"\r\n\r\n")
        started = time.monotonic()
        dripping = asyncio.create_task(sender.drip([b"\r\n"]))
        await sender.responses()
        dripping.cancel()
    assert time.monotonic() - started < LATE


async def _asks_nothing(port: int) -> None:
    started = time.monotonic()
    async with connect(port) as sender:
        assert await sender.responses() == b""
    assert time.monotonic() - started < LATE


async def _is_idle_once_it_had_a_response(port: int) -> None:
    started = time.monotonic()
    async with connect(port) as sender:
        await sender.send(GET)
        assert statuses(await sender.responses()) == [200]
    assert time.monotonic() - started < KEEP_ALIVE_SECONDS + BUSY_SECONDS


async def _sends_a_body_that_nobody_wanted(port: int) -> None:
    started = time.monotonic()
    async with connect(port) as sender:
        await sender.send(b"POST /nowhere HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000000\r\n\r\n")
        dripping = asyncio.create_task(sender.drip([b" " * 1000]))
        responses = await sender.responses()
        dripping.cancel()
    assert statuses(responses) == [404]
    assert time.monotonic() - started < LATE


async def test_slow_and_idle_connections_get_408_or_nothing_and_are_closed_in_time(gateway: Program) -> None:
    """All at once, for each takes its time."""
    async with asyncio.TaskGroup() as group:
        for kind in SLOW:
            group.create_task(_sends_slowly(gateway.port, kind))
        group.create_task(_sends_slowly_once_it_had_a_response(gateway.port))
        group.create_task(_asks_nothing(gateway.port))
        group.create_task(_is_idle_once_it_had_a_response(gateway.port))
        group.create_task(_sends_a_body_that_nobody_wanted(gateway.port))


async def test_who_does_not_read_is_cut_off(gateway: Program) -> None:
    before = memory_of(gateway.pid)
    async with connect(gateway.port, receive_buffer=4096) as sender:
        sender.reader._transport.pause_reading()  # type: ignore[attr-defined]
        await sender.send(PAGE * 50)
        started = time.monotonic()
        while len(established(gateway.port, sender)) > 0:
            assert time.monotonic() - started < SLOWLY_READ_SECONDS, (
                "it reads nothing, and is taken for one that is slow"
            )
            await asyncio.sleep(0.05)
    assert memory_of(gateway.pid) - before < GROWTH_MIB


def established(port: int, sender: Sender) -> list[str]:
    """List the server's side of a connection, in the system's table, while it is open."""
    mine = sender.writer.get_extra_info("sockname")[1]
    rows = [row.split() for row in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    return [
        row[1] for row in rows if row[1].endswith(f":{port:04X}") and row[2].endswith(f":{mine:04X}") and row[3] == "01"
    ]


@pytest.mark.parametrize(
    "head",
    [
        b"GET /menu HTTP/1.1\r\nHost: x\r\nx: " + b"y" * 40_000 + b"\r\n\r\n",
        b"GET /menu HTTP/1.1\r\nHost: x\r\nx: " + b"y" * 300_000 + b"\r\n\r\n",
        b"GET /menu HTTP/1.1\r\nHost: x\r\n" + b"x: yyyyyyyyyyyyyyyy\r\n" * 20_000 + b"\r\n",
        b"GET /" + b"y" * 300_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET /menu HTTP/1.1\r\n" + b"x" * 300_000 + b": y\r\n\r\n",
        b"GET /menu HTTP/1.1\r\nHost: x\r\nx: " + b"y" * 50_000_000,
    ],
    ids=["a head in one piece", "a long header", "many headers", "a long path", "a long name", "an endless header"],
)
async def test_a_head_that_is_too_long_is_431(system: System, gateway: Program, head: bytes) -> None:
    before = memory_of(gateway.pid)
    async with honest_clients(system.url), connect(gateway.port) as sender:
        sending = asyncio.create_task(sender.send(head))
        responses = await sender.responses()
        sending.cancel()
    assert problem(responses)["status"] == 431
    assert memory_of(gateway.pid) - before < GROWTH_MIB


async def test_a_head_of_ordinary_length_is_read(gateway: Program) -> None:
    async with connect(gateway.port) as sender:
        await sender.send(
            b"GET /health/live HTTP/1.1\r\nHost: x\r\nx: " + b"y" * 12_000 + b"\r\nConnection: close\r\n\r\n"
        )
        assert statuses(await sender.responses()) == [200]


async def endless(*, chunked: bool) -> AsyncIterator[bytes]:
    for _ in range(100_000):
        yield b"3e8\r\n" + b" " * 1000 + b"\r\n" if chunked else b" " * 1000


@pytest.mark.parametrize("chunked", [False, True], ids=["with its length", "in chunks"])
async def test_a_body_that_is_too_long_is_413(system: System, gateway: Program, *, chunked: bool) -> None:
    before = memory_of(gateway.pid)
    length = b"Transfer-Encoding: chunked\r\n\r\n" if chunked else b"Content-Length: 100000000\r\n\r\n"

    async with honest_clients(system.url), connect(gateway.port) as sender:

        async def send() -> None:
            await sender.send(POST + length)
            async for piece in endless(chunked=chunked):
                await sender.send(piece)
                await asyncio.sleep(0)  # whoever sends must listen, too

        sending = asyncio.create_task(send())
        responses = await sender.responses()
        sending.cancel()

    assert problem(responses)["status"] == 413
    assert memory_of(gateway.pid) - before < GROWTH_MIB


async def test_trailers_without_end_are_not_gathered(system: System, gateway: Program) -> None:
    before = memory_of(gateway.pid)
    async with honest_clients(system.url), connect(gateway.port) as sender:
        await sender.send(POST + b"Transfer-Encoding: chunked\r\n\r\n0\r\n")
        sending = asyncio.create_task(sender.send(b"x: yyyyyyyyyyyyyyyyyyyy\r\n" * 2_000_000))
        await sender.responses()
        sending.cancel()
    assert memory_of(gateway.pid) - before < GROWTH_MIB


async def test_pipelined_requests_get_their_responses_in_order(gateway: Program) -> None:
    paths = [b"/health/live", b"/nowhere", b"/menu", b"/orders/1", b"/health/ready"] * 5
    async with connect(gateway.port) as sender:
        last = b"GET /health/live HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
        await sender.send(b"".join(b"GET " + path + b" HTTP/1.1\r\nHost: x\r\n\r\n" for path in paths) + last)
        responses = await sender.responses()
    assert statuses(responses) == [200, 404, 200, 404, 200] * 5 + [200]


async def test_garbage_after_a_request_does_not_overtake_its_response(gateway: Program) -> None:
    body = json.dumps(order(line("bar", "coffee"))).encode()
    async with connect(gateway.port) as sender:
        await sender.send(POST + b"Content-Length: %d\r\n\r\n" % len(body) + body + b"\0garbage\r\n\r\n")
        responses = await sender.responses()
    assert statuses(responses) == [201]
    assert b"connection: close" in responses.lower()


async def test_requests_without_end_and_without_reading_are_not_gathered(system: System, gateway: Program) -> None:
    before = memory_of(gateway.pid)
    async with honest_clients(system.url), connect(gateway.port, receive_buffer=4096) as sender:
        sender.reader._transport.pause_reading()  # type: ignore[attr-defined]
        begin = time.monotonic()
        while not sender.writer.is_closing() and time.monotonic() - begin < 10:
            with suppress(TimeoutError):
                await asyncio.wait_for(sender.send(GET * 10_000), 1.0)
        assert sender.writer.is_closing()
    assert memory_of(gateway.pid) - before < GROWTH_MIB


@pytest.mark.parametrize(
    "garbage",
    [
        b"\r\n\r\n\0\r\n\r\n",
        b"HELLO\r\n\r\n",
        b"GET\r\n\r\n",
        b"GET / HTTP/9.9\r\n\r\n",
        b"GET / HTTP/1.1\r\nno colon\r\n\r\n",
        b"GET / HTTP/1.1\r\n: no name\r\n\r\n",
        b"GET / HTTP/1.1\r\na b: c\r\n\r\n",
        b"GET / HTTP/1.1\r\nx: \0\r\n\r\n",
        b"GET /\xff\xfe HTTP/1.1\r\nHost: x\r\n\r\n",
        "GET /é HTTP/1.1\r\nHost: x\r\n\r\n".encode(),
        b"GET nowhere HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET http://[::1 HTTP/1.1\r\nHost: x\r\n\r\n",
        b"CONNECT x:80 HTTP/1.1\r\nHost: x\r\n\r\n",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        POST + b"Content-Length: -1\r\n\r\n",
        POST + b"Content-Length: 1\r\nContent-Length: 2\r\n\r\nab",
        POST + b"Content-Length: 99999999999999999999999\r\n\r\n",
        POST + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        POST + b"Transfer-Encoding: gzip\r\n\r\n",
        POST + b"Transfer-Encoding: chunked\r\n\r\nnot a length\r\n",
        POST + b"Transfer-Encoding: chunked\r\n\r\n-1\r\n",
        POST + b"Transfer-Encoding: chunked\r\n\r\n1\r\nab\r\n",
    ],
    ids=repr,
)
async def test_what_is_no_http_is_problem_json_400(gateway: Program, garbage: bytes) -> None:
    async with connect(gateway.port) as sender:
        await sender.send(garbage)
        responses = await sender.responses()
    assert problem(responses)["status"] == 400
    assert statuses(responses) == [400]


@pytest.mark.parametrize("hosts", [[], [b"x", b"y"], [b"x", b"x"]], ids=["none", "two", "one twice"])
async def test_a_request_without_its_one_host_is_problem_json_400(gateway: Program, hosts: list[bytes]) -> None:
    lines = b"".join(b"Host: " + host + b"\r\n" for host in hosts)
    for request in (
        b"GET /health/live HTTP/1.1\r\n" + lines + b"\r\n",
        b"POST /orders HTTP/1.1\r\n" + lines + b"Content-Type: application/json\r\nContent-Length: 2\r\n\r\n{}",
        b"POST /orders HTTP/1.1\r\n" + lines + b"Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
    ):
        async with connect(gateway.port) as sender:
            await sender.send(request)
            responses = await sender.responses()
        assert statuses(responses) == [400]
        assert problem(responses)["detail"] == (
            f"a request has exactly one Host header, and this one has {len(hosts) or 'none'}"
        )


async def test_a_request_without_a_host_does_not_overtake_the_response_before_it(gateway: Program) -> None:
    async with connect(gateway.port) as sender:
        await sender.send(GET + b"GET /health/live HTTP/1.1\r\n\r\n" + GET)
        responses = await sender.responses()
    assert statuses(responses)[0] == 200
    assert set(statuses(responses)) <= {200, 400}
    assert b"connection: close" in responses.lower()


@pytest.mark.parametrize("host", [b"", b"Host: x\r\n"], ids=["none", "one"])
async def test_a_client_of_http_1_0_need_not_name_a_host(gateway: Program, host: bytes) -> None:
    async with connect(gateway.port) as sender:
        await sender.send(b"GET /health/live HTTP/1.0\r\n" + host + b"\r\n")
        assert statuses(await sender.responses()) == [200]


async def test_head_has_no_body_and_options_no_description_on_the_wire(gateway: Program) -> None:
    for method, path, status in (
        (b"HEAD", b"/health/live", 200),
        (b"HEAD", b"/nowhere", 404),
        (b"OPTIONS", b"/orders", 204),
    ):
        async with connect(gateway.port) as sender:
            await sender.send(method + b" " + path + b" HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
            responses = await sender.responses()
        assert statuses(responses) == [status]
        assert responses.endswith(b"\r\n\r\n")


@pytest.mark.parametrize(
    "path",
    [
        "/%00",
        "/%ff%fe",
        "/orders/%00",
        "/orders/%F0%9F%8D%95",
        "/orders/00000000-0000-0000-0000-000000000000%00",
        "/orders/0000000000000000000000000000000g",
        "/orders/" + "a" * 8000,
        "/orders?table=%00",
        "/orders?table=%ED%A0%80",
        "/orders?table=%ff",
        "/orders?cursor=%D9%A1%D9%A2",
        "/orders?cursor=9223372036854775807",
        "/orders?limit=1e3",
        "/orders?limit=%2B1",
        "/orders?limit=1&limit=2",
        "/orders?limit=" + "9" * 5000,
        "/orders?status=%00",
        "/orders?" + "a=b&" * 2000,
        "/orders?%00=%00&=&&;;",
        "/assets/%00",
        "/assets/..%2f..%2fpyproject.toml",
        "/assets/../../pyproject.toml",
        "/assets/%2e%2e/app.py",
        "/assets/" + "a" * 8000,
        "/assets/swagger-ui",
        "/assets/swagger-ui/LICENSE/x",
        "/assets/%ff",
        "/assets//etc/passwd",
        "//",
        "/.",
        "/schema/%00",
        "/schema/openapi.json/",
        "/?%",
        "/%",
        "/%zz",
    ],
    ids=lambda path: str(path)[:40],
)
async def test_an_odd_path_is_never_a_fault_of_ours(gateway: Program, path: str) -> None:
    for method in (b"GET", b"HEAD", b"POST", b"DELETE", b"OPTIONS", b"PUT"):
        async with connect(gateway.port) as sender:
            request = b" ".join([method, path.encode(), b"HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"])
            await sender.send(request)
            responses = await sender.responses()
        (status,) = statuses(responses)
        assert status < 500, responses
        assert b"requires-python" not in responses
        assert b"root:" not in responses
        if status >= 400 and method != b"HEAD":
            assert problem(responses)["status"] == status


@pytest.mark.parametrize("upgrade", [b"websocket", b"h2c"])
async def test_an_offer_of_another_protocol_is_declined_without_a_word_in_the_log(
    gateway: Program, upgrade: bytes
) -> None:
    log = len(gateway.output)
    async with connect(gateway.port) as sender:
        await sender.send(
            b"GET /health/live HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: " + upgrade + b"\r\n\r\n"
        )
        assert statuses(await sender.reader.readuntil(b"\r\n\r\n")) == [200]
    assert "WebSocket" not in gateway.output[log:]
    assert "upgrade" not in gateway.output[log:]


async def slow_crowd(port: int, stack: AsyncExitStack) -> "list[asyncio.Task[None]]":
    """Open slow connections of every kind, which come back when they are sent away."""
    kinds = [
        (b"", [b""]),
        (b"GET / HTTP/1.1\r\n", [b"a: b\r\n"]),
        (POST + b"Content-Length: 60000\r\n\r\n", [b" "]),
        (POST + b"Transfer-Encoding: chunked\r\n\r\n", [b"1\r\n \r\n"]),
    ]

    async def stay(begin: bytes, drip: list[bytes]) -> None:
        while True:
            async with connect(port) as sender:
                await sender.send(begin)
                await sender.drip(drip, pause=0.5)

    group = await stack.enter_async_context(asyncio.TaskGroup())
    return [group.create_task(stay(*kind)) for kind, _ in zip(cycle(kinds), range(SLOW_CONNECTIONS))]


@pytest.mark.proof
async def test_500_slow_connections_do_not_keep_an_honest_client_out(
    system: System, gateway: Program, capsys: pytest.CaptureFixture[str]
) -> None:
    async with honest_clients(system.url, at_least=200) as alone:
        pass
    async with AsyncExitStack() as stack:
        crowd = await slow_crowd(gateway.port, stack)
        await eventually(lambda: crowded(gateway.pid), "the slow are all there")
        async with honest_clients(system.url, at_least=200) as beside:
            pass
        for task in crowd:
            task.cancel()

    with capsys.disabled():
        print(f"\nhonest clients alone: {alone}; beside {SLOW_CONNECTIONS} slow connections: {beside}")
    assert beside.quantile(0.99) < 1000
    assert beside.quantile(0.5) < 10 * alone.quantile(0.5) + 20


def open_files(pid: int) -> int:
    return sum(1 for _ in Path(f"/proc/{pid}/fd").iterdir())


async def has_room(pid: int) -> bool:
    return open_files(pid) < 100


async def crowded(pid: int) -> bool:
    return open_files(pid) >= SLOW_CONNECTIONS


class _Listener(asyncio.Protocol):
    """Sends a little and then nothing, and keeps what it received before the reset; a stream would forget it."""

    def __init__(self) -> None:
        self.received = b""
        self.is_over = asyncio.Event()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        cast("asyncio.Transport", transport).write(b"G")

    def data_received(self, data: bytes) -> None:
        self.received += data

    def connection_lost(self, exc: Exception | None) -> None:
        self.is_over.set()


async def _turned_away(port: int, connections: int) -> tuple[int, float]:
    """Open connections; return how many of them got no response, and within how many seconds all were opened."""
    loop = asyncio.get_running_loop()
    began, crowd = loop.time(), []
    for _ in range(0, connections, AT_ONCE):
        opening = [loop.create_connection(_Listener, "127.0.0.1", port) for _ in range(AT_ONCE)]
        crowd += [listener for _, listener in await asyncio.gather(*opening)]
    seconds = loop.time() - began
    async with asyncio.timeout(2 * LATE + seconds):
        for listener in crowd:
            await listener.is_over.wait()
    return sum(not listener.received for listener in crowd), seconds


async def test_connections_beyond_the_limit_are_turned_away_and_room_is_found_again(
    system: System, gateway: Program
) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    limit = guard.CONNECTIONS + GatewaySettings().max_streams
    for _ in range(TRIES):
        turned_away, seconds = await _turned_away(gateway.port, limit + 100)
        await eventually(lambda: has_room(gateway.pid), "the crowd has left")
        if seconds < RECEIVE_SECONDS:  # else the first may have left before the last came
            break
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))

    assert 100 <= turned_away < 200
    async with honest_clients(system.url):
        pass


def test_nothing_that_was_sent_is_a_fault_in_the_log(gateway: Program) -> None:
    assert "Traceback" not in gateway.output
    assert "a handler failed" not in gateway.output
