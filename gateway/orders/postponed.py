"""Orders that one department could be asked for, and that it refused or did not do: they are asked for again in turns.

This is about a department that responds; one that does not is the backlog's (see backlog.py). A turn is one order at
first. It doubles while everything in it is acknowledged and shrinks to one where nothing is, so that an order for which
the department fails each time costs one call an interval, and delays no other order: it goes behind all others. The
interval grows, up to a cap, until something is acknowledged.
"""

import asyncio
from collections.abc import Callable, Iterable
from itertools import islice

from gateway.domain.lines import TicketResult
from gateway.domain.order import Order
from gateway.domain.transitions import Goal
from gateway.orders.backoff import Backoff
from gateway.orders.departments import Department
from infra.supervise import end, supervised

MOST_IN_A_TURN = 256

Receive = Callable[[Order, Goal, int, "TicketResult | BaseException"], None]
"""Called with an order, the goal that was asked for, under which epoch, and the response."""


class Postponed:
    """Orders that one department is to be asked for again, later."""

    def __init__(
        self,
        department: Department,
        backoff: Backoff,
        *,
        receive: Receive,
        expire: Callable[[Iterable[Order]], None],
    ) -> None:
        """`receive` records a response, and may postpone the order anew; `expire` expires orders that are too old."""
        self._department = department
        self._backoff = backoff
        self._receive = receive
        self._expire = expire
        self._orders: dict[str, Order] = {}
        self._turn = 1
        self._task: asyncio.Task[None] | None = None

    def __len__(self) -> int:
        """How many orders wait for their turn."""
        return len(self._orders)

    def add(self, order: Order) -> None:
        """Ask for an order again, after all that wait already."""
        self._orders[order.order_id] = order
        if self._task is None or self._task.done():
            name = f"postponed orders of {self._department.name}"
            self._task = asyncio.get_running_loop().create_task(supervised(name, self._take_turns))

    async def close(self) -> None:
        """Ask for nothing more; what is owed stays in the journal."""
        if self._task is not None:
            await end([self._task])

    async def _take_turns(self) -> None:
        while self._orders:
            await asyncio.sleep(self._backoff.next())
            self._expire(self._orders.values())
            await self._take_turn()

    async def _take_turn(self) -> None:
        name = self._department.name
        asked: list[tuple[Order, Goal, int, asyncio.Future[TicketResult]]] = []
        for order in list(islice(self._orders.values(), self._turn)):
            del self._orders[order.order_id]
            if (
                goal := order.owed.get(name)
            ) and not order.decision_unwritten:  # else acknowledged, or about to be asked anew
                asked.append((order, goal, order.epoch, self._department.submit(goal, order)))
        if not asked:
            return
        number = len(asked)
        await asyncio.wait([response for *_, response in asked])
        acknowledged = 0
        try:
            while asked:
                order, goal, epoch, response = asked[0]
                error = response.exception()
                self._receive(order, goal, epoch, error or response.result())
                acknowledged += error is None
                del asked[0]
        finally:
            for (
                order,
                *_,
            ) in asked:  # where a fault of this program came between, they keep their place among those that wait
                self._orders.setdefault(order.order_id, order)
        if acknowledged:
            self._backoff.reset()
        if acknowledged == number:
            self._turn = min(2 * self._turn, MOST_IN_A_TURN)
        elif not acknowledged:
            self._turn = 1
