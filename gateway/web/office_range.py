"""The days that a page of the office is about: today, yesterday, the last seven days, or one date."""

from datetime import UTC, date, datetime

import msgspec

from gateway.domain.days import Calendar

RANGES = ("today", "yesterday", "week")
WEEK_DAYS = 7
FIRST_YEAR = 2000


class Range(msgspec.Struct, frozen=True, kw_only=True):
    """Some days of the restaurant, as its pages get them; `from_` and `to` are moments, the latter excluded."""

    name: str
    """`today`, `yesterday`, `week`, or `day` for a date."""
    first_day: str
    last_day: str
    today: str
    from_: str = msgspec.field(name="from")
    to: str
    to_ms: int


def range_of(calendar: Calendar, now_ms: int, name: str | None, day: str | None) -> Range:
    """Return the days that an address names; what it does not name, or names wrongly, is today."""
    today = calendar.day_of(now_ms)
    chosen = _day(day)
    if chosen is not None and chosen <= today:
        return _range(calendar, "day", chosen, chosen, today)
    if name == "yesterday":
        return _range(calendar, name, today - 1, today - 1, today)
    if name == "week":
        return _range(calendar, name, today - WEEK_DAYS + 1, today, today)
    return _range(calendar, "today", today, today, today)


def _range(calendar: Calendar, name: str, first: int, last: int, today: int) -> Range:
    to_ms = calendar.start_ms(last + 1)
    return Range(
        name=name,
        first_day=date.fromordinal(first).isoformat(),
        last_day=date.fromordinal(last).isoformat(),
        today=date.fromordinal(today).isoformat(),
        from_=_moment(calendar.start_ms(first)),
        to=_moment(to_ms),
        to_ms=to_ms,
    )


def _day(text: str | None) -> int | None:
    try:
        found = date.fromisoformat(text or "")
    except ValueError:
        return None
    return found.toordinal() if found.year >= FIRST_YEAR else None


def _moment(at_ms: int) -> str:
    return datetime.fromtimestamp(at_ms / 1000, UTC).isoformat().replace("+00:00", "Z")
