"""Programs that are forked from a process which has imported their modules: importing is most of what a start takes.

    tests ── a socket: Start ──▶ forking ── fork ──▶ program
          ◀── its process id ──         ── a pipe: its exit code ──▶ tests

All but the imports is done as by `python -m`, from reading the settings to the interpreter's end. This module is what
the tests use; `tests.support.forking` is the process that forks. The tests of `just up`, of the demo, of a program that
cannot start and of what is imported start interpreters.
"""

import atexit
import json
import os
import select
import signal
import socket
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from threading import Lock

ROOT = Path(__file__).parent.parent.parent
MODULES = frozenset({"gateway", "departments", "ops", "ops.health"})


def can_be_forked(arguments: Sequence[str], variables: Mapping[str, str]) -> bool:
    """Tell whether a process started with these arguments and variables would differ in nothing but its imports.

    Python and the system's loader read the environment when a process starts, so it has to be ours but for Comanda's
    settings. Under coverage, which begins with a process, programs start by themselves.
    """
    if len(arguments) < 2 or arguments[0] != "-m" or arguments[1] not in MODULES:
        return False
    return "COVERAGE_PROCESS_CONFIG" not in os.environ and _without_settings(variables) == _OURS


def _without_settings(variables: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in variables.items() if not name.startswith(("COMANDA_", "PYTEST_"))}


_OURS = _without_settings(os.environ)


class Forked:
    """One process; its methods do what those of `subprocess.Popen` do."""

    def __init__(self, arguments: Sequence[str], variables: Mapping[str, str], stdout: int, stderr: int) -> None:
        """Start it with these descriptors as its standard output and its standard error."""
        self._ending, its_ending = os.pipe()
        self._code: int | None = None
        self._lock = Lock()
        try:
            self.pid = _forking().fork(arguments[1:], variables, [stdout, stderr, its_ending])
        finally:
            os.close(its_ending)

    def poll(self) -> int | None:
        """Return its exit code, minus a signal's number; None while it runs."""
        return self._code_within(0)

    def wait(self, timeout: float | None = None) -> int:
        """Wait for its end; raises subprocess.TimeoutExpired."""
        code = self._code_within(timeout)
        if code is None:
            raise subprocess.TimeoutExpired(f"process {self.pid}", timeout or 0.0)
        return code

    def send_signal(self, number: int) -> None:
        """Send a signal, where it still runs."""
        if self.poll() is None:
            with suppress(ProcessLookupError):
                os.kill(self.pid, number)

    def _code_within(self, seconds: float | None) -> int | None:
        with self._lock:
            if self._code is None:
                ending = select.poll()
                ending.register(self._ending, select.POLLIN)
                if ending.poll(seconds if seconds is None else seconds * 1000):
                    code = os.read(self._ending, 8)
                    os.close(self._ending)
                    self._code = int(code or -signal.SIGKILL)  # nothing: the process that forks was killed itself
            return self._code


class _Forking:
    """The process that forks."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._socket, its_socket = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with its_socket:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "tests.support.forking", str(its_socket.fileno())],
                cwd=ROOT,
                env={name: value for name, value in _OURS.items() if not name.startswith("COVERAGE_")},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                pass_fds=[its_socket.fileno()],
            )

    def fork(self, arguments: Sequence[str], variables: Mapping[str, str], descriptors: Sequence[int]) -> int:
        """Start a program, which gets the descriptors: where it writes, and where its exit code goes."""
        start = json.dumps({"arguments": list(arguments), "variables": dict(variables)}).encode()
        with self._lock:
            socket.send_fds(self._socket, [start], descriptors)
            return int(self._socket.recv(32))

    def close(self) -> None:
        """Let it end, which ends no program."""
        self._socket.close()
        self._process.wait()


_starting = Lock()
_started: list[_Forking] = []


def _forking() -> _Forking:
    """Return the process of this one, which the first call starts."""
    with _starting:
        if not _started:
            _started.append(_Forking())
            atexit.register(_started[0].close)
        return _started[0]
