"""What was aimed at, beside what was seen."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import mean

from bench.figures import Metric, Spread, latency, peak_memory, rate, ratio, spread
from bench.results import Live, Results, Sample

COMPARISON = "comparison"
COMANDA = "comanda-sqlite"
MEGABYTE = 1_000_000
EARLY = 200_000
"""Orders from the first sample of memory on, whose samples are the beginning."""

LIVE_ORDERS = "live-orders"
FOLLOWING = 50
KIBIBYTE = 1024


@dataclass(frozen=True, slots=True)
class Target:
    """`seen` answers None where it was not measured; it is met at `limit` or beyond, upwards or downwards."""

    text: str
    limit: float
    at_least: bool
    unit: str
    seen: Callable[[Results], float | None]

    def verdict(self, seen: float | None) -> str:
        """Tell whether the target is met."""
        if seen is None:
            return "not measured"
        return "met" if (seen >= self.limit if self.at_least else seen <= self.limit) else "**missed**"


def _against(other: str, connections: int, metric: Metric) -> Callable[[Results], float | None]:
    def seen(results: Results) -> float | None:
        mine = results.of(COMPARISON, COMANDA, connections)
        return _median(ratio(mine, results.of(COMPARISON, other, connections), metric))

    return seen


def _postgresql(connections: int) -> Callable[[Results], float | None]:
    def seen(results: Results) -> float | None:
        mine = results.of(COMPARISON, "comanda-postgresql", connections)
        return _median(ratio(mine, results.of(COMPARISON, COMANDA, connections), rate))

    return seen


def _million(results: Results) -> float | None:
    full = results.of("stored", COMANDA, 64, size=1_000_000)
    return _median(ratio(full, results.of("stored", COMANDA, 64, size=0), rate))


def _recovery(results: Results) -> float | None:
    return max((one.seconds for one in results.recoveries if one.unfinished >= 10_000), default=None)


def _memory(results: Results) -> float | None:
    seen = spread(map(peak_memory, results.of(COMPARISON, COMANDA, 256)))
    return seen.most / MEGABYTE if seen else None


def _growth(results: Results) -> float | None:
    """Compare the end with the beginning, program by program; return the one that grew most."""
    samples = results.endurance
    if not samples or samples[-1].orders < 1_000_000:
        return None
    early = [sample for sample in samples if sample.orders <= samples[0].orders + EARLY]
    late = samples[-len(early) :]
    return max(_mean(late, name) / _mean(early, name) for name in samples[0].resident)


def _mean(samples: Sequence[Sample], name: str) -> float:
    return mean(sample.resident[name] for sample in samples)


def live(results: Results, clients: int) -> list[Live]:
    """List the windows in which so many clients followed, by round; those beside orders have none."""
    return [one for one in results.live if one.clients == clients]


def _live(clients: int, metric: Callable[[Live], float]) -> Callable[[Results], float | None]:
    return lambda results: _median(spread(metric(one) for one in live(results, clients) if one.latencies))


def core_share(one: Live) -> float:
    """Return how much of one core the gateway had."""
    return one.gateway_cpu_seconds / one.seconds


def _not_followed(results: Results) -> float | None:
    """Add up what 1,000 clients did not get: events, and streams that the gateway ended."""
    return sum(one.missing + one.lost for one in live(results, 1000)) if live(results, 1000) else None


def _client_kibibytes(results: Results) -> float | None:
    sizes = [one.client_bytes for one in live(results, 1000) if one.client_bytes is not None]
    return max(sizes) / KIBIBYTE if sizes else None


def _followed_orders(results: Results) -> float | None:
    followed = results.of(LIVE_ORDERS, COMANDA, 64, clients=FOLLOWING)
    return _median(ratio(followed, results.of(LIVE_ORDERS, COMANDA, 64, clients=0), rate))


def _step_beside_orders(results: Results) -> float | None:
    return _median(spread(one.responses[99] for one in results.live if one.orders_rate and one.responses))


def _slowest_query(results: Results) -> float | None:
    return max((one.latencies[50] for one in results.queries if one.stored >= 1_000_000), default=None)


def _median(seen: Spread | None) -> float | None:
    return seen.median if seen else None


TARGETS = (
    Target("throughput against (d), 64 connections", 3.5, True, "x", _against("async", 64, rate)),
    Target("throughput against (d), 256 connections", 4.5, True, "x", _against("async", 256, rate)),
    Target("throughput against (c), 64 connections", 8, True, "x", _against("blocking", 64, rate)),
    Target("throughput against (c), 256 connections", 8, True, "x", _against("blocking", 256, rate)),
    Target("throughput against (e), 64 connections", 10, True, "x", _against("async-durable", 64, rate)),
    Target("throughput against (e), 256 connections", 10, True, "x", _against("async-durable", 256, rate)),
    Target("throughput against (f), 64 connections", 0.5, True, "x", _against("floor", 64, rate)),
    Target("throughput against (f), 256 connections", 0.6, True, "x", _against("floor", 256, rate)),
    Target("p50 against (d), 1 connection", 1.5, False, "x", _against("async", 1, latency(50))),
    Target("p99 against (d), 64 connections", 0.5, False, "x", _against("async", 64, latency(99))),
    Target("throughput with 1,000,000 orders stored against none", 0.9, True, "x", _million),
    Target("throughput on PostgreSQL against SQLite, 64 connections", 0.7, True, "x", _postgresql(64)),
    Target("throughput on PostgreSQL against SQLite, 256 connections", 0.7, True, "x", _postgresql(256)),
    Target("10,000 unfinished orders decided after a crash", 10, False, " s", _recovery),
    Target("memory of the largest process, 256 connections", 100, False, " MB", _memory),
    Target("memory after 1,000,000 orders against the beginning", 1.05, False, "x", _growth),
    Target("p99 from a change to 50 clients", 50, False, " ms", _live(50, lambda one: one.latencies[99])),
    Target(
        "p99 from a change to 500 clients, 5 changes/s", 100, False, " ms", _live(500, lambda one: one.latencies[99])
    ),
    Target(
        "the gateway's core, 500 clients, 5 changes/s", 15, False, " %", _live(500, lambda one: 100 * core_share(one))
    ),
    Target("events that 1,000 clients miss, and clients left", 0, False, "", _not_followed),
    Target("memory of the gateway for a client, of 1,000", 16, False, " KiB", _client_kibibytes),
    Target("throughput with 50 clients following against none", 0.95, True, "x", _followed_orders),
    Target("p99 of a step of the staff beside 1,000 orders/s", 20, False, " ms", _step_beside_orders),
    Target("slowest query of tickets with 1,000,000 stored, p50", 1, False, " ms", _slowest_query),
)
