"""Shuts the socket of a transaction that takes too long.

Nothing else at the client ends the wait for a server that hangs: libpq waits in C for as long as the socket is open,
and the server's own timeouts are enforced by the server. One thread checks when each running transaction started; a
transaction itself only records when it starts and ends.
"""

import os
import socket
import threading
import time
from collections.abc import Callable
from contextlib import suppress

CHECKS = 8
"""How often the thread checks within the shortest limit: a transaction is ended at most an eighth of it too late."""


class TransactionTimer:
    """When a session's current transaction started, and the socket that it waits on."""

    def __init__(self, limit: float, on_slow: Callable[[], None]) -> None:
        """`limit` in seconds; 0 is no limit. `on_slow` is called after each quarter of it, and does not block."""
        self.limit = limit
        self._on_slow = on_slow
        self._quarters = 0
        self.is_expired = False
        self._lock = threading.Lock()
        self._started_at = 0.0
        self._socket: socket.socket | None = None

    def attach(self, handle: int) -> None:
        """Set the socket of a new connection, and restart the time: connecting has a limit of its own."""
        if not self.limit:
            return
        with self._lock:
            self._close()
            # A duplicate, because the driver may close its own at any moment, and another file may get its number.
            self._socket = socket.socket(fileno=os.dup(handle))
            self._started_at = time.monotonic()
        WATCHDOG.watch(self)

    def detach(self) -> None:
        """Forget the socket of a connection that is closed."""
        with self._lock:
            self._close()

    def start(self) -> None:
        """Record that a transaction starts."""
        with self._lock:
            self.is_expired = False
            self._quarters = 0
            self._started_at = time.monotonic()

    def stop(self) -> None:
        """Record that the transaction has ended."""
        with self._lock:
            self._started_at = 0.0

    def cut(self) -> None:
        """Shut the socket, whether or not a transaction waits on it."""
        with self._lock:
            self._shut()

    def check(self, now: float) -> bool:
        """Shut the socket if its transaction has taken too long; return whether there is a connection at all."""
        with self._lock:
            if self._socket is None:
                return False
            if self._started_at and now - self._started_at >= self.limit:
                self.is_expired = True
                self._shut()
            elif self._started_at and (now - self._started_at) * 4 // self.limit > self._quarters:
                self._quarters += 1
                self._on_slow()
            return True

    def _shut(self) -> None:
        if self._socket is not None:
            with suppress(OSError):  # the connection has broken already
                self._socket.shutdown(socket.SHUT_RDWR)

    def _close(self) -> None:
        if self._socket is not None:
            self._socket.close()
            self._socket = None


class Watchdog:
    """One thread for all sessions of a program; it ends when no session has a connection."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._timers: set[TransactionTimer] = set()
        self._wake = threading.Event()
        self._thread: threading.Thread | None = None

    def watch(self, timer: TransactionTimer) -> None:
        """Check a session's transactions until its connection is closed."""
        with self._lock:
            self._timers.add(timer)
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="watchdog", daemon=True)
                self._thread.start()
        self._wake.set()

    def _run(self) -> None:
        while True:
            self._wake.clear()
            now = time.monotonic()
            with self._lock:
                self._timers = {timer for timer in self._timers if timer.check(now)}
                if not self._timers:
                    self._thread = None
                    return
                pause = min(timer.limit for timer in self._timers) / CHECKS
            self._wake.wait(pause)


WATCHDOG = Watchdog()
