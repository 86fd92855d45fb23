"""Runs the programs as their users do, as real processes."""

import http.client
import os
import random
import resource
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryFile
from threading import Thread
from typing import IO

from tests.support.forked import Forked, can_be_forked
from tests.support.keys import KEY
from tests.support.waiting import START_SECONDS, STOP_SECONDS, wait_for

ROOT = Path(__file__).parent.parent.parent

SHOWN_LINES = 60
SHOWN = 400  # characters of a line

# Below the ports that the system hands out to clients: none of them can take the port of a program that is down.
_PORTS = range(15_000, 32_000)
_chance = random.SystemRandom()


def free_ports(count: int) -> list[int]:
    """Find ports that nobody listens on."""
    found: set[int] = set()
    while len(found) < count:
        port = _chance.choice(_PORTS)
        with closing(socket.socket()) as sock, suppress(OSError):
            sock.bind(("127.0.0.1", port))
            found.add(port)
    return list(found)


def accepts(port: int) -> bool:
    """Tell whether somebody listens on a port."""
    with closing(socket.socket()) as sock:
        return sock.connect_ex(("127.0.0.1", port)) == 0


def environment(**settings: object) -> dict[str, str]:
    """Build a program's environment: ours, with no setting of Comanda's but these, and the manager's key of tests.

    Metrics are on any port that is free: one derived from a program's own might be another's.
    """
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("COMANDA_")}
    keys = {"COMANDA_FIRST_KEY": KEY, "COMANDA_KEY": KEY, "COMANDA_METRICS_PORT": "0"}
    return inherited | keys | {f"COMANDA_{name}": str(value) for name, value in settings.items()}


@dataclass(frozen=True, slots=True)
class Finished:
    """What a program that has ended left behind."""

    code: int
    stdout: str
    stderr: str


def run(arguments: Sequence[str], variables: Mapping[str, str]) -> Finished:
    """Run a program to its end, forked where it can be."""
    if not can_be_forked(arguments, variables):
        return start_and_wait(arguments, variables)
    with TemporaryFile() as stdout, TemporaryFile() as stderr:
        process = Forked(arguments, variables, stdout.fileno(), stderr.fileno())
        try:
            code = process.wait(START_SECONDS)
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGKILL)
            raise
        return Finished(code, _written(stdout), _written(stderr))


def _written(output: IO[bytes]) -> str:
    output.seek(0)
    return output.read().decode()


def start_and_wait(arguments: Sequence[str], variables: Mapping[str, str]) -> Finished:
    """Run a program to its end in an interpreter of its own."""
    command = [sys.executable, *arguments]
    done = subprocess.run(
        command, cwd=ROOT, env=dict(variables), capture_output=True, text=True, timeout=START_SECONDS, check=False
    )
    return Finished(done.returncode, done.stdout, done.stderr)


class Program:
    """One program on one port: it can be stopped, killed, paused and started again on the same port."""

    def __init__(
        self, name: str, arguments: Sequence[str], variables: Mapping[str, str], port: int, folder: Path
    ) -> None:
        """`arguments` are Python's, such as `-m gateway`; what the program writes goes to a file in `folder`."""
        self.name = name
        self.port = port
        self.log = folder / f"{name}.log"
        self._arguments = list(arguments)
        self._variables = dict(variables)
        self._process: subprocess.Popen[bytes] | Forked | None = None
        self._copier: Thread | None = None

    @property
    def pid(self) -> int:
        """The running process's id."""
        return self._running().pid

    @property
    def is_running(self) -> bool:
        """Tell whether there is a process, paused or not."""
        return self._process is not None and self._process.poll() is None

    @property
    def output(self) -> str:
        """What the program has written, over all its starts."""
        return self.log.read_text() if self.log.exists() else ""

    def last_output(self) -> tuple[str, str]:
        """Return a title, and the last lines that the program has written."""
        last = self.output.splitlines()[-SHOWN_LINES:]
        return f"log of {self.name} ({self.log.parent.name})", "\n".join(text[:SHOWN] for text in last)

    def twin(self, port: int, folder: Path) -> "Program":
        """Return another program with the same settings on another port, not started yet."""
        variables = {**self._variables, f"COMANDA_{self.name.upper()}_PORT": str(port)}
        return Program(self.name, self._arguments, variables, port, folder)

    def start(self) -> None:
        """Start a process; `wait_ready` tells when it serves."""
        if self.is_running:
            raise AssertionError(f"{self.name} runs already")
        # Through a pipe, so that a program that may write no file can still say so.
        output, its_output = os.pipe()
        try:
            self._process = self._process_writing_to(its_output)
        finally:
            os.close(its_output)
        self._copier = Thread(target=self._copy, args=(os.fdopen(output, "rb"),), name=f"log of {self.name}")
        self._copier.start()

    def wait_ready(self) -> None:
        """Wait until it serves; raises AssertionError with its log where it does not."""
        serves = self._is_ready if self.name == "gateway" else self._accepts
        try:
            wait_for(lambda: not self.is_running or serves(), f"{self.name} serves on {self.port}", START_SECONDS)
        except AssertionError as error:
            raise AssertionError(f"{error}\n{self.output}") from None
        if not self.is_running:
            raise AssertionError(f"{self.name} ended instead of serving\n{self.output}")

    def restart(self) -> None:
        """Start anew, on the same port, and wait until it serves."""
        self.start()
        self.wait_ready()

    def send(self, number: signal.Signals) -> None:
        """Send a signal."""
        self._running().send_signal(number)

    def kill(self) -> None:
        """End it at once, as a power cut would."""
        self.send(signal.SIGKILL)
        self.wait()

    def pause(self) -> None:
        """Let it hang: it holds its connections and sends nothing."""
        self.send(signal.SIGSTOP)

    def resume(self) -> None:
        """Let a paused program go on."""
        self.send(signal.SIGCONT)

    def terminate(self) -> int:
        """Stop it as an operator does; return its exit code."""
        self.send(signal.SIGTERM)
        return self.wait()

    def wait(self, within: float = STOP_SECONDS) -> int:
        """Wait for its end; return its exit code, or minus the signal's number."""
        try:
            code = self._running().wait(within)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"{self.name} still runs after {within} s\n{self.output}") from None
        if self._copier is not None:
            self._copier.join()
        return code

    @contextmanager
    def with_full_disk(self) -> Iterator[None]:
        """Let every write to a file fail."""
        limits = resource.prlimit(self.pid, resource.RLIMIT_FSIZE, (0, resource.RLIM_INFINITY))
        yield
        resource.prlimit(self.pid, resource.RLIMIT_FSIZE, limits)

    def close(self) -> None:
        """Leave nothing behind, whatever state it is in."""
        if self.is_running:
            self.kill()
        if self._process is not None:
            self.wait()

    def _process_writing_to(self, output: int) -> "subprocess.Popen[bytes] | Forked":
        if can_be_forked(self._arguments, self._variables):
            return Forked(self._arguments, self._variables, output, output)
        return subprocess.Popen(
            [sys.executable, *self._arguments],
            cwd=ROOT,
            env=self._variables,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
        )

    def _copy(self, output: IO[bytes]) -> None:
        with output, self.log.open("ab", buffering=0) as log:
            for text in output:
                log.write(text)

    def _running(self) -> "subprocess.Popen[bytes] | Forked":
        if self._process is None:
            raise AssertionError(f"{self.name} was never started")
        return self._process

    def _accepts(self) -> bool:
        return accepts(self.port)

    def _is_ready(self) -> bool:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=START_SECONDS)
        with closing(connection), suppress(OSError, http.client.HTTPException):
            connection.request("GET", "/health/ready")
            return connection.getresponse().status == 200
        return False


def processes_with(text: str, command: str = "") -> list[int]:
    """List the processes that have `text` in their environment, and `command` in their command, by their ids."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            has_text = text.encode() in (folder / "environ").read_bytes()
            if has_text and command.encode() in (folder / "cmdline").read_bytes() and not _is_dead(folder):
                found.append(int(folder.name))
    return found


def _is_dead(folder: Path) -> bool:
    """Tell whether a process has ended and only waits for its parent to notice."""
    return (folder / "stat").read_text().rpartition(")")[2].split()[0] in "ZX"
