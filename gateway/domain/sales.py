"""Sales of a range of time, added up by day, hour, item or department of the restaurant."""

from collections.abc import Iterable
from datetime import date, datetime
from enum import StrEnum
from typing import NamedTuple

from gateway.domain.currencies import Currency
from gateway.domain.days import Calendar

QUARTER_MS = 900_000
"""A quarter of an hour: each time zone's hours begin with one."""


class SalesBy(StrEnum):
    """What sales are added up by."""

    DAY = "day"
    HOUR = "hour"
    ITEM = "item"
    DEPARTMENT = "department"


class Sold(NamedTuple):
    """What was sold of an item within a quarter of an hour, which is counted from 1970; the total in minor units."""

    quarter: int
    currency: str
    department: str
    item: str
    quantity: int
    total: int


class SalesKey(NamedTuple):
    """What a figure is of: None for what sales are not added up by.

    `day` is a date. `hour` is when an hour begins, with its offset: on one day of the year an hour comes twice.
    """

    day: str | None
    hour: str | None
    department: str | None
    item: str | None
    currency: Currency


class Sales(NamedTuple):
    """A figure of a report; the total in minor units of the currency."""

    key: SalesKey
    quantity: int
    total: int


def add_up(sold: Iterable[Sold], by: SalesBy, calendar: Calendar) -> list[Sales]:
    """Return the sales by day, hour, item or department, each in every currency that was taken, in their order."""
    sums: dict[SalesKey, tuple[int, int]] = {}
    for each in sold:
        key = _key(each, by, calendar)
        quantity, total = sums.get(key, (0, 0))
        sums[key] = quantity + each.quantity, total + each.total
    return [Sales(key, *sums[key]) for key in sorted(sums, key=_place)]


def _key(sold: Sold, by: SalesBy, calendar: Calendar) -> SalesKey:
    at_ms, currency = sold.quarter * QUARTER_MS, Currency(sold.currency)
    if by is SalesBy.DAY:
        return SalesKey(date.fromordinal(calendar.day_of(at_ms)).isoformat(), None, None, None, currency)
    if by is SalesBy.HOUR:
        hour = datetime.fromtimestamp(at_ms / 1000, calendar.zone).replace(minute=0)
        return SalesKey(None, hour.isoformat(timespec="minutes"), None, None, currency)
    item = sold.item if by is SalesBy.ITEM else None
    return SalesKey(None, None, sold.department, item, currency)


def _place(key: SalesKey) -> tuple[float, str, str, str]:
    at = datetime.fromisoformat(key.hour).timestamp() if key.hour else 0.0
    return at, key.day or key.department or "", key.item or "", key.currency
