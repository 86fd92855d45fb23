from bench.figures import Spread
from bench.pages import page, targets
from bench.results import OpenWindow
from bench.tables import number, table, with_spread
from tests.bench.factories import results, window


def test_a_table_is_markdown() -> None:
    assert table(["a", "b"], [["x", "1"]]) == "| a | b |\n| --- | ---: |\n| x | 1 |"


def test_a_figure_has_three_digits() -> None:
    assert [number(n) for n in (1234567.8, 100.4, 12.34, 1.234)] == ["1,234,568", "100", "12.3", "1.23"]


def test_a_spread_is_shown_where_there_is_one() -> None:
    assert with_spread(Spread(2.0, 1.0, 3.0)) == "2.00 (1.00 to 3.00)"
    assert with_spread(Spread(2.0, 2.0, 2.0)) == "2.00"
    assert with_spread(None) == "-"


def test_systems_stand_side_by_side_with_what_comanda_is_to_them() -> None:
    text = page(results(window(orders=4000), window("async", orders=1000)))
    assert "| async | 500 | 4.00 | 10.0 | 40.0 |" in text
    assert "| comanda-sqlite | 2,000 | 1.00 |" in text


def test_errors_are_shown_and_their_absence_too() -> None:
    assert "None: every order of every window got 201." in page(results(window()))
    text = page(results(window("blocking", errors={"not 201": 3, "timeout": 1})))
    assert "| blocking, with errors |" in text
    assert "| comparison: blocking | 64 | 1 | 1,000 | 3 not 201, 1 timeout |" in text


def test_a_disturbed_run_says_so() -> None:
    text = page(results(window(number=0, disturbance=0.01), window(number=1, disturbance=0.4)))
    assert "had 20% of the CPU time in the median window, 40% in the most disturbed one." in text


def test_what_was_lost_at_a_fixed_rate_is_shown() -> None:
    latencies = {50: 2.0, 90: 3.0, 99: 4.0, 99.9: 5.0}
    seen = OpenWindow("async", 250.0, 2.0, 500, 497, latencies, {50: 0.5, 99: 1.0}, 0.1)
    assert "| async | 250 | 2.00 | 3.00 | 4.00 | 5.00 | 0.50 | 1.00 | 3 |" in page(results(open_windows=[seen]))


def test_a_missed_target_says_so() -> None:
    text = targets(results(window(orders=1000), window("async", orders=1000)))
    assert "| throughput against (d), 64 connections | ≥ 3.5x | 1.00x | **missed** |" in text
    assert "| throughput against (c), 64 connections | ≥ 8x | - | not measured |" in text
