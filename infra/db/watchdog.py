"""Shuts the connection of a transaction that takes too long.

Nothing else at the client ends the wait for a server that hangs: libpq waits in C for as long as the socket is open,
and a timeout of the server's is kept by the server. One thread looks at the start of each transaction that runs; a
transaction itself only notes when it starts and ends.
"""

import os
import socket
import threading
import time
from contextlib import suppress

LOOKS = 8
"""How often the thread looks within the shortest limit: a transaction is ended at most an eighth of it too late."""


class TransactionTimer:
    """When the transaction that a session runs has begun, and the socket that it waits on."""

    def __init__(self, limit: float) -> None:
        """`limit` in seconds; 0 is for ever."""
        self.limit = limit
        self.is_over = False
        self._lock = threading.Lock()
        self._began = 0.0
        self._socket: socket.socket | None = None

    def attach(self, handle: int) -> None:
        """Take note of a new connection's socket, and of now as the start: connecting has a limit of its own."""
        if not self.limit:
            return
        with self._lock:
            self._close()
            # A handle of our own, for the driver may close its own at any moment, and another file may get its number.
            self._socket = socket.socket(fileno=os.dup(handle))
            self._began = time.monotonic()
        WATCHDOG.watch(self)

    def detach(self) -> None:
        """Let go of a connection that is given up."""
        with self._lock:
            self._close()

    def start(self) -> None:
        """Take note that a transaction starts."""
        with self._lock:
            self.is_over = False
            self._began = time.monotonic()

    def stop(self) -> None:
        """Take note that it has ended."""
        with self._lock:
            self._began = 0.0

    def check(self, now: float) -> bool:
        """Shut the connection where its transaction has taken too long; tell whether there is a connection at all."""
        with self._lock:
            if self._socket is None:
                return False
            if self._began and now - self._began >= self.limit:
                self.is_over = True
                with suppress(OSError):  # it has broken off by itself
                    self._socket.shutdown(socket.SHUT_RDWR)
            return True

    def _close(self) -> None:
        if self._socket is not None:
            self._socket.close()
            self._socket = None


class Watchdog:
    """One thread for all sessions of a program, which ends when there is no connection any more."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._timers: set[TransactionTimer] = set()
        self._wake = threading.Event()
        self._thread: threading.Thread | None = None

    def watch(self, timer: TransactionTimer) -> None:
        """Look after a session from here on, until its connection is given up."""
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
                pause = min(timer.limit for timer in self._timers) / LOOKS
            self._wake.wait(pause)


WATCHDOG = Watchdog()
