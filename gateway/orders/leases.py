"""Leases: which gateways live, by what this one observes and by its own clock; and taking over the orders of others.

No two machines need agree on the time. A gateway proves that it lives by counting its renewals in the journal; each of
the others reads that count. Where it stayed the same for a whole lease, the lease has ended. That may be wrong, as with
any timeout; then the epochs of orders keep what such a gateway still writes and asks from doing harm.
"""

from collections.abc import Callable, Mapping

import sqlalchemy as sa

from gateway.domain.errors import OrderUnreadable
from gateway.domain.order import Order
from gateway.orders.tables import COLUMNS, Row, gateways, orders, own, read_row
from infra.db.database import tenant

LEASE_SECONDS = 6.0

Ended = Callable[[Mapping[int, int]], Mapping[int, int]]
"""Of gateways, by number, with how often each has renewed its lease: returns those whose lease has ended."""


class LeaseObserver:
    """The renewals of all other gateways, as this one has seen them."""

    def __init__(self, lease: float, monotonic: Callable[[], float]) -> None:
        """`lease` in seconds; `monotonic` returns seconds of a monotonic clock."""
        self._lease = lease
        self._monotonic = monotonic
        self._observed_at = monotonic()
        self._seen: dict[int, tuple[int, float]] = {}

    def ended(self, renewals: Mapping[int, int]) -> dict[int, int]:
        """Record how often each other gateway has renewed its lease; return those whose lease has ended.

        Between two calls at most half a lease counts. So when no gateway could read or renew, as the database or
        the whole machine stood still, the first gateway back does not end all the others' leases.
        """
        now = self._monotonic()
        passed = min(now - self._observed_at, self._lease / 2)
        self._observed_at = now
        before, self._seen = self._seen, {}
        for number, count in renewals.items():
            seen, quiet = before.get(number, (None, 0.0))
            self._seen[number] = count, quiet + passed if seen == count else 0.0
        return {number: count for number, (count, quiet) in self._seen.items() if quiet >= self._lease}


def enlist(connection: sa.Connection) -> int:
    """Return a new number, with a lease."""
    new = sa.insert(gateways).values(restaurant=tenant(connection), renewals=0)
    number: int = connection.execute(new.returning(gateways.c.number)).scalar_one()
    return number


def retire(connection: sa.Connection, owner: int) -> None:
    """End a gateway's own lease."""
    connection.execute(sa.delete(gateways).where(own(connection, gateways), gateways.c.number == owner))


def claim(connection: sa.Connection, owner: int, ended: Ended, limit: int) -> list[Row] | None:
    """Renew a gateway's lease, and take over orders of gateways whose leases ended; None where its own was ended."""
    lease = sa.update(gateways).where(own(connection, gateways), gateways.c.number == owner)
    if not connection.execute(lease.values(renewals=gateways.c.renewals + 1)).rowcount:
        return None
    others = {number: count for number, count in renewals(connection).items() if number != owner}
    if ended_now := ended(others):
        _end_leases(connection, ended_now)
    return _claim_unowned(connection, owner, limit)


def _end_leases(connection: sa.Connection, ended_now: Mapping[int, int]) -> None:
    """End the leases of gateways that have renewed them so often, and not once more since."""
    query = _leases(connection).where(gateways.c.number.in_(list(ended_now)))
    locked = connection.execute(query.with_for_update(skip_locked=True)).all()  # one that is locked is being renewed
    gone = [number for number, count in locked if ended_now[number] == count]
    connection.execute(sa.delete(gateways).where(own(connection, gateways), gateways.c.number.in_(gone)))


def _claim_unowned(connection: sa.Connection, owner: int, limit: int) -> list[Row]:
    """Take over the oldest unfinished orders whose owner has no lease, as many as can be read.

    What cannot be read is returned as well, and keeps its owner and epoch.
    """
    seen: list[Row] = []
    last = 0
    claimed: dict[int, Order] = {}
    living = sa.select(gateways.c.number).where(own(connection, gateways))
    while not claimed:
        unowned = (
            sa.select(*COLUMNS)
            .where(own(connection, orders), orders.c.owed.is_not(None), orders.c.owner.not_in(living))
            .where(orders.c.seq > last)
            .order_by(orders.c.seq)
            .limit(limit)
            .with_for_update(skip_locked=True)
        )
        rows = connection.execute(unowned).all()
        if not rows:
            break
        last = rows[-1].seq
        read = {row.seq: read_row(row) for row in rows}
        seen += read.values()
        claimed = {seq: order for seq, order in read.items() if isinstance(order, Order)}
    if claimed:
        connection.execute(_owned_by(owner).where(orders.c.seq.in_(claimed)))  # unique in the whole database
        for order in claimed.values():
            order.owner, order.epoch = owner, order.epoch + 1
    return seen


def take(connection: sa.Connection, owner: int, order_id: str) -> Order | None:
    """Take an order over; raises OrderUnreadable, which rolls it back."""
    update = _owned_by(owner).where(own(connection, orders), orders.c.order_id == order_id)
    row = connection.execute(update.returning(*COLUMNS)).one_or_none()
    if row is None:
        return None
    order = read_row(row)
    if isinstance(order, OrderUnreadable):
        raise order
    return order


def _owned_by(owner: int) -> sa.Update:
    return sa.update(orders).values(owner=owner, epoch=orders.c.epoch + 1)


def renewals(connection: sa.Connection) -> dict[int, int]:
    """Return how often each gateway that has a lease has renewed it, by its number."""
    return dict(connection.execute(_leases(connection)).all())


def _leases(connection: sa.Connection) -> "sa.Select[int, int]":
    return sa.select(gateways.c.number, gateways.c.renewals).where(own(connection, gateways))
