"""Ranges of time in queries: `from`, included, and `to`, excluded."""

from datetime import datetime
from typing import Annotated

from litestar.params import QueryParameter

from gateway.domain.errors import FieldNotAllowed

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
