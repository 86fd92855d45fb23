"""Which requests are sampled: by one random number, or as a caller's `traceparent` asks, up to a rate."""

from collections.abc import Callable

from infra.tracing.traceparent import RemoteParent

PARENTS_PER_SECOND = 10.0
"""How many requests a second are sampled only because their callers ask for it; also how many at once.

The flag comes from whoever sends a request. Without a limit, a stranger could make every request cost what a sampled
one does, and fill the storage of traces.
"""


class Sampler:
    """Decides about each request before a span is made for it."""

    def __init__(
        self,
        ratio: float,
        *,
        follows_parents: bool,
        random: Callable[[], float],
        monotonic: Callable[[], float],
    ) -> None:
        """`ratio` of the requests is sampled, 0 to 1. `random` returns a number from 0 to below 1.

        `follows_parents`: a caller that records its trace has the request sampled, up to PARENTS_PER_SECOND and beyond
        that by the ratio; one that does not has it left out.
        """
        self._ratio = ratio
        self._follows_parents = follows_parents
        self._random = random
        self._monotonic = monotonic
        self._left = PARENTS_PER_SECOND
        self._counted_at = monotonic()

    def is_sampled(self, parent: RemoteParent | None) -> bool:
        """Return whether a request is sampled."""
        if parent is not None and self._follows_parents:
            if not parent.is_sampled:
                return False
            if self._take():
                return True
        return self._random() < self._ratio

    def _take(self) -> bool:
        """Count a request that is sampled for its caller, unless there were too many."""
        now = self._monotonic()
        self._left = min(PARENTS_PER_SECOND, self._left + (now - self._counted_at) * PARENTS_PER_SECOND)
        self._counted_at = now
        if self._left < 1:
            return False
        self._left -= 1
        return True
