"""What holds on every page: no error, nothing that axe finds serious, no scrolling sideways, from 320 px to 4K."""

from typing import Literal

import httpx
import pytest

from tests.pages.support import LANGUAGES, SIZES, THEMES, Browsers, is_too_wide, serious_findings
from tests.support.rest_clients import line, order
from tests.support.systems import System

pytestmark = [pytest.mark.pages, pytest.mark.long]

PAGES = {
    "order": ("/", None),
    "sign in": ("/sign-in", None),
    "pair": ("/pair/none", None),
    "refused": ("/stations/bar", None),
    "not found": ("/nowhere", None),
    "stations": ("/stations", "manager"),
    "station": ("/stations/kitchen", "manager"),
    "empty station": ("/stations/bakery", "manager"),
    "waiter": ("/waiter", "waiter"),
    "pass": ("/pass", "waiter"),
    "board": ("/board", None),
    "styles": ("/styles", "manager"),
    "office": ("/office", "manager"),
    "office stock": ("/office/stock", "manager"),
    "office sales": ("/office/sales", "manager"),
    "office times": ("/office/times", "manager"),
    "office late": ("/office/late", "manager"),
    "office access": ("/office/access", "manager"),
    "office log": ("/office/log", "manager"),
    "sheet": ("/access/tables/qr?tables=1-3", "manager"),
}


@pytest.fixture(scope="module")
def kitchen(restaurant: System) -> System:
    """A restaurant whose kitchen has something to do."""
    pizza = line("kitchen", "pizza") | {"note": "no nuts, please: <b>allergy</b>", "allergy": True}
    assert (
        httpx.post(
            f"{restaurant.url}/orders", json=order(pizza, line("kitchen", "pasta", 3)), trust_env=False
        ).status_code
        == 201
    )
    return restaurant


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("name", PAGES)
def test_a_page_is_as_it_has_to_be(kitchen: System, browsers: Browsers, name: str, language: str) -> None:
    assert kitchen is browsers.system
    path, role = PAGES[name]
    device = browsers.device(language=language)
    if role is not None:
        browsers.pair(device, role)
    page = browsers.open(path, device)
    if name in ("refused", "not found"):
        browsers.allow(page, "status of 40[14]")
    page.wait_for_load_state("load")
    for width, height in SIZES.values():
        page.set_viewport_size({"width": width, "height": height})
        assert not is_too_wide(page), f"at {width} px"
    for size, themes in _looks(language):
        page.set_viewport_size({"width": SIZES[size][0], "height": SIZES[size][1]})
        for theme in themes:
            page.emulate_media(color_scheme=theme)
            assert serious_findings(page) == [], f"at {size}, {theme}"


def _looks(language: str) -> list[tuple[str, tuple[Literal["light", "dark"], ...]]]:
    """Return the sizes and themes to look at: another language changes the texts only, and where they are narrow."""
    return [("wall", THEMES), ("small", THEMES)] if language == "en" else [("small", ("light",))]
