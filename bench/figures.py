"""Medians, spreads and ratios, and what is read from a window."""

from collections.abc import Callable, Iterable, Sequence
from statistics import median
from typing import NamedTuple

from bench.windows import Window

Metric = Callable[[Window], float]


class Spread(NamedTuple):
    """The median of some rounds, and the least and the most."""

    median: float
    least: float
    most: float


def spread(values: Iterable[float]) -> Spread | None:
    """Sum up rounds; None where there are none."""
    seen = sorted(values)
    return Spread(median(seen), seen[0], seen[-1]) if seen else None


def ratio(windows: Sequence[Window], others: Sequence[Window], metric: Metric) -> Spread | None:
    """Compare windows with others of the same round, round by round."""
    by_round = {window.round: metric(window) for window in others}
    pairs = [(metric(window), by_round[window.round]) for window in windows if window.round in by_round]
    return spread(mine / theirs for mine, theirs in pairs if theirs)


def rate(window: Window) -> float:
    """Orders per second."""
    return window.rate


def latency(percentile: float) -> Metric:
    """Read one percentile of a window's latencies, in milliseconds."""
    return lambda window: window.latencies[percentile]


def cpu_per_order(window: Window) -> float:
    """Microseconds of CPU for each order, over all processes."""
    return sum(process.cpu_seconds for process in window.processes.values()) / window.orders * 1e6


def written_per_order(window: Window) -> float:
    """Bytes sent to the disk for each order, over all processes."""
    return sum(process.written_bytes for process in window.processes.values()) / window.orders


def peak_memory(window: Window) -> float:
    """Bytes that the largest of the system's own processes has had at once; a database server is not counted."""
    return max(process.peak_bytes for name, process in window.processes.items() if name != "postgresql")
