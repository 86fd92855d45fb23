"""A restaurant's days: from midnight to midnight in its time zone, also where a day has 23 or 25 hours."""

from datetime import date, datetime, time, tzinfo


class Calendar:
    """Finds the day of a moment. Moments are milliseconds since 1970; a day is the ordinal of its date."""

    def __init__(self, zone: tzinfo) -> None:
        """`zone` is the restaurant's time zone."""
        self.zone = zone
        self._day = 0
        self._start_ms = self._end_ms = 0

    def day_of(self, at_ms: int) -> int:
        """Return the ordinal of the day of a moment."""
        if not self._start_ms <= at_ms < self._end_ms:
            day = datetime.fromtimestamp(at_ms / 1000, self.zone).toordinal()
            if at_ms < self.start_ms(day):  # the clocks were set back over midnight: the day begins with the second one
                day -= 1
            self._day, self._start_ms, self._end_ms = day, self.start_ms(day), self.start_ms(day + 1)
        return self._day

    def start_ms(self, day: int) -> int:
        """Return when a day begins.

        Where the clocks skip midnight, it is the moment when they are set; where they show it twice, the second time.
        """
        midnight = datetime.combine(date.fromordinal(day), time(), self.zone)
        return round(max(midnight.timestamp(), midnight.replace(fold=1).timestamp()) * 1000)
