"""The pass in a real Chromium: by table, across departments, what is missing, ready and late."""

import re

import httpx
import pytest
from playwright.sync_api import Locator, Page, expect

from tests.pages.serving import make, open_page, place, wait_for_state
from tests.pages.support import LOOKS, ROOT, SIZES, Browsers, is_too_wide, serious_findings
from tests.support.rest_clients import line
from tests.support.systems import System, Systems

pytestmark = pytest.mark.pages


@pytest.fixture(scope="module")
def restaurant(systems: Systems, tmp_path_factory: pytest.TempPathFactory) -> System:
    """The restaurant whose menus ship, with plenty of everything, and a bar whose tickets are late after a second."""
    menus = tmp_path_factory.mktemp("menus")
    for path in (ROOT / "departments" / "menus").glob("*.toml"):
        text = path.read_text()
        late = "late_seconds = [1, 3600]" if path.stem == "bar" else "late_seconds = [3000, 3600]"
        lines = [late if each.startswith("late_seconds") else each for each in text.splitlines()]
        (menus / path.name).write_text(re.sub(r"stock = \d+", "stock = 100", "\n".join(lines)))
    return systems.open({name: {} for name in ("bar", "kitchen", "bakery")}, MENUS=menus)


def card(page: Page, table: str) -> Locator:
    return page.locator(f".pass-card[data-key='table {table}']:not(.is-leaving)")


def test_a_table_shows_what_is_missing_ready_and_late_and_is_served(browsers: Browsers, staff: httpx.Client) -> None:
    page = open_page(browsers, "/pass", size=SIZES["tablet"])
    expect(page.get_by_text("No table waits")).to_be_visible()
    first = place(staff, line("kitchen", "pasta", 2), line("bar", "coffee"), table="7")
    second = place(staff, line("bakery", "cookie"), table="7")
    place(staff, line("kitchen", "pizza"), table="2")
    expect(page.locator(".pass-table")).to_have_text(["Table 7", "Table 2"])  # who has waited longest comes first
    expect(card(page, "7")).to_contain_text("4 missing")
    expect(card(page, "7")).to_contain_text(f"{first['number']}, {second['number']}")
    expect(card(page, "7").locator("[data-department=bar] .part-late")).to_be_visible()
    expect(card(page, "7").locator("[data-department=kitchen] .part-late")).to_have_count(0)
    expect(card(page, "7")).to_have_attribute("data-level", "late")

    make(staff, "kitchen", first)
    expect(card(page, "7")).to_contain_text("2 missing")
    expect(card(page, "7")).to_contain_text("2 ready")
    make(staff, "bar", first)
    make(staff, "bakery", second)
    expect(card(page, "7")).to_contain_text("All ready")
    expect(card(page, "7")).to_have_attribute("data-level", "")
    page.locator("[data-filter=ready]").click()
    expect(page.locator(".pass-table")).to_have_text(["Table 7"])
    page.locator("[data-filter=all]").click()

    card(page, "7").get_by_role("button", name="Serve the table").click()
    expect(card(page, "7")).to_have_count(0)
    expect(page.locator(".pass-table")).to_have_text(["Table 2"])
    for department, placed in (("kitchen", first), ("bar", first), ("bakery", second)):
        wait_for_state(staff, department, placed, "served")
    page.get_by_role("button", name="Undo").click()
    expect(card(page, "7")).to_contain_text("All ready")
    for department, placed in (("kitchen", first), ("bar", first), ("bakery", second)):
        wait_for_state(staff, department, placed, "ready")


def test_what_is_ready_is_served_and_the_rest_stays(browsers: Browsers, staff: httpx.Client) -> None:
    placed = place(staff, line("kitchen", "pasta"), line("bakery", "cookie"), table="8")
    make(staff, "bakery", placed)
    page = open_page(browsers, "/pass")
    card(page, "8").get_by_role("button", name="Serve what is ready").click()
    expect(card(page, "8").locator(".part")).to_have_count(1)
    expect(card(page, "8")).to_contain_text("1 missing")
    expect(card(page, "8").get_by_role("button")).to_have_count(0)


def test_an_order_without_a_table_has_a_card_by_its_number(browsers: Browsers, staff: httpx.Client) -> None:
    placed = place(staff, line("kitchen", "pizza"), table=None)
    page = open_page(browsers, "/pass")
    expect(page.locator(".pass-table")).to_have_text([f"Number {placed['number']}"])


def test_a_pass_without_a_connection_says_so_and_serves_later(browsers: Browsers, staff: httpx.Client) -> None:
    placed = place(staff, line("kitchen", "pizza"), table="8")
    make(staff, "kitchen", placed)
    page = open_page(browsers, "/pass")
    browsers.allow(page, "ERR_|Failed to load resource|Failed to fetch")
    browsers.system.gateway.terminate()
    card(page, "8").get_by_role("button", name="Serve the table").click()
    expect(page.locator(".banner")).to_contain_text("1 step waits to be sent")
    expect(page.get_by_text("Out of date since")).to_be_visible(timeout=20_000)
    browsers.system.restored()
    wait_for_state(staff, "kitchen", placed, "served")
    expect(page.locator(".banner")).to_have_count(0, timeout=30_000)


def test_a_station_is_refused_kindly(browsers: Browsers) -> None:
    page = browsers.open("/pass", browsers.pair(browsers.device(), "station", ["bar"]))
    browsers.allow(page, "status of 40[13]")
    expect(page.get_by_role("heading", name="Not for you")).to_be_visible()


@pytest.mark.parametrize(("language", "theme"), LOOKS)
def test_it_is_accessible(browsers: Browsers, staff: httpx.Client, language: str, theme: str) -> None:
    placed = place(
        staff, line("bar", "coffee"), line("kitchen", "pizza") | {"note": "no nuts", "allergy": True}, table="7"
    )
    make(staff, "kitchen", placed)
    page = open_page(browsers, "/pass", language=language, theme=theme)
    expect(card(page, "7")).to_have_attribute("data-level", "late")
    for size in ("small", "tablet", "wall", "4k"):
        page.set_viewport_size({"width": SIZES[size][0], "height": SIZES[size][1]})
        assert not is_too_wide(page), size
        assert serious_findings(page) == [], size
