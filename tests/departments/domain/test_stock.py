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

from departments.domain.stock import Stock
from tests.support.department_factories import obeys_the_law

Taken = tuple[int, bool]
"""How many were taken, and whether they are held."""


def new_stock(*, on_hand: int = 10) -> Stock:
    return Stock("coffee", on_hand, on_hand, 0, 0)


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


class TheLaw(RuleBasedStateMachine):
    """Takes, confirms, suspends and puts back as the transactions do: only what was taken before, and only once."""

    taken: "Bundle[Taken]" = Bundle("taken")

    @initialize(received=st.integers(0, 30))
    def open(self, received: int) -> None:
        self.stock = new_stock(on_hand=received)

    @rule(target=taken, quantity=st.integers(1, 12), hold=st.booleans())
    def take(self, quantity: int, hold: bool) -> "Taken | MultipleResults[Taken]":
        before = copy.copy(self.stock)
        if self.stock.take(quantity, hold=hold):
            assert quantity <= before.on_hand
            return quantity, hold
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

    @invariant()
    def law(self) -> None:
        assert obeys_the_law([self.stock])


TestTheLaw = TheLaw.TestCase
