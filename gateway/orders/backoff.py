"""When to try again: the retry policy, and exponential backoff with full jitter."""

from collections.abc import Callable
from dataclasses import dataclass

from gateway.orders.leases import LEASE_SECONDS


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """How long the gateway tries, in seconds; and `waiting`: orders that may wait for their response at once.

    The lease of a gateway that has not renewed it for `lease` ends, and other gateways take its orders over.
    """

    time_to_decide: float = 300.0
    first_retry: float = 0.1
    retry_cap: float = 2.0
    waiting: int = 3000
    journal_retry: float = 0.5
    lease: float = LEASE_SECONDS


class Backoff:
    """Full jitter: a random share of a delay that doubles with every failure, up to a cap. In seconds."""

    def __init__(self, first: float, cap: float, random: Callable[[], float]) -> None:
        """`random` returns a number from 0 to 1."""
        self._first = first
        self._cap = cap
        self._random = random
        self.failures = 0

    def reset(self) -> None:
        """Start over, after a success."""
        self.failures = 0

    def next(self) -> float:
        """Count a failure and return how long to wait after it."""
        most = min(self._cap, self._first * 2.0 ** min(self.failures, 30))
        self.failures += 1
        return most * self._random()
