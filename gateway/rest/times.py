"""Moments as REST has them."""

from datetime import UTC, datetime
from functools import lru_cache
from typing import Annotated

from msgspec import Meta

Moment = Annotated[str, Meta(description="RFC 3339, UTC.")]


def rfc3339(milliseconds: int) -> str:
    """Return milliseconds since 1970 as RFC 3339, UTC."""
    seconds, rest = divmod(milliseconds, 1000)
    return f"{_second(seconds)}.{rest:03}Z"


def rfc3339_pair(milliseconds: int, later_seconds: int) -> tuple[str, str]:
    """Return a moment, and another one that is so many whole seconds later: quicker than one by one."""
    seconds, rest = divmod(milliseconds, 1000)
    end = f".{rest:03}Z"
    return _second(seconds) + end, _second(seconds + later_seconds) + end


def rfc3339_or_none(milliseconds: int) -> str | None:
    """Return milliseconds since 1970 as RFC 3339, or None for 0, which stands for no moment."""
    return rfc3339(milliseconds) if milliseconds else None


@lru_cache(maxsize=256)
def _second(seconds: int) -> str:
    """Return a whole second since 1970 as text; the orders of a while share it."""
    return datetime.fromtimestamp(seconds, UTC).replace(tzinfo=None).isoformat()
