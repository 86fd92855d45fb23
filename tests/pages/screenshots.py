"""Writes pictures of every page: `just screenshots`, or `python -m tests.pages.screenshots FOLDER [PAGE ...]`.

Each page is pictured on a phone, a tablet and a wall, light and dark, in three languages, as an evening has it.
"""

import argparse
import base64
import tempfile
from collections.abc import Iterator
from itertools import product
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

from tests.pages.evening import have_an_evening_of_the_demo, open_demo
from tests.pages.support import LANGUAGES, SIZES, THEMES, Browsers, chromium
from tests.support.database_contents import Store
from tests.support.systems import Systems

PAGES: dict[str, tuple[str, str | None]] = {
    "demo": ("/demo", "manager"),
    "order": ("/", None),
    "station": ("/stations/kitchen", "station"),
    "stations": ("/stations", "manager"),
    "sign-in": ("/sign-in", None),
    "pair": ("/pair/none", None),
    "refused": ("/stations/bar", None),
    "not-found": ("/nowhere", None),
    "waiter": ("/waiter", "waiter"),
    "waiter-table": ("/waiter?table=7", "waiter"),
    "waiter-order": ("/waiter?table=7&new=1", "waiter"),
    "pass": ("/pass", "waiter"),
    "board": ("/board", None),
    "styles": ("/styles", "manager"),
    "office": ("/office", "manager"),
    "office-stock": ("/office/stock", "manager"),
    "office-sales": ("/office/sales", "manager"),
    "office-times": ("/office/times", "manager"),
    "office-late": ("/office/late", "manager"),
    "office-access": ("/office/access", "manager"),
    "office-log": ("/office/log", "manager"),
    "sheet": ("/access/tables/qr?tables=1-6", "manager"),
}
"""Each page's path, and the role of the device that opens it."""

DEVICES = ("phone", "tablet", "wall")
QUALITY = 82


def main() -> None:
    """Write the pictures."""
    parser = argparse.ArgumentParser(description="Write pictures of the pages.")
    parser.add_argument("folder", type=Path)
    parser.add_argument("pages", nargs="*", help=f"which: {', '.join(PAGES)}; all where none is named")
    arguments = parser.parse_args()
    arguments.folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        systems = Systems(Path(folder), Store)
        try:
            system = open_demo(systems)
            have_an_evening_of_the_demo(system)
            with sync_playwright() as playwright, chromium(playwright) as browser:
                browsers = Browsers(browser, system)
                for name, picture in pictures(browsers, arguments.pages or list(PAGES)):
                    (arguments.folder / name).write_bytes(picture)
        finally:
            systems.close()


def pictures(browsers: Browsers, names: list[str]) -> Iterator[tuple[str, bytes]]:
    """Yield the name of each picture and its content, WebP."""
    for name, theme, language in product(names, THEMES, LANGUAGES):
        path, role = PAGES[name]
        device = browsers.device(theme=theme, language=language)
        if role is not None:
            browsers.pair(device, role, ["kitchen"] if role == "station" else [])
        page = browsers.open(path, device)
        for size in DEVICES:
            page.set_viewport_size({"width": SIZES[size][0], "height": SIZES[size][1]})
            page.wait_for_load_state("load")
            yield f"{name}-{size}-{theme}-{language}.webp", picture(page)
        device.close()


def picture(page: Page) -> bytes:
    """Return what a page shows, once it has drawn it."""
    page.evaluate("() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")
    session = page.context.new_cdp_session(page)
    shot = session.send("Page.captureScreenshot", {"format": "webp", "quality": QUALITY})
    session.detach()
    return base64.b64decode(shot["data"])


if __name__ == "__main__":
    main()
