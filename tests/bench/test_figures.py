import pytest

from bench.figures import (
    Spread,
    cpu_per_order,
    peak_memory,
    rate,
    ratio,
    spread,
    written_per_order,
)
from bench.percentiles import percentiles
from bench.windows import Process
from tests.bench.factories import window


def test_a_percentile_is_the_least_value_that_so_many_do_not_exceed() -> None:
    values = [float(n) for n in range(100, 0, -1)]
    assert percentiles(values, [1, 50, 99, 99.9, 100]) == {1: 1.0, 50: 50.0, 99: 99.0, 99.9: 100.0, 100: 100.0}


def test_one_value_is_every_percentile_and_no_values_are_none() -> None:
    assert percentiles([7.0], [1, 50, 100]) == {1: 7.0, 50: 7.0, 100: 7.0}
    assert percentiles([], [50]) == {}


def test_a_spread_is_the_median_the_least_and_the_most() -> None:
    assert spread([3.0, 1.0, 2.0]) == Spread(2.0, 1.0, 3.0)
    assert spread([]) is None


def test_a_ratio_is_of_the_same_round_whatever_the_order() -> None:
    mine = [window(number=0, orders=1000), window(number=1, orders=4000)]
    theirs = [window("async", number=1, orders=1000), window("async", number=0, orders=500)]
    assert ratio(mine, theirs, rate) == Spread(3.0, 2.0, 4.0)


def test_a_round_that_only_one_has_is_left_out() -> None:
    mine = [window(number=0, orders=1000), window(number=1, orders=9000)]
    assert ratio(mine, [window("async", number=0, orders=500)], rate) == Spread(2.0, 2.0, 2.0)
    assert ratio(mine, [], rate) is None


def test_costs_are_added_up_over_all_processes() -> None:
    seen = window(orders=100, processes={"bar": Process(0.5, 1000, 1), "gateway": Process(1.5, 3000, 2)})
    assert cpu_per_order(seen) == pytest.approx(20_000)
    assert written_per_order(seen) == 40


def test_the_peak_is_the_largest_programs_but_not_the_database_servers() -> None:
    processes = {"gateway": Process(0, 0, 90), "bar": Process(0, 0, 70), "postgresql": Process(0, 0, 500)}
    assert peak_memory(window(processes=processes)) == 90
