"""Group commit: items that arrive while one batch runs are collected into the next batch.

There is no timer and no minimum size. A batch starts when it is full, or when one iteration of the event loop has added
nothing to it: at low load that is one item, at once. At high load batches grow, so that one fsync, one call or one
transaction serves many items; and callers who were served by one batch and submit again together form one batch again.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from time import perf_counter
from typing import Generic, TypeVar

from infra.metrics import Buckets, Histogram

T = TypeVar("T")
R = TypeVar("R")


class GroupCommit(Generic[T, R]):
    """Collects items and passes them to `commit` in batches of at most `limit`, at most `concurrency` at a time.

    `commit` returns one result per item, in their order; a result that is an exception is raised for its item alone.
    What `commit` raises is raised for every item of that batch.
    """

    def __init__(
        self,
        commit: Callable[[list[T]], Awaitable[Sequence[R | Exception]]],
        *,
        limit: int,
        concurrency: int = 1,
        max_delay: float = 0.0,
    ) -> None:
        """`max_delay`, in seconds, is how long an item given to `submit_later` may wait for a batch to start."""
        self._commit = commit
        self._limit = limit
        self._concurrency = concurrency
        self._max_delay = max_delay
        self._waiting: deque[tuple[T, asyncio.Future[R]]] = deque()
        self._workers: set[asyncio.Task[None]] = set()
        self._running: list[list[tuple[T, asyncio.Future[R]]]] = []
        self._timer: asyncio.TimerHandle | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._waiting_since = 0.0
        self._sizes = [0] * (limit.bit_length() + 1)  # by their number of binary digits: less work than a Histogram
        self.batches = 0
        self.items = 0
        self.waits = Histogram()
        """How long the first item of each batch that was urgent waited; of one left over, since before the last."""
        self.durations = Histogram()
        """How long each batch took."""

    def __len__(self) -> int:
        """Return how many items wait for a batch."""
        return len(self._waiting)

    def submit(self, item: T) -> "asyncio.Future[R]":
        """Add an item whose result is awaited; its batch starts as soon as a worker is free."""
        loop = self._loop or self._find_loop()
        future: asyncio.Future[R] = loop.create_future()
        self._waiting.append((item, future))
        if not self._waiting_since:
            self._waiting_since = perf_counter()
        if len(self._workers) < self._concurrency:
            self._start_worker()
        return future

    def submit_later(self, item: T) -> "asyncio.Future[R]":
        """Add an item whose result is not urgent: it joins the next batch, or starts one after `max_delay`."""
        loop = self._loop or self._find_loop()
        future: asyncio.Future[R] = loop.create_future()
        self._waiting.append((item, future))
        if not self._workers and self._timer is None:
            self._timer = loop.call_later(self._max_delay, self._start_worker)
        return future

    def sizes(self) -> Buckets:
        """Return how many batches had at most 1, 3, 7, 15 items and so on."""
        bounds = [(1 << digits) - 1 for digits in range(1, len(self._sizes))]
        return Buckets(bounds, [*self._sizes[1:], 0], self.items)

    async def drain(self) -> None:
        """Wait until every item submitted by now has its result; items submitted later are not waited for."""
        futures = [future for batch in (*self._running, self._waiting) for _, future in batch]
        self._start_worker()
        if futures:
            await asyncio.wait(futures)

    def abandon(self, error: Exception) -> None:
        """Raise `error` for every item that still waits for a batch."""
        while self._waiting:
            _, future = self._waiting.popleft()
            if not future.done():
                future.set_exception(error)
        self._waiting_since = 0.0

    def _find_loop(self) -> asyncio.AbstractEventLoop:
        """Find the loop once: on Python 3.11 each look-up is a system call, 0.1 µs, and an order adds five items."""
        self._loop = asyncio.get_running_loop()
        return self._loop

    def _start_worker(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._waiting and len(self._workers) < self._concurrency:
            # The task starts in the loop's next iteration, so what else arrives in this one joins its batch.
            self._workers.add(asyncio.get_running_loop().create_task(self._run_batches()))

    async def _run_batches(self) -> None:
        try:
            while await self._collect():
                await self._run_batch()
        finally:
            # Not in a done callback: that would run after the callers whose futures the last batch resolved, and items
            # that they submit would wait for a worker that has already finished.
            self._workers -= {asyncio.current_task()}

    async def _collect(self) -> bool:
        """Wait while every iteration of the loop adds items, up to a full batch; return whether there are any."""
        seen = 0
        while seen < len(self._waiting) < self._limit:
            seen = len(self._waiting)
            await asyncio.sleep(0)
        return bool(self._waiting)

    def _take(self, now: float) -> list[tuple[T, "asyncio.Future[R]"]]:
        """Return the next batch, and count it."""
        batch = [self._waiting.popleft() for _ in range(min(self._limit, len(self._waiting)))]
        self.batches += 1
        self.items += len(batch)
        self._sizes[len(batch).bit_length()] += 1
        if self._waiting_since:
            self.waits.observe(now - self._waiting_since)
            if not self._waiting:
                self._waiting_since = 0.0
        return batch

    async def _run_batch(self) -> None:
        began = perf_counter()
        batch = self._take(began)
        self._running.append(batch)
        try:
            results = await self._commit([item for item, _ in batch])
            for (_, future), result in zip(batch, results, strict=True):
                if future.done():
                    continue
                if isinstance(result, Exception):
                    future.set_exception(result)
                else:
                    future.set_result(result)
        except Exception as error:  # noqa: BLE001 - not swallowed: it is raised for every item of this batch
            for _, future in batch:
                if not future.done():
                    future.set_exception(error)
        except asyncio.CancelledError:
            for _, future in batch:
                future.cancel()
            raise
        finally:
            self._running.remove(batch)
            self.durations.observe(perf_counter() - began)
