"""When to try again: exponential backoff with full jitter."""

from collections.abc import Callable


class Backoff:
    """Full jitter: a random share of a delay that doubles with every failure, up to a cap. In seconds."""

    def __init__(self, first: float, cap: float, random: Callable[[], float]) -> None:
        """`random` answers a number from 0 to 1."""
        self._first = first
        self._cap = cap
        self._random = random
        self.failures = 0

    def reset(self) -> None:
        """Start over, after a success."""
        self.failures = 0

    def next(self) -> float:
        """Count a failure and answer how long to wait after it."""
        most = min(self._cap, self._first * 2.0 ** min(self.failures, 30))
        self.failures += 1
        return most * self._random()
