"""Counts what becomes of orders at their first response: plain numbers, for each order raises some of them."""

from collections import Counter
from typing import TypeVar

from gateway.domain.lines import Outcome
from gateway.domain.order import Order, Status
from infra.metrics import Histogram

E = TypeVar("E", bound=Exception)

_ACCEPTED, _PENDING = Status.ACCEPTED, Status.PENDING
_REFUSED = frozenset(Outcome) - {Outcome.ACCEPTED, Outcome.PENDING}


class OrderCounts:
    """What became of the orders whose clients sent them here first; a repeated request counts as none."""

    def __init__(self) -> None:
        """Count nothing yet; every outcome is there from the start, so that a rate of it exists before the first."""
        self.waiting = 0
        """How many clients wait for a response."""
        self.by_outcome = dict.fromkeys(Status, 0)
        self.refused_lines = dict.fromkeys(sorted(_REFUSED), 0)
        self.failed: Counter[str] = Counter()
        """Orders whose client got an error in place of an outcome, by the error's class."""
        self.decided = Histogram()
        """How long it took until each order was decided of which no line was pending at the first response."""

    def respond(self, order: Order, seconds: float) -> None:
        """Count an order as its first response returns it, so long after it arrived."""
        status = order.status
        self.by_outcome[status] += 1
        if status is not _PENDING:
            self.decided.observe(seconds)
        if status is not _ACCEPTED:
            for line in order.lines:
                if line.outcome in _REFUSED:
                    self.refused_lines[line.outcome] += 1

    def fail(self, error: E) -> E:
        """Count an order whose client gets an error, and return the error."""
        self.failed[type(error).__name__] += 1
        return error
