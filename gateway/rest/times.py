"""Moments as REST has them."""

from datetime import UTC, datetime
from functools import lru_cache


def rfc3339(milliseconds: int) -> str:
    """Return milliseconds since 1970 as RFC 3339, UTC."""
    seconds, rest = divmod(milliseconds, 1000)
    return f"{_second(seconds)}.{rest:03}Z"


@lru_cache(maxsize=256)
def _second(seconds: int) -> str:
    """Return a whole second since 1970 as text; the orders of a while share it."""
    return datetime.fromtimestamp(seconds, UTC).replace(tzinfo=None).isoformat()
