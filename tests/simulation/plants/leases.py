"""Bugs of who owns an order and when: leases, resuming, clocks."""

from collections.abc import Callable, Mapping

import sqlalchemy as sa

from gateway.department_client.client import DepartmentClient
from gateway.domain.order import Order
from gateway.orders import leases
from gateway.orders.backoff import RetryPolicy
from gateway.orders.expiry import Expiry
from gateway.orders.journal import Journal
from gateway.orders.leases import Ended, LeaseObserver
from gateway.orders.ownership import LeaseKeeper
from gateway.orders.service import OrderService
from gateway.orders.tables import Row, gateways
from gateway.orders.watches import Watch
from infra.clock import Clock
from tests.simulation.seams import and_with_it, plant


@plant("a-living-gateways-orders-are-claimed", LeaseObserver, "ended", "calm")
def end_every_lease(original: object, self: LeaseObserver, renewals: Mapping[int, int]) -> dict[int, int]:
    """Every other gateway counts as dead."""
    return dict(renewals)


@plant("resume-skipped-on-start", LeaseKeeper, "begin", "draw", 8)
async def begin_without_claim(original: object, self: LeaseKeeper) -> None:
    """A gateway that starts leaves alone what a crash left unfinished."""
    await self._journal.enlist()


@plant("a-write-of-unknown-fate-is-forgotten", LeaseKeeper, "_find_unknown", "torn")
async def find_nothing(original: object, self: LeaseKeeper) -> None:
    """A write that failed counts as not carried out."""


@plant("expiry-by-the-wall-clock", OrderService, "__init__", "clocks")
def begin_with_expiry_by_the_wall_clock(
    original: Callable[..., None],
    self: OrderService,
    journal: Journal,
    departments: Mapping[str, DepartmentClient],
    policy: RetryPolicy,
    *,
    clock: Clock,
    random: Callable[[], float],
    watches: Mapping[str, Watch] | None = None,
    is_traced: bool = False,
) -> None:
    """Orders expire by the time of day, which somebody may set."""
    original(self, journal, departments, policy, clock=clock, random=random, watches=watches, is_traced=is_traced)
    self._expiry._monotonic = self._delivery._monotonic = clock.wall


@plant("an-order-from-the-journal-waits-until-its-time-of-day", Expiry, "of_known", "clocks_and_deaths", 351)
def expire_by_its_time_of_day(original: object, self: Expiry, order: Order) -> float:
    """An order that was placed before the time of day was set back waits for as long as it was set back."""
    return self.of_new() - (self._wall() - order.created_at_ms / 1000)


@plant("a-lease-by-the-gateways-wall-clock", OrderService, "__init__", "clocks")
def begin_with_leases_by_the_wall_clock(
    original: Callable[..., None],
    self: OrderService,
    journal: Journal,
    departments: Mapping[str, DepartmentClient],
    policy: RetryPolicy,
    *,
    clock: Clock,
    random: Callable[[], float],
    watches: Mapping[str, Watch] | None = None,
    is_traced: bool = False,
) -> None:
    """Other gateways' leases end by the time of day of this gateway's machine."""
    original(self, journal, departments, policy, clock=clock, random=random, watches=watches, is_traced=is_traced)
    self._lease_keeper._monotonic = clock.wall
    self._lease_keeper._observer = LeaseObserver(policy.lease, clock.wall)


@and_with_it("a-lease-by-the-gateways-wall-clock", LeaseObserver, "ended")
def ended_at_once(original: object, self: LeaseObserver, renewals: Mapping[int, int]) -> dict[int, int]:
    """All the time between two looks counts, not at most half a lease."""
    now = self._monotonic()
    passed, self._observed_at = now - self._observed_at, now
    before, self._seen = self._seen, {}
    for number, count in renewals.items():
        seen, quiet = before.get(number, (None, 0.0))
        self._seen[number] = count, quiet + passed if seen == count else 0.0
    return {number: count for number, (count, quiet) in self._seen.items() if quiet >= self._lease}


@plant("a-lease-by-the-databases-clock", leases, "claim", "clocks")
def claim_by_the_databases_clock(
    original: Callable[..., list[Row] | None], connection: sa.Connection, owner: int, ended: Ended, limit: int
) -> list[Row] | None:
    """A lease ends at a time of day of the database's machine, which is written in place of the renewals' number."""
    clock = sa.func.julianday("now") * 86_400_000
    now: float = connection.execute(sa.select(clock)).scalar_one()

    def ended_by_now(others: Mapping[int, int]) -> Mapping[int, int]:
        return {number: until for number, until in others.items() if until < now}

    rows = original(connection, owner, ended_by_now, limit)
    until = sa.cast(clock + 6000, sa.BigInteger)
    connection.execute(sa.update(gateways).where(gateways.c.number == owner).values(renewals=until))
    return rows
