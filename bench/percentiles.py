"""Percentiles of latencies."""

from collections.abc import Iterable, Sequence
from math import ceil

PERCENTILES = (1, 5, 10, 20, 30, 40, 50, 60, 70, 80, 90, 95, 99, 99.9, 100)
"""Those that are kept of every window."""


def percentiles(values: Sequence[float], wanted: Iterable[float]) -> dict[float, float]:
    """Return, for each percentile, the least value that so many per cent do not exceed; none of no values."""
    ordered = sorted(values)
    if not ordered:
        return {}
    return {p: ordered[max(0, ceil(len(ordered) * p / 100) - 1)] for p in wanted}
