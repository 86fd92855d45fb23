"""A session: a thread with one database connection, on which it runs one transaction after another."""

import re
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from functools import partial
from time import perf_counter
from typing import Any, Concatenate, Generic, ParamSpec, TypeVar

import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError

from infra.db.connecting import hosts_of
from infra.db.engines import WRITING
from infra.db.outages import Outages
from infra.db.replication import CommitWarnings, Unconfirmed, confirm, read_standing
from infra.db.servers import Servers
from infra.db.watchdog import TransactionTimer
from infra.db.worker import Worker
from infra.errors import DatabaseError
from infra.metrics import Histogram

P = ParamSpec("P")
R = TypeVar("R")

_ATTEMPT = re.compile(r"^- host: '?(.*?)'?, port: '?(.*?)'?, hostaddr: .*?: (.*)$", re.MULTILINE)
"""How psycopg reports each of several attempts to connect: host, port and reason."""

_CONNECTING = re.compile(r"^connection failed: (connection to server at .* failed: )?")


class StatementScript(Generic[P, R]):
    """A transaction script that writes and executes nothing but `Statement`: run without SQLAlchemy's BEGIN and COMMIT.

    On PostgreSQL it runs as a pipeline: its statements are sent together up to the first result that is read, and the
    rest with the COMMIT. So an error is raised where a result is read, or at the end.
    """

    def __init__(self, script: Callable[Concatenate[sa.Connection, P], R]) -> None:
        """Take the function, whose first argument is the connection; usable as a decorator."""
        self.script = script
        self.__doc__ = script.__doc__

    def __call__(self, connection: sa.Connection, /, *args: P.args, **kwargs: P.kwargs) -> R:
        """Run the script within a transaction that has begun."""
        return self.script(connection, *args, **kwargs)


statements_only = StatementScript
"""The class, as a decorator."""


class Session:
    """A thread with one database connection, which it opens with the first transaction and again after a failure."""

    def __init__(
        self,
        name: str,
        engine: sa.Engine,
        outages: Outages,
        servers: Servers,
        limit: float = 0,
        *,
        confirms: bool = False,
    ) -> None:
        """`limit`, in seconds, is how long a transaction on PostgreSQL may take; 0 is no limit.

        With `confirms` a new connection waits until a synchronous standby has all that it shows, where there are any.
        """
        self.name = name
        self.durations = Histogram()
        """How long each transaction that succeeded took, from BEGIN to COMMIT."""
        self.failed = 0
        """How many transactions ended with DatabaseError."""
        self._engine = engine
        self._outages = outages
        self._servers = servers
        self._worker = Worker(name)
        self._connection: sa.Connection | None = None
        self._timer = TransactionTimer(limit, self._search)
        self._reach: tuple[Any, Any] | None = None
        self._has_several_hosts = False
        self._driver = engine.dialect.loaded_dbapi
        self._errors = (DBAPIError, self._driver.Error, Unconfirmed)
        self._confirms = confirms
        self._warnings: CommitWarnings | None = None
        self._is_postgresql = engine.dialect.name == "postgresql"
        if self._is_postgresql:
            sa.event.listen(engine, "do_connect", self._connect_driver)

    @property
    def waiting(self) -> int:
        """How many transactions wait for the thread."""
        return self._worker.waiting

    async def run(self, script: Callable[Concatenate[sa.Connection, P], R], *args: P.args, **kwargs: P.kwargs) -> R:
        """Run a script as one transaction; raises DatabaseError."""
        return await self._worker.run(partial(self._transact, script, *args, **kwargs))

    def run_now(self, script: Callable[Concatenate[sa.Connection, P], R], *args: P.args, **kwargs: P.kwargs) -> R:
        """Run a script as one transaction, and block until it is done: for use without an event loop."""
        return self._worker.run_now(partial(self._transact, script, *args, **kwargs))

    def close(self) -> None:
        """Finish the transactions that were submitted, and close the connection."""
        self._worker.run_now(self._disconnect)
        self._worker.close()
        self._engine.dispose()

    def _transact(self, script: Callable[Concatenate[sa.Connection, P], R], *args: P.args, **kwargs: P.kwargs) -> R:
        began = perf_counter()
        while True:
            connection, is_fresh, is_finished = self._connection, self._connection is None, False
            if self._is_postgresql:
                self._timer.start()
            try:
                if connection is None:
                    connection = self._connection = self._engine.connect()
                    self._outages.reached()
                    self._confirm(connection)
                with self._begin(connection, script):
                    result = script(connection, *args, **kwargs)
                    is_finished = True
                if self._warnings is not None:
                    self._warnings.check()
                self._outages.succeeded(self.name)
                self.durations.observe(perf_counter() - began)
                return result
            except self._errors as error:
                cause = error.orig if isinstance(error, DBAPIError) else error
                is_lost = connection is not None and self._is_lost(connection)
                self._disconnect()
                if self._is_programs_fault(cause):
                    raise
                # A reused connection broke while it was idle: COMMIT was not sent, so nothing was committed, and the
                # script may run again. It may not after the limit, or if the server refused a statement, whether or not
                # the connection broke afterwards.
                if is_lost and not (is_fresh or is_finished or self._timer.is_expired or _is_refusal(cause)):
                    continue
                raise DatabaseError(
                    self._record(cause, is_connected=connection is not None, is_lost=is_lost)
                ) from error
            finally:
                if self._is_postgresql:
                    self._timer.stop()

    def _record(self, cause: BaseException | None, *, is_connected: bool, is_lost: bool) -> str:
        """Record a transaction that failed, and return the reason in one line."""
        self.failed += 1
        if self._timer.is_expired:
            reason = f"no response within {self._timer.limit:g} s; the connection is closed"
        else:
            reason = explain(cause)
        if not is_connected:
            self._outages.unreachable(reason)
        elif is_lost:
            self._outages.lost(reason)
        else:
            self._outages.failed(self.name, reason)
        return reason

    def _connect_driver(self, dialect: sa.Dialect, _record: object, arguments: Any, parameters: Any) -> Any:
        """Connect, and give the timer the connection's socket before the first statement waits on it."""
        self._reach = partial(dialect.connect, *arguments), parameters
        self._has_several_hosts = len(hosts_of(parameters)) > 1
        driver = self._servers.connect(*self._reach, self._driver.OperationalError)
        self._timer.attach(driver.fileno())
        self._warnings = CommitWarnings(driver)
        return driver

    def _confirm(self, connection: sa.Connection) -> None:
        """Make sure that a new connection shows nothing that its server has alone."""
        if self._is_postgresql:
            driver = connection.connection.driver_connection
            standing = read_standing(driver, is_one_of_several=self._has_several_hosts)
            if self._confirms:
                confirm(driver, standing, self._timer.limit / 2)
            self._servers.connected(self._timer, standing, is_confirmed=self._confirms)

    def _search(self) -> None:
        """Look for a newer primary, as a transaction takes long."""
        if self._reach is not None:
            self._servers.search(*self._reach, self._driver.OperationalError)

    def _begin(self, connection: sa.Connection, script: Callable[..., Any]) -> AbstractContextManager[Any]:
        """Begin a transaction, as the kind of script allows."""
        if not isinstance(script, StatementScript):
            return connection.begin()
        driver = connection.connection.driver_connection
        return _pipeline(driver, self._driver.Error) if self._is_postgresql else _Transaction(driver)

    def _is_lost(self, connection: sa.Connection) -> bool:
        """Return whether a connection has broken; SQLite's cannot."""
        if not self._is_postgresql:
            return False
        if connection.invalidated:
            return True
        return bool(connection.connection.driver_connection.closed)  # type: ignore[union-attr]

    def _is_programs_fault(self, error: BaseException | None) -> bool:
        """Return whether an error is this program's fault (a constraint, a misuse of the driver), not the database's.

        psycopg raises its own ProgrammingError for a misuse, and a subclass for SQL that the server refuses.
        """
        return isinstance(error, self._driver.IntegrityError) or type(error) is self._driver.ProgrammingError

    def _disconnect(self) -> None:
        connection, self._connection = self._connection, None
        self._timer.detach()
        self._servers.disconnected(self._timer)
        if connection is not None:
            with suppress(Exception):  # it may be broken, and it is discarded either way
                connection.invalidate()
                connection.close()


class _Transaction:
    """Runs the body as a transaction on SQLite that writes. As a generator it would take twice as many calls."""

    __slots__ = ("_driver",)

    def __init__(self, driver: Any) -> None:
        self._driver = driver

    def __enter__(self) -> None:
        self._driver.execute(WRITING)

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        driver = self._driver
        try:
            if kind is None:
                driver.execute("COMMIT")
        finally:
            if driver.in_transaction:
                driver.execute("ROLLBACK")


@contextmanager
def _pipeline(driver: Any, refusal: type[Exception]) -> Iterator[None]:
    """Run the body as a transaction on PostgreSQL: BEGIN is sent with the first statements, COMMIT with the last.

    After an error of the driver (`refusal`) nothing more is sent: the session closes the connection, which ends the
    transaction. A pipeline that the error has aborted cannot always be left, and a ROLLBACK within it is a violation of
    the protocol, whose error would replace the first one.
    """
    cursor, is_refused = driver.cursor(), False
    try:
        with driver.pipeline():
            cursor.execute("BEGIN")
            yield
            cursor.execute("COMMIT")
    except refusal:
        is_refused = True
        raise
    finally:
        if not (is_refused or driver.closed):
            driver.rollback()  # does nothing after a commit


def explain(error: BaseException | None) -> str:
    """Return a driver's error in one line; for several hosts, the reason of each."""
    text = str(error).strip()
    hosts = [f"{host}:{port}: {_CONNECTING.sub('', reason)}" for host, port, reason in _ATTEMPT.findall(text)]
    return "; ".join(hosts) or (text.splitlines()[0] if text else type(error).__name__)


def _is_refusal(error: BaseException | None) -> bool:
    """Return whether PostgreSQL refused a statement (ERROR), other than by ending the connection (FATAL)."""
    diagnosis = getattr(error, "diag", None)
    return diagnosis is not None and diagnosis.severity_nonlocalized == "ERROR"
