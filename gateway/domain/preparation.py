"""How long departments take to prepare shares of orders, by department or by item."""

from collections.abc import Iterable, Iterator, Sequence
from enum import StrEnum
from typing import NamedTuple

from gateway.domain.accuracy import percentile


class PreparationBy(StrEnum):
    """What preparation times are grouped by."""

    DEPARTMENT = "department"
    ITEM = "item"


class Prepared(NamedTuple):
    """An order's share that was started and became ready: its items, and the seconds between the two."""

    department: str
    items: Sequence[str]
    seconds: float


class Preparation(NamedTuple):
    """A group's shares: how many, and the seconds that half of them, and 19 of 20, did not exceed.

    `item` is None where the groups are departments. A share belongs to the group of each of its items.
    """

    department: str
    item: str | None
    shares: int
    p50: float
    p95: float


def preparation_times(prepared: Iterable[Prepared], by: PreparationBy) -> list[Preparation]:
    """Return the preparation times of each group, in the order of departments and items."""
    groups: dict[tuple[str, str], list[float]] = {}
    for each in prepared:
        for key in _keys(each, by):
            groups.setdefault(key, []).append(each.seconds)
    return [
        Preparation(department, item or None, len(seconds), percentile(seconds, 0.5), percentile(seconds, 0.95))
        for (department, item), seconds in sorted(groups.items())
    ]


def _keys(prepared: Prepared, by: PreparationBy) -> Iterator[tuple[str, str]]:
    if by is PreparationBy.DEPARTMENT:
        yield prepared.department, ""
    else:
        yield from ((prepared.department, item) for item in dict.fromkeys(prepared.items))
