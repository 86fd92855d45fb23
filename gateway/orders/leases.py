"""When another gateway is taken for dead: by what this one sees, and by this one's own time.

No two machines need agree on the time. A gateway proves that it lives by counting its renewals in the journal; each of
the others watches that number. Where it stayed the same for a whole lease, its gateway is taken for dead. That may be
wrong, as with any timeout; then the epochs of orders keep what it still writes and asks from doing harm.
"""

from collections.abc import Callable, Mapping

LEASE_SECONDS = 6.0


class Leases:
    """The renewals of all other gateways, as this one has seen them."""

    def __init__(self, lease: float, monotonic: Callable[[], float]) -> None:
        """`lease` in seconds; `monotonic` returns seconds of a clock that nobody can set."""
        self._lease = lease
        self._monotonic = monotonic
        self._looked_at = monotonic()
        self._seen: dict[int, tuple[int, float]] = {}

    def ended(self, renewals: Mapping[int, int]) -> dict[int, int]:
        """Take in how often each other gateway has renewed its lease; return those whose lease has ended.

        Between two looks at most half a lease counts. So when nobody could look or renew, as the database was away or
        the whole machine stood still, whoever comes back first does not take all the others for dead.
        """
        now = self._monotonic()
        passed = min(now - self._looked_at, self._lease / 2)
        self._looked_at = now
        before, self._seen = self._seen, {}
        for number, count in renewals.items():
            seen, quiet = before.get(number, (None, 0.0))
            self._seen[number] = count, quiet + passed if seen == count else 0.0
        return {number: count for number, (count, quiet) in self._seen.items() if quiet >= self._lease}
