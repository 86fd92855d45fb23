"""Slows wrong guesses down, of one person's PIN and by one device or address; counts, by each gateway in memory."""

from collections import OrderedDict, deque
from collections.abc import Callable, Hashable

from gateway.domain.access_errors import TooOften

FREE = 5
"""How many wrong tries in a row cost no time."""

MOST = 10_000
"""Most names that are kept; the ones that were not tried for longest are forgotten first."""


class Rate:
    """Counts what each name has done in the last minute."""

    def __init__(self, monotonic: Callable[[], float], most: int) -> None:
        """`monotonic` returns seconds; `most` are allowed a minute."""
        self._monotonic = monotonic
        self._most = most
        self._times: OrderedDict[Hashable, deque[float]] = OrderedDict()

    def count(self, name: Hashable, what: str) -> None:
        """Count once more; raises TooOften, and counts nothing, beyond what is allowed."""
        now = self._monotonic()
        times = self._times.setdefault(name, deque())
        self._times.move_to_end(name)
        if len(self._times) > MOST:
            self._times.popitem(last=False)
        while times and times[0] <= now - 60:
            times.popleft()
        if len(times) >= self._most:
            raise TooOften(what, times[0] + 60 - now)
        times.append(now)


class Throttle:
    """Counts the tries of each name; after FREE of them each has to wait twice as long as the one before.

    A try counts before its result is known, so that many at once are no way around. The wait has a cap, so that a
    stranger who guesses can slow somebody down, and cannot lock anybody out.
    """

    def __init__(self, monotonic: Callable[[], float], cap: float) -> None:
        """`monotonic` returns seconds; `cap`, in seconds, is the longest wait."""
        self._monotonic = monotonic
        self._cap = cap
        self._tries: OrderedDict[Hashable, tuple[int, float]] = OrderedDict()

    def begin(self, name: Hashable, what: str) -> None:
        """Count a try; raises TooOften, and counts nothing, where it comes too early."""
        now = self._monotonic()
        count, free_at = self._tries.get(name, (0, 0.0))
        if now < free_at:
            raise TooOften(what, free_at - now)
        if count and now > free_at + 2 * self._cap + 60:
            count = 0  # long ago
        count += 1
        wait = min(self._cap, 2.0 ** min(count - FREE, 30)) if count >= FREE else 0.0
        self._tries[name] = count, now + wait
        self._tries.move_to_end(name)
        if len(self._tries) > MOST:
            self._tries.popitem(last=False)

    def succeeded(self, name: Hashable) -> None:
        """Forget the tries of a name: one was right."""
        self._tries.pop(name, None)
