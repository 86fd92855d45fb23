"""When readers of the events get something: at once after a quiet time, and seldom while changes come without end.

To give each of many readers a few events takes a system call each, many times what the events take. So it is measured
what a reader takes, and after readers were woken the next change waits until this was a small share of the time; all
that changes until then is one piece for each of them. A reader that has much to catch up with pauses for the same
reason after each full piece. A step of the staff waits for neither.
"""

import asyncio
from collections.abc import Callable, Collection

from gateway.tickets.readers import Reader

PACE = 80.0
"""How much longer than it takes to send to all readers the pause is before the next time."""

MOST_PAUSE = 0.2
MOST_PAUSE_BEHIND = 1.0
"""The longest pauses, in seconds: before readers are woken again, and after a full piece."""

LEAST_PAUSE_BEHIND = 0.05

FIRST_GUESS = 0.00005
MOST_MEASURED = 0.001
"""Seconds that a reader is taken to need at first, and at most: a client that does not read is no measure."""

WEIGHT = 0.02
"""Of a new measurement, beside those before it."""


class Waking:
    """Wakes those readers that want what changed. `run` has to run for changes that wait."""

    def __init__(self, readers: Collection[Reader], monotonic: Callable[[], float]) -> None:
        """`readers` are all that follow at a moment; `monotonic` is the clock of the pauses, in seconds."""
        self._readers = readers
        self._monotonic = monotonic
        self._seconds = FIRST_GUESS
        self._changed: set[str] = set()
        self._not_before = 0.0
        self._is_due = False
        self._waits = asyncio.Event()

    def note(self, department: str, *, is_urgent: bool = False) -> None:
        """Wake the readers that want a department, now or soon."""
        self._changed.add(department)
        if is_urgent or self._monotonic() >= self._not_before:
            self._wake()
        else:
            self._waits.set()

    def note_sent(self, seconds: float) -> None:
        """Take in how long it took to send to one reader."""
        self._seconds += WEIGHT * (min(seconds, MOST_MEASURED) - self._seconds)

    def pause_behind(self) -> float:
        """Return how long a reader pauses after a full piece, in seconds."""
        return min(max(LEAST_PAUSE_BEHIND, len(self._readers) * self._seconds * PACE), MOST_PAUSE_BEHIND)

    async def run(self) -> None:
        """Wake the readers of the changes that wait, until cancelled."""
        while True:
            await self._waits.wait()
            await asyncio.sleep(max(0.0, self._not_before - self._monotonic()))
            self._wake()

    def _wake(self) -> None:
        """Wake the readers in the loop's next turn: what else changes in this one goes with it."""
        self._waits.clear()
        if self._is_due:
            return
        if any(reader.is_waiting for reader in self._readers):
            self._is_due = True
            asyncio.get_running_loop().call_soon(self._deliver)
        else:
            self._deliver()

    def _deliver(self) -> None:
        """Give each reader what is new, one after the other: a callback for each takes twice as long."""
        changed, self._changed = self._changed, set()
        self._is_due = False
        wanting = [reader for reader in self._readers if reader.wanted.includes_any(changed)]
        for reader in wanting:
            try:
                reader.deliver()
            except Exception as error:  # noqa: BLE001 - logged by the loop, as of a callback; the others go on
                asyncio.get_running_loop().call_exception_handler({"message": "a reader failed", "exception": error})
        self._not_before = self._monotonic() + min(len(wanting) * self._seconds * PACE, MOST_PAUSE)
