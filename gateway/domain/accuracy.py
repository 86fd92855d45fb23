"""How well the times that were quoted came true, by department."""

from collections.abc import Iterable, Sequence
from math import ceil
from typing import NamedTuple


class Measured(NamedTuple):
    """An order's share that became ready: the seconds that were quoted when it was placed, and those that it took."""

    department: str
    quoted_seconds: float
    actual_seconds: float


class Percentiles(NamedTuple):
    """What half of the values, and nine tenths of them, do not exceed."""

    p50: float
    p90: float


class Accuracy(NamedTuple):
    """A department's shares: how many, what was quoted, what they took, and the error, in seconds.

    The error is how far the quote was from what came true, whether too early or too late. `late_p50` is what half of
    the shares were late, at most; it is negative where most were ready before the quote.
    """

    department: str
    shares: int
    quoted: Percentiles
    actual: Percentiles
    error: Percentiles
    late_p50: float


def accuracy(measured: Iterable[Measured]) -> list[Accuracy]:
    """Return the accuracy of each department's quotes, by the departments' names."""
    by_department: dict[str, list[Measured]] = {}
    for each in measured:
        by_department.setdefault(each.department, []).append(each)
    return [_of(name, by_department[name]) for name in sorted(by_department)]


def percentile(values: Sequence[float], share: float) -> float:
    """Return the smallest of these values that this share of them, above 0 and up to 1, does not exceed."""
    return sorted(values)[ceil(share * len(values)) - 1]


def _of(department: str, shares: Sequence[Measured]) -> Accuracy:
    late = [each.actual_seconds - each.quoted_seconds for each in shares]
    return Accuracy(
        department,
        len(shares),
        _percentiles([each.quoted_seconds for each in shares]),
        _percentiles([each.actual_seconds for each in shares]),
        _percentiles([abs(each) for each in late]),
        percentile(late, 0.5),
    )


def _percentiles(values: Sequence[float]) -> Percentiles:
    return Percentiles(percentile(values, 0.5), percentile(values, 0.9))
