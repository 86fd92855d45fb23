"""An event loop whose time is virtual, and processes that can be killed or stopped between any two of its steps.

Nothing sleeps and there are no threads: when nothing is ready, time jumps to the next timer. Every step is part of the
loop's trace, so that two runs can be compared by a hash.
"""

import asyncio
import hashlib
import heapq
import sys
import warnings
from collections import deque
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from contextvars import Context, ContextVar
from itertools import count
from typing import Any, TypeVar

T = TypeVar("T")

EPOCH = 1_700_000_000.0
"""The time of day at which every simulation begins, in seconds since 1970."""


class Process:
    """One run of a program, from its start to its end: whatever is scheduled from within belongs to it."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.alive = True
        self.stopped = False
        self.parked: list[asyncio.Handle] = []
        self.fuse = 0
        self.on_blown: Callable[[], None] = lambda: None
        self.on_death: dict[object, Callable[[], None]] = {}
        self.tasks: list[asyncio.Task[Any]] = []
        self.most_tasks = 1000

    def kill(self) -> None:
        """Die, as by SIGKILL: no step of this process is ever taken again."""
        self.alive = False
        self.parked.clear()
        mourners, self.on_death = list(self.on_death.values()), {}
        for mourner in mourners:
            mourner()


_PROCESS: ContextVar[Process | None] = ContextVar("process", default=None)


def current_process() -> Process | None:
    """The process whose step this is; None for the world outside."""
    return _PROCESS.get()


class Step(asyncio.Handle):
    """A callback of the process in whose context it was scheduled."""

    __slots__ = ("process",)

    def __init__(
        self, callback: Callable[..., Any], args: tuple[Any, ...], loop: "VirtualLoop", context: Context | None
    ) -> None:
        super().__init__(callback, args, loop, context)
        self.process = context.get(_PROCESS, None) if context is not None else _PROCESS.get()


class Timer(asyncio.TimerHandle):
    """The same, later."""

    __slots__ = ("process",)

    def __init__(
        self,
        when: float,
        callback: Callable[..., Any],
        args: tuple[Any, ...],
        loop: "VirtualLoop",
        context: Context | None,
    ) -> None:
        super().__init__(when, callback, args, loop, context)
        self.process = context.get(_PROCESS, None) if context is not None else _PROCESS.get()


class Stuck(Exception):
    """Nothing is ready and nothing is due, or there is no end to it."""


class VirtualLoop(asyncio.AbstractEventLoop):
    """Runs callbacks one by one, in an order that depends on nothing but themselves."""

    def __init__(self) -> None:
        self._now = 0.0
        self._ready: deque[Step | Timer] = deque()
        self._timers: list[tuple[float, int, Timer]] = []
        self._number = count()
        self._running = False
        self._hash = hashlib.blake2b(digest_size=8)
        self._processes: list[Process] = []
        self.steps = 0
        self.errors: list[str] = []

    # What asyncio asks of a loop.

    def time(self) -> float:
        return self._now

    def get_debug(self) -> bool:
        return False

    def is_running(self) -> bool:
        return self._running

    def is_closed(self) -> bool:
        return False

    def call_soon(  # type: ignore[override]
        self, callback: Callable[..., Any], *args: Any, context: Context | None = None
    ) -> asyncio.Handle:
        step = Step(callback, args, self, context)
        self._ready.append(step)
        return step

    def call_later(  # type: ignore[override]
        self, delay: float, callback: Callable[..., Any], *args: Any, context: Context | None = None
    ) -> asyncio.TimerHandle:
        return self.call_at(self._now + delay, callback, *args, context=context)

    def call_at(  # type: ignore[override]
        self, when: float, callback: Callable[..., Any], *args: Any, context: Context | None = None
    ) -> asyncio.TimerHandle:
        timer = Timer(when, callback, args, self, context)
        heapq.heappush(self._timers, (when, next(self._number), timer))
        return timer

    def _timer_handle_cancelled(self, handle: asyncio.TimerHandle) -> None:
        """Nothing to do: a cancelled timer is passed over when it is due."""

    def create_future(self) -> "asyncio.Future[Any]":
        return asyncio.Future(loop=self)

    def create_task(  # type: ignore[override]
        self, coro: Coroutine[Any, Any, T], *, name: str | None = None, context: Context | None = None
    ) -> "asyncio.Task[T]":
        task = asyncio.Task(coro, loop=self, name=name, context=context)
        process = context.get(_PROCESS, None) if context is not None else _PROCESS.get()
        if process is not None:
            self._keep(process, task)
        return task

    def _keep(self, process: Process, task: "asyncio.Task[Any]") -> None:
        """Hold on to the tasks of a process: should it die, the collector may not unwind them while others live."""
        if not process.tasks:
            self._processes.append(process)
        process.tasks.append(task)
        if len(process.tasks) > process.most_tasks:
            process.tasks = [task for task in process.tasks if not task.done()]
            process.most_tasks = 2 * len(process.tasks) + 1000

    def call_exception_handler(self, context: dict[str, Any]) -> None:
        message, error = context.get("message", ""), context.get("exception")
        if "never retrieved" not in message and "was destroyed" not in message:
            self.errors.append(f"{message}: {error!r}")

    # What the simulation asks of it.

    def spawn(self, process: Process | None, work: Coroutine[Any, Any, T]) -> "asyncio.Task[T]":
        """Start work as a part of a process, or of the world outside."""
        context = Context()
        context.run(_PROCESS.set, process)
        return self.create_task(work, context=context)

    def outside(self, delay: float, callback: Callable[..., None], *args: Any) -> None:
        """Do something later that no crash keeps from happening."""
        self.call_later(delay, callback, *args, context=Context())

    def resume(self, process: Process) -> None:
        """Let a stopped process go on, with everything that it missed."""
        process.stopped = False
        for handle in process.parked:
            self._ready.append(handle)  # type: ignore[arg-type]  # only steps and timers are parked
        process.parked.clear()

    def bury(self) -> None:
        """End what is left of all processes, once nobody watches any more."""
        previous = asyncio._get_running_loop()
        asyncio._set_running_loop(self)
        try:
            for process in self._processes:
                process.alive = False
                for task in process.tasks:
                    if not task.done():
                        task._log_destroy_pending = False  # type: ignore[attr-defined]
                        coroutine = task.get_coro()
                        assert isinstance(coroutine, Coroutine)
                        _close(coroutine)
                process.tasks.clear()
        finally:
            asyncio._set_running_loop(previous)

    def note(self, *facts: object) -> None:
        """Make facts part of the trace."""
        self._hash.update(f"{self._now:.9f} {facts}\n".encode())

    @property
    def trace(self) -> str:
        """A hash of everything that happened, and in which order."""
        return self._hash.hexdigest()

    def run(self, work: Coroutine[Any, Any, T], most_steps: int = 300_000) -> T:
        """Run work of the world outside to its end; raises Stuck."""
        task = self.spawn(None, work)
        last = self.steps + most_steps
        previous = asyncio._get_running_loop()
        asyncio._set_running_loop(self)
        self._running = True
        try:
            while not task.done():
                self._take_step()
                if self.steps > last:
                    task.cancel()
                    raise Stuck(f"no end after {most_steps} steps, at {self._now:.3f} s")
        finally:
            self._running = False
            asyncio._set_running_loop(previous)
        return task.result()

    def _take_step(self) -> None:
        while self._timers and (not self._ready or self._timers[0][0] <= self._now):
            when, _, timer = heapq.heappop(self._timers)
            if not timer.cancelled():
                self._now = max(self._now, when)
                self._ready.append(timer)
        if not self._ready:
            raise Stuck(f"nothing is ready and nothing is due, at {self._now:.3f} s")
        handle = self._ready.popleft()
        if handle.cancelled():
            return
        process = handle.process
        if process is not None:
            if not process.alive:
                return
            if process.stopped:
                process.parked.append(handle)
                return
            if process.fuse:
                process.fuse -= 1
                if not process.fuse:
                    process.on_blown()
                    return
        self.steps += 1
        self._hash.update(b"%r %s\n" % (self._now, process.name.encode() if process else b"-"))
        handle._run()


def _close(coroutine: Coroutine[Any, Any, Any]) -> None:
    with warnings.catch_warnings(), _iterated_generators():
        warnings.simplefilter("ignore", RuntimeWarning)  # it may not have begun
        try:
            coroutine.close()
        except RuntimeError:  # it took the error below for one that it tries again after a while, so it waits now
            coroutine.close()


@contextmanager
def _iterated_generators() -> Iterator[None]:
    """Ignore that a generator cannot close the one that it iterates over.

    CPython 3.11 takes that one to be running still where the coroutine in between was closed, as only the simulation
    does: a real program cancels its tasks, or is killed.
    """
    previous = sys.unraisablehook

    def hook(unraisable: Any) -> None:
        if str(unraisable.exc_value) != "aclose(): asynchronous generator is already running":
            previous(unraisable)

    sys.unraisablehook = hook
    try:
        yield
    finally:
        sys.unraisablehook = previous
