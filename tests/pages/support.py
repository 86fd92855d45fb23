"""Pages in a real Chromium: who opens them, and what must not happen on any of them.

A test opens pages with `browsers.open(...)`. When it ends, every page that it opened must have had no error on its
console, no violation of its policy and no request to another machine; `allow` names what a test provokes.
"""

import re
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit
from uuid import uuid4

import httpx
from playwright.sync_api import Browser, BrowserContext, Page, Playwright

from tests.support.keys import AUTHORIZED
from tests.support.systems import System
from tests.support.waiting import wait_for

ROOT = Path(__file__).parents[2]
AXE = ROOT / "node_modules" / "axe-core" / "axe.min.js"

FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
)

LANGUAGES = ("en", "ko", "es")
THEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")

LOOKS = (("en", "light"), ("ko", "dark"), ("es", "light"))
"""Each language and each theme: colours do not depend on the language."""

SIZES = {"small": (320, 640), "phone": (390, 844), "tablet": (820, 1180), "wall": (1920, 1080), "4k": (3840, 2160)}
"""Widths and heights in CSS pixels."""

SERIOUS = ("serious", "critical")

_SENT = """() => (JSON.parse(localStorage.getItem("comanda.moves")) ?? []).length === 0"""

_FINISH = """() => {
  for (const each of document.getAnimations()) if (each.effect.getComputedTiming().endTime !== Infinity) each.finish();
}"""
"""Ends what fades in, and the transitions of colours: halfway, a text has less contrast than it has then."""

_RULES = """() => axe.run(document, {
  runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"],
  resultTypes: ["violations"],
})"""

_WIDE = """() => [document.documentElement.scrollWidth, document.documentElement.clientWidth]"""


@dataclass
class Watched:
    """A page, and what was wrong on it."""

    page: Page
    host: str
    errors: list[str] = field(default_factory=list)
    allowed: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.page.on("console", lambda message: self._note(message.type, message.text))
        self.page.on("pageerror", lambda error: self._note("error", str(error)))
        self.page.on("request", lambda request: self._note_request(request.url))

    def allow(self, *patterns: str) -> None:
        """Let errors pass that match one of these, which the test provokes."""
        self.allowed += patterns

    def check(self) -> None:
        """Fail where something was wrong."""
        wrong = [error for error in self.errors if not any(re.search(each, error) for each in self.allowed)]
        assert wrong == [], f"{self.page.url}: {wrong}"

    def _note(self, kind: str, text: str) -> None:
        if kind in ("error", "warning"):
            self.errors.append(text)

    def _note_request(self, url: str) -> None:
        parts = urlsplit(url)
        if parts.scheme in ("http", "https", "ws", "wss") and parts.netloc != self.host:
            self.errors.append(f"a request to another machine: {url}")


class Browsers:
    """Opens pages of a system, as people of all roles."""

    def __init__(self, browser: Browser, system: System) -> None:
        self.browser = browser
        self.system = system
        self.watched: list[Watched] = []
        self.named: list[str] = []
        self._contexts: list[BrowserContext] = []

    def device(
        self, *, language: str = "en", theme: str = "light", size: tuple[int, int] = SIZES["phone"], **options: Any
    ) -> BrowserContext:
        """Return a browser of its own: its cookies, its storage; `options` are Playwright's."""
        context = self.browser.new_context(
            base_url=self.system.url,
            locale=language,
            color_scheme="dark" if theme == "dark" else "light",
            viewport={"width": size[0], "height": size[1]},
            **options,
        )
        self._contexts.append(context)
        return context

    def open(self, path: str, device: BrowserContext | None = None, **options: Any) -> Page:
        """Open a page, by default on a new device of a guest; `options` are those of `device`."""
        page = (device or self.device(**options)).new_page()
        self.watched.append(Watched(page, urlsplit(self.system.url).netloc))
        page.goto(path)
        return page

    def allow(self, page: Page, *patterns: str) -> None:
        """Let errors of a page pass that match, which the test provokes."""
        next(each for each in self.watched if each.page is page).allow(*patterns)

    def pair(self, device: BrowserContext, role: str, departments: Sequence[str] = ()) -> BrowserContext:
        """Make a browser the device of a new key, as a manager and a tap on the pairing page do; return it.

        `named` has the names of the keys.
        """
        self.named.append(f"{role} {uuid4().hex[:8]}")
        with httpx.Client(base_url=self.system.url, headers=AUTHORIZED, trust_env=False) as manager:
            wish: dict[str, Any] = {"name": self.named[-1], "role": role}
            if departments:
                wish["departments"] = list(departments)
            made = manager.post("/access/keys", json=wish).raise_for_status().json()
            code = manager.post(f"/access/keys/{made['key']['id']}/pairing-codes").raise_for_status().json()
        assert device.request.post(code["path"]).ok
        return device

    def settle(self) -> None:
        """Wait until each step that was taken on a page has arrived."""
        for page in (each.page for each in self.watched):
            wait_for(lambda page=page: page.is_closed() or page.evaluate(_SENT), "the steps have arrived")  # type: ignore[misc]

    def check(self) -> None:
        """Fail where something was wrong on any page."""
        for watched in self.watched:
            watched.check()

    def close(self) -> None:
        """Close all pages."""
        for context in self._contexts:
            context.close()


@contextmanager
def browsing(browser: Browser, system: System) -> Iterator[Browsers]:
    """Open pages of a system; nothing may be wrong on any of them at the end."""
    browsers = Browsers(browser, system)
    try:
        yield browsers
        browsers.check()
    finally:
        browsers.close()


CHROMIUMS = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome")
"""Programs, the best first: the shell has no windows of its own, which take as much as the pages that are tested."""


def find_chromium() -> str:
    """Return the path of the machine's Chromium."""
    program = next(filter(None, map(shutil.which, CHROMIUMS)), None)
    assert program, f"none of these is on this machine: {', '.join(CHROMIUMS)}"
    return program


@contextmanager
def chromium(playwright: Playwright, *flags: str) -> Iterator[Browser]:
    """Run a Chromium that can reach nothing but this machine."""
    browser = playwright.chromium.launch(executable_path=find_chromium(), args=[*FLAGS, *flags])
    try:
        yield browser
    finally:
        browser.close()


def serious_findings(page: Page) -> list[str]:
    """Return what axe finds serious or critical on a page as it is: rule, element and what would be right."""
    assert AXE.exists(), "axe-core is missing; `.ci/setup web` installs it"
    if not page.evaluate("() => 'axe' in window"):
        page.evaluate(AXE.read_text())
    page.evaluate(_FINISH)
    return [
        f"{found['id']}: {node['target'][0]}: {node['failureSummary']}"
        for found in page.evaluate(_RULES)["violations"]
        if found["impact"] in SERIOUS
        for node in found["nodes"]
    ]


def is_too_wide(page: Page) -> bool:
    """Return whether a page has to be scrolled sideways."""
    content, window = page.evaluate(_WIDE)
    return bool(content > window)


def heap_bytes(page: Page) -> int:
    """Return the bytes of a page's heap in use, after a collection of garbage."""
    session = page.context.new_cdp_session(page)
    session.send("HeapProfiler.collectGarbage")
    used: int = session.send("Runtime.getHeapUsage")["usedSize"]
    session.detach()
    return used
