import pytest

from bench.results import Recovery, Sample
from bench.targets import TARGETS, Target
from tests.bench.factories import results, window


def target(text: str) -> Target:
    (found,) = [one for one in TARGETS if one.text == text]
    return found


def test_a_target_that_was_not_measured_is_not_met() -> None:
    for one in TARGETS:
        assert one.seen(results()) is None
        assert one.verdict(None) == "not measured"


@pytest.mark.parametrize(("orders", "verdict"), [(3500, "met"), (3499, "**missed**")])
def test_throughput_is_to_be_so_many_times_the_peers(orders: int, verdict: str) -> None:
    one = target("throughput against (d), 64 connections")
    assert one.verdict(one.seen(results(window(orders=orders), window("async", orders=1000)))) == verdict


@pytest.mark.parametrize(("p99", "verdict"), [(20.0, "met"), (20.1, "**missed**")])
def test_latency_is_to_stay_below_the_peers(p99: float, verdict: str) -> None:
    one = target("p99 against (d), 64 connections")
    theirs = window("async", latencies={50: 1.0, 99: 40.0})
    assert one.verdict(one.seen(results(window(latencies={50: 1.0, 99: p99}), theirs))) == verdict


def test_a_recovery_counts_if_there_was_enough_to_recover() -> None:
    one = target("10,000 unfinished orders decided after a crash")
    assert one.seen(results(recoveries=[Recovery(100, 1.0, "")])) is None
    assert one.seen(results(recoveries=[Recovery(10_000, 4.5, "")])) == 4.5


def test_memory_is_compared_only_once_a_million_orders_were_placed() -> None:
    one = target("memory after 1,000,000 orders against the beginning")
    samples = [Sample(n * 100_000, {"bar": 50, "gateway": 100 + n}) for n in range(1, 11)]
    assert one.seen(results(endurance=samples[:9])) is None
    assert one.seen(results(endurance=samples)) == pytest.approx(109 / 102)
