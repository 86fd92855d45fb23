"""How preparation times are grouped, and what median and 95th percentile they have."""

from gateway.domain.preparation import PreparationBy, Prepared, preparation_times


def test_shares_are_grouped_by_department_with_median_and_95th_percentile() -> None:
    prepared = [Prepared("kitchen", ["pizza"], seconds) for seconds in range(1, 101)]
    prepared.append(Prepared("bar", ["coffee"], 7))
    bar, kitchen = preparation_times(prepared, PreparationBy.DEPARTMENT)
    assert (bar.department, bar.item, bar.shares, bar.p50, bar.p95) == ("bar", None, 1, 7, 7)
    assert (kitchen.department, kitchen.shares, kitchen.p50, kitchen.p95) == ("kitchen", 100, 50, 95)


def test_a_share_counts_once_for_each_of_its_items() -> None:
    both = Prepared("kitchen", ["pizza", "pasta", "pizza"], 60)
    found = preparation_times([both, Prepared("kitchen", ["pizza"], 20)], PreparationBy.ITEM)
    assert [(each.item, each.shares, each.p50, each.p95) for each in found] == [
        ("pasta", 1, 60, 60),
        ("pizza", 2, 20, 60),
    ]


def test_nothing_that_was_prepared_is_no_figure() -> None:
    assert preparation_times([], PreparationBy.ITEM) == []
