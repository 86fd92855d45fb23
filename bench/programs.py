"""Starts and ends the programs that are measured."""

import os
import random
import signal
import socket
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import closing, suppress
from pathlib import Path

ROOT = Path(__file__).parent.parent
STOP_SECONDS = 20.0

_RUN = ROOT / ".venv-run" / "bin" / "python"
PRODUCT = _RUN if _RUN.exists() else Path(sys.executable)
"""Python with what Comanda needs and nothing else, which `just bench` makes; else the benchmark's own. Litestar imports
some packages of the other systems where they are installed: pydantic takes 7 MB of each gateway."""

KEY = "comanda_" + "b" * 43
"""The secret of the manager's key, which a gateway's first start makes: the staff's requests need one."""

# Below the ports that the system hands out to clients: none of them can take the port of a program that is to start.
_PORTS = range(15_000, 32_000)
_chance = random.SystemRandom()


class ProgramFailed(Exception):
    """A program that is measured ended, or did not start; the message has the end of its log."""


class Program:
    """One process, with its log in a file."""

    def __init__(
        self,
        name: str,
        arguments: Sequence[str],
        variables: Mapping[str, str],
        port: int,
        log: Path,
        python: Path | str = sys.executable,
    ) -> None:
        """`arguments` are Python's, such as `-m gateway`."""
        self.name = name
        self.port = port
        self.log = log
        self._command = [python, *arguments]
        self._variables = dict(variables)
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        """The process's id; raises ProgramFailed where there is none."""
        if self._process is None or self._process.poll() is not None:
            raise ProgramFailed(f"{self.name} does not run\n{self.last_words()}")
        return self._process.pid

    def start(self) -> None:
        """Start a process, in a session of its own: Ctrl-C is the benchmark's to hear."""
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                self._command,
                cwd=ROOT,
                env={**os.environ, **self._variables},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def stop(self) -> None:
        """End the process as an operator does, or, where it does not listen, for good."""
        if self._process is None:
            return
        self._process.send_signal(signal.SIGTERM)
        try:
            self._process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.kill()

    def kill(self) -> None:
        """End the process at once."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    def accepts(self) -> bool:
        """Tell whether it listens; raises ProgramFailed where it has ended."""
        self.pid  # noqa: B018 - raises
        with closing(socket.socket()) as sock:
            return sock.connect_ex(("127.0.0.1", self.port)) == 0

    def last_words(self) -> str:
        """Return the end of its log."""
        return "\n".join(self.log.read_text("utf-8", "replace").splitlines()[-15:])


def free_ports(count: int) -> list[int]:
    """Find ports that nobody listens on."""
    found: set[int] = set()
    while len(found) < count:
        port = _chance.choice(_PORTS)
        with closing(socket.socket()) as sock, suppress(OSError):
            sock.bind(("127.0.0.1", port))
            found.add(port)
    return list(found)
