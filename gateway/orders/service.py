"""The order path: write it down, ask the departments at once, decide, answer; and everything that follows from a crash.

    place ── journal.insert (durable) ── ask every department ── hear ── answer ── journal.update_later
                                              ├── unreachable: backlog ──────┐
                                              └── not now, or a decision ────┴─ asked again until acknowledged,
                                                  refused: postponed            a placing until it expires

A refusal is final for placing only. A decision (confirm, suspend, cancel) stays owed until its department acknowledges
it, whatever the department responds meanwhile; also while the department is not configured: then the journal keeps it
for a gateway whose settings name the department again.

What a department said can be had from it again, for it keeps what it answered, so an order's record of that is written
without being waited for. A decision that the gateway alone makes (all or nothing, cancel, expire, give up) is durable
before any department, or any guest, hears of it.
"""

import asyncio
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import partial

import structlog

from gateway.department_client.client import DepartmentClient
from gateway.department_client.errors import Deferred, DepartmentCallError, IdTaken, NotConfigured, Refused, Unreachable
from gateway.domain.errors import BrokenOff, NotCancellable, OrderIdTaken, OrderNotFound, Overloaded, TakenOver
from gateway.domain.lines import Outcome, TicketResult
from gateway.domain.menu import MenuSnapshot
from gateway.domain.order import Order, Status
from gateway.domain.transitions import PLACING, Goal
from gateway.orders.backlog import Backlog
from gateway.orders.backoff import Backoff
from gateway.orders.expiry import Expiry
from gateway.orders.in_flight import InFlightOrder, InFlightOrders
from gateway.orders.journal import Journal, Page
from gateway.orders.leases import LEASE_SECONDS
from gateway.orders.listing import Listing
from gateway.orders.ownership import LeaseKeeper
from gateway.orders.placed_log import PlacedLog
from gateway.orders.postponed import Postponed
from infra.clock import Clock
from infra.errors import DatabaseError
from infra.supervise import Work, supervised

FOLLOW_SECONDS = 0.05
TRIES_TO_CANCEL = 5

log = structlog.get_logger("ordering")


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """How long the gateway tries, in seconds; and `waiting`: orders that may wait for their answer at once.

    A gateway that has not renewed its `lease` in this time is taken for dead, and its orders are taken over.
    """

    time_to_decide: float = 300.0
    first_retry: float = 0.1
    retry_cap: float = 2.0
    waiting: int = 3000
    journal_retry: float = 0.5
    lease: float = LEASE_SECONDS


class OrderService:
    """The gateway's use cases."""

    def __init__(
        self,
        journal: Journal,
        departments: Mapping[str, DepartmentClient],
        patience: RetryPolicy,
        *,
        clock: Clock,
        random: Callable[[], float],
    ) -> None:
        """`random` returns a number from 0 to 1."""
        self._journal = journal
        self._patience = patience
        self._monotonic = clock.monotonic
        self._expiry = Expiry(clock, patience.time_to_decide)
        self._running = InFlightOrders()
        self._unanswered = 0
        self._placed = PlacedLog()
        self._tasks: dict[asyncio.Task[None], None] = {}  # in the order in which they began
        self._watch = LeaseKeeper(
            journal,
            patience.lease,
            monotonic=clock.monotonic,
            knows=self._running.__contains__,
            adopt=self._adopt,
            let_go=self._running.hand_over_all,
        )
        self._listing = Listing(journal, self._running)
        self.departments = departments
        self.backlogs = {name: self._backlog(department, random) for name, department in departments.items()}
        self.postponed = {name: self._postponed(department, random) for name, department in departments.items()}

    async def start(self) -> None:
        """Take up every order that a crash left unfinished, and knock at every department; raises DatabaseError."""
        await self._watch.begin()
        for department in self.departments.values():
            self._spawn(f"first call to {department.name}", partial(self._greet, department))
        self._spawn("lease", self._watch.keep)

    async def close(self) -> None:
        """Stop asking; write down what is known. What is owed is taken up at the next start, or by another gateway."""
        try:
            for backlog in self.backlogs.values():
                await backlog.close()
            for postponed in self.postponed.values():
                await postponed.close()
            for task in self._tasks:
                task.cancel()
            if self._tasks:
                await asyncio.wait(self._tasks)
            self._placed.flush()
            await self._journal.flush()
            await self._watch.end()
        finally:
            for department in self.departments.values():
                department.close()

    async def place(self, order: Order) -> Order:
        """Place an order once, however often it is sent; answers it as it stands.

        Raises OrderIdTaken, Overloaded, DatabaseError.
        """
        if self._unanswered >= self._patience.waiting:
            raise Overloaded(self._patience.waiting)
        self._unanswered += 1
        try:
            running = self._running.get(order.order_id) or await self._begin(order)
            if running.order is order:
                await self._wait_alone(running)
            else:
                await running.wait()
            is_firm = self._is_firm(running) or (running.order is order and _is_served(order))
            placed = running.order if is_firm else await self._written(running, is_own=running.order is order)
        except TakenOver:
            placed = await self._follow(await self._find(order.order_id))
        finally:
            self._unanswered -= 1
        # Compared only now: while the first with this id is written down, an older one may turn out to have it.
        if placed is not order and not placed.asks_the_same(order):
            raise OrderIdTaken(order.order_id)
        return placed

    async def cancel(self, order_id: str) -> Order:
        """Take back what is not being made yet; raises OrderNotFound, NotCancellable, TakenOver, DatabaseError."""
        for left in reversed(range(TRIES_TO_CANCEL)):
            try:
                return await self._cancel(await self._take_charge(order_id))
            except TakenOver:
                if not left:
                    raise
        raise AssertionError("the last try answers or raises")

    async def find(self, order_id: str) -> Order:
        """Answer an order as it stands; raises OrderNotFound, DatabaseError."""
        running = self._running.get(order_id)
        if running is not None and self._is_firm(running):
            return running.order
        return await self._listing.find(order_id)

    async def history(self, limit: int, before: int | None, status: Status | None, table: str | None) -> Page:
        """List orders, newest first; raises DatabaseError."""
        return await self._listing.page(limit, before, status, table)

    async def menus(self) -> list[MenuSnapshot]:
        """Ask every department for its menu, all at once."""
        return await asyncio.gather(*(department.menu() for department in self.departments.values()))

    @property
    def unreadable(self) -> int:
        """How many orders in the journal this version cannot read, as far as it has met them."""
        return self._journal.unreadable

    async def is_writable(self) -> bool:
        """Tell whether orders can be written down."""
        return await self._journal.is_writable()

    def _is_firm(self, running: InFlightOrder) -> bool:
        """Tell whether an order may be told as it is known here: no crash would take it back, and nobody else has it.

        Once something was decided about an order, it is told as it is written; before, its departments know it all. So
        it is once its answer is on record: what that left pending may be given up after a crash, whatever its
        departments know.
        """
        order = running.order
        may_be_elsewhere = self._journal.is_shared and (order.owed or running.unwritten)
        return running.on_record and not (order.epoch or running.is_answer_written) and not may_be_elsewhere

    async def _written(self, running: InFlightOrder, *, is_own: bool = False) -> Order:
        """Write an order as it is known here, then answer it as it is written; raises TakenOver, DatabaseError.

        Nothing is written where the same was written last. Then nothing is read either, unless another gateway may have
        decided something since; before the first answer to the guest who waits (`is_own`) that is no matter, for what
        was decided here was true while the guest waited.
        """
        order = running.order
        if self._running.is_current(running) and running.on_record and not order.decision_unwritten:
            if running.durable == running.state():
                return order if is_own or not self._journal.is_shared else await self._find(order.order_id)
            try:
                await self._journal.update(order)
            except TakenOver:
                self._running.hand_over(running)
                raise
        return await self._find(order.order_id)

    async def _find(self, order_id: str) -> Order:
        order = await self._journal.find(order_id)
        if order is None:
            raise OrderNotFound(order_id)
        return order

    async def _wait_alone(self, running: InFlightOrder) -> None:
        """Wait as the guest who sent the order first: without a shield, which costs more than the waiting."""
        heard = running.heard
        try:
            await heard
        except asyncio.CancelledError:
            running.leave(heard)
            raise

    async def _begin(self, order: Order) -> InFlightOrder:
        """Write an order down and ask its departments; where its id is known, answer the order that has it."""
        running = self._running.add(order, self._expiry.of_new(), is_new=True, on_record=False)
        try:
            known = await self._journal.insert(order)
            if known is None:
                running.on_record = True
                self._ask_all(running)
                self._placed.note(order)
            elif known.owed and known.owner == self._journal.number and self._running.is_current(running):
                await self._take(running)  # it was written, though this gateway was told otherwise
                self._forget(running)
            else:
                running.order = await self._follow(known)
                self._running.forget(running)
                running.finish()
        except BaseException as error:
            self._give_up(running, error)
            raise
        return running

    async def _follow(self, order: Order) -> Order:
        """Wait, as long as a call may take, until the gateway that looks after an order knows what becomes of it."""
        patience = max(department.call_policy.deadline for department in self.departments.values())
        give_up = self._monotonic() + patience
        while order.status is Status.PENDING and not order.response_recorded and self._monotonic() < give_up:
            await asyncio.sleep(FOLLOW_SECONDS)
            order = await self._find(order.order_id)
        return order

    async def _take_charge(self, order_id: str) -> InFlightOrder:
        """Look after an order once all its departments have been heard.

        Raises OrderNotFound, TakenOver, DatabaseError.
        """
        while True:
            running = self._running.get(order_id)
            if running is None:
                order = await self._find(order_id)
                if order_id in self._running:
                    continue
                running = self._running.add(order, self._expiry.of_new(), on_record=False)
                try:
                    await self._take(running)
                except BaseException as error:
                    self._give_up(running, error)
                    raise
            await running.wait()
            if running.heard.done() and self._running.is_current(running):
                return running

    async def _take(self, running: InFlightOrder) -> None:
        """Look after an order from here on, whichever gateway did."""
        order = await self._journal.take(running.order.order_id)
        if order is None:
            raise OrderNotFound(running.order.order_id)
        running.order, running.is_new, running.on_record = order, False, True
        self._running.put(running)
        if order.owed:
            self._ask_all(running)
        else:
            running.finish()

    def _adopt(self, order: Order) -> None:
        self._ask_all(self._running.add(order, self._expiry.of_known(order)))

    def _give_up(self, running: InFlightOrder, error: BaseException) -> None:
        """End the waiting for an order that could not be written, whatever the reason; whether it was will show."""
        self._running.forget(running)
        running.finish(error if isinstance(error, Exception) else BrokenOff(running.order.order_id))
        self._watch.doubt()

    async def _cancel(self, running: InFlightOrder) -> Order:
        order = running.order
        try:
            if order.status is not Status.CANCELLED:
                await self._take_back(running)
            order = await self._written(running)
        finally:
            self._forget(running)
        is_under_way = not {Goal.CANCEL, Goal.SUSPEND}.isdisjoint(order.owed.values())
        if not is_under_way and all(line.outcome is not Outcome.CANCELLED for line in order.lines):
            reasons = {line.reason for line in order.lines if line.outcome is Outcome.ACCEPTED and line.reason}
            raise NotCancellable(order.order_id, "; ".join(sorted(reasons)))
        return order

    async def _take_back(self, running: InFlightOrder) -> None:
        """Cancel as the guest wishes, and wait for what the departments say.

        Raises NotCancellable, TakenOver, DatabaseError, and then nothing has changed.
        """
        order, before = running.order, dict(running.order.owed)
        order.cancel()
        running.heard = asyncio.get_running_loop().create_future()
        try:
            await self._settle(running)
        except TakenOver:
            self._running.hand_over(running)
            raise
        except DatabaseError:
            running.finish()
            order.owed = before
            self._ask_all(running)  # whose record overwrites the cancelling, should it be written after all
            raise
        except (Exception, asyncio.CancelledError):
            self._settle_soon(running)  # it may be written, and others may wait for it: it is carried out
            raise
        await running.wait()

    def _ask_all(self, running: InFlightOrder) -> None:
        running.waiting = dict(running.order.owed)
        names = list(running.waiting)
        for name in names:
            self._ask(running, name)
        if not names and not running.order.decision_unwritten:
            self._conclude(running)

    def _ask(self, running: InFlightOrder, name: str) -> None:
        order = running.order
        goal, epoch = order.owed.get(name), order.epoch
        if goal is None or order.decision_unwritten:
            return
        department = self.departments.get(name)
        if department is None:
            self._hear(running, name, goal, epoch, NotConfigured(name))
            return

        def hear(answer: "asyncio.Future[TicketResult]") -> None:
            if not answer.cancelled():
                self._hear(running, name, goal, epoch, answer.exception() or answer.result())

        department.submit(goal, order).add_done_callback(hear)

    def _hear(
        self, running: InFlightOrder, name: str, goal: Goal, epoch: int, answer: "TicketResult | BaseException"
    ) -> None:
        """Take in what a department responded, or that it did not."""
        order = running.order
        if order.epoch != epoch or order.owed.get(name) is not goal or not self._running.is_current(running):
            return  # it was asked before the last decision, and whatever is still owed is asked anew
        if isinstance(answer, TicketResult):
            self._take_in(running, name, goal, answer)
        elif goal in PLACING and isinstance(answer, Refused):
            log.error("a department refused an order", order_id=order.order_id, goal=goal.value, reason=str(answer))
            order.reject(name, str(answer), tombstone=not isinstance(answer, IdTaken))
        elif goal in PLACING and isinstance(answer, NotConfigured):
            log.error("an order is not placed", order_id=order.order_id, goal=goal.value, reason=str(answer))
            order.reject_unconfigured(name, str(answer))
        else:
            self._keep_owed(running, name, goal, answer)
        running.waiting.pop(name, None)
        if order.decide(goal) or order.epoch != epoch:
            self._settle_soon(running)
        elif not running.waiting:
            self._conclude(running)

    def _take_in(self, running: InFlightOrder, name: str, goal: Goal, answer: TicketResult) -> None:
        try:
            running.order.record_response(name, goal, answer)
        except Exception as error:  # noqa: BLE001 - not swallowed: it is logged, and the order stays owed
            running.order.owed[name] = goal
            self._keep_owed(running, name, goal, error)

    def _keep_owed(self, running: InFlightOrder, name: str, goal: Goal, error: BaseException) -> None:
        """Leave owed what a department did not acknowledge, and see that it is asked for again where it can be."""
        order = running.order
        if not isinstance(error, DepartmentCallError):
            log.error("asking a department failed", order_id=order.order_id, department=name, exc_info=error)
            error = Deferred(name, f"{type(error).__name__}: {error}")
        if goal not in PLACING and not isinstance(error, Unreachable):
            self._report(running, name, goal, error)
        if isinstance(error, Unreachable):
            order.explain_pending(name, f"{name} cannot be reached; it is still being tried")
            self.backlogs[name].add(order)
            return
        order.explain_pending(name, str(error))
        if not isinstance(error, NotConfigured):
            self.postponed[name].add(order)

    def _report(self, running: InFlightOrder, name: str, goal: Goal, error: DepartmentCallError) -> None:
        """Log that a decision is not acknowledged: once for each order and reason, however often it is tried."""
        reason = error.cause if isinstance(error, Deferred) else str(error)
        running.reported = reported = running.reported or {}
        if reported.get(name) == (goal, reason):
            return
        reported[name] = (goal, reason)
        order_id = running.order.order_id
        log.error("a decision is still owed", order_id=order_id, department=name, goal=goal.value, reason=reason)

    def _conclude(self, running: InFlightOrder) -> None:
        """Answer the guest, and write down how the order stands when it costs least."""
        running.finish()
        running.unwritten += 1
        self._record(running)

    def _record(self, running: InFlightOrder) -> None:
        order = running.order
        state = running.state() if order.owed else None  # else it will be forgotten
        answered = order.response_recorded

        def recorded(result: "asyncio.Future[Order | None]") -> None:
            error = None if result.cancelled() else result.exception()
            if result.cancelled() or not self._running.is_current(running):
                return
            if isinstance(error, TakenOver):
                self._running.hand_over(running)
            elif error is not None:
                log.debug("an order's outcome is not written yet", order_id=running.order.order_id, reason=str(error))
                asyncio.get_running_loop().call_later(self._patience.journal_retry, self._record, running)
            else:
                running.unwritten -= 1
                running.durable, running.is_answer_written = state, answered
                self._forget(running)

        if self._running.is_current(running):
            self._journal.update_later(running.order).add_done_callback(recorded)

    def _forget(self, running: InFlightOrder) -> None:
        """Forget an order once nothing is left to do."""
        order = running.order
        if running.heard.done() and not (order.owed or order.decision_unwritten or running.unwritten):
            self._running.forget(running)

    async def _settle(self, running: InFlightOrder) -> None:
        """Write a decision down, then tell the departments; raises TakenOver, DatabaseError."""
        order = running.order
        order.decision_unwritten = True
        written = running.state()
        try:
            await self._journal.update(order)
            running.durable = written
        finally:
            order.decision_unwritten = False
        if self._running.is_current(running):
            self._ask_all(running)

    def _settle_soon(self, running: InFlightOrder) -> None:
        """Settle what the gateway decided by itself; whoever asks for the order meanwhile waits for it."""
        running.order.decision_unwritten = True
        if running.heard.done():
            running.heard = asyncio.get_running_loop().create_future()
        self._spawn(f"decision about {running.order.order_id}", partial(self._settle_at_last, running))

    async def _settle_at_last(self, running: InFlightOrder) -> None:
        """Settle, however long the journal cannot be written; who waits is told meanwhile how the order stands."""
        while self._running.is_current(running):
            try:
                await self._settle(running)
                return
            except TakenOver:
                self._running.hand_over(running)
            except DatabaseError as error:
                log.debug("a decision is not written yet", order_id=running.order.order_id, reason=str(error))
                await self._pause(running)
            except Exception as error:  # a fault of ours: it is logged, and the decision written again
                log.error("a decision is not written yet", order_id=running.order.order_id, exc_info=error)
                await self._pause(running)

    async def _pause(self, running: InFlightOrder) -> None:
        """Wait before a decision is written again; whoever waits for the order is told how it stands."""
        running.order.decision_unwritten = True
        running.finish()
        running.heard = asyncio.get_running_loop().create_future()
        await asyncio.sleep(self._patience.journal_retry)

    def _expire(self, orders: Iterable[Order]) -> None:
        """Give up orders that are too old."""
        now = self._monotonic()
        for order in orders:
            running = None if order.decision_unwritten else self._running.of(order)
            if running is not None and running.expires_at < now and order.expire():
                log.warning("expired", order_id=order.order_id)
                self._settle_soon(running)

    async def _greet(self, department: DepartmentClient) -> None:
        try:
            await department.probe()
        except DepartmentCallError as error:
            log.info("a department is not there yet", department=department.name, reason=str(error))

    def _backlog(self, department: DepartmentClient, random: Callable[[], float]) -> Backlog:
        name = department.name

        def again(order: Order) -> None:
            if running := self._running.of(order):
                self._ask(running, name)

        backlog = Backlog(
            department, self._backoff(random), heard=partial(self._hear_again, name), ask=again, expire=self._expire
        )
        department.on_failure = backlog.watch
        return backlog

    def _postponed(self, department: DepartmentClient, random: Callable[[], float]) -> Postponed:
        heard = partial(self._hear_again, department.name)
        return Postponed(department, self._backoff(random), heard=heard, expire=self._expire)

    def _hear_again(
        self, name: str, order: Order, goal: Goal, epoch: int, answer: "TicketResult | BaseException"
    ) -> None:
        """Take in what came of asking again, unless the order was handed over meanwhile."""
        if running := self._running.of(order):
            self._hear(running, name, goal, epoch, answer)

    def _backoff(self, random: Callable[[], float]) -> Backoff:
        return Backoff(self._patience.first_retry, self._patience.retry_cap, random)

    def _spawn(self, name: str, work: Work) -> None:
        task = asyncio.get_running_loop().create_task(supervised(name, work))
        self._tasks[task] = None
        task.add_done_callback(self._tasks.pop)


def _is_served(order: Order) -> bool:
    """Tell whether every department has answered an order, and none that another gateway took it back."""
    return not (order.owed or order.epoch) and all(line.outcome is not Outcome.CANCELLED for line in order.lines)
