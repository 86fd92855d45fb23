"""Ranges of time in queries: `from`, included, and `to`, excluded."""

from datetime import datetime
from typing import Annotated

from litestar.params import QueryParameter

from gateway.domain.days import Calendar
from gateway.domain.errors import FieldNotAllowed

MOST_DAYS = 400
DAY_MS = 86_400_000

_MOMENT = {"format": "date-time"}

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
        at = datetime.fromisoformat(text)
        if at.tzinfo is not None:
            return round(at.timestamp() * 1000)
    except (ValueError, OverflowError):
        pass
    raise FieldNotAllowed(field, text, "expected a moment with its offset, such as 2026-11-22T20:00:00Z")


def report_range(
    placed_from: str | None, placed_to: str | None, calendar: Calendar, now_ms: int
) -> tuple[int, int | None]:
    """Return a report's range of time, by default a day; raises FieldNotAllowed."""
    from_ms, to_ms = moment("from", placed_from), moment("to", placed_to)
    if from_ms is None:
        from_ms = calendar.start_ms(calendar.day_of(to_ms - 1 if to_ms is not None else now_ms))
    if (to_ms or now_ms) - from_ms > MOST_DAYS * DAY_MS:
        raise FieldNotAllowed("from", placed_from, f"expected a range of at most {MOST_DAYS} days")
    return from_ms, to_ms
