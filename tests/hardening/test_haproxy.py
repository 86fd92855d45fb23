"""deploy/haproxy.cfg, by the real program, in front of a gateway: what it forwards, and what it may not be led to."""

import asyncio
import json
import ssl
import subprocess
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass

import httpx
import pytest
from hyperframe.frame import DataFrame, SettingsFrame

from tests.support.haproxy import Proxy, haproxy, in_front_of
from tests.support.http2_peers import headers_frame
from tests.support.systems import System, Systems
from tests.support.waiting import eventually, until

pytestmark = pytest.mark.proof

MENUS = {"bar": {"coffee": 1_000_000}}
HEAD = b"POST /orders HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
ORDER = b'{"lines":[{"department":"bar","item":"coffee"}]}'
SMUGGLED = b"GET /smuggled HTTP/1.1\r\nHost: x\r\n\r\n"
END = b"0\r\n\r\n"
CHUNKED = b"Transfer-Encoding: chunked\r\n"
PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
FIRST_SECONDS = 15.0  # more than the 10 that the proxy gives a request to arrive
QUIET_SECONDS = 0.3
ELSEWHERE = "127.0.0.2"
"""Another address of this machine, which neither the proxy nor the gateway uses."""


def length(body: bytes, name: bytes = b"Content-Length: ") -> bytes:
    return name + str(len(body)).encode() + b"\r\n"


def chunk(body: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(body), body)


ALL = END + SMUGGLED
INNER = chunk(SMUGGLED) + END

PAIRS: dict[str, bytes] = {
    # The length counts for the one, the chunks for the other.
    "CL.TE": HEAD + length(ALL) + CHUNKED + b"\r\n" + ALL,
    "TE.CL": HEAD + CHUNKED + b"Content-Length: 4\r\n\r\n" + INNER,
    "CL.TE, then the rest": HEAD + b"Content-Length: 5\r\n" + CHUNKED + b"\r\n" + ALL,
    "CL.TE by HTTP/1.0": HEAD.replace(b"1.1", b"1.0") + length(ALL) + CHUNKED + b"\r\n" + ALL,
    "GET, CL.TE": b"GET /health/live HTTP/1.1\r\nHost: x\r\n" + length(ALL) + CHUNKED + b"\r\n" + ALL,
    # Both know chunks, and one does not know them by this spelling.
    "TE.TE twice": HEAD + length(ALL) + CHUNKED + b"Transfer-Encoding: x\r\n\r\n" + ALL,
    "TE.TE twice the same": HEAD + length(ALL) + CHUNKED + CHUNKED + b"\r\n" + ALL,
    "TE.TE, other first": HEAD + length(ALL) + b"Transfer-Encoding: identity\r\n" + CHUNKED + b"\r\n" + ALL,
    "xchunked": HEAD + length(ALL) + b"Transfer-Encoding: xchunked\r\n\r\n" + ALL,
    "chunked, identity": HEAD + length(ALL) + b"Transfer-Encoding: chunked, identity\r\n\r\n" + ALL,
    "a space before the colon": HEAD + length(ALL) + b"Transfer-Encoding : chunked\r\n\r\n" + ALL,
    "a tab before the value": HEAD + length(ALL) + b"Transfer-Encoding:\tchunked\r\n\r\n" + ALL,
    "a vertical tab": HEAD + length(ALL) + b"Transfer-Encoding:\x0bchunked\r\n\r\n" + ALL,
    "a NUL": HEAD + length(ALL) + b"Transfer-Encoding: chunked\x00\r\n\r\n" + ALL,
    "a folded line": HEAD + length(ALL) + b"X: y\r\n Transfer-Encoding: chunked\r\n\r\n" + ALL,
    "a folded value": HEAD + length(ALL) + b"Transfer-Encoding:\r\n chunked\r\n\r\n" + ALL,
    "a bare line feed": HEAD + length(ALL) + b"X: y\nTransfer-Encoding: chunked\r\n\r\n" + ALL,
    "a bare carriage return": HEAD + length(ALL) + b"X: y\rTransfer-Encoding: chunked\r\n\r\n" + ALL,
    "a quoted name": HEAD + length(ALL) + b'"Transfer-Encoding": chunked\r\n\r\n' + ALL,
    "an underscore": HEAD + length(ALL) + b"Transfer_Encoding: chunked\r\n\r\n" + ALL,
    # Two lengths.
    "two lengths": HEAD + length(ORDER + SMUGGLED) + length(ORDER) + b"\r\n" + ORDER + SMUGGLED,
    "two lengths, short first": HEAD + length(ORDER) + length(ORDER + SMUGGLED) + b"\r\n" + ORDER + SMUGGLED,
    "a list of lengths": HEAD + b"Content-Length: 48, 83\r\n\r\n" + ORDER + SMUGGLED,
    "a length with a sign": HEAD + length(ORDER, b"Content-Length: +") + b"\r\n" + ORDER + SMUGGLED,
    "a negative length": HEAD + b"Content-Length: -1\r\n\r\n" + ORDER + SMUGGLED,
    "a length in hex": HEAD + b"Content-Length: 0x30\r\n\r\n" + ORDER + SMUGGLED,
    "a length with a space": HEAD + b"Content-Length: 4 8\r\n\r\n" + ORDER + SMUGGLED,
    "a length before a colon with a space": HEAD + length(b"", b"Content-Length : ") + b"\r\n" + ORDER + SMUGGLED,
    "an endless length": HEAD + b"Content-Length: 18446744073709551664\r\n\r\n" + ORDER + SMUGGLED,
    # Chunks.
    "a chunk with a sign": HEAD + CHUNKED + b"\r\n+0\r\n\r\n" + SMUGGLED,
    "a chunk in 0x": HEAD + CHUNKED + b"\r\n0x0\r\n\r\n" + SMUGGLED,
    "a chunk beyond 64 bits": HEAD + CHUNKED + b"\r\n10000000000000000\r\n\r\n" + SMUGGLED,
    "a chunk that is longer than it says": HEAD + CHUNKED + b"\r\n2\r\n{}" + SMUGGLED,
    "a chunk that ends with a line feed": HEAD + CHUNKED + b"\r\n0\n\n" + SMUGGLED,
    "a request in an extension": HEAD + CHUNKED + b"\r\n0;a=\n" + SMUGGLED,
    "a request in a trailer": HEAD + CHUNKED + b"\r\n0\r\nX: " + SMUGGLED,
}

SEEN_BY_THE_PROXY = {"a chunk that ends with a line feed"}
"""Here the proxy takes the line feed for an end, and what follows for a request: it forwards two, and knows of both."""


@dataclass(frozen=True)
class Site:
    """A gateway that logs each request, and the proxy in front of it."""

    system: System
    proxy: Proxy

    def served(self, path: str) -> int:
        """Count the requests to a path that the gateway has logged."""
        return sum(f"path={path} " in f"{line} " for line in self.system.gateway.output.splitlines())

    def forwarded(self, path: str) -> int:
        """Count the requests to a path that the proxy has logged."""
        return self.proxy.output.count(f" {path} HTTP/")


@pytest.fixture(scope="module")
def site(systems: Systems, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    folder = tmp_path_factory.mktemp("proxy")
    system = systems.open(MENUS, GATEWAY_LOG_LEVEL="access", GATEWAY_PROXIES="127.0.0.1")
    with in_front_of(system.gateway.port, folder) as proxy:
        yield Site(system, proxy)


def client(site: Site, local_address: str | None = None) -> httpx.AsyncClient:
    transport = httpx.AsyncHTTPTransport(verify=site.proxy.tls("http/1.1"), local_address=local_address)
    return httpx.AsyncClient(transport=transport, base_url=site.proxy.url)


async def exchange(port: int, data: bytes, tls: ssl.SSLContext | None = None) -> bytes:
    """Send bytes, and return what comes back until the other side closes, or says nothing more."""
    name = "localhost" if tls else None
    reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=tls, server_hostname=name)
    received, within = b"", FIRST_SECONDS
    with suppress(OSError, TimeoutError):
        writer.write(data)
        while part := await asyncio.wait_for(reader.read(65536), within):
            received += part
            within = QUIET_SECONDS
    writer.close()
    return received


def test_the_configuration_is_valid_and_warns_of_nothing(site: Site) -> None:
    config = site.proxy.folder / "haproxy.cfg"
    checked = subprocess.run([haproxy(), "-c", "-dW", "-f", str(config)], capture_output=True, text=True, check=False)
    assert checked.returncode == 0, checked
    assert "[WARNING]" not in checked.stderr + checked.stdout


async def test_orders_are_taken_through_the_proxy(site: Site) -> None:
    async with client(site) as guest:

        async def is_found() -> bool:
            return (await guest.get("/health/ready")).status_code == 200

        await eventually(is_found, "the proxy has found the gateway")
        placed = await guest.post("/orders", content=ORDER, headers={"content-type": "application/json"})
        assert placed.status_code == 201
        assert "max-age" in placed.headers["strict-transport-security"]


@pytest.mark.parametrize("name", PAIRS)
async def test_the_gateway_serves_no_request_that_the_proxy_does_not_know_of(site: Site, name: str) -> None:
    served, forwarded = site.served("/smuggled"), site.forwarded("/smuggled")
    assert await exchange(site.proxy.port, PAIRS[name], site.proxy.tls("http/1.1"))
    await check_others_are_served(site)
    await until(lambda: site.served("/smuggled") - served == site.forwarded("/smuggled") - forwarded)
    assert site.served("/smuggled") - served == (1 if name in SEEN_BY_THE_PROXY else 0)


@pytest.mark.parametrize("name", PAIRS)
async def test_a_gateway_without_a_proxy_refuses_what_could_be_read_in_two_ways(site: Site, name: str) -> None:
    served = site.served("/smuggled")
    received = await exchange(site.system.gateway.port, PAIRS[name])
    assert [line for line in received.split(b"\r\n") if line.startswith(b"HTTP/")] == [b"HTTP/1.1 400 Bad Request"]
    assert site.served("/smuggled") == served


@pytest.mark.parametrize(
    ("name", "more", "body"),
    [
        ("a length that is too small", [("content-length", "2")], b"{}" + SMUGGLED),
        ("a length that is too large", [("content-length", "1000")], ORDER),
        ("two lengths", [("content-length", "2"), ("content-length", str(2 + len(SMUGGLED)))], b"{}" + SMUGGLED),
        ("no length and chunks", [("transfer-encoding", "chunked")], END + SMUGGLED),
        ("chunks and a length", [("transfer-encoding", "chunked"), ("content-length", str(len(ALL)))], ALL),
        ("a line break in a value", [("x", "y\r\nTransfer-Encoding: chunked")], ALL),
        ("a line break in a name", [("x\r\nTransfer-Encoding", "chunked")], ALL),
        ("a colon in a name", [("transfer-encoding: chunked\r\nx", "y")], ALL),
        ("a connection header", [("connection", "transfer-encoding")], ORDER),
        ("a second path", [(":path", "/smuggled")], ORDER),
        ("a request in the path", [], ORDER),
    ],
    ids=lambda each: each if isinstance(each, str) else "",
)
async def test_http_2_is_turned_into_one_request_of_http_1_at_most(
    site: Site, name: str, more: list[tuple[str, str]], body: bytes
) -> None:
    path = "/health/live HTTP/1.1\r\nHost: x\r\n\r\nGET /smuggled" if "path" in name and not more else "/orders"
    headers = [(":method", "POST"), (":scheme", "https"), (":path", path), (":authority", "x")]
    frames = headers_frame(1, [*headers, ("content-type", "application/json"), *more])
    data = DataFrame(1, body, flags=["END_STREAM"]).serialize()
    served, forwarded = site.served("/smuggled"), site.forwarded("/smuggled")
    assert await exchange(site.proxy.port, PREFACE + SettingsFrame(0).serialize() + frames + data, site.proxy.tls("h2"))
    await check_others_are_served(site)
    assert (site.served("/smuggled"), site.forwarded("/smuggled")) == (served, forwarded)


async def check_others_are_served(site: Site) -> None:
    """Send requests on the connections that the proxy keeps to the gateway: each gets its own response."""
    async with client(site) as guest:
        for number in range(4):
            response = await guest.get(f"/orders/{number}")
            assert response.status_code == 404, response.text
            assert f"/orders/{number}" in response.text


@pytest.mark.parametrize(
    "forged",
    [
        [("x-forwarded-for", "203.0.113.9")],
        [("x-forwarded-for", "203.0.113.9"), ("x-forwarded-for", "127.0.0.1")],
        [("X-FORWARDED-FOR", "127.0.0.1"), ("x-forwarded-for", "")],
        [("forwarded", "for=203.0.113.9"), ("x-real-ip", "203.0.113.9"), ("x-client-ip", "203.0.113.9")],
    ],
)
async def test_the_address_in_the_audit_log_is_the_clients_whatever_it_says(
    site: Site, forged: list[tuple[str, str]]
) -> None:
    async with client(site, local_address=ELSEWHERE) as stranger, site.system.client() as manager:
        await stranger.post("/pair/none", headers=forged)
        (line,) = (await manager.get("/access/audit?limit=1")).json()["lines"]
        assert (line["what"], line["origin"]) == ("wrong pairing code", ELSEWHERE)
        direct = httpx.AsyncHTTPTransport(local_address=ELSEWHERE)
        async with httpx.AsyncClient(transport=direct, base_url=site.system.url) as around:
            await around.post("/pair/none", headers=forged)
        (line,) = (await manager.get("/access/audit?limit=1")).json()["lines"]
        assert line["origin"] == ELSEWHERE


async def test_a_cookie_is_secure_behind_the_proxy_and_its_origin_is_the_proxys(site: Site) -> None:
    async with site.system.client() as manager:
        made = await manager.post("/access/keys", json={"name": "till", "role": "waiter"})
        code = (await manager.post(f"/access/keys/{made.json()['key']['id']}/pairing-codes")).json()
    async with client(site) as tablet:
        tablet.headers["origin"] = site.proxy.url
        paired = await tablet.post(code["path"], headers={"x-forwarded-proto": "http"})
        assert (paired.status_code, "__Host-comanda_session=" in paired.headers["set-cookie"]) == (303, True)
        assert (await tablet.get("/me")).json()["name"] == "till"
        body = json.loads(ORDER)
        assert (await tablet.post("/orders", json=body)).status_code == 201
        foreign = {"origin": "https://evil.example"}
        assert (await tablet.post("/orders", json=body, headers=foreign)).status_code == 403
