"""Following the departments, so that an order says what the staff did with its tickets.

One watch a department is always open, and tells only of tickets that the staff have moved: an order that is placed
costs nothing here. A page and the position after it are written in one transaction. A ticket that the staff cancelled,
or a line of it, is written as unsettled, and then recorded in the order's own row (withdrawing.py); what a crash leaves
unsettled is taken up at the next start. Every gateway follows for itself, so what one leaves undone another one does.
"""

import asyncio
from collections.abc import Callable, Collection, Iterable, Mapping
from contextlib import aclosing
from functools import partial

import structlog

from gateway.department_client.errors import DepartmentCallError
from gateway.domain.errors import BrokenOff, OrderUnreadable, TakenOver
from gateway.domain.tickets import ChangePage, Position
from gateway.orders.backoff import Backoff
from gateway.orders.journal import Journal
from gateway.orders.ready_times import ReadyTimes
from gateway.orders.tasks import BackgroundTasks
from gateway.orders.ticket_states import Page, Withdrawal, withdrawals
from gateway.orders.watches import Watch
from gateway.orders.withdrawing import Withdrawing
from infra.errors import DatabaseError

FROM_ORDERS = "gateway"
"""The source of tickets that belong to orders of the journal; the others were sold over a department's counter."""

FIRST_RETRY_SECONDS = 0.05
RETRY_CAP_SECONDS = 0.5
"""Until a watch is opened again, or a withdrawal tried again, at most: an order is to follow within a second."""

SECOND_GATEWAY_SECONDS = 0.3
"""How long a gateway leaves a withdrawal to the gateway that has written it down first."""

AWAY_SECONDS = 15.0
"""For how long nothing has come of a department, which sends something every 5 s, when the log says so."""

WITHDRAWALS_AT_ONCE = 16

log = structlog.get_logger("following")


def _nobody(_: object) -> None:
    """Stand where nobody wants to know what has changed."""


class Following:
    """Follows all departments, for as long as the gateway runs.

    `on_change` is called with the ids of orders whose tickets or whose own record changed, once that is written;
    `on_steps` with each page of tickets that the staff have moved, as it comes.
    """

    def __init__(
        self,
        journal: Journal,
        watches: Mapping[str, Watch],
        withdrawing: Withdrawing,
        ready_times: ReadyTimes,
        tasks: BackgroundTasks,
        *,
        random: Callable[[], float],
        monotonic: Callable[[], float],
    ) -> None:
        """`random` returns a number from 0 to 1; `tasks` are cancelled by their owner.

        `monotonic` returns seconds of a monotonic clock.
        """
        self.received_at: dict[str, float] = {}
        """When the last page of each department came, by the monotonic clock; before the first, when this started."""
        self._journal = journal
        self._watches = watches
        self._withdrawing = withdrawing
        self._ready_times = ready_times
        self._tasks = tasks
        self._random = random
        self._monotonic = monotonic
        self._positions: dict[str, Position] = {}
        self._unsettled: set[Withdrawal] = set()
        self._failing: set[str] = set()
        self._permits = asyncio.Semaphore(WITHDRAWALS_AT_ONCE)
        self.on_change: Callable[[Collection[str]], None] = _nobody
        self.on_steps: Callable[[ChangePage], None] = _nobody

    @property
    def unsettled(self) -> int:
        """How many withdrawals this gateway has still to find in the orders' records, or to write there."""
        return len(self._unsettled)

    def is_complete(self) -> bool:
        """Return whether every department is followed from where it is, or was at least once."""
        return self._positions.keys() >= self._watches.keys()

    async def start(self) -> None:
        """Take up what was left, and follow; raises DatabaseError."""
        if not self._watches:
            return
        self._positions, unsettled = await self._journal.followed()
        self.received_at = dict.fromkeys(self._watches, self._monotonic())
        self._settle(unsettled, is_first=True)
        for name, watch in self._watches.items():
            self._tasks.spawn(f"following {name}", partial(self._follow, name, watch))

    async def _follow(self, name: str, watch: Watch) -> None:
        backoff = self._backoff()
        while True:
            try:
                await self._follow_once(name, watch, backoff)
            except (DepartmentCallError, DatabaseError) as error:
                self._note_failure(name, str(error))
            await asyncio.sleep(backoff.next())

    async def _follow_once(self, name: str, watch: Watch, backoff: Backoff) -> None:
        """Follow a department until its watch breaks, or the journal."""
        in_snapshot = False
        async with aclosing(watch.pages(self._positions.get(name), moved_only=True)) as pages:
            async for page in pages:
                in_snapshot |= page.reset
                if page.tickets and not in_snapshot:
                    self.on_steps(page)
                await self._write(page, is_snapshot=in_snapshot)
                self._ready_times.observe(page)
                self._note_received(name)
                in_snapshot &= page.more
                backoff.reset()

    def _note_received(self, name: str) -> None:
        self.received_at[name] = self._monotonic()
        if name in self._failing:
            self._failing.discard(name)
            log.info("the tickets of orders are followed again", department=name)

    def _note_failure(self, name: str, reason: str) -> None:
        """Log that what the staff do does not reach the orders, once until it does: a restart is over before."""
        if name not in self._failing and self._monotonic() - self.received_at[name] >= AWAY_SECONDS:
            self._failing.add(name)
            log.warning("the tickets of orders cannot be followed", department=name, reason=reason)

    async def _write(self, page: ChangePage, *, is_snapshot: bool) -> None:
        """Write a page down, and then record its withdrawals in the orders' rows."""
        position = None if page.more else Position(page.incarnation, page.revision)
        tickets = [ticket for ticket in page.tickets if ticket.source == FROM_ORDERS]
        if tickets or is_snapshot:
            written = Page(page.department, page.incarnation, tickets, position, is_snapshot)
            new = await self._journal.write_followed(written)
            self._settle(new, is_first=True)
            self._settle({*withdrawals(written)} - new, is_first=False)
            self.on_change([ticket.order_id for ticket in tickets])
        if position is not None:
            self._positions[page.department] = position

    def _settle(self, withdrawals: Iterable[Withdrawal], *, is_first: bool) -> None:
        for withdrawal in sorted(withdrawals):
            if withdrawal not in self._unsettled:
                self._unsettled.add(withdrawal)
                work = partial(self._settle_one, withdrawal, 0.0 if is_first else SECOND_GATEWAY_SECONDS)
                self._tasks.spawn(f"withdrawal of {withdrawal.order_id} by {withdrawal.department}", work)

    async def _settle_one(self, withdrawal: Withdrawal, delay: float) -> None:
        """Record a withdrawal in the order's row, or wait until another gateway has."""
        backoff = self._backoff()
        await asyncio.sleep(delay)
        while not await self._try_to_settle(withdrawal):  # noqa: ASYNC110 - the fact is in a database
            await asyncio.sleep(backoff.next())
        self._unsettled.discard(withdrawal)
        self.on_change([withdrawal.order_id])

    async def _try_to_settle(self, withdrawal: Withdrawal) -> bool:
        async with self._permits:
            try:
                return await self._withdrawing.record(withdrawal)
            except OrderUnreadable:
                return True  # logged by the journal; it stays unsettled there, for a version that can read the order
            except (TakenOver, BrokenOff, DatabaseError) as error:
                log.debug("a withdrawal is not recorded yet", order_id=withdrawal.order_id, reason=str(error))
                return False

    def _backoff(self) -> Backoff:
        return Backoff(FIRST_RETRY_SECONDS, RETRY_CAP_SECONDS, self._random)
