"""When an order's time to be decided is over: by the time that passes in this process.

The time of day is asked only for an order that another process has left in the journal, and only once: it alone knows
how long ago the order was placed. A time of day that was set back makes the order younger than it is, never younger
than new; one that was set ahead meanwhile looks the same as time that has passed.
"""

from gateway.domain.order import Order
from infra.clock import Clock


class Expiry:
    """Gives each order the moment, on the monotonic clock, from which on it is too old."""

    def __init__(self, clock: Clock, time_to_decide: float) -> None:
        """`time_to_decide` in seconds."""
        self._wall = clock.wall
        self._monotonic = clock.monotonic
        self._time_to_decide = time_to_decide

    def of_new(self) -> float:
        """Return when an order that a client sends, or asks to cancel, at this moment will be too old."""
        return self._monotonic() + self._time_to_decide

    def of_known(self, order: Order) -> float:
        """Return when an order that another process has left behind will be too old, or has been."""
        age = max(self._wall() - order.created_at_ms / 1000, 0.0)
        return self._monotonic() + self._time_to_decide - age
