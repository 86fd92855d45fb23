"""Reads the orders whose tickets changed, in batches, so that their events follow.

An order is read at once and, once more, a while later: a department's change may arrive before the gateway that owns
the order has written what it means for the order. A pending order is read until it is decided. Reading takes a small
share of the time only, unless very many wait; one that has waited for so long need not be read again. Orders with which
the staff have taken a step are read first, and wait for no pause.
"""

import asyncio
import heapq
from collections.abc import Awaitable, Callable, Iterable, Sequence
from contextlib import suppress
from itertools import islice

import structlog

from gateway.domain.order import Order, Status
from infra.errors import DatabaseError

BATCH = 200
"""Orders that are read at once."""

PAUSES = 40.0
"""After a batch, reading pauses this many times as long as the batch took."""

LONGEST_PAUSE = 0.5

HURRY = 100_000
"""There is no pause while more orders wait than this."""

AGAIN_SECONDS = 1.0
"""When an order is read again, and how often a pending one is."""

RETRY_SECONDS = 1.0
"""When reading is tried again after the journal could not be read."""

log = structlog.get_logger("events")


class OrderFeed:
    """Passes orders on to `enter` as they stand."""

    def __init__(
        self,
        find_all: Callable[[Sequence[str]], Awaitable[list[Order]]],
        enter: Callable[[Order], None],
        is_wanted: Callable[[str], bool],
        monotonic: Callable[[], float],
    ) -> None:
        """`find_all` raises DatabaseError."""
        self._find_all = find_all
        self._enter = enter
        self._is_wanted = is_wanted
        self._monotonic = monotonic
        self._waiting: dict[str, float] = {}  # when each was added; 0 where it has been read before
        self._urgent: dict[str, float] = {}
        self._again: list[tuple[float, str]] = []
        self._scheduled: set[str] = set()
        self._woken = asyncio.Event()
        self._hurried = asyncio.Event()

    def add(self, order_ids: Iterable[str]) -> None:
        """Let orders follow that may have changed."""
        self._waiting.update(dict.fromkeys(order_ids, self._monotonic()))
        if self._waiting:
            self._woken.set()

    def add_urgent(self, order_ids: Iterable[str]) -> None:
        """Let orders follow before others."""
        self._urgent.update(dict.fromkeys(order_ids, self._monotonic()))
        if self._urgent:
            self._hurried.set()
            self._woken.set()

    async def run(self) -> None:
        """Read what waits, until cancelled."""
        while True:
            await self._wait()
            while self._urgent or self._waiting:
                started = self._monotonic()
                try:
                    await self._read_batch()
                except DatabaseError as error:
                    log.debug("orders cannot be read for their events", reason=str(error))
                    await asyncio.sleep(RETRY_SECONDS)
                if len(self._waiting) <= HURRY:
                    await self._pause(min(PAUSES * (self._monotonic() - started), LONGEST_PAUSE))

    async def _pause(self, seconds: float) -> None:
        """Pause, unless an order is urgent."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._hurried.wait()

    async def _wait(self) -> None:
        """Wait until an order is to be read."""
        self._woken.clear()
        while not (self._urgent or self._waiting):
            seconds = self._again[0][0] - self._monotonic() if self._again else None
            try:
                async with asyncio.timeout(seconds):
                    await self._woken.wait()
            except TimeoutError:
                self._take_due()

    def _take_due(self) -> None:
        now = self._monotonic()
        while self._again and self._again[0][0] <= now:
            _, order_id = heapq.heappop(self._again)
            self._scheduled.discard(order_id)
            self._waiting.setdefault(order_id, 0.0)

    async def _read_batch(self) -> None:
        self._hurried.clear()
        waiting = self._urgent or self._waiting
        taken = {order_id: waiting.pop(order_id) for order_id in list(islice(waiting, BATCH))}
        wanted = [order_id for order_id in taken if self._is_wanted(order_id)]
        try:
            orders = await self._find_all(wanted) if wanted else []
        except BaseException:
            self._waiting = {**taken, **self._waiting}
            raise
        now = self._monotonic()
        for order in orders:
            self._enter(order)
            is_fresh = now - taken[order.order_id] < AGAIN_SECONDS
            if order.status is Status.PENDING or (taken[order.order_id] and is_fresh):
                self._schedule(order.order_id)

    def _schedule(self, order_id: str) -> None:
        if order_id not in self._scheduled:
            self._scheduled.add(order_id)
            heapq.heappush(self._again, (self._monotonic() + AGAIN_SECONDS, order_id))
