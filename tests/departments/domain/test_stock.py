import copy

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    MultipleResults,
    RuleBasedStateMachine,
    consumes,
    initialize,
    invariant,
    multiple,
    rule,
)

from departments.domain.errors import StockRefused
from departments.domain.stock import Stock
from departments.domain.stock_changes import OF_SALE, ChangeReason, StockOrder, change_stock
from tests.support.department_factories import obeys_the_law

REASONS = [reason for reason in ChangeReason if reason not in OF_SALE]

Taken = tuple[int, bool]
"""How many were taken, and whether they are held."""


def new_stock(*, on_hand: int = 10) -> Stock:
    return Stock("coffee", on_hand, on_hand, 0, 0)


def change_order(reason: ChangeReason, delta: int, counted: int, on_hand: int) -> StockOrder:
    """A request for a change, with figures that its reason may have."""
    if reason is ChangeReason.COUNT:
        return StockOrder("coffee", "a", reason, count=counted, expected=on_hand + max(0, delta - 18))
    sign = {ChangeReason.DELIVERY: 1, ChangeReason.WASTE: -1}.get(reason)
    return StockOrder("coffee", "a", reason, delta if sign is None else sign * (abs(delta) or 1))


def test_what_is_taken_is_sold() -> None:
    stock = new_stock()
    assert stock.take(3, hold=False)
    assert stock == Stock("coffee", received=10, on_hand=7, held=0, sold=3)


def test_what_is_taken_for_an_undecided_order_is_held() -> None:
    stock = new_stock()
    assert stock.take(3, hold=True)
    assert stock == Stock("coffee", received=10, on_hand=7, held=3, sold=0)


def test_the_last_one_can_be_taken() -> None:
    stock = new_stock(on_hand=1)
    assert stock.take(1, hold=False)
    assert stock.on_hand == 0


@pytest.mark.parametrize("hold", [True, False])
def test_nothing_is_taken_where_too_few_are_left(hold: bool) -> None:
    stock = new_stock(on_hand=2)
    assert not stock.take(3, hold=hold)
    assert stock == new_stock(on_hand=2)


def test_what_is_held_becomes_sold_when_it_is_confirmed() -> None:
    stock = new_stock()
    stock.take(3, hold=True)
    stock.confirm(3)
    assert stock == Stock("coffee", received=10, on_hand=7, held=0, sold=3)


def test_what_is_sold_becomes_held_again_when_it_is_suspended() -> None:
    stock = new_stock()
    stock.take(3, hold=False)
    stock.suspend(2)
    assert stock == Stock("coffee", received=10, on_hand=7, held=2, sold=1)


@pytest.mark.parametrize("hold", [True, False])
def test_what_is_put_back_is_on_hand_again(hold: bool) -> None:
    stock = new_stock()
    stock.take(3, hold=hold)
    stock.put_back(3, held=hold)
    assert stock == new_stock()


@pytest.mark.parametrize("hold", [True, False])
def test_an_unlimited_item_receives_what_it_takes_and_has_not_received_what_is_put_back(hold: bool) -> None:
    stock = Stock("tap water", 0, 0, 0, 0, unlimited=True)
    assert stock.take(700, hold=hold)
    assert (stock.received, stock.on_hand, stock.held + stock.sold) == (700, 0, 700)
    stock.put_back(699, held=hold)
    assert (stock.received, stock.on_hand, stock.held + stock.sold) == (1, 0, 1)


class TheLaw(RuleBasedStateMachine):
    """Takes, confirms, suspends and puts back as the transactions do: only what was taken before, and only once."""

    taken: "Bundle[Taken]" = Bundle("taken")

    @initialize(received=st.integers(0, 30), unlimited=st.booleans())
    def open(self, received: int, unlimited: bool) -> None:
        self.stock = Stock("coffee", 0, 0, 0, 0, unlimited=True) if unlimited else new_stock(on_hand=received)
        self.changes = 0

    @rule(target=taken, quantity=st.integers(1, 12), hold=st.booleans())
    def take(self, quantity: int, hold: bool) -> "Taken | MultipleResults[Taken]":
        before = copy.copy(self.stock)
        if self.stock.take(quantity, hold=hold):
            assert before.unlimited or quantity <= before.on_hand
            return quantity, hold
        assert not before.unlimited
        assert quantity > before.on_hand
        assert self.stock == before
        return multiple()

    @rule(target=taken, share=consumes(taken))
    def confirm(self, share: Taken) -> Taken:
        quantity, held = share
        if held:
            self.stock.confirm(quantity)
        return quantity, False

    @rule(target=taken, share=consumes(taken))
    def suspend(self, share: Taken) -> Taken:
        quantity, held = share
        if not held:
            self.stock.suspend(quantity)
        return quantity, True

    @rule(share=consumes(taken))
    def put_back(self, share: Taken) -> None:
        quantity, held = share
        self.stock.put_back(quantity, held=held)

    @rule(share=consumes(taken))
    def waste(self, share: Taken) -> None:
        quantity, held = share
        if not held:
            self.stock.waste(quantity)

    @rule(reason=st.sampled_from(REASONS), delta=st.integers(-20, 20), counted=st.integers(0, 20))
    def change(self, reason: ChangeReason, delta: int, counted: int) -> None:
        """Change the stock as the staff do, by a figure that may be too much; a count may be of another figure."""
        before, order = copy.copy(self.stock), change_order(reason, delta, counted, self.stock.on_hand)
        try:
            change = change_stock(self.stock, order, 1, self.changes + 1)
        except StockRefused:
            assert self.stock == before
        else:
            self.changes += 1
            assert self.stock.on_hand == before.on_hand + (0 if before.unlimited else change.delta)
            assert (change.on_hand, change.revision) == (self.stock.on_hand, self.stock.revision)

    @invariant()
    def law(self) -> None:
        assert obeys_the_law([self.stock])
        assert not (self.stock.unlimited and self.stock.on_hand)


TestTheLaw = TheLaw.TestCase
