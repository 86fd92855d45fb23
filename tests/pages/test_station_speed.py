"""What a station may cost: an update of 100 cards, eight hours, a tap until 50 other screens show it."""

import asyncio
import json
import statistics
import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import pytest
from playwright.sync_api import CDPSession, Page, expect

from tests.pages.support import SIZES, Browsers
from tests.support.keys import AUTHORIZED
from tests.support.rest_clients import line, order
from tests.support.systems import System
from tests.support.waiting import wait_for

pytestmark = pytest.mark.pages

CARDS = 100
UPDATES = 60
ROUNDS = 3
UPDATE_MS = 16
CHANGES = 20_000
GROWTH_BYTES = 10_000_000
SCREENS = 50
TAPS = 20
TAP_SECONDS = 0.3

_MODULE = "const {station} = await import(document.querySelector('script[type=module]').src);"

_TICKETS = """const began = (window.began ??= station.store.clock.now());  // a ticket's time of placing stays as it is
const at = (seconds) => new Date(began - seconds * 1000).toISOString();
const ticket = (id, state, revision) => ({department: "kitchen", order_id: `order-${id}`, number: id % 1000, table: "7",
  source: "gateway", state, placed_at: at(1000 - id / 100), started_at: null, ready_at: null,
  served_at: state === "served" ? at(0) : null, cancelled_at: null, moved_by: null, moved_at: null, cancel_reason: null,
  wasted: false, revision, lines: ["pizza", "pasta", "pizza"].map((item, place) => ({item, quantity: 2,
    note: place ? "" : "no olives", allergy: false, made: false, outcome: "accepted", unit_price: 1}))});
const frame = () => new Promise((done) => requestAnimationFrame(() => setTimeout(done)));"""

_FILL = f"""async (cards) => {{ {_MODULE} {_TICKETS}
  for (let id = 0; id < cards; id++) station.store.take("ticket", ticket(id, "queued", 1));
  await frame();
  return document.querySelectorAll(".ticket").length;
}}"""

_UPDATES = f"""async ([cards, updates, done]) => {{ {_MODULE} {_TICKETS}
  for (let count = done; count < done + updates; count++) {{
    station.store.take("ticket", ticket(count % cards, count < cards ? "preparing" : "ready", 2 + count));
    await frame();
  }}
}}"""

_EVENING = f"""async ([first, changes]) => {{ {_MODULE} {_TICKETS}
  const states = ["queued", "preparing", "ready", "served"];
  for (let count = 0; count < changes; count++) {{
    const id = first + Math.trunc(count / 40) * 10 + count % 10;
    station.store.take("ticket", ticket(id, states[Math.trunc(count / 10) % 4], first + count));
    if (count % 40 === 25) await frame();
  }}
}}"""


def open_station(browsers: Browsers) -> Page:
    device = browsers.pair(browsers.device(size=SIZES["wall"]), "station", ["kitchen"])
    page = browsers.open("/stations/kitchen", device)
    expect(page.locator("html")).to_have_attribute("data-live", "true")
    return page


def test_an_update_of_100_cards_fits_into_a_frame(browsers: Browsers) -> None:
    """It is the time on a processor of script, style and layout; painting depends on the device's graphics.

    It is the best of three rounds: what else runs on the machine takes the processor's caches.
    """
    page = open_station(browsers)
    assert page.evaluate(_FILL, CARDS) == CARDS
    session = page.context.new_cdp_session(page)
    session.send("Performance.enable", {"timeDomain": "threadTicks"})
    rounds = [round_ms(page, session, number) for number in range(ROUNDS)]
    print(f"an update of {CARDS} cards: {', '.join(f'{each:.1f}' for each in rounds)} ms")
    assert min(rounds) <= UPDATE_MS


def round_ms(page: Page, session: CDPSession, number: int) -> float:
    """Return what an update took on average in a round of them."""
    before = busy_ms(session)
    page.evaluate(_UPDATES, [CARDS, UPDATES, number * UPDATES])
    return (busy_ms(session) - before) / UPDATES


def busy_ms(session: CDPSession) -> float:
    """Return for how long the page's main thread has worked on script, style and layout."""
    metrics = {each["name"]: each["value"] for each in session.send("Performance.getMetrics")["metrics"]}
    return 1000 * sum(float(metrics[f"{name}Duration"]) for name in ("Script", "RecalcStyle", "Layout"))


def test_eight_hours_do_not_fill_the_memory(browsers: Browsers) -> None:
    page = open_station(browsers)
    page.evaluate(_EVENING, [0, 2000])
    before = memory(page)
    page.evaluate(_EVENING, [2000, CHANGES])
    grown = memory(page) - before
    print(f"{CHANGES} changes: {grown / 1e6:+.2f} MB")
    assert grown <= GROWTH_BYTES


def memory(page: Page) -> int:
    session = page.context.new_cdp_session(page)
    session.send("HeapProfiler.collectGarbage")
    used: int = session.send("Runtime.getHeapUsage")["usedSize"]
    session.detach()
    return used


class Screens:
    """Clients of the event stream, which note when they receive each state of a ticket."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.seen: dict[tuple[str, str], list[float]] = {}
        self.live = 0

    async def follow(self) -> None:
        headers = {**AUTHORIZED, "accept": "text/event-stream"}
        async with (
            httpx.AsyncClient(trust_env=False, timeout=None) as client,
            client.stream("GET", f"{self.url}/events?departments=kitchen", headers=headers) as response,
        ):
            kind = ""
            async for text in response.aiter_lines():
                if text.startswith("event: "):
                    kind = text[7:]
                    self.live += kind == "tick"
                elif text.startswith("data: ") and kind == "ticket":
                    ticket: dict[str, Any] = json.loads(text[6:])
                    self.seen.setdefault((ticket["order_id"], ticket["state"]), []).append(time.perf_counter())


@contextmanager
def following(screens: Screens, count: int) -> Iterator[None]:
    """Let clients follow, in a thread of their own."""
    loop = asyncio.new_event_loop()

    async def run() -> None:
        await asyncio.gather(*(screens.follow() for _ in range(count)), return_exceptions=True)

    task = loop.create_task(run())

    def work() -> None:
        try:
            loop.run_until_complete(task)
        except asyncio.CancelledError:
            pass
        finally:
            loop.close()

    thread = threading.Thread(target=work)
    thread.start()
    try:
        yield
    finally:
        loop.call_soon_threadsafe(task.cancel)
        thread.join()


def test_a_tap_is_on_50_other_screens_within_300_ms(browsers: Browsers, restaurant: System) -> None:
    screens = Screens(restaurant.url)
    pages = [open_station(browsers) for _ in range(3)]
    with following(screens, SCREENS), httpx.Client(base_url=restaurant.url, trust_env=False) as guest:
        wait_for(lambda: screens.live >= SCREENS, "all screens follow")
        times = []
        for _ in range(TAPS):
            wish = order(line("kitchen", "pasta"), order_id=str(uuid.uuid4()))
            guest.post("/orders", json=wish).raise_for_status()
            button = pages[0].locator(f".ticket[data-order='{wish['order_id']}'] .step")
            expect(button).to_be_visible()
            start = time.perf_counter()
            button.evaluate("(button) => button.click()")
            key = (wish["order_id"], "preparing")
            wait_for(lambda key=key: len(screens.seen.get(key, [])) >= SCREENS, "the step is on all screens")  # type: ignore[misc]
            times += [at - start for at in screens.seen[key][:SCREENS]]
        for page in pages[1:]:
            expect(page.locator(f".ticket[data-order='{wish['order_id']}']")).to_have_attribute(
                "data-state", "preparing"
            )
    p95 = sorted(times)[int(len(times) * 0.95)]
    print(f"tap to {SCREENS} screens: median {statistics.median(times) * 1000:.0f} ms, p95 {p95 * 1000:.0f} ms")
    assert p95 <= TAP_SECONDS
