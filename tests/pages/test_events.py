"""A browser's EventSource, which nobody here wrote, through restarts of the gateway.

The page's own server passes the events on, with a key.
"""

import json
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import httpx
import pytest

from tests.pages.support import FLAGS, find_chromium
from tests.support.database_contents import Store
from tests.support.event_stream import Event, Screen
from tests.support.http_servers import serving
from tests.support.keys import AUTHORIZED
from tests.support.processes import free_ports
from tests.support.rest_clients import line, order
from tests.support.systems import System, Systems
from tests.support.waiting import wait_for

pytestmark = pytest.mark.pages

PAGE = """<!doctype html><title>follows</title><script>
const source = new EventSource("/events");
const tell = (kind, data, id) => fetch("/seen", {method: "POST", body: JSON.stringify([kind, data, id])});
for (const kind of ["ticket", "stock", "menu", "order", "department", "tick", "reset"])
  source.addEventListener(kind, (event) => tell(kind, JSON.parse(event.data), event.lastEventId));
source.onopen = () => tell("opened", null, "");
</script>"""

ALONE = (*FLAGS, "--headless", "--no-first-run", "--remote-debugging-port=0")
"""Flags of a Chromium that no library starts."""


class Browser:
    """A page in a browser, and what its script received."""

    def __init__(self, gateway: str) -> None:
        self.gateway = gateway
        self.screen = Screen()
        self.opened = 0

    def take(self, kind: str, data: object, last_id: str) -> None:
        if kind == "opened":
            self.opened += 1
        else:
            self.screen.take([Event(kind, data, last_id)])


@contextmanager
def page(port: int, browser: Browser) -> Iterator[str]:
    """Serve the page, and take what its script sends."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if self.path == "/events":
                self._pass_on()
            else:
                self._respond(PAGE.encode())

        def _pass_on(self) -> None:
            """Add a key, which an EventSource cannot send; the connection ends with the gateway's."""
            headers = {**AUTHORIZED, "last-event-id": self.headers.get("last-event-id", "")}
            with (
                suppress(httpx.TransportError, BrokenPipeError, ConnectionResetError),
                httpx.stream("GET", f"{browser.gateway}/events", headers=headers, timeout=None) as response,
            ):
                self.send_response(response.status_code)
                self.send_header("content-type", response.headers["content-type"])
                self.end_headers()
                for piece in response.iter_bytes():
                    self.wfile.write(piece)
                    self.wfile.flush()
            self.close_connection = True

        def do_POST(self) -> None:
            browser.take(*json.loads(self.rfile.read(int(self.headers["content-length"]))))
            self._respond(b"")

        def _respond(self, body: bytes) -> None:
            self.send_response(200)
            self.send_header("content-type", "text/html")
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *arguments: object) -> None:
            pass

    with serving(ThreadingHTTPServer(("127.0.0.1", port), Handler)):
        yield f"http://127.0.0.1:{port}/"


@contextmanager
def chromium(url: str, folder: Path) -> Iterator[None]:
    """Open a page, until the body ends."""
    command = [find_chromium(), *ALONE, f"--user-data-dir={folder / 'profile'}", url]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        yield
    finally:
        process.terminate()
        process.wait(30)


@pytest.fixture
def port() -> int:
    return free_ports(1)[0]


@pytest.fixture
def system(tmp_path: Path) -> Iterator[System]:
    systems = Systems(tmp_path, Store)
    yield systems.open({"bar": {"coffee": 100}})
    systems.close()


def place(system: System) -> str:
    wish = order(line("bar", "coffee"))
    assert httpx.post(f"{system.url}/orders", json=wish, trust_env=False).status_code == 201
    order_id: str = wish["order_id"]
    return order_id


def test_a_browser_misses_nothing_through_restarts_of_the_gateway(system: System, port: int, tmp_path: Path) -> None:
    browser = Browser(system.url)
    with page(port, browser) as url, chromium(url, tmp_path):
        wait_for(lambda: browser.screen.ticks, "the browser is up to date")
        placed = []
        for stop in (system.gateway.terminate, system.gateway.kill):
            placed.append(place(system))
            wait_for(lambda: placed[-1] in browser.screen.orders, "the order has reached the browser")
            stop()
            system.gateway.restart()
            placed.append(place(system))
            wait_for(lambda: ("bar", placed[-1]) in browser.screen.tickets, "the ticket has reached the browser")
        assert {order_id for _, order_id in browser.screen.tickets} == set(placed)
        assert browser.opened == 3
        assert len(browser.screen.resets) == 1
