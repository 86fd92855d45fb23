"""Ranges of time in queries: `from`, included, and `to`, excluded."""

import re
from datetime import datetime
from typing import Annotated

from litestar.params import QueryParameter

from gateway.domain.days import Calendar
from gateway.domain.errors import FieldNotAllowed

MOST_DAYS = 400
DAY_MS = 86_400_000

LAST_MS = 253_370_764_800_000
"""The year 9999, whose last day has none after it."""

_MOMENT = {"format": "date-time"}

_lost_plus = re.compile(r"(.*T.*) (\d\d:?\d\d)").fullmatch
"""A moment whose client did not write the offset's `+` as `%2B`: in a query it stands for a space."""

From = Annotated[
    str | None,
    QueryParameter(
        name="from", max_length=40, schema_extra=_MOMENT, description="Only orders placed at this moment or later."
    ),
]
To = Annotated[
    str | None,
    QueryParameter(
        name="to", max_length=40, schema_extra=_MOMENT, description="Only orders placed before this moment."
    ),
]


def moment(field: str, text: str | None) -> int | None:
    """Return a moment of RFC 3339 as milliseconds since 1970; raises FieldNotAllowed."""
    if text is None:
        return None
    try:
        at = datetime.fromisoformat("+".join(lost.groups()) if (lost := _lost_plus(text)) else text)
        if at.tzinfo is not None:
            return round(at.timestamp() * 1000)
    except (ValueError, OverflowError):
        pass
    raise FieldNotAllowed(field, text, "expected a moment with its offset, such as 2026-11-22T20:00:00Z")


def time_range(placed_from: str | None, placed_to: str | None) -> tuple[int | None, int | None]:
    """Return a range of time, of which either end may be open; raises FieldNotAllowed."""
    from_ms, to_ms = moment("from", placed_from), moment("to", placed_to)
    if from_ms is not None and to_ms is not None and from_ms > to_ms:
        raise FieldNotAllowed("from", placed_from, f"expected a moment that is not after to, {placed_to}")
    return from_ms, to_ms


def report_range(
    placed_from: str | None, placed_to: str | None, calendar: Calendar, now_ms: int
) -> tuple[int, int | None]:
    """Return a report's range of time, by default a day; raises FieldNotAllowed."""
    from_ms, to_ms = time_range(placed_from, placed_to)
    if to_ms is not None and not 0 < to_ms < LAST_MS:
        raise FieldNotAllowed("to", placed_to, "expected a moment after 1970-01-01 and before the year 9999")
    if from_ms is None:
        from_ms = calendar.start_ms(calendar.day_of(now_ms if to_ms is None else to_ms - 1))
    if (now_ms if to_ms is None else to_ms) - from_ms > MOST_DAYS * DAY_MS:
        raise FieldNotAllowed("from", placed_from, f"expected a range of at most {MOST_DAYS} days")
    return from_ms, to_ms
