"""A line in the gateway's log for each request, with the id that its response has; also where the server refuses it."""

import json
import socket
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.support.database_contents import Store
from tests.support.rest_clients import line, order
from tests.support.systems import System, Systems
from tests.support.waiting import wait_for

RECEIVE_SECONDS = 1.0
HOST = b"Host: x\r\n"
JSON = b"Content-Type: application/json\r\n"


@pytest.fixture(scope="module")
def system(tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    systems = Systems(tmp_path_factory.mktemp("systems"), lambda home: Store(home, None))
    yield systems.open({"bar": {"coffee": 10}}, LOG_LEVEL="access", LOG_FORMAT="json", RECEIVE_SECONDS=RECEIVE_SECONDS)
    systems.close()


def events(system: System) -> list[dict[str, Any]]:
    return [json.loads(text) for text in system.gateway.output.splitlines()]


def line_of(system: System, request_id: str) -> dict[str, Any]:
    """Wait for the one line of a request."""

    def found() -> list[dict[str, Any]]:
        return [event for event in events(system) if event["event"] == "request" and event["request_id"] == request_id]

    wait_for(found, f"a line for {request_id}")
    (line,) = found()
    return line


def exchange(system: System, data: bytes) -> tuple[bytes, dict[str, str]]:
    """Send bytes and read the response to the connection's end; return its body and headers."""
    with socket.create_connection(("127.0.0.1", system.gateway.port), timeout=10.0) as sock:
        sock.sendall(data)
        response = b""
        while piece := sock.recv(65536):
            response += piece
    head, _, body = response.partition(b"\r\n\r\n")
    names = (text.partition(": ") for text in head.decode().split("\r\n")[1:])
    return body, {name.lower(): value for name, _, value in names}


async def test_every_request_has_its_line(system: System) -> None:
    async with system.client() as client:
        responses = [
            await client.post("/orders", json=order(line("bar", "coffee"))),
            await client.post("/orders", json={}),
            await client.get("/orders", params={"table": "7"}),
            await client.get("/assets/favicon-32x32.png"),
            await client.get("/nowhere"),
            await client.head("/"),
        ]
    for response in responses:
        written = line_of(system, response.headers["x-request-id"])
        assert written["level"] == "access"
        assert written["method"] == response.request.method
        assert written["path"].partition("?")[0] == response.request.url.path
        assert written["status"] == response.status_code
        assert written["bytes"] == len(response.content)
        assert written["client"] == "127.0.0.1"
        assert written["ms"] > 0
    assert [response.status_code for response in responses] == [201, 400, 200, 200, 404, 200]


REFUSED = {
    "no HTTP": (b"HELLO\r\n\r\n", 400, None),
    "a head that is too long": (b"GET / HTTP/1.1\r\n" + HOST + b"x: " + b"y" * 40_000 + b"\r\n\r\n", 431, None),
    "a head that does not end": (b"GET / HTTP/1.1\r\n", 408, None),
    "a body that does not end": (
        b"POST /orders HTTP/1.1\r\n" + HOST + JSON + b"Content-Length: 9\r\n\r\n{",
        408,
        "/orders",
    ),
    "a body that is too long": (
        b"POST /orders HTTP/1.1\r\n" + HOST + JSON + b"Content-Length: 2000000\r\n\r\n" + b" " * 2_000_000,
        413,
        "/orders",
    ),
}


@pytest.mark.parametrize("kind", REFUSED)
def test_a_request_that_the_server_refuses_has_its_line(system: System, kind: str) -> None:
    data, status, path = REFUSED[kind]
    body, headers = exchange(system, data)
    written = line_of(system, headers["x-request-id"])
    assert (written["status"], written["bytes"]) == (status, len(body))
    assert written["path"] == (path or "")
    assert written["client"] == "127.0.0.1"
    assert 0 <= written["ms"] < 10_000


def test_a_request_that_the_server_refuses_keeps_the_id_it_came_with(system: System) -> None:
    head = b"POST /orders HTTP/1.1\r\n" + HOST + JSON + b"X-Request-Id: mine\r\nContent-Length: 9\r\n\r\n{"
    _, headers = exchange(system, head)
    assert headers["x-request-id"] == "mine"
    assert line_of(system, "mine")["status"] == 408


@pytest.mark.parametrize("protocol", [b"websocket", b"h2c"])
def test_who_asks_for_another_protocol_is_served_in_this_one(system: System, protocol: bytes) -> None:
    ask = b"GET /health/live HTTP/1.1\r\n" + HOST
    address = ("127.0.0.1", system.gateway.port)
    with socket.create_connection(address, timeout=10.0) as sock, sock.makefile("rwb") as stream:
        for upgrade in (b"Connection: Upgrade\r\nUpgrade: " + protocol + b"\r\n", b"Connection: close\r\n"):
            stream.write(ask + upgrade + b"\r\n")
            stream.flush()
            assert stream.readline() == b"HTTP/1.1 200 OK\r\n"
            while (text := stream.readline()) not in (b"\r\n", b""):
                if text.lower().startswith(b"content-length"):
                    length = int(text.split(b":")[1])
            assert json.loads(stream.read(length)) == {"status": "live", "departments": {}}
    assert httpx.get(f"{system.url}/health/live", trust_env=False).status_code == 200
    warnings = [event for event in events(system) if event["level"] == "warning"]
    assert [event for event in warnings if "pgrade" in event["event"] or "WebSocket" in event["event"]] == []
