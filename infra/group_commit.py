"""Group commit: while one batch is being carried out, what arrives meanwhile gathers for the next.

No timer and no size to wait for. A batch leaves when it is full, or as soon as a round of the loop brings nothing more
for it: at low load that is one item, at once. At high load batches grow by themselves, so that one fsync, one call or
one transaction serves many; and those whom one batch served, who all come back at once, are one batch again.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, TypeVar

T = TypeVar("T")
R = TypeVar("R")


class GroupCommit(Generic[T, R]):
    """Gathers items and hands them to `commit` in batches of at most `limit`, at most `concurrency` at a time.

    `commit` answers one result per item, in their order; one that is an exception is raised for its item alone. What
    `commit` raises reaches every item of that batch.
    """

    def __init__(
        self,
        commit: Callable[[list[T]], Awaitable[Sequence[R | Exception]]],
        *,
        limit: int,
        concurrency: int = 1,
        patience: float = 0.0,
    ) -> None:
        """`patience`, in seconds, is how long an item given to `submit_later` may wait for company."""
        self._commit = commit
        self._limit = limit
        self._concurrency = concurrency
        self._patience = patience
        self._waiting: deque[tuple[T, asyncio.Future[R]]] = deque()
        self._workers: set[asyncio.Task[None]] = set()
        self._under_way: list[list[tuple[T, asyncio.Future[R]]]] = []
        self._alarm: asyncio.TimerHandle | None = None
        self.batches = 0
        self.items = 0

    def __len__(self) -> int:
        """How many items wait for a batch."""
        return len(self._waiting)

    def submit(self, item: T) -> "asyncio.Future[R]":
        """Add an item that somebody waits for; its batch leaves as soon as a worker is free."""
        future = self._add(item)
        self._work()
        return future

    def submit_later(self, item: T) -> "asyncio.Future[R]":
        """Add an item that nobody waits for: it goes with the next batch, or alone when patience ends."""
        future = self._add(item)
        if not self._workers and self._alarm is None:
            self._alarm = asyncio.get_running_loop().call_later(self._patience, self._work)
        return future

    async def drain(self) -> None:
        """Wait until everything that has been submitted by now is carried out; what comes later is not waited for."""
        futures = [future for batch in (*self._under_way, self._waiting) for _, future in batch]
        self._work()
        if futures:
            await asyncio.wait(futures)

    def abandon(self, error: Exception) -> None:
        """Give up every item that still waits for a batch."""
        while self._waiting:
            _, future = self._waiting.popleft()
            if not future.done():
                future.set_exception(error)

    def _add(self, item: T) -> "asyncio.Future[R]":
        future: asyncio.Future[R] = asyncio.get_running_loop().create_future()
        self._waiting.append((item, future))
        return future

    def _work(self) -> None:
        if self._alarm is not None:
            self._alarm.cancel()
            self._alarm = None
        if self._waiting and len(self._workers) < self._concurrency:
            # The task starts in the loop's next round: what else arrives in this one goes with it.
            self._workers.add(asyncio.get_running_loop().create_task(self._work_off()))

    async def _work_off(self) -> None:
        try:
            while await self._gather():
                await self._carry_out()
        finally:
            # Not in a done callback: it would run after the callers whom the last batch woke, and what they submit
            # would wait for a worker that has already finished.
            self._workers -= {asyncio.current_task()}

    async def _gather(self) -> bool:
        """Wait as long as every round of the loop brings more, up to a whole batch; tell whether there is anything."""
        seen = 0
        while seen < len(self._waiting) < self._limit:
            seen = len(self._waiting)
            await asyncio.sleep(0)
        return bool(self._waiting)

    async def _carry_out(self) -> None:
        batch = [self._waiting.popleft() for _ in range(min(self._limit, len(self._waiting)))]
        self.batches += 1
        self.items += len(batch)
        self._under_way.append(batch)
        try:
            results = await self._commit([item for item, _ in batch])
            for (_, future), result in zip(batch, results, strict=True):
                if future.done():
                    continue
                if isinstance(result, Exception):
                    future.set_exception(result)
                else:
                    future.set_result(result)
        except Exception as error:  # noqa: BLE001 - not swallowed: it reaches everyone who waits for this batch
            for _, future in batch:
                if not future.done():
                    future.set_exception(error)
        except asyncio.CancelledError:
            for _, future in batch:
                future.cancel()
            raise
        finally:
            self._under_way.remove(batch)
