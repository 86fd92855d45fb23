"""The order path: write it down, ask the departments at once, decide, answer; and everything that follows from a crash.

    place ── journal.insert (durable) ── ask every department ── hear ── answer ── journal.update_later
                                              │ unreachable
                                              └── backlog: asked again until acknowledged or expired

A best-effort order's outcome can be derived again from the departments, who keep what they answered, so its record is
written without being waited for. A decision that the gateway alone makes (all or nothing, cancel, expire) is durable
before any department hears of it.
"""

import asyncio
from collections.abc import Callable, Coroutine, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import structlog

from gateway.backlog import Backlog
from gateway.domain.errors import NotCancellable, OrderIdTaken, OrderNotFound, Overloaded, TakenOver
from gateway.domain.order import Answer, Goal, Order, Outcome, Status
from gateway.floor import Department, Menu, Refused, Unreachable
from gateway.journal import Journal, Page
from gateway.retries import Backoff
from plumbing.errors import DatabaseError

CLAIMED_AT_ONCE = 1000
FOLLOW_SECONDS = 0.05

log = structlog.get_logger("ordering")


@dataclass(frozen=True, slots=True)
class Patience:
    """How long the gateway tries, in seconds; and `waiting`: orders that may wait for their answer at once.

    A gateway that has not renewed its `lease` in this time is taken for dead, and its orders are taken over.
    """

    time_to_decide: float = 300.0
    first_retry: float = 0.1
    retry_cap: float = 2.0
    waiting: int = 5000
    journal_retry: float = 0.5
    lease: float = 9.0


@dataclass(slots=True)
class Running:
    """An order in memory: until it owes nothing and its record is written.

    `heard` is done when every department in `waiting` has been heard, or could not be. `on_record`: the journal has it;
    before, it is nobody's to see. `unwritten` counts the records that are still to be made of it.
    """

    order: Order
    heard: asyncio.Future[None]
    on_record: bool = True
    waiting: dict[str, Goal] = field(default_factory=dict)
    unwritten: int = 0


class Ordering:
    """The gateway's use cases."""

    def __init__(
        self,
        journal: Journal,
        departments: Mapping[str, Department],
        patience: Patience,
        *,
        clock: Callable[[], float],
        random: Callable[[], float],
    ) -> None:
        """`clock` answers seconds since 1970; `random` a number from 0 to 1."""
        self._journal = journal
        self._patience = patience
        self._clock = clock
        self._running: dict[str, Running] = {}
        self._unanswered = 0
        self._doubtful: set[str] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self.departments = departments
        self.backlogs = {name: self._backlog(department, random) for name, department in departments.items()}

    async def start(self) -> None:
        """Knock at every department, and take up every order that a crash left unfinished."""
        for department in self.departments.values():
            self._spawn(self._greet(department))
        await self._journal.enlist(self._patience.lease)
        await self._take_over()
        if self._journal.is_shared:
            self._spawn(self._keep_watch())

    async def close(self) -> None:
        """Stop asking; write down what is known. What is owed is taken up at the next start."""
        for backlog in self.backlogs.values():
            await backlog.close()
        for task in self._tasks:
            task.cancel()
        await self._journal.flush()
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
            running = self._running.get(order.order_id)
            if running is None:
                running = await self._begin(order)
            if running.order is order:
                await running.heard
                return order
            # Compared only now: while the first with this id is written down, an older one may turn out to have it.
            await asyncio.shield(running.heard)
            if not running.order.asks_the_same(order):
                raise OrderIdTaken(order.order_id)
            return await self._on_record(running)
        finally:
            self._unanswered -= 1

    async def cancel(self, order_id: str) -> Order:
        """Take back what is not being made yet; raises OrderNotFound, NotCancellable, DatabaseError."""
        running = await self._quiet(order_id)
        order = running.order
        try:
            if order.status is not Status.CANCELLED:
                await self._take_back(running)
        finally:
            self._forget(running)
        if not order.owed and all(line.outcome is not Outcome.CANCELLED for line in order.lines):
            reasons = {line.reason for line in order.lines if line.outcome is Outcome.ACCEPTED and line.reason}
            raise NotCancellable(order_id, "; ".join(sorted(reasons)))
        return order

    async def find(self, order_id: str) -> Order:
        """Answer an order as it stands; raises OrderNotFound, DatabaseError."""
        running = self._running.get(order_id)
        return await (self._find(order_id) if running is None else self._on_record(running))

    async def history(self, limit: int, before: int | None, status: Status | None, table: str | None) -> Page:
        """List orders, newest first; raises DatabaseError."""
        await self._journal.flush()
        page = await self._journal.page(limit, before, status, table)
        known = [self._running.get(order.order_id) for order in page.orders]
        orders = [run.order if run and _is_firm(run) else order for run, order in zip(known, page.orders, strict=True)]
        return Page(orders, page.cursor)

    async def menus(self) -> list[Menu]:
        """Ask every department for its menu, all at once."""
        return await asyncio.gather(*(department.menu() for department in self.departments.values()))

    async def is_writable(self) -> bool:
        """Tell whether orders can be written down."""
        return await self._journal.is_writable()

    async def _on_record(self, running: Running) -> Order:
        """Answer an order as the journal has it: whoever asks again may be told only what survives a crash."""
        order = running.order
        if _is_firm(running):
            return order
        if running.on_record and not order.settling:
            try:
                await self._journal.update(order)
            except TakenOver:
                self._hand_over(running)
        return await self._find(order.order_id)

    async def _find(self, order_id: str) -> Order:
        order = await self._journal.find(order_id)
        if order is None:
            raise OrderNotFound(order_id)
        return order

    async def _quiet(self, order_id: str) -> Running:
        """Look after an order once nobody is busy with it; raises OrderNotFound, DatabaseError."""
        while True:
            running = self._running.get(order_id) or await self._take(order_id)
            await asyncio.shield(running.heard)
            if running.order.settling:
                await asyncio.sleep(FOLLOW_SECONDS)
            elif running.heard.done() and self._running.get(order_id) is running:
                return running

    async def _begin(self, order: Order) -> Running:
        """Write an order down and ask its departments; where its id is known, answer the order that has it."""
        running = self._running[order.order_id] = Running(order, asyncio.get_running_loop().create_future(), False)
        try:
            known = await self._journal.insert(order)
            if known is not None:
                # Whoever waits for this id has to be told of the order that has it.
                running.order = known
                superseded = self._running.get(order.order_id) is not running
                if superseded or known.owner != self._journal.owner or not known.owed:
                    running.order = await self._follow(known)
                    self._drop(running)
                    running.heard.set_result(None)
                    return running
        except (DatabaseError, OrderNotFound) as error:
            self._drop(running)
            self._finish(running, error)
            self._doubt(order.order_id)
            raise
        running.on_record = True
        self._ask_all(running)
        return running

    async def _follow(self, order: Order) -> Order:
        """Wait, as long as a call may take, until the gateway that looks after an order knows what becomes of it."""
        patience = max(department.calling.deadline for department in self.departments.values())
        give_up = self._clock() + patience
        while order.owed and not order.answered and self._clock() < give_up:
            await asyncio.sleep(FOLLOW_SECONDS)
            order = await self._find(order.order_id)
        return order

    async def _take(self, order_id: str) -> Running:
        """Look after an order from here on, whichever gateway did."""
        order = await self._journal.take(order_id)
        if order is None:
            raise OrderNotFound(order_id)
        running = self._remember(order, heard=not order.owed)
        if order.owed:
            self._ask_all(running)
        return running

    async def _take_over(self) -> None:
        """Take up the unfinished orders of gateways that are no more."""
        while orders := await self._journal.claim(CLAIMED_AT_ONCE):
            log.info("resumed", orders=len(orders), first=orders[0].order_id, last=orders[-1].order_id)
            for order in orders:
                stale = self._running.get(order.order_id)
                if stale is not None and stale.on_record:
                    self._hand_over(stale)  # another gateway had it meanwhile: what it wrote counts
                self._ask_all(self._remember(order, heard=True))

    async def _keep_watch(self) -> None:
        """Renew the lease, and look for gateways whose leases ended."""
        while True:
            await asyncio.sleep(self._patience.lease / 3)
            try:
                if not await self._journal.renew(self._patience.lease):
                    log.warning("this gateway was taken for dead; it starts over", number=self._journal.owner)
                    for running in list(self._running.values()):
                        self._hand_over(running)
                    await self._journal.enlist(self._patience.lease)
                await self._take_over()
            except DatabaseError as error:
                log.error("the lease is not renewed", reason=str(error))

    def _hand_over(self, running: Running) -> None:
        """Forget an order that another gateway looks after."""
        order = running.order
        self._drop(running)
        order.owed.clear()
        self._finish(running, TakenOver(order.order_id))

    def _remember(self, order: Order, *, heard: bool) -> Running:
        """Look after an order that is on record, whatever is being begun under its id."""
        known = self._running.get(order.order_id)
        if known is not None and known.on_record:
            return known
        running = self._running[order.order_id] = Running(order, asyncio.get_running_loop().create_future())
        if heard:
            running.heard.set_result(None)
        return running

    def _mine(self, order: Order) -> Running | None:
        """Answer what this gateway knows of an order it was given before, unless it was handed over meanwhile."""
        running = self._running.get(order.order_id)
        return running if running is not None and running.order is order else None

    def _drop(self, running: Running) -> None:
        if self._running.get(running.order.order_id) is running:
            del self._running[running.order.order_id]

    def _doubt(self, order_id: str) -> None:
        """Look again for an order whose insertion failed: nobody knows whether it was written after all."""
        if not self._doubtful:
            self._spawn(self._resolve_doubts())
        if len(self._doubtful) < self._patience.waiting:  # more than that are left to the next start
            self._doubtful.add(order_id)

    async def _resolve_doubts(self) -> None:
        while self._doubtful:
            await asyncio.sleep(self._patience.journal_retry)
            try:
                for order_id in list(self._doubtful):
                    order = await self._journal.find(order_id)
                    self._doubtful.discard(order_id)
                    if order is None or order_id in self._running:
                        continue
                    if order.owed and order.owner == self._journal.owner:
                        self._ask_all(self._remember(order, heard=True))
            except DatabaseError as error:
                log.error("it is not known yet whether orders were written", reason=str(error))

    def _ask_all(self, running: Running) -> None:
        running.waiting = dict(running.order.owed)
        for name in list(running.waiting):
            self._ask(running, name)

    def _ask(self, running: Running, name: str) -> None:
        order = running.order
        goal = order.owed.get(name)
        if goal is None or order.settling:
            return
        department = self.departments.get(name)
        if department is None:
            self._hear(running, name, goal, Refused(f"there is no department {name} any more"))
            return

        def hear(answer: "asyncio.Future[Answer]") -> None:
            if not answer.cancelled():
                self._hear(running, name, goal, answer.exception() or answer.result())

        department.ask(goal, order).add_done_callback(hear)

    def _hear(self, running: Running, name: str, goal: Goal, answer: "Answer | BaseException") -> None:
        """Take in what a department said, or that it did not."""
        order = running.order
        is_wanted = order.owed.get(name) is goal
        if isinstance(answer, Answer):
            order.hear(name, goal, answer)
        elif isinstance(answer, Refused):
            log.error("a department refused an order", order_id=order.order_id, goal=goal.value, reason=str(answer))
            if is_wanted:
                order.refuse(name, str(answer))
        else:
            if not isinstance(answer, Unreachable):
                log.error("asking a department failed", order_id=order.order_id, exc_info=answer)
            order.explain_pending(name, f"{name} cannot be reached; it is still being tried")
            if name in order.owed:
                self.backlogs[name].add(order)
        if running.waiting.get(name) is goal:
            del running.waiting[name]
        if order.settling:
            return  # what is being written down is asked next, and its answers finish the order
        if is_wanted and goal is Goal.HOLD and order.decide():
            self._settle_soon(running)
        elif not running.waiting:
            self._finish(running)
            self._record(running)

    def _finish(self, running: Running, error: Exception | None = None) -> None:
        """Answer whoever waits for this order."""
        if running.heard.done():
            return
        if error is None:
            running.order.answered = True
            running.heard.set_result(None)
        else:
            running.heard.set_exception(error)
            running.heard.exception()  # nobody has to be waiting

    def _record(self, running: Running) -> None:
        """Write down how an order stands, when it costs least; forget it once nothing is left to do."""
        running.unwritten += 1
        self._write(running)

    def _write(self, running: Running) -> None:
        def written(result: "asyncio.Future[Order | None]") -> None:
            if result.cancelled():
                return
            error = result.exception()
            if isinstance(error, TakenOver):
                self._hand_over(running)
                return
            if error is not None:
                log.error("an order's outcome is not written yet", order_id=running.order.order_id, reason=str(error))
                asyncio.get_running_loop().call_later(self._patience.journal_retry, self._write, running)
                return
            running.unwritten -= 1
            self._forget(running)

        self._journal.update_later(running.order).add_done_callback(written)

    def _forget(self, running: Running) -> None:
        order = running.order
        if running.heard.done() and not (order.owed or order.settling or running.unwritten):
            self._drop(running)

    async def _take_back(self, running: Running) -> None:
        """Cancel as the guest wishes, and wait for what the departments say.

        Raises NotCancellable, TakenOver, DatabaseError, and then nothing has changed.
        """
        order, before = running.order, dict(running.order.owed)
        order.take_back()
        heard = running.heard = asyncio.get_running_loop().create_future()
        try:
            await self._settle(running)
        except TakenOver:
            self._hand_over(running)
            raise
        except DatabaseError:
            heard.set_result(None)
            self._undo(running, before)
            self._record(running)  # it may have been written after all
            raise
        await asyncio.shield(heard)

    async def _settle(self, running: Running) -> None:
        """Write a decision down, then tell the departments; raises DatabaseError."""
        order = running.order
        order.settling = True
        try:
            await self._journal.update(order)
        finally:
            order.settling = False
        self._ask_all(running)

    def _settle_soon(self, running: Running) -> None:
        """Settle what the gateway decided by itself; whoever asks for the order meanwhile waits for it."""
        running.order.settling = True
        if running.heard.done():
            running.heard = asyncio.get_running_loop().create_future()
        self._spawn(self._settle_at_last(running))

    async def _settle_at_last(self, running: Running) -> None:
        """Settle, however long the journal cannot be written; the guest is answered once it is."""
        while True:
            try:
                await self._settle(running)
                return
            except TakenOver:
                self._hand_over(running)
                return
            except DatabaseError as error:
                log.error("a decision is not written yet", order_id=running.order.order_id, reason=str(error))
                running.order.settling = True
                await asyncio.sleep(self._patience.journal_retry)

    def _undo(self, running: Running, before: dict[str, Goal]) -> None:
        """Forget a cancelling that could not be written; what was owed before is owed again."""
        order = running.order
        for name in [name for name, goal in order.owed.items() if goal is Goal.CANCEL and before.get(name) is not goal]:
            del order.owed[name]
            if name in before:
                order.owed[name] = before[name]
                self._ask(running, name)

    def _expire(self, orders: Iterable[Order]) -> None:
        """Give up orders that are too old, if their guests know them to be pending.

        An order whose answer is not on record may have been accepted before a crash: only its departments can tell.
        """
        latest = (self._clock() - self._patience.time_to_decide) * 1000
        for order in orders:
            if not order.answered or order.created_at_ms >= latest or order.settling:
                continue
            if (running := self._mine(order)) and order.expire():
                log.warning("expired", order_id=order.order_id)
                self._settle_soon(running)

    async def _greet(self, department: Department) -> None:
        try:
            await department.knock()
        except Unreachable as error:
            log.info("a department is not there yet", department=department.name, reason=str(error))

    def _backlog(self, department: Department, random: Callable[[], float]) -> Backlog:
        name = department.name

        def again(order: Order) -> None:
            if running := self._mine(order):
                self._ask(running, name)

        def heard(order: Order, goal: Goal, answer: "Answer | Exception") -> None:
            if running := self._mine(order):
                self._hear(running, name, goal, answer)

        backlog = Backlog(
            department,
            Backoff(self._patience.first_retry, self._patience.retry_cap, random),
            department.calling.orders_per_call,
            heard=heard,
            ask=again,
            expire=self._expire,
        )
        department.on_failure = backlog.watch
        return backlog

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


def _is_firm(running: Running) -> bool:
    """Tell whether an order is on record as it is in memory."""
    return running.on_record and not (running.unwritten or running.waiting or running.order.settling)
