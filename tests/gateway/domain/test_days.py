"""Days of a restaurant, also those on which the clocks are set."""

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest

from gateway.domain.days import Calendar

HOUR_MS = 3_600_000


def ms(text: str) -> int:
    return round(datetime.fromisoformat(text).timestamp() * 1000)


def day(text: str) -> int:
    return date.fromisoformat(text).toordinal()


@pytest.mark.parametrize(
    ("zone", "on", "start", "hours"),
    [
        ("UTC", "2026-03-29", "2026-03-29T00:00+00:00", 24),
        ("Europe/Berlin", "2026-03-28", "2026-03-28T00:00+01:00", 24),
        ("Europe/Berlin", "2026-03-29", "2026-03-29T00:00+01:00", 23),
        ("Europe/Berlin", "2026-10-25", "2026-10-25T00:00+02:00", 25),
        ("Asia/Seoul", "2026-06-01", "2026-06-01T00:00+09:00", 24),
        ("Australia/Lord_Howe", "2026-10-04", "2026-10-04T00:00+10:30", 23.5),
        # The clocks skip midnight: the day begins at 01:00.
        ("America/Santiago", "2026-09-06", "2026-09-06T01:00-03:00", 23),
        # The clocks show the last hour of the 4th twice, so the 4th has 25 hours.
        ("America/Santiago", "2026-04-04", "2026-04-04T00:00-03:00", 25),
        ("America/Santiago", "2026-04-05", "2026-04-05T00:00-04:00", 24),
    ],
)
def test_a_day_lasts_from_midnight_to_midnight(zone: str, on: str, start: str, hours: float) -> None:
    calendar = Calendar(ZoneInfo(zone))
    begins, ends = calendar.start_ms(day(on)), calendar.start_ms(day(on) + 1)
    assert datetime.fromtimestamp(begins / 1000, UTC) == datetime.fromisoformat(start)
    assert ends - begins == hours * HOUR_MS
    assert [calendar.day_of(at) for at in (begins, ends - 1)] == [day(on)] * 2
    assert [calendar.day_of(at) for at in (ends, begins - 1)] == [day(on) + 1, day(on) - 1]


def test_an_hour_that_is_shown_twice_before_midnight_belongs_to_one_day() -> None:
    calendar = Calendar(ZoneInfo("America/Santiago"))
    times = ["2026-04-04T23:30-03:00", "2026-04-04T23:30-04:00", "2026-04-05T00:30-04:00"]
    assert [calendar.day_of(ms(each)) for each in times] == [day("2026-04-04")] * 2 + [day("2026-04-05")]
