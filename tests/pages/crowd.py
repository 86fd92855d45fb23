"""Fifty screens on a busy evening: `python -m tests.pages.crowd --minutes 10`.

Real pages (stations, the pass, the waiter's page, the board, the office) and clients of the event stream, which stand
for more screens than one machine can draw, follow a restaurant in which orders arrive and cooks work. Somebody taps on
one station; each other screen notes when it shows the step. In a restaurant each screen has a processor of its own.
Here a station takes a fifth of a core at 20 orders a second, so eight on two cores measure Chromium, too: `--pages few`
opens three, for the time, and `--pages all` eight, for what they say on their consoles and the memory that they take.
"""

import argparse
import asyncio
import json
import statistics
import sys
import tempfile
import threading
import time
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
from playwright.sync_api import Page, expect, sync_playwright

from tests.pages.stations import open_station
from tests.pages.support import SIZES, Browsers, chromium, heap_bytes
from tests.support.database_contents import Store
from tests.support.keys import AUTHORIZATION, AUTHORIZED
from tests.support.systems import System, Systems
from tests.support.waiting import wait_for

MENUS = {"bar": {"coffee": 10**6}, "kitchen": {"pasta": 10**6, "pizza": 10**6}, "bakery": {"cookie": 10**6}}
MEALS = (("kitchen", "pasta"), ("bar", "coffee"), ("bakery", "cookie"))

STATIONS = 4
OTHERS: Mapping[str, str | None] = {"/pass": "waiter", "/waiter": "waiter", "/board": None, "/office": "manager"}
PAGES: Mapping[str, tuple[int, Mapping[str, str | None]]] = {"few": (2, {"/pass": "waiter"}), "all": (STATIONS, OTHERS)}

COOK_SECONDS = 1.0
TAP_SECONDS = 0.75
TAPPED = "preparing"
NEXT = {"queued": "start", "preparing": "finish", "ready": "serve"}
REPORT_SECONDS = 15

_WATCH = """() => {
  window.seen = {};
  const note = (card) => {
    if (card.dataset?.state === "preparing") window.seen[card.dataset.order] ??= Date.now();
  };
  new MutationObserver((changes) => {
    for (const {target, addedNodes} of changes) {
      note(target);
      for (const each of addedNodes) note(each);
    }
  }).observe(document.body, {subtree: true, childList: true, attributes: true, attributeFilter: ["data-state"]});
}"""


@dataclass
class Figures:
    """What was seen."""

    seconds: list[float] = field(default_factory=list)
    """From a tap until another screen shows it, for each tap and screen."""
    orders: int = 0
    steps: int = 0
    grown: dict[str, int] = field(default_factory=dict)
    """Bytes by page, after a collection of garbage."""

    def at(self, part: float) -> float:
        """Return a quantile of the seconds."""
        ranked = sorted(self.seconds)
        return ranked[min(len(ranked) - 1, int(part * len(ranked)))]

    def text(self) -> str:
        """Return all in a line."""
        grown = ", ".join(f"{path} {each / 1e6:+.1f}" for path, each in self.grown.items())
        return (
            f"{self.orders} orders, {self.steps} steps, {len(self.seconds)} looks: median "
            f"{1000 * statistics.median(self.seconds):.0f} ms, p95 {1000 * self.at(0.95):.0f} ms, "
            f"largest {1000 * max(self.seconds):.0f} ms; MB: {grown}"
        )


class Crowd:
    """Guests, cooks and followers, on a loop of their own."""

    def __init__(self, system: System, orders_a_second: float, followers: int) -> None:
        self.system = system
        self.pace = orders_a_second
        self.followers = followers
        self.figures = Figures()
        self.following = 0
        self.tapped: dict[str, list[float]] = {}
        self.kept: set[str] = set()  # orders that the cooks leave to the one who taps

    async def run(self) -> None:
        """Be busy until cancelled."""
        limits = httpx.Limits(max_connections=64)
        async with (
            httpx.AsyncClient(
                base_url=self.system.url, headers=AUTHORIZED, trust_env=False, limits=limits, timeout=30
            ) as client,
            asyncio.TaskGroup() as tasks,
        ):
            tasks.create_task(self.order(client))
            for department in MENUS:
                tasks.create_task(self.cook(client, department))
            for _ in range(self.followers):
                tasks.create_task(self.follow())

    async def order(self, client: httpx.AsyncClient) -> None:
        """Place orders at a fixed pace for the departments in turn, every other one for two of them."""
        began, count = time.perf_counter(), 0
        while True:
            count += 1
            await asyncio.sleep(began + count / self.pace - time.perf_counter())
            asked = [MEALS[(count + each) % len(MEALS)] for each in range(1 + count % 2)]
            lines = [{"department": department, "item": item, "quantity": 1} for department, item in asked]
            wish = {"table": str(1 + count % 40), "lines": lines}
            (await client.post("/orders", json=wish)).raise_for_status()
            self.figures.orders += 1

    async def cook(self, client: httpx.AsyncClient, department: str) -> None:
        """Take the next step with every ticket of a department, each second."""
        while True:
            await asyncio.sleep(COOK_SECONDS)
            found = await client.get("/tickets", params={"department": department, "state": list(NEXT), "limit": 100})
            tickets = [each for each in found.raise_for_status().json()["tickets"] if each["order_id"] not in self.kept]
            moves = [
                {
                    "department": department,
                    "order_id": each["order_id"],
                    "verb": NEXT[each["state"]],
                    "expected": each["state"],
                    "step_id": str(uuid.uuid4()),
                }
                for each in tickets
            ]
            if moves:
                (await client.post("/tickets/moves", json={"moves": moves})).raise_for_status()
                self.figures.steps += len(moves)

    async def follow(self) -> None:
        """Follow the kitchen, as a screen does; only what was tapped is decoded."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.system.gateway.port, limit=2**20)
        try:
            writer.write(b"GET /events?departments=kitchen HTTP/1.1\r\nHost: 127.0.0.1\r\n" + AUTHORIZATION + b"\r\n")
            is_live = False
            while text := await reader.readline():
                if text.rstrip() == b"event: tick":
                    self.following += not is_live
                    is_live = True
                elif text.startswith(b"data: ") and self.tapped and b'"order_id"' in text:
                    self.note(text)
            raise ConnectionError("a screen's stream has ended")
        finally:
            writer.close()

    def note(self, text: bytes) -> None:
        """Note the time at which a tapped ticket's step arrived."""
        for order_id, times in list(self.tapped.items()):
            if order_id.encode() in text and json.loads(text[6:]).get("state") == TAPPED:
                times.append(time.time())


@contextmanager
def at_work(crowd: Crowd) -> Iterator[None]:
    """Let a crowd be busy in a thread; its failure is raised at the end."""
    loop = asyncio.new_event_loop()
    task = loop.create_task(crowd.run())
    failures: list[BaseException] = []

    def work() -> None:
        try:
            loop.run_until_complete(task)
        except asyncio.CancelledError:
            pass
        except BaseExceptionGroup as failure:
            failures.append(failure)
        finally:
            loop.close()

    thread = threading.Thread(target=work)
    thread.start()
    try:
        yield
    finally:
        if not failures:
            loop.call_soon_threadsafe(task.cancel)
        thread.join()
    if failures:
        raise failures[0]


def open_screens(browsers: Browsers, stations: int, others: Mapping[str, str | None]) -> dict[str, Page]:
    """Open the real pages, by a name each; the first is the one that is tapped."""
    pages = {}
    for number in range(stations):
        page = pages[f"station {number}"] = open_station(browsers, "kitchen", size=SIZES["tablet"])
        page.evaluate(_WATCH)
    for path, role in others.items():
        device = browsers.device(size=SIZES["tablet"])
        pages[path] = browsers.open(path, browsers.pair(device, role) if role else device)
    return pages


def tap(pages: dict[str, Page], crowd: Crowd, guest: httpx.Client) -> list[float]:
    """Tap a new ticket on one station; return after how many seconds each other screen showed the step."""
    order_id = str(uuid.uuid4())
    crowd.kept.add(order_id)
    times: list[float] = crowd.tapped.setdefault(order_id, [])
    wish: dict[str, Any] = {"order_id": order_id, "table": "tap"}
    wish["lines"] = [{"department": "kitchen", "item": "pasta", "quantity": 1}]
    guest.post("/orders", json=wish).raise_for_status()
    (first, *others) = [page for name, page in pages.items() if name.startswith("station")]
    button = first.locator(f".ticket[data-order='{order_id}'] .step")
    expect(button).to_be_visible(timeout=30_000)
    began = button.evaluate("(button) => { const at = Date.now(); button.click(); return at / 1000; }")
    wait_for(lambda: len(times) == crowd.followers, "the step is on all screens")
    seen = [wait_for(lambda page=page: page.evaluate("(id) => window.seen[id]", order_id), "shown") for page in others]  # type: ignore[misc]
    del crowd.tapped[order_id]
    crowd.kept.remove(order_id)
    return [at - began for at in [*times, *(each / 1000 for each in seen)]]


def spend(
    browsers: Browsers,
    seconds: float,
    orders_a_second: float,
    screens: int,
    *,
    stations: int = STATIONS,
    others: Mapping[str, str | None] = OTHERS,
) -> Figures:
    """Spend some time in a busy restaurant; return what was seen. Fails where a page had something on its console.

    Of the screens, `stations` and the `others`, which are paths with the role of their device, are real pages.
    """
    pages = open_screens(browsers, stations, others)
    crowd = Crowd(browsers.system, orders_a_second, screens - len(pages))
    with (
        httpx.Client(base_url=browsers.system.url, headers=AUTHORIZED, trust_env=False, timeout=30) as guest,
        at_work(crowd),
    ):
        wait_for(lambda: crowd.following == crowd.followers, "all follow")
        warm, end = time.monotonic() + seconds / 5, time.monotonic() + seconds
        before: dict[str, int] = {}
        reported = time.monotonic()
        while time.monotonic() < end:
            if not before and time.monotonic() > warm:
                before = {name: heap_bytes(page) for name, page in pages.items()}
            began = time.monotonic()
            crowd.figures.seconds += tap(pages, crowd, guest)
            if sys.stderr.isatty() or time.monotonic() - reported > REPORT_SECONDS:
                reported = time.monotonic()
                print(f"{end - reported:4.0f} s left: {crowd.figures.text()}", file=sys.stderr, flush=True)
            pages["station 0"].wait_for_timeout(max(0, 1000 * (began + TAP_SECONDS - time.monotonic())))
        crowd.figures.grown = {name: heap_bytes(page) - before[name] for name, page in pages.items()}
    browsers.check()
    return crowd.figures


def main() -> None:
    """Run for some minutes and print the figures."""
    parser = argparse.ArgumentParser(description="Show what fifty screens see of a tap while orders arrive.")
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--orders", type=float, default=20, help="orders a second")
    parser.add_argument("--screens", type=int, default=50, help="real pages and clients of the event stream together")
    parser.add_argument("--pages", choices=PAGES, default="few", help="two stations and the pass, or eight pages")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright, chromium(playwright) as browser:
        systems = Systems(Path(folder), Store)
        browsers = Browsers(browser, systems.open(MENUS))
        try:
            stations, others = PAGES[arguments.pages]
            seconds = arguments.minutes * 60
            figures = spend(browsers, seconds, arguments.orders, arguments.screens, stations=stations, others=others)
            print(figures.text())
        finally:
            browsers.close()
            systems.close()


if __name__ == "__main__":
    main()
