"""What each reason does to the stock, and what is refused."""

import copy

import pytest

from departments.domain.errors import StockConflict, StockTooLow, StockUnlimited
from departments.domain.stock import Stock
from departments.domain.stock_changes import (
    MENU_FILE,
    ChangeReason,
    StockChange,
    StockOrder,
    change_stock,
    opening,
    set_on_sale,
    set_unlimited,
)

DELIVERY, COUNT = ChangeReason.DELIVERY, ChangeReason.COUNT
WASTE, CORRECTION = ChangeReason.WASTE, ChangeReason.CORRECTION


def some_stock() -> Stock:
    return Stock("coffee", received=10, on_hand=7, held=1, sold=2, revision=4)


def order(reason: ChangeReason, delta: int = 0, *, count: int = 0, expected: int = 0) -> StockOrder:
    return StockOrder("coffee", "a", reason, delta, count, expected, "Ana")


@pytest.mark.parametrize(
    ("request_", "after"),
    [
        (order(DELIVERY, 5), Stock("coffee", 15, 12, 1, 2, 0)),
        (order(WASTE, -3), Stock("coffee", 10, 4, 1, 2, 3)),
        (order(WASTE, -7), Stock("coffee", 10, 0, 1, 2, 7)),
        (order(CORRECTION, 2), Stock("coffee", 12, 9, 1, 2, 0)),
        (order(CORRECTION, -7), Stock("coffee", 3, 0, 1, 2, 0)),
        (order(COUNT, count=12, expected=7), Stock("coffee", 15, 12, 1, 2, 0)),
        (order(COUNT, count=0, expected=7), Stock("coffee", 3, 0, 1, 2, 0)),
        (order(COUNT, count=7, expected=7), Stock("coffee", 10, 7, 1, 2, 0)),
    ],
)
def test_a_change_is_on_record_with_its_delta_and_the_figure_after_it(request_: StockOrder, after: Stock) -> None:
    stock = some_stock()
    change = change_stock(stock, request_, 1234, 9)
    assert (stock, stock.revision) == (after, 9)
    delta = after.on_hand - 7
    assert change == StockChange("a", "coffee", request_.reason, delta, after.on_hand, "Ana", 1234, 9)


@pytest.mark.parametrize(
    ("request_", "error", "words"),
    [
        (order(WASTE, -8), StockTooLow, "coffee has 7 on hand: waste of -8 would leave less than none"),
        (order(CORRECTION, -8), StockTooLow, "coffee has 7 on hand: correction of -8 would leave less than none"),
        (order(COUNT, count=8, expected=8), StockConflict, "coffee has 7 on hand, not 8"),
    ],
)
def test_a_change_that_the_figure_does_not_permit_names_it_and_changes_nothing(
    request_: StockOrder, error: type[StockTooLow | StockConflict], words: str
) -> None:
    stock = some_stock()
    with pytest.raises(error) as refusal:
        change_stock(stock, request_, 1, 9)
    assert (str(refusal.value), refusal.value.facts["on_hand"]) == (words, "7")
    assert stock == some_stock()


def test_an_unlimited_item_can_be_wasted_and_has_no_figure_to_change() -> None:
    stock = Stock("coffee", 3, 0, 1, 2, unlimited=True)
    before = copy.copy(stock)
    for request in (order(DELIVERY, 1), order(CORRECTION, -1), order(COUNT)):
        with pytest.raises(StockUnlimited, match="coffee is unlimited: it has no stock figure to change by a"):
            change_stock(stock, request, 1, 9)
    assert stock == before
    change = change_stock(stock, order(WASTE, -4), 1, 9)
    assert (stock, stock.revision) == (Stock("coffee", 7, 0, 1, 2, 4, unlimited=True), 9)
    assert (change.delta, change.on_hand) == (-4, 0)


@pytest.mark.parametrize(
    ("other", "is_same"),
    [
        (order(COUNT, count=12, expected=7), True),
        (order(COUNT, count=13, expected=8), False),
        (order(COUNT, count=12, expected=8), False),
        (order(CORRECTION, 5), False),
        (StockOrder("soda", "a", COUNT, 0, 12, 7), False),
        (StockOrder("coffee", "a", COUNT, 0, 12, 7, "Bo"), True),
    ],
)
def test_a_change_is_repeated_by_a_request_with_the_same_content_whoever_sends_it(
    other: StockOrder, is_same: bool
) -> None:
    assert change_stock(some_stock(), order(COUNT, count=12, expected=7), 1, 9).repeats(other) is is_same


def test_an_item_goes_off_sale_and_back_once_and_its_quantities_stay() -> None:
    stock = some_stock()
    assert set_on_sale(stock, "a", "Ana", 1, 9, on_sale=True) is None
    assert stock == some_stock()
    off = set_on_sale(stock, "a", "Ana", 1, 9, on_sale=False)
    assert off == StockChange("a", "coffee", ChangeReason.OFF_SALE, 0, 7, "Ana", 1, 9)
    assert (stock.off_sale, stock.revision) == (True, 9)
    assert set_on_sale(stock, "b", "Bo", 1, 10, on_sale=False) is None
    on = set_on_sale(stock, "c", "Bo", 2, 11, on_sale=True)
    assert on == StockChange("c", "coffee", ChangeReason.ON_SALE, 0, 7, "Bo", 2, 11)
    assert (stock, stock.revision) == (Stock("coffee", 10, 7, 1, 2), 11)


def test_what_a_new_item_starts_with_is_a_delivery_by_the_menu_file() -> None:
    stock, change = opening("coffee", 10, "a", 1, 9, unlimited=False)
    assert (stock, stock.revision) == (Stock("coffee", 10, 10, 0, 0), 9)
    assert change == StockChange("a", "coffee", DELIVERY, 10, 10, MENU_FILE, 1, 9)


def test_a_menu_file_takes_an_items_figure_away_and_gives_it_one_again() -> None:
    stock = some_stock()
    change = set_unlimited(stock, 30, "a", 1, 9, unlimited=True)
    assert (stock, stock.revision) == (Stock("coffee", 3, 0, 1, 2, unlimited=True), 9)
    assert change == StockChange("a", "coffee", CORRECTION, -7, 0, MENU_FILE, 1, 9)
    change = set_unlimited(stock, 30, "b", 1, 10, unlimited=False)
    assert (stock, stock.revision) == (Stock("coffee", 33, 30, 1, 2), 10)
    assert change == StockChange("b", "coffee", CORRECTION, 30, 30, MENU_FILE, 1, 10)
