"""One database, SQLite or PostgreSQL: its engines, its threads, and a transaction as one job in a thread.

A transaction script is a plain function whose first argument is the connection. `write` runs it in the one writing
thread, from BEGIN to COMMIT, and cannot be interrupted half-way by a caller that goes away. `read` runs it in a thread
of its own, so that a long page of history never delays an order.
"""

import asyncio
import fcntl
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import IO, Concatenate, ParamSpec, TypeVar

import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import ArgumentError, DBAPIError, IntegrityError, ProgrammingError

from plumbing.errors import DatabaseError, SettingsError, StartError

P = ParamSpec("P")
R = TypeVar("R")

CONNECT_SECONDS = 5
STATEMENT_MILLISECONDS = 10_000

_MIGRATIONS = Path(__file__).parent / "migrations"


class Database:
    """A SQLite file or one schema of a PostgreSQL database."""

    def __init__(self, url: str, schema: str) -> None:
        """Open lazily; raises SettingsError for a URL of another kind. `schema` is used on PostgreSQL only."""
        self.url = _parse(url)
        self.schema = schema
        self._lock: IO[str] | None = None
        if self.url.drivername == "sqlite":
            self._writer = _sqlite_engine(self.url, "BEGIN IMMEDIATE")
            self._reader = _sqlite_engine(self.url, "BEGIN")
        else:
            self._writer = self._reader = _postgresql_engine(self.url, schema)
        self._write_thread = ThreadPoolExecutor(1, thread_name_prefix="write")
        self._read_thread = ThreadPoolExecutor(1, thread_name_prefix="read")

    def __str__(self) -> str:
        """Name the database without its password."""
        return self.url.render_as_string(hide_password=True)

    def prepare(self, versions: Path) -> None:
        """Take the database for this process and bring its tables up to date; raises StartError.

        `versions` is the folder of the program's Alembic migrations.
        """
        if self.url.drivername == "sqlite":
            self._lock = _lock_file(Path(self.url.database or ""))
        config = Config()
        config.set_main_option("script_location", str(_MIGRATIONS))
        config.set_main_option("version_locations", str(versions))
        config.set_main_option("path_separator", "os")
        try:
            with self._writer.begin() as connection:
                if connection.dialect.name == "postgresql":
                    # Replicas that start at once take turns.
                    connection.execute(sa.select(sa.func.pg_advisory_xact_lock(sa.func.hashtext(self.schema))))
                    connection.execute(sa.schema.CreateSchema(self.schema, if_not_exists=True))
                config.attributes["connection"] = connection
                command.upgrade(config, "head")
        except DBAPIError as error:
            raise StartError(f"database {self} cannot be used: {_first_line(error)}") from error

    async def write(self, script: Callable[Concatenate[sa.Connection, P], R], *args: P.args, **kwargs: P.kwargs) -> R:
        """Run a script as one durable transaction; raises DatabaseError."""
        return await self._run(self._write_thread, lambda: _transact(self._writer, script, *args, **kwargs))

    async def read(self, script: Callable[Concatenate[sa.Connection, P], R], *args: P.args, **kwargs: P.kwargs) -> R:
        """Run a script that changes nothing; raises DatabaseError."""
        return await self._run(self._read_thread, lambda: _transact(self._reader, script, *args, **kwargs))

    def close(self) -> None:
        """Finish the transactions that run, then let go of the database."""
        for thread in (self._write_thread, self._read_thread):
            thread.shutdown()
        for engine in (self._reader, self._writer):
            engine.dispose()
        if self._lock is not None:
            self._lock.close()

    @staticmethod
    async def _run(thread: ThreadPoolExecutor, job: Callable[[], R]) -> R:
        # Shielded: a caller that is cancelled leaves the transaction whole.
        return await asyncio.shield(asyncio.get_running_loop().run_in_executor(thread, job))


def insert_or_ignore(connection: sa.Connection, table: sa.Table) -> "sqlite.Insert | postgresql.Insert":
    """Build an INSERT that passes over rows whose key exists."""
    if connection.dialect.name == "postgresql":
        return postgresql.insert(table).on_conflict_do_nothing()
    return sqlite.insert(table).on_conflict_do_nothing()


def _transact(
    engine: sa.Engine, script: Callable[Concatenate[sa.Connection, P], R], *args: P.args, **kwargs: P.kwargs
) -> R:
    for attempt in (1, 2):
        finished = False
        try:
            with engine.begin() as connection:
                result = script(connection, *args, **kwargs)
                finished = True
            return result
        except (IntegrityError, ProgrammingError):
            raise  # a fault of ours, not the database's
        except DBAPIError as error:
            # A connection that died while idle: nothing was committed, so the script may run again on a new one.
            if error.connection_invalidated and not finished and attempt == 1:
                continue
            raise DatabaseError(_first_line(error)) from error
    raise AssertionError("unreachable")


def _parse(url: str) -> sa.URL:
    try:
        parsed = sa.make_url(url)
    except ArgumentError:
        raise SettingsError("COMANDA_DATABASE_URL is not a database URL, such as postgresql://user@host/name") from None
    if parsed.drivername in ("postgresql", "postgres", "postgresql+psycopg"):
        return parsed.set(drivername="postgresql+psycopg")
    if parsed.drivername == "sqlite" and parsed.database:
        return parsed
    raise SettingsError(f"COMANDA_DATABASE_URL: {parsed.drivername!r} is not allowed: expected postgresql or sqlite")


def _sqlite_engine(url: sa.URL, begin: str) -> sa.Engine:
    engine = sa.create_engine(url, pool_size=1, max_overflow=0, connect_args={"check_same_thread": False})

    @sa.event.listens_for(engine, "connect")
    def configure(connection: "sa.engine.interfaces.DBAPIConnection", _record: object) -> None:
        connection.isolation_level = None  # transactions are begun below, not by the driver's guess
        for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "busy_timeout=5000"):
            connection.execute(f"PRAGMA {pragma}")

    @sa.event.listens_for(engine, "begin")
    def start(connection: sa.Connection) -> None:
        connection.exec_driver_sql(begin)

    return engine


def _postgresql_engine(url: sa.URL, schema: str) -> sa.Engine:
    options = f"-c search_path={schema} -c synchronous_commit=on -c statement_timeout={STATEMENT_MILLISECONDS}"
    return sa.create_engine(
        url,
        pool_size=2,
        max_overflow=0,
        connect_args={"options": options, "connect_timeout": CONNECT_SECONDS, "application_name": f"comanda-{schema}"},
    )


def _lock_file(path: Path) -> IO[str]:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        lock = Path(f"{path}.lock").open("a")
    except OSError as error:
        raise StartError(f"the data directory {path.parent} cannot be used: {os.strerror(error.errno or 0)}") from error
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        lock.close()
        raise StartError(f"{path} is in use by another process; a SQLite file serves one") from None
    return lock


def _first_line(error: DBAPIError) -> str:
    lines = str(error.orig).strip().splitlines()
    return lines[0] if lines else type(error.orig).__name__
