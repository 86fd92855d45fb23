"""One database, SQLite or PostgreSQL: its sessions, its migrations, and transactions as jobs in threads.

A transaction script is a plain function whose first argument is the connection. `write` runs it in the one writing
thread, from BEGIN to COMMIT; a caller that is cancelled does not interrupt it. `read` runs it in a second thread, so
that a long page of history never delays an order, and `look_up` in a third, so that a read of a few rows by their keys
does not wait for such a page.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Concatenate, ParamSpec, TypeVar

import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError

from infra.db import engines
from infra.db.migrations import is_current, migrate
from infra.db.outages import Outages
from infra.db.servers import Servers
from infra.db.sessions import Session, StatementScript, statements_only
from infra.db.sqlite_files import lock_file, make_private, refuse_half_restored
from infra.db.statements import (
    MOST_ROWS,
    TENANT,
    Statement,
    encode_json,
    insert_into,
    insert_records,
    records,
    strings,
    tenant,
    update_records,
)
from infra.db.url import is_sqlite, parse_url, show_url
from infra.errors import DatabaseError, StartError

__all__ = [
    "DEFAULT_TENANT",
    "MOST_ROWS",
    "Database",
    "Statement",
    "StatementScript",
    "change_copy",
    "encode_json",
    "insert_into",
    "insert_records",
    "lock_file",
    "records",
    "statements_only",
    "strings",
    "tenant",
    "update_records",
]

P = ParamSpec("P")
R = TypeVar("R")

DEFAULT_TENANT = "main"


class Database:
    """One tenant's rows in a SQLite file or in one schema of a PostgreSQL database."""

    def __init__(
        self,
        url: str | Path,
        schema: str,
        *,
        tenant: str = DEFAULT_TENANT,
        read_only: bool = False,
        timeout: float = engines.TIMEOUT_SECONDS,
    ) -> None:
        """Open lazily; raises SettingsError for a URL of another kind. `schema` and `timeout` are for PostgreSQL only.

        The scripts filter by the tenant, which `tenant(connection)` returns to them.

        A path is a SQLite file's, whatever characters are in it. With `read_only` nothing is created or changed, not
        even the file: for a database that other processes write. `timeout`, in seconds, is the limit of a transaction
        that writes; after it the connection is closed.
        """
        self.url = parse_url(url)
        self.schema = schema
        self.tenant = tenant
        self._timeout = timeout
        self._lock: IO[str] | None = None
        self._outages = Outages(str(self))
        self._servers = Servers()
        if read_only:
            limits = engines.auditing(timeout)
            reading = engines.reading_engine(self.url, schema, limits)
            self._writer = self._reader = self._finder = self._session("read", reading, limits)
        elif is_sqlite(self.url):
            self._writer = self._session("write", engines.sqlite_engine(self.url, engines.WRITING))
            self._reader = self._session("read", engines.sqlite_engine(self.url, "BEGIN"))
            self._finder = self._session("look up", engines.sqlite_engine(self.url, "BEGIN"))
        else:
            # Orders are acknowledged by what is written and looked up: a standby has to have that, too.
            self._writer = self._on_postgresql("write", engines.writing(timeout), engines.BY_KEY, confirms=True)
            self._reader = self._on_postgresql("read", engines.reading(timeout))
            self._finder = self._on_postgresql("look up", engines.writing(timeout), engines.BY_KEY, confirms=True)

    def __str__(self) -> str:
        """Return the URL without its password."""
        return show_url(self.url)

    @property
    def file(self) -> Path | None:
        """The SQLite file; None on PostgreSQL."""
        return Path(self.url.database or "") if is_sqlite(self.url) else None

    @property
    def sessions(self) -> Sequence[Session]:
        """The sessions that write, read and look up; one in place of all three for a database that is only read."""
        return list(dict.fromkeys([self._writer, self._reader, self._finder]))

    def prepare(self, versions: Path) -> None:
        """Lock the database for this process, and run the migrations that are due; raises StartError.

        `versions` is the folder of the program's Alembic migrations.
        """
        if self.file is not None:
            self._lock = lock_file(self.file)
            refuse_half_restored(self.file)
            make_private(self.file)
        with self.start_errors():
            if not self._writer.run_now(self._is_current, versions):
                self._migrate(versions)
        self._outages.begin()

    @contextmanager
    def start_errors(self) -> Iterator[None]:
        """Raise the body's DatabaseError as StartError: a program does not start without its database."""
        try:
            yield
        except DatabaseError as error:
            raise StartError(f"database {self} cannot be used: {error}") from error

    async def write(self, script: Callable[Concatenate[sa.Connection, P], R], *args: P.args, **kwargs: P.kwargs) -> R:
        """Run a script as one durable transaction, to its end also if the caller is cancelled; raises DatabaseError."""
        return await self._writer.run(script, *args, **kwargs)

    async def read(self, script: Callable[Concatenate[sa.Connection, P], R], *args: P.args, **kwargs: P.kwargs) -> R:
        """Run a script that only reads; raises DatabaseError."""
        return await self._reader.run(script, *args, **kwargs)

    async def look_up(self, script: Callable[Concatenate[sa.Connection, P], R], *args: P.args, **kwargs: P.kwargs) -> R:
        """Run a script that reads a few rows by their keys, without waiting for `read`; raises DatabaseError."""
        return await self._finder.run(script, *args, **kwargs)

    def close(self) -> None:
        """Finish the transactions that were submitted, then close the connections and release the lock."""
        for session in reversed(self.sessions):
            session.close()
        if self._lock is not None:
            self._lock.close()

    def _session(
        self, name: str, engine: sa.Engine, limits: engines.Limits | None = None, *, confirms: bool = False
    ) -> Session:
        engine.update_execution_options(**{TENANT: self.tenant})
        limit = limits.transaction if limits else 0
        return Session(name, engine, self._outages, self._servers, limit, confirms=confirms)

    def _on_postgresql(
        self, name: str, limits: engines.Limits, options: str = "", *, confirms: bool = False
    ) -> Session:
        engine = engines.postgresql_engine(self.url, self.schema, limits, options=options)
        return self._session(name, engine, limits, confirms=confirms)

    def _is_current(self, connection: sa.Connection, versions: Path) -> bool:
        """Return whether no migration is due; raises StartError for an encoding that cannot hold all text."""
        encoding = _encoding(connection)
        if encoding != "UTF8":
            raise StartError(f"database {self} is in {encoding}; it must be created with ENCODING 'UTF8'")
        return is_current(connection, self.schema, versions)

    def _migrate(self, versions: Path) -> None:
        """Run the migrations that are due; on PostgreSQL in a session of its own, without a time limit."""
        if self.file is not None:
            self._writer.run_now(migrate, self.schema, versions)
            return
        migrating = self._on_postgresql("migrate", engines.migrating(self._timeout))
        try:
            migrating.run_now(migrate, self.schema, versions)
        finally:
            migrating.close()


def change_copy(path: Path, script: Callable[[sa.Connection], None]) -> None:
    """Run a script as a transaction on a SQLite file that no program uses; raises DatabaseError.

    No write-ahead log is left beside the file, so it can be copied alone.
    """
    engine = sa.create_engine(sa.URL.create("sqlite", database=str(path)))
    try:
        with engine.begin() as connection:
            script(connection)
    except DBAPIError as error:
        raise DatabaseError(f"{path} cannot be changed: {error.orig}") from error
    finally:
        engine.dispose()


def _encoding(connection: sa.Connection) -> str:
    """Return the encoding of text; those of SQLite are all Unicode."""
    if connection.dialect.name == "sqlite":
        return "UTF8"
    return str(connection.exec_driver_sql("SHOW server_encoding").scalar_one())
