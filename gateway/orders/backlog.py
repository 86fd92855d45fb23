"""What one department is still owed while it cannot be reached, and the task that probes it.

While the department can be reached, the backlog is empty or being asked for again. While it cannot, one task probes it
at growing intervals: with one of the orders that are owed, another each time, or by asking for the menu. The first
probe that gets a response closes the breaker, and all the rest is asked again on the normal path. However much is owed,
and however long, a department that fails costs one call for one order an interval.
"""

import asyncio
from collections.abc import Callable, Iterable

import structlog

from gateway.department_client.errors import DepartmentCallError, Unreachable
from gateway.domain.lines import TicketResult
from gateway.domain.order import Order
from gateway.domain.transitions import Goal
from gateway.orders.backoff import Backoff
from gateway.orders.departments import Department
from infra.supervise import end, supervised

log = structlog.get_logger("backlog")

Receive = Callable[[Order, Goal, int, "TicketResult | Exception"], None]
"""Called with an order, the goal that was asked for, under which epoch, and the response."""


class Backlog:
    """Orders that one department has not acknowledged."""

    def __init__(
        self,
        department: Department,
        backoff: Backoff,
        *,
        receive: Receive,
        ask: Callable[[Order], None],
        expire: Callable[[Iterable[Order]], None],
    ) -> None:
        """`receive` records a response; `ask` asks again; `expire` expires the orders that are too old."""
        self._department = department
        self._backoff = backoff
        self._receive = receive
        self._ask = ask
        self._expire = expire
        self._orders: dict[str, Order] = {}
        self._task: asyncio.Task[None] | None = None

    def __len__(self) -> int:
        """How many orders wait for the department."""
        return len(self._orders)

    def add(self, order: Order) -> None:
        """Owe the department an order until it has acknowledged it."""
        self._orders[order.order_id] = order
        self.wake()

    def wake(self) -> None:
        """Probe the department until it can be reached."""
        if self._task is None or self._task.done():
            name = f"backlog of {self._department.name}"
            self._task = asyncio.get_running_loop().create_task(supervised(name, self._probe_until_reachable))

    async def close(self) -> None:
        """Stop probing; what is owed stays in the journal."""
        if self._task is not None:
            await end([self._task])

    async def _probe_until_reachable(self) -> None:
        while not self._department.is_reachable or self._orders:
            if not self._department.is_reachable:
                await asyncio.sleep(self._backoff.next())
            self._expire(self._orders.values())
            try:
                await self._probe()
            except Unreachable:
                continue
            except DepartmentCallError as error:
                log.warning("a department responded with an error", department=self._department.name, reason=str(error))
            if not self._department.is_reachable:
                continue  # the call failed before it left: whether the department can be reached is not known
            log.info("a department can be reached again", department=self._department.name, owed=len(self._orders))
            self._backoff.reset()
            for order_id in list(self._orders):  # one by one: a failure leaves the others where they are
                self._ask(self._orders.pop(order_id))

    async def _probe(self) -> None:
        name = self._department.name
        for order_id in [
            key for key, order in self._orders.items() if name not in order.owed or order.decision_unwritten
        ]:
            del self._orders[order_id]  # acknowledged, or about to be asked anew
        order = next(iter(self._orders.values()), None)
        if order is None:
            await self._department.probe()
            return
        self._orders[order.order_id] = self._orders.pop(order.order_id)  # the next probe is another's
        goal, epoch = order.owed[name], order.epoch
        (response,) = await self._department.attempt(goal, [order])
        if self._orders.get(order.order_id) is order and order.epoch == epoch:
            del self._orders[order.order_id]  # else something else was decided meanwhile, and is asked for
        self._receive(order, goal, epoch, response)
