import pytest

from bench.results import Query, Recovery, Sample
from bench.targets import TARGETS, Target
from tests.bench.factories import live, results, window


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


@pytest.mark.parametrize(
    ("text", "given", "seen"),
    [
        ("p99 from a change to 50 clients", {"clients": 50}, 20.0),
        ("p99 from a change to 500 clients, 5 changes/s", {}, 20.0),
        ("the gateway's core, 500 clients, 5 changes/s", {}, 12.0),
        ("events that 1,000 clients miss, and clients left", {"clients": 1000, "missing": 2, "lost": 1}, 3),
        ("memory of the gateway for a client, of 1,000", {"clients": 1000}, 12.0),
        ("p99 of a step of the staff beside 1,000 orders/s", {"clients": 0, "orders_rate": 1000.0}, 7.0),
    ],
)
def test_what_clients_get_and_cost_is_read_from_their_windows(text: str, given: dict[str, float], seen: float) -> None:
    one = target(text)
    assert one.seen(results(live=[live(clients=3)])) is None
    assert one.seen(results(live=[live(clients=3), live(**given)])) == pytest.approx(seen)  # type: ignore[arg-type]


def test_orders_with_clients_are_compared_with_those_without() -> None:
    one = target("throughput with 50 clients following against none")
    alone = window(section="live-orders", orders=1000, parameters={"clients": 0})
    followed = window(section="live-orders", orders=950, parameters={"clients": 50})
    assert one.seen(results(followed)) is None
    assert one.verdict(one.seen(results(followed, alone))) == "met"


def test_the_slowest_query_counts_where_a_million_tickets_are_stored() -> None:
    one = target("slowest query of tickets with 1,000,000 stored, p50")
    seen = [Query("one ticket", 1_000_000, {50: 0.2}), Query("a step with a ticket", 1_000_000, {50: 0.7})]
    assert one.seen(results(queries=[*seen, Query("open tickets", 0, {50: 3.0})])) == 0.7
