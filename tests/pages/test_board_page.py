"""The board in a real Chromium: numbers being made and ready, for guests; it clears itself."""

import httpx
import pytest
from playwright.sync_api import Page, expect

from tests.pages.serving import make, move, open_page, place, wait_until_live
from tests.pages.support import LOOKS, SIZES, Browsers, is_too_wide, serious_findings
from tests.support.rest_clients import line

pytestmark = pytest.mark.pages


def expect_halves(page: Page, *, making: list[int], ready: list[int]) -> None:
    for half, wanted in (("making", making), ("ready", ready)):
        expect(page.locator(f".half.is-{half} .number")).to_have_count(len(wanted))
        for number in wanted:
            expect(page.locator(f".half.is-{half} .number[data-number='{number}']")).to_be_visible()


def test_a_number_is_made_then_ready_then_gone(browsers: Browsers, staff: httpx.Client) -> None:
    page = open_page(browsers, "/board", role=None, size=SIZES["wall"])
    expect_halves(page, making=[], ready=[])
    placed = place(staff, line("bar", "coffee"), line("kitchen", "pasta"))
    number = placed["number"]
    expect_halves(page, making=[number], ready=[])
    make(staff, "bar", placed)
    expect_halves(page, making=[number], ready=[])  # not all of it is ready
    make(staff, "kitchen", placed)
    expect_halves(page, making=[], ready=[number])
    expect(page.get_by_role("status").filter(has_text=f"Number {number} is ready")).to_have_count(1)
    make(staff, "bar", placed, "serve")
    expect_halves(page, making=[], ready=[number])
    make(staff, "kitchen", placed, "serve")
    expect_halves(page, making=[], ready=[])


def test_a_cancelled_order_leaves_and_a_recalled_one_comes_back(browsers: Browsers, staff: httpx.Client) -> None:
    page = open_page(browsers, "/board", role=None, size=SIZES["wall"])
    cancelled, served = place(staff, line("bar", "coffee")), place(staff, line("bar", "coffee"))
    expect_halves(page, making=[cancelled["number"], served["number"]], ready=[])
    move(staff, "bar", cancelled["order_id"], "cancel", "queued", reason="x").raise_for_status()
    make(staff, "bar", served, "start", "finish", "serve")
    expect_halves(page, making=[], ready=[])
    move(staff, "bar", served["order_id"], "recall", "served").raise_for_status()
    expect_halves(page, making=[], ready=[served["number"]])


def test_it_gets_numbers_and_nothing_else(browsers: Browsers, staff: httpx.Client) -> None:
    placed = place(staff, line("kitchen", "pizza") | {"note": "Mr Secret", "allergy": True}, table="Terrace 9")
    with httpx.stream("GET", f"{browsers.system.url}/events?board=true", trust_env=False, timeout=20) as stream:
        number, received = f'"number":{placed["number"]}', ""
        for chunk in stream.iter_text():
            received += chunk
            ticks = received.count("event: tick")  # the first may come before the department's change does
            if (number in received and ticks) or ticks == 3:
                break
    assert number in received
    page = open_page(browsers, "/board", role=None)
    for text in ("Secret", "Terrace 9", placed["order_id"], "pizza", "allergy"):
        assert text not in received
        assert text not in page.content()


def test_a_ready_number_that_nobody_serves_fades(browsers: Browsers, staff: httpx.Client) -> None:
    placed = place(staff, line("bar", "coffee"))
    make(staff, "bar", placed)
    page = open_page(browsers, "/board", role=None)
    expect_halves(page, making=[], ready=[placed["number"]])
    expect(page.locator(".number.is-fading")).to_have_count(0)
    page.goto("/board?minutes=0")  # when it leaves is tested in tests/web/board.test.js, by a clock of its own
    expect(page.locator(".number.is-fading")).to_have_count(1)
    assert serious_findings(page) == []


def test_many_numbers_fit_on_the_screen(browsers: Browsers, staff: httpx.Client) -> None:
    placed = [place(staff, line("kitchen", "pasta")) for _ in range(26)]
    for each in placed[:12]:
        make(staff, "kitchen", each)
    page = open_page(browsers, "/board", role=None, size=SIZES["wall"])
    for width, height in (SIZES["wall"], SIZES["4k"], SIZES["tablet"]):
        page.set_viewport_size({"width": width, "height": height})
        expect(page.locator(".half.is-ready .number")).to_have_count(12)
        for number in (placed[0]["number"], placed[11]["number"], placed[12]["number"], placed[25]["number"]):
            box = page.locator(f".number[data-number='{number}']")
            expect(box).to_be_in_viewport(ratio=0.98)
    expect(page.locator(".half.is-making .number")).to_have_count(14)


def test_a_board_says_that_it_is_out_of_date(browsers: Browsers, staff: httpx.Client) -> None:
    page = open_page(browsers, "/board", role=None)
    browsers.allow(page, "ERR_|Failed to load resource|Failed to fetch")
    browsers.system.gateway.terminate()
    expect(page.get_by_text("Out of date since")).to_be_visible(timeout=20_000)
    browsers.system.restored()
    expect(page.get_by_text("Out of date since")).to_have_count(0, timeout=30_000)
    wait_until_live(page)
    placed = place(staff, line("bar", "coffee"))
    expect_halves(page, making=[placed["number"]], ready=[])


def test_a_board_names_a_department_that_is_away_as_guests_know_it(browsers: Browsers, staff: httpx.Client) -> None:
    page = open_page(browsers, "/board", role=None)
    browsers.system["bar"].kill()
    expect(page.get_by_role("alert")).to_contain_text("Bar cannot be reached", timeout=20_000)


@pytest.mark.parametrize(("language", "theme"), LOOKS)
def test_it_is_accessible(browsers: Browsers, staff: httpx.Client, language: str, theme: str) -> None:
    ready, _ = place(staff, line("bar", "coffee")), place(staff, line("kitchen", "pizza"))
    make(staff, "bar", ready)
    page = open_page(browsers, "/board", role=None, language=language, theme=theme)
    for size in ("small", "tablet", "wall", "4k"):
        page.set_viewport_size({"width": SIZES[size][0], "height": SIZES[size][1]})
        assert not is_too_wide(page), size
        assert serious_findings(page) == [], size
