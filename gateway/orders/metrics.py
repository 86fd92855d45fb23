"""The metrics of the order path, read from its own objects at a scrape."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from gateway.domain.order import Order
from gateway.orders.counting import OrderCounts
from gateway.orders.delivery import Delivery
from gateway.orders.departments import Department
from gateway.orders.following import Following
from gateway.orders.in_flight import InFlightOrders
from gateway.orders.journal import Journal
from gateway.orders.ownership import LeaseKeeper
from infra.batch_metrics import batch_families
from infra.clock import Clock
from infra.metrics import Family, by_label, one

FAILURES = ("BrokenOff", "DatabaseError", "Overloaded")
"""Why a client gets an error in place of an outcome; whatever else occurs is added."""


@dataclass(frozen=True, slots=True)
class OrderMetrics:
    """What a scrape reads of the order path."""

    counts: OrderCounts
    journal: Journal
    departments: Mapping[str, Department]
    in_flight: InFlightOrders
    delivery: Delivery
    leases: LeaseKeeper
    following: Following
    clock: Clock

    def families(self) -> Iterator[Family]:
        """Return what is known; called beside the event loop."""
        yield from _counted(self.counts)
        yield from batch_families({("journal", ""): self.journal.writes})
        yield from self._owed()
        yield from self._departments()
        yield from self._leases()
        yield one("orders_in_flight", "gauge", "Orders in memory: until they owe nothing.", len(self.in_flight))
        yield one("orders_unreadable", "gauge", "Orders in the journal that cannot be read.", self.journal.unreadable)
        unsettled = self.following.unsettled
        yield one("withdrawals_unsettled", "gauge", "Tickets cancelled by staff, not in the orders yet.", unsettled)

    def _owed(self) -> Iterator[Family]:
        """Yield what departments are owed: of each one the orders that it has not acknowledged, and the oldest."""
        counts, oldest = _add_up_owed(self.in_flight.orders(), self.departments)
        now_ms = self.clock.wall() * 1000
        ages = {name: max(0.0, now_ms - at_ms) / 1000 for name, at_ms in oldest.items()}
        ages |= {name: 0.0 for name in counts if name not in ages}
        text = "Orders that a department has not acknowledged; those being asked for just now are among them."
        yield by_label("orders_owed", "gauge", text, "department", counts)
        text = "How long ago the oldest order was placed that a department has not acknowledged; 0 where none is."
        yield by_label("orders_owed_oldest_seconds", "gauge", text, "department", ages)

    def _departments(self) -> Iterator[Family]:
        reachable = {name: float(each.is_reachable) for name, each in self.departments.items()}
        yield by_label("department_reachable", "gauge", "1; 0 while the breaker is open.", "department", reachable)
        backlog = {name: float(len(each)) for name, each in self.delivery.backlogs.items()}
        text = "Orders that wait until an unreachable department can be reached."
        yield by_label("orders_in_backlog", "gauge", text, "department", backlog)
        postponed = {name: float(len(each)) for name, each in self.delivery.postponed.items()}
        text = "Orders that wait to be asked for again, of a department that responds."
        yield by_label("orders_postponed", "gauge", text, "department", postponed)
        now = self.clock.monotonic()
        ages = {name: max(0.0, now - at) for name, at in list(self.following.received_at.items())}
        text = "How long ago the last page of the watch that orders follow arrived; one comes every 5 s."
        yield by_label("watch_age_seconds", "gauge", text, "department", ages)

    def _leases(self) -> Iterator[Family]:
        if self.journal.is_shared:
            age = max(0.0, self.clock.monotonic() - self.leases.renewed_at)
            yield one("lease_age_seconds", "gauge", "How long ago this gateway renewed its lease.", age)
            yield one("lease_seconds", "gauge", "How long a lease lasts.", self.leases.seconds)
        text = "How often another gateway has ended this one's lease."
        yield one("leases_lost_total", "counter", text, self.leases.lost)


def _counted(counts: OrderCounts) -> Iterator[Family]:
    outcomes = {str(status): float(count) for status, count in counts.by_outcome.items()}
    yield by_label("orders_total", "counter", "Orders by their outcome at the first response.", "outcome", outcomes)
    failed = dict.fromkeys(FAILURES, 0.0) | dict(list(counts.failed.items()))
    text = "Orders whose client got an error in place of an outcome."
    yield by_label("orders_failed_total", "counter", text, "reason", failed)
    refused = {str(outcome): float(count) for outcome, count in counts.refused_lines.items()}
    text = "Lines that were not accepted, by their outcome at the first response."
    yield by_label("lines_refused_total", "counter", text, "reason", refused)
    text = "How long it took until an order was decided: from its arrival to the response, which left nothing pending."
    yield Family("order_seconds", "histogram", text, (), [((), counts.decided.buckets())])
    yield one("orders_waiting", "gauge", "Clients that wait for an order's outcome.", counts.waiting)


def _add_up_owed(orders: Iterable[Order], names: Iterable[str]) -> tuple[dict[str, int], dict[str, int]]:
    """Return by department how many orders are owed, and when the oldest was placed, in milliseconds since 1970.

    An order may be acknowledged meanwhile by the event loop, so what it owes is copied first.
    """
    counts = Counter(dict.fromkeys(names, 0))
    oldest: dict[str, int] = {}
    for order in orders:
        for name in tuple(order.owed):
            counts[name] += 1
            oldest[name] = min(order.created_at_ms, oldest.get(name, order.created_at_ms))
    return counts, oldest
