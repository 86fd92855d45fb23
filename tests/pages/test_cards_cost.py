"""What cards cost that nobody sees: a browser lays out and paints those near the screen, and no others.

These are counts, not times: they are the same on any machine.
"""

import pytest
from playwright.sync_api import Page, expect

from tests.pages.stations import open_station
from tests.pages.support import SIZES, Browsers
from tests.support.waiting import wait_for

pytestmark = pytest.mark.pages

CARDS = 300
NEAR = 60
"""A tablet shows some eight cards; the browser draws a few screens of them."""

MOST_BLINKING = 3

_FILL = """async (cards) => {
  const {station} = await import(document.querySelector("script[type=module]").src);
  const {store} = station;
  window.put = (id, state, revision, lines = 1 + id % 4) => store.take("ticket", {department: "kitchen",
    order_id: `order-${id}`, number: id % 1000, table: "7", source: "gateway", state,
    placed_at: new Date(Date.UTC(2026, 4, 1, 12) + id).toISOString(), started_at: null, ready_at: null,
    served_at: state === "served" ? new Date().toISOString() : null, cancelled_at: null, moved_by: null, moved_at: null,
    cancel_reason: null, wasted: false, revision, lines: Array.from({length: lines}, () => ({item: "pizza", quantity: 2,
    note: "", allergy: false, made: false, outcome: "accepted", unit_price: 1}))});
  for (let id = 0; id < cards; id++) window.put(id, "queued", 1);
}"""

_DRAWN = """() => [...document.querySelectorAll(".ticket-head")]
  .filter((head) => head.checkVisibility({contentVisibilityAuto: true}))
  .map((head) => head.closest("li").dataset.order)"""

_CHANGED = """() => new Promise((done) => {
  const times = new Map();
  new MutationObserver((changes) => {
    for (const {target} of changes) {
      const card = target.parentElement.closest(".ticket");
      times.set(card, 1 + (times.get(card) ?? 0));
    }
    if (times.get(document.querySelector(".ticket")) >= 4) done([...times.values()].filter((each) => each >= 3).length);
  }).observe(document.querySelector(".tickets"), {subtree: true, characterData: true});
})"""
"""How many cards change at least three times while the first one changes four times, once a second."""

_GAPS = """() => {
  const view = document.querySelector(".station-main").getBoundingClientRect();
  const columns = {};
  for (const card of document.querySelectorAll(".ticket")) {
    const {left, top, bottom} = card.getBoundingClientRect();
    if (bottom > view.top && top < view.bottom) (columns[Math.round(left)] ??= []).push([top, bottom]);
  }
  return Object.values(columns).map((boxes) => boxes.slice(1).map(([top], index) => Math.round(top - boxes[index][1])));
}"""


def filled(browsers: Browsers, size: str = "tablet") -> Page:
    page = open_station(browsers, "kitchen", size=SIZES[size])
    page.evaluate(_FILL, CARDS)
    expect(page.locator(".ticket")).to_have_count(CARDS)
    return page


def test_a_card_that_is_far_from_being_seen_is_not_laid_out(browsers: Browsers) -> None:
    page = filled(browsers)
    wait_for(lambda: 0 < len(page.evaluate(_DRAWN)) <= NEAR, "the browser draws some cards")
    assert page.evaluate(_DRAWN)[0] == "order-0"


def test_the_ages_of_cards_that_nobody_sees_do_not_change_each_second(browsers: Browsers) -> None:
    page = filled(browsers)
    assert 0 < page.evaluate(_CHANGED) <= NEAR


@pytest.mark.parametrize("size", ["phone", "tablet", "wall"])
def test_cards_stand_below_each_other_wherever_somebody_scrolls(browsers: Browsers, size: str) -> None:
    page = filled(browsers, size)
    for part in (0, 0.5, 1):
        page.locator(".station-main").evaluate("(all, part) => { all.scrollTop = part * all.scrollHeight }", part)
        expect(page.locator(f".ticket >> nth={round(part * (CARDS - 1))}")).to_be_in_viewport()
        gaps = page.evaluate(_GAPS)
        assert sum(map(len, gaps)) >= 1
        assert len({gap for column in gaps for gap in column}) == 1, (part, gaps)


def test_a_card_far_below_is_reached_by_keyboard(browsers: Browsers) -> None:
    page = filled(browsers)
    page.keyboard.press("1")
    for _ in range(150):
        focused = page.evaluate("() => document.activeElement.closest('.ticket')?.dataset.order")
        expect(page.locator(f".ticket[data-order='{focused}']")).to_be_in_viewport()
        if focused == "order-20":
            return
        page.keyboard.press("Tab")
    raise AssertionError(f"the focus is at {focused}")


def test_in_a_rush_three_cards_blink(browsers: Browsers) -> None:
    page = open_station(browsers, "kitchen", size=SIZES["wall"])
    page.evaluate(_FILL, 10)
    expect(page.locator(".ticket.is-fresh")).to_have_count(10)
    assert page.locator(".ticket.is-blinking").count() == MOST_BLINKING


def test_all_cards_are_printed(browsers: Browsers) -> None:
    page = filled(browsers)
    page.emulate_media(media="print")
    assert len(page.evaluate(_DRAWN)) == CARDS
