"""The gateway's use cases: place, cancel, find and list orders; and the parts of the order path, put together.

    place ── journal.insert (durable) ── ask every department ── responses ── return ── journal.update_later

What follows a response, or its absence, is in delivery.py; what is written when, in recording.py; the phases of an
order in memory, in in_flight.py.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from time import perf_counter

import structlog

from gateway.department_client.errors import DepartmentCallError
from gateway.domain.accuracy import Accuracy, accuracy
from gateway.domain.days import Calendar
from gateway.domain.errors import OrderArchived, OrderIdTaken, Overloaded, TakenOver
from gateway.domain.lines import Outcome
from gateway.domain.menu import MenuSnapshot
from gateway.domain.order import Order, Status
from gateway.domain.sales import Sales, SalesBy, add_up
from gateway.orders.backoff import RetryPolicy
from gateway.orders.cancelling import Cancelling
from gateway.orders.counting import OrderCounts
from gateway.orders.delivery import Delivery
from gateway.orders.departments import Department
from gateway.orders.expiry import Expiry
from gateway.orders.following import Following
from gateway.orders.in_flight import InFlightOrder, InFlightOrders
from gateway.orders.journal import Journal, JournalPage
from gateway.orders.listing import Listing
from gateway.orders.metrics import OrderMetrics
from gateway.orders.ownership import LeaseKeeper
from gateway.orders.placed_log import PlacedLog
from gateway.orders.ready_times import ReadyTimes
from gateway.orders.reports import Reports
from gateway.orders.tasks import BackgroundTasks
from gateway.orders.traces import carry_span
from gateway.orders.wanted import ANY, Wanted
from gateway.orders.watches import Watch
from gateway.orders.withdrawing import Withdrawing
from infra.clock import Clock

FOLLOW_SECONDS = 0.05

MENU_SECONDS = 60.0
"""How often the menus are read; a client that asks for them makes the gateway read them, too."""

log = structlog.get_logger("orders")


class OrderService:
    """The gateway's use cases."""

    def __init__(
        self,
        journal: Journal,
        departments: Mapping[str, Department],
        policy: RetryPolicy,
        *,
        clock: Clock,
        random: Callable[[], float],
        watches: Mapping[str, Watch] | None = None,
        is_traced: bool = False,
    ) -> None:
        """`random` returns a number from 0 to 1; orders follow `watches`. `is_traced`: requests may be sampled."""
        self._journal = journal
        self._policy = policy
        self._is_traced = is_traced
        self._monotonic = clock.monotonic
        self._expiry = Expiry(clock, policy.time_to_decide)
        self._in_flight = InFlightOrders()
        self._counts = OrderCounts()
        self._placed = PlacedLog()
        self._tasks = BackgroundTasks()
        self._delivery = Delivery(
            journal,
            self._in_flight,
            departments,
            self._tasks,
            policy,
            monotonic=clock.monotonic,
            random=random,
        )
        self._recorder = self._delivery.recorder
        self._lease_keeper = LeaseKeeper(
            journal,
            policy.lease,
            monotonic=clock.monotonic,
            is_in_flight=self._in_flight.__contains__,
            resume=self._resume,
            release_all=self._in_flight.release_all,
        )
        self._cancelling = Cancelling(
            self._in_flight,
            self._delivery,
            self._expiry,
            note_unknown_write=self._lease_keeper.note_unknown_write,
        )
        self._listing = Listing(journal, self._in_flight)
        withdrawing = Withdrawing(journal, self._in_flight, self._delivery, self._cancelling)
        self._ready_times = ReadyTimes(departments)
        timing, tasks = self._ready_times, self._tasks
        self.following = Following(
            journal, watches or {}, withdrawing, timing, tasks, random=random, monotonic=clock.monotonic
        )
        self.departments = departments
        self.backlogs = self._delivery.backlogs
        self.postponed = self._delivery.postponed
        counts, in_flight, leases = self._counts, self._in_flight, self._lease_keeper
        self.metrics = OrderMetrics(
            counts, journal, departments, in_flight, self._delivery, leases, self.following, clock
        )

    async def start(self) -> None:
        """Resume every order that a crash left unfinished, and call every department; raises DatabaseError."""
        await self._lease_keeper.begin()
        for department in self.departments.values():
            self._tasks.spawn(f"first call to {department.name}", partial(self._probe, department))
        self._tasks.spawn("lease", self._lease_keeper.keep)
        self._tasks.spawn("menus", self._keep_menus)
        await self.following.start()

    async def close(self) -> None:
        """Stop asking; write down what is known. What is owed is resumed at the next start, or by another gateway."""
        try:
            await self._delivery.close()
            await self._tasks.close()
            self._placed.flush()
            await self._journal.flush()
            await self._lease_keeper.end()
        finally:
            for department in self.departments.values():
                department.close()

    async def place(self, order: Order) -> Order:
        """Place an order once, however often it is sent; return it as it stands.

        Raises OrderIdTaken, OrderArchived, Overloaded, DatabaseError.
        """
        began, counts, is_own = perf_counter(), self._counts, False
        if counts.waiting >= self._policy.waiting:
            raise counts.fail(Overloaded(self._policy.waiting))
        counts.waiting += 1
        try:
            in_flight = self._in_flight.get(order.order_id) or await self._begin(order)
            is_own = in_flight.order is order
            if is_own:
                response = in_flight.response
                try:
                    await response  # without a shield, which costs more than the waiting
                except asyncio.CancelledError:
                    in_flight.replace_cancelled(response)
                    raise
            else:
                await in_flight.wait()
            if self._is_returnable(in_flight) or (is_own and _is_served(order)):
                placed = in_flight.order
            else:
                placed = await self._recorder.write_and_read(in_flight, is_own=is_own)
        except TakenOver:
            placed = await self._follow(await self._recorder.read(order.order_id))
        except Exception as error:
            counts.fail(error)
            raise
        finally:
            counts.waiting -= 1
        if is_own:
            counts.respond(placed, perf_counter() - began)
        # Compared only now: while the first with this id is written down, an older one may turn out to have it.
        if placed is not order:
            if not placed.asks_the_same(order):
                raise OrderIdTaken(order.order_id)
            await self._with_tickets(placed)
        return placed

    async def cancel(self, order_id: str) -> Order:
        """Cancel what is not being made yet; raises OrderNotFound, NotCancellable, TakenOver, DatabaseError."""
        return await self._cancelling.cancel(order_id)

    async def find(self, order_id: str) -> Order:
        """Return an order as it stands; raises OrderNotFound, OrderUnreadable, DatabaseError."""
        in_flight = self._in_flight.get(order_id)
        if in_flight is not None and self._is_returnable(in_flight):
            return await self._with_tickets(in_flight.order)
        return await self._listing.find(order_id)

    async def find_all(self, order_ids: Sequence[str]) -> list[Order]:
        """Return these orders as they stand; unknown and unreadable ones are left out. Raises DatabaseError."""
        found, others = [], []
        for order_id in order_ids:
            in_flight = self._in_flight.get(order_id)
            if in_flight is not None and self._is_returnable(in_flight):
                found.append(in_flight.order)
            else:
                others.append(order_id)
        tickets = await self._journal.tickets([order.order_id for order in found]) if found else {}
        for order in found:
            order.tickets = tickets.get(order.order_id, {})
        return [*found, *(await self._listing.find_all(others) if others else ())]

    async def list_orders(
        self, limit: int, before: int | None, status: Status | None, table: str | None, wanted: Wanted = ANY
    ) -> JournalPage:
        """List orders, newest first; raises DatabaseError."""
        return await self._listing.page(limit, before, status, table, wanted)

    @property
    def calendar(self) -> Calendar:
        """The restaurant's days."""
        return self._journal.calendar

    async def sales(self, from_ms: int | None, to_ms: int | None, by: SalesBy) -> tuple[list[Sales], int]:
        """Add up the sales of a range of time, and count the orders that cannot be read; raises DatabaseError."""
        sold, left_out = await self._journal.reports.sold(from_ms, to_ms)
        return add_up(sold, by, self.calendar), left_out

    async def ready_times(self, from_ms: int | None, to_ms: int | None) -> tuple[list[Accuracy], int]:
        """Compare the quotes of a range of time with what came true, likewise; raises DatabaseError."""
        measured, left_out = await self._journal.reports.measured(from_ms, to_ms)
        return accuracy(measured), left_out

    @property
    def reports(self) -> Reports:
        """What the reports of orders are made of."""
        return self._journal.reports

    async def menus(self) -> list[MenuSnapshot]:
        """Ask every department for its menu, all at once."""
        menus = await asyncio.gather(*(department.menu() for department in self.departments.values()))
        for menu in menus:
            self._ready_times.read_menu(menu)
        return menus

    @property
    def unreadable(self) -> int:
        """How many orders in the journal this version cannot read, as far as it has met them."""
        return self._journal.unreadable

    async def is_writable(self) -> bool:
        """Return whether orders can be written down."""
        return await self._journal.is_writable()

    async def _with_tickets(self, order: Order) -> Order:
        """Return an order with what the staff did with its tickets."""
        order.tickets = (await self._journal.tickets([order.order_id])).get(order.order_id, {})
        return order

    def _is_returnable(self, in_flight: InFlightOrder) -> bool:
        """Return whether an order may be returned as it is known here: no crash undoes it, and no other gateway has it.

        Once something was decided about an order, it is returned as it is written; before, its departments know it all.
        So it is once its first response is on record: what that left pending may expire after a crash, whatever its
        departments know.
        """
        order = in_flight.order
        may_be_elsewhere = self._journal.is_shared and (order.owed or in_flight.unwritten)
        return in_flight.is_written and not (order.epoch or in_flight.is_response_written) and not may_be_elsewhere

    async def _begin(self, order: Order) -> InFlightOrder:
        """Write an order down and ask its departments; where its id is known, return the order that has it."""
        if self._is_traced:
            carry_span(order)
        in_flight = self._in_flight.add(order, self._expiry.of_new(), is_new=True)
        try:
            self._ready_times.quote(order)
            known = await self._journal.insert(order)
            if known is None:
                in_flight.recorded()
                self._delivery.ask_all(in_flight)
                self._placed.note(order)
            elif known.owed and known.owner == self._journal.number and self._in_flight.is_current(in_flight):
                await self._delivery.take_over(in_flight)  # it was written, though this gateway received an error
                self._in_flight.forget_if_finished(in_flight)
            else:
                in_flight.order = await self._follow(known)
                self._in_flight.abandon(in_flight, None)
        except OrderArchived as error:
            self._in_flight.abandon(in_flight, error)
            raise
        except BaseException as error:
            self._in_flight.abandon(in_flight, error)
            self._lease_keeper.note_unknown_write()
            raise
        return in_flight

    async def _follow(self, order: Order) -> Order:
        """Wait, as long as a call may take, until the gateway that owns an order knows what becomes of it."""
        end = self._monotonic() + max(each.call_policy.deadline for each in self.departments.values())
        while order.status is Status.PENDING and not order.response_recorded and self._monotonic() < end:
            await asyncio.sleep(FOLLOW_SECONDS)
            order = await self._recorder.read(order.order_id)
        return order

    def _resume(self, order: Order) -> None:
        """Ask for what an order owes that another process left in the journal, and that this gateway owns now."""
        in_flight = self._in_flight.add(order, self._expiry.of_known(order))
        in_flight.recorded()
        self._delivery.ask_all(in_flight)

    async def _keep_menus(self) -> None:
        """Read the menus again every now and then: a quote needs how long the items take."""
        while True:
            await asyncio.sleep(MENU_SECONDS)
            await self.menus()

    async def _probe(self, department: Department) -> None:
        try:
            self._ready_times.read_menu(await department.probe())
        except DepartmentCallError as error:
            log.info("a department is not there yet", department=department.name, reason=str(error))


def _is_served(order: Order) -> bool:
    """Return whether every department has responded, and no line was cancelled after another gateway took the order."""
    return not (order.owed or order.epoch) and Outcome.CANCELLED not in [line.outcome for line in order.lines]
