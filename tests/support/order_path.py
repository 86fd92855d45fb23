"""The gateway's order path over fake departments and a real journal, and a clock that is set."""

from collections.abc import Sequence

from gateway.domain.lines import Outcome, TicketState
from gateway.domain.order import Order
from gateway.orders.backoff import RetryPolicy
from gateway.orders.journal import Journal
from gateway.orders.service import OrderService
from gateway.storage import MIGRATIONS
from infra.clock import Clock
from infra.tracing.spans import Tracer
from tests.support.breakable_database import BreakableDatabase
from tests.support.fake_departments import STOCK, FakeDepartment, Ticket
from tests.support.fake_staff import FakeStaff
from tests.support.migrated import prepare
from tests.support.orders import NOON_MS
from tests.support.waiting import until

QUICK = RetryPolicy(time_to_decide=300.0, first_retry=0.001, retry_cap=0.004, journal_retry=0.005)
"""Tries again at once, so that a test need not wait for what a client would not notice."""


class Hands:
    """Clocks that stand still: a test lets time pass by `now`, and sets the time of day by `set_ahead`; in seconds."""

    def __init__(self) -> None:
        self.now = NOON_MS / 1000
        self.set_ahead = 0.0

    @property
    def pair(self) -> Clock:
        return Clock(wall=lambda: self.now + self.set_ahead, monotonic=lambda: self.now - NOON_MS / 1000 + 1000)


class Restaurant:
    """A gateway's order path over fake departments and a real journal; it can crash, and open again."""

    def __init__(
        self,
        url: str,
        names: Sequence[str] = ("bar", "kitchen", "bakery"),
        retry_policy: RetryPolicy = QUICK,
        clock: Clock | None = None,
        tracer: Tracer | None = None,
    ) -> None:
        self.url = url
        self.tracer = tracer
        self.departments = {name: FakeDepartment(name) for name in names}
        self.watches = {name: FakeStaff(department) for name, department in self.departments.items()}
        self.clock = Hands()
        self._clock = clock or self.clock.pair
        self.retry_policy = retry_policy
        self.database: BreakableDatabase
        self.journal: Journal
        self.service: OrderService

    @property
    def bar(self) -> FakeDepartment:
        return self.departments["bar"]

    @property
    def kitchen(self) -> FakeDepartment:
        return self.departments["kitchen"]

    @property
    def bakery(self) -> FakeDepartment:
        return self.departments["bakery"]

    async def open(self) -> None:
        """Start the order path, as a fresh process would."""
        self.prepare()
        for department in self.departments.values():
            department.is_reachable, department.was_reached = True, False
        await self.service.start()
        await until(self.service.following.is_complete)

    def prepare(self) -> None:
        self.database = BreakableDatabase(self.url)
        prepare(self.database, MIGRATIONS)
        self.journal = Journal(self.database, tracer=self.tracer)
        self.service = OrderService(
            self.journal,
            self.departments,
            self.retry_policy,
            clock=self._clock,
            random=lambda: 1.0,
            watches=self.watches,
            is_traced=self.tracer is not None,
        )

    async def close(self) -> None:
        await self.service.close()
        self.database.close()

    async def crash(self) -> None:
        """Lose everything that is not on the disk."""
        self.database.is_broken = True
        self.database.way.set()
        await self.close()

    async def crash_and_open(self) -> None:
        await self.crash()
        for department in self.departments.values():
            department.ears.set()
            department.mouth.set()
        await self.open()

    def repair(self) -> None:
        """Undo what a test did to the disk and to the network, so that all can be closed."""
        self.database.is_broken = self.database.is_read_only = False
        self.database.way.set()
        for department in self.departments.values():
            department.ears.set()
            department.mouth.set()

    def forgot_everything(self) -> bool:
        """Tell whether nothing is left in memory."""
        waiting = [*map(len, self.service.backlogs.values()), *map(len, self.service.postponed.values())]
        return not self.service._in_flight and not any(waiting)

    async def settle(self) -> None:
        """Wait until nothing is left to do."""
        await until(self.forgot_everything)

    def check_books(self, order: Order) -> None:
        """Fail unless an order's departments will make exactly what its client was promised."""
        for name, lines in order.shares.items():
            ticket = self.departments[name].tickets.get(order.order_id, Ticket(TicketState.NONE, []))
            assert ticket.state is not TicketState.HELD
            is_made = ticket.state not in (TicketState.NONE, TicketState.CANCELLED)
            made = [is_made and response.outcome is Outcome.ACCEPTED for response in ticket.lines] or [False] * len(
                lines
            )
            assert [line.outcome is Outcome.ACCEPTED for line in lines] == made
            assert all(line.outcome is not Outcome.PENDING for line in lines)

    def check_stock(self) -> None:
        """Fail unless what is gone from the stock is what live tickets took."""
        for name, department in self.departments.items():
            taken = dict.fromkeys(department.stock, 0)
            for ticket in department.tickets.values():
                for (item, quantity), response in zip(ticket.wishes, ticket.lines, strict=True):
                    if response.outcome is Outcome.ACCEPTED and ticket.state is not TicketState.CANCELLED:
                        taken[item] += quantity
            assert {item: left + taken[item] for item, left in department.stock.items()} == STOCK[name]

    async def written(self, order_id: str) -> Order:
        """Read an order as it is on the disk."""
        await self.journal.flush()
        found = await self.journal.find(order_id)
        assert found is not None
        return found
