"""`/demo` in a browser: several pages of a restaurant side by side, in frames."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, FrameLocator, Page, expect

from tests.pages.evening import have_an_evening, open_restaurant
from tests.pages.support import LOOKS, SIZES, Browsers, browsing, is_too_wide, serious_findings
from tests.support.systems import System, Systems

pytestmark = pytest.mark.pages


@pytest.fixture(scope="module")
def demo(systems: Systems) -> System:
    """A restaurant with the page of a demo, and no evening that goes on by itself."""
    return open_restaurant(systems, DEMO="true")


@pytest.fixture
def visitors(browser: Browser, demo: System) -> Iterator[Browsers]:
    """Browsers in the demo; nothing may be wrong on any page when the test ends."""
    with browsing(browser, demo) as browsers:
        yield browsers


def opened(visitors: Browsers, **options: str) -> Page:
    """Open the page of frames, and wait until the modules of each frame have taken over."""
    device = visitors.device(size=SIZES["wall"], **options)
    page = visitors.open("/demo", visitors.pair(device, "manager"))
    for pane in page.locator(".demo-pane").all():
        expect(pane.locator("iframe").content_frame.locator("#content")).to_be_visible()
    return page


def frame(page: Page, name: str) -> FrameLocator:
    return page.locator(f'.demo-pane[data-pane="{name}"] iframe').content_frame


def test_what_happens_is_seen_in_every_frame(visitors: Browsers, demo: System) -> None:
    page = opened(visitors)
    expect(frame(page, "station").locator(".ticket")).to_have_count(0)
    expect(frame(page, "order").get_by_text("Donut")).to_be_visible()

    have_an_evening(demo)

    expect(frame(page, "station").locator(".ticket")).to_have_count(9)


@pytest.mark.parametrize(("language", "theme"), LOOKS)
def test_it_is_as_every_page_has_to_be(visitors: Browsers, language: str, theme: str) -> None:
    page = opened(visitors, language=language, theme=theme)
    for width, height in SIZES.values():
        page.set_viewport_size({"width": width, "height": height})
        assert not is_too_wide(page), f"at {width} px"
    for size in ("small", "wall"):
        page.set_viewport_size({"width": SIZES[size][0], "height": SIZES[size][1]})
        assert serious_findings(page) == [], f"at {size}"
