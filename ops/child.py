"""One program as a child process: its output is passed on, and when it ends it is started again.

A child is in a session of its own, so that a terminal's Ctrl-C reaches it through its parent only.
"""

import asyncio
import ctypes
import os
import signal
import sys
from asyncio.subprocess import DEVNULL, PIPE, STDOUT, Process
from collections.abc import Callable, Mapping
from contextlib import suppress

import structlog

from ops.output import Output
from ops.procfile import Program

FIRST_SECONDS = 0.5
CAP_SECONDS = 30.0
"""A program that ends is started again after a delay that doubles from the first to the cap. A program that has run for
longer than the cap begins with the first delay again."""

START_FAILED = 2
"""The exit code of a program that could not start, and has written one line about the reason."""

PIECE_BYTES = 64 * 1024
PR_SET_PDEATHSIG = 1

log = structlog.get_logger("up")


class NotStarted(Exception):
    """A program could not start; its `Child` has the reasons."""


class Child:
    """One program, in one process after another."""

    def __init__(self, program: Program, environ: Mapping[str, str], output: Output) -> None:
        """Start nothing yet; `reasons` are the lines in which the program wrote why it cannot start."""
        self.program = program
        self.reasons: list[str] = []
        self._environ = environ
        self._output = output
        self._process: Process | None = None
        self._has_run = False
        self._stopping = asyncio.Event()
        self._is_held = False
        self._released = asyncio.Event()
        self._released.set()

    async def keep(self) -> None:
        """Run the program, and again when it ends, until it is stopped; raises NotStarted for a start that failed."""
        loop = asyncio.get_running_loop()
        delay = FIRST_SECONDS
        while await self._may_run():
            started = loop.time()
            try:
                code = await self._run()
                end = _end(code)
            except OSError as error:  # the system has no process or no pipe left at this moment
                code, end = None, str(error)
            if code == START_FAILED and not self._has_run:
                self.reasons = self.reasons or [f"{self.program.name} did not start"]
                raise NotStarted
            self._has_run = True
            if self._stopping.is_set():
                return
            if self._is_held:
                self._is_held = False
                continue
            if loop.time() - started > CAP_SECONDS:
                delay = FIRST_SECONDS
            self._show_reasons()
            log.warning("a program ended; it is started again", name=self.program.name, end=end, seconds=delay)
            with suppress(TimeoutError):
                await asyncio.wait_for(self._stopping.wait(), delay)
            delay = min(2 * delay, CAP_SECONDS)

    def send(self, number: signal.Signals) -> None:
        """Send a signal, if there is a process."""
        if self._process is not None and self._process.returncode is None:
            self._process.send_signal(number)

    @property
    def is_stopping(self) -> bool:
        """Return whether `stop` was called."""
        return self._stopping.is_set()

    def stop(self) -> None:
        """Send SIGTERM, each time that this is called, and start the program no more."""
        self._stopping.set()
        self._released.set()
        self.send(signal.SIGTERM)

    def hold(self) -> None:
        """Send SIGTERM, and start the program again only after `release`."""
        self._is_held = True
        self._released.clear()
        self.send(signal.SIGTERM)

    def release(self) -> None:
        """Let a program that is held start again."""
        self._released.set()

    async def _may_run(self) -> bool:
        """Wait while the program is held; return whether it is to be started."""
        await self._released.wait()
        return not self._stopping.is_set()

    async def _run(self) -> int:
        self._process = await asyncio.create_subprocess_exec(
            *self.program.command,
            stdin=DEVNULL,
            stdout=PIPE,
            stderr=STDOUT,
            env=dict(self._environ),
            start_new_session=True,
            preexec_fn=_end_with(os.getpid()),
        )
        if self._stopping.is_set():
            self.send(signal.SIGTERM)
        log.info("started", name=self.program.name, pid=self._process.pid)
        assert self._process.stdout is not None  # noqa: S101 - it is a pipe
        rest = b""
        while piece := await self._process.stdout.read(PIECE_BYTES):
            *lines, rest = (rest + piece).split(b"\n")
            for line in lines:
                self._take(line)
        if rest:
            self._take(rest)
        return await self._process.wait()

    def _take(self, line: bytes) -> None:
        """Pass a line on; a line that says why the program cannot start is kept, to be written last."""
        if line.startswith(self.program.complaint):
            self.reasons.append(line.decode(errors="replace"))
        else:
            self._output.write(self.program.name, line, is_json=self.program.writes_json)

    def _show_reasons(self) -> None:
        for reason in self.reasons:
            self._output.write(self.program.name, reason.encode(), is_json=self.program.writes_json)
        self.reasons.clear()


def _end(code: int) -> str:
    return f"killed by {signal.Signals(-code).name}" if code < 0 else f"exit code {code}"


def _end_with(parent: int) -> Callable[[], None] | None:
    """Return what a child runs before its program, so that it gets SIGTERM when this process is killed."""
    if sys.platform != "linux":
        return None
    prctl = ctypes.CDLL(None).prctl

    def prepare() -> None:
        prctl(PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)
        if os.getppid() != parent:
            os._exit(1)

    return prepare
