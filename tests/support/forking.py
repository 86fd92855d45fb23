"""`python -m tests.support.forking DESCRIPTOR`: imports the programs and forks one for each message on a socket.

It has one thread and no event loop, as a process that forks should. It ends when the socket's other end is closed.
"""

import json
import os
import runpy
import selectors
import signal
import socket
import sys
import time
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from importlib import import_module

from infra.imports import leave_rich_out, without_collecting

IMPORTED = (
    "departments.main",
    "gateway.main",
    "sqlalchemy.dialects.postgresql.psycopg",  # by what runs on PostgreSQL
    "psycopg",
    "alembic.command",  # by what begins on an empty database
    "ops.health",
)
LONGEST = 1 << 20  # bytes of a message
LARGEST = 1 << 12  # of the descriptors: a few for each program that runs


@dataclass(frozen=True, slots=True)
class Start:
    """What a process is to become: the module and its arguments, the environment, where it writes."""

    arguments: list[str]
    variables: dict[str, str]
    stdout: int
    stderr: int

    def prepare(self) -> None:
        """Make this process what `python -m` would have started."""
        signal.signal(signal.SIGINT, signal.default_int_handler)
        os.dup2(self.stdout, 1)
        os.dup2(self.stderr, 2)
        os.closerange(3, LARGEST)
        os.environ.clear()
        os.environ.update(self.variables)
        time.tzset()
        sys.argv = list(self.arguments)


def import_programs() -> None:
    """Import all modules as the programs and commands do themselves, but for those that are run as `__main__`."""
    leave_rich_out()
    with without_collecting():
        for name in IMPORTED:
            import_module(name)
        for command in import_module("ops.__main__").COMMANDS.values():
            import_module(command.module)
    for name in ("ops.__main__", "ops.health"):
        del sys.modules[name]


def serve(control: socket.socket) -> Start | None:
    """Fork until the socket's other end is closed: return what to become in each child, and None at the end."""
    with selectors.DefaultSelector() as selector:
        selector.register(control, selectors.EVENT_READ)
        while True:
            for key, _ in selector.select():
                if key.fileobj is not control:
                    key.data()
                    selector.unregister(key.fileobj)
                    os.close(key.fd)
                    continue
                message, descriptors, _, _ = socket.recv_fds(control, LONGEST, 3)
                if not message:
                    return None
                stdout, stderr, ending = descriptors
                pid = os.fork()
                if not pid:
                    os.close(ending)
                    return Start(**json.loads(message), stdout=stdout, stderr=stderr)
                os.close(stdout)
                os.close(stderr)
                control.send(str(pid).encode())
                selector.register(os.pidfd_open(pid), selectors.EVENT_READ, partial(tell_end, pid, ending))


def tell_end(pid: int, ending: int) -> None:
    """Write the exit code of a child that has ended."""
    _, status = os.waitpid(pid, 0)
    with suppress(BrokenPipeError):  # the tests have been killed
        os.write(ending, str(os.waitstatus_to_exitcode(status)).encode())
    os.close(ending)


def main() -> None:
    """Fork, and be one program in each child."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the tests, which close what they opened
    with socket.socket(fileno=int(sys.argv[1])) as control:
        import_programs()
        start = serve(control)
    if start is not None:
        start.prepare()
        runpy.run_module(start.arguments[0], run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
