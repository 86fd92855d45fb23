"""Short order numbers: unique over two days, of as few digits as the day's orders need, and in no order."""

from itertools import pairwise

import pytest

from gateway.domain.numbers import order_number

KEY = 0x0123456789ABCDEF
DAY = 739_000
ASSERTED = 450 + 4_500 + 5_000


def numbers(day: int, key: int = KEY, orders: int = ASSERTED) -> list[int]:
    return [order_number(day, rank, key) for rank in range(orders)]


@pytest.mark.parametrize("key", [0, 1, KEY, 2**64 - 1])
def test_no_number_is_given_twice_on_a_day_and_the_next(key: int) -> None:
    both = numbers(DAY, key) + numbers(DAY + 1, key + 1)
    assert len(set(both)) == 2 * ASSERTED


def test_a_quiet_day_has_numbers_of_three_digits() -> None:
    assert set(numbers(DAY, orders=450)) == set(range(100, 550))
    assert set(numbers(DAY + 1, orders=450)) == set(range(550, 1000))


def test_a_busy_day_goes_on_with_four_digits_and_then_five() -> None:
    assert set(numbers(DAY, orders=4_950)[450:]) == set(range(1_000, 5_500))
    assert set(numbers(DAY + 1, orders=4_950)[450:]) == set(range(5_500, 10_000))
    assert 10_000 <= order_number(DAY, 4_950, KEY) < 55_000


def test_numbers_of_orders_in_a_row_tell_nothing_of_their_count() -> None:
    given = numbers(DAY, orders=450)
    steps = [(after - before) % 450 for before, after in pairwise(given)]
    assert len(set(steps)) > 225
    assert max(map(steps.count, steps)) < 12


def test_each_day_has_an_order_of_its_own() -> None:
    assert numbers(DAY, KEY, 20) != numbers(DAY + 2, KEY + 1, 20)
