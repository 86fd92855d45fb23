"""A session: a thread with a connection of its own, on which it runs one transaction after another."""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from typing import Any, Concatenate, ParamSpec, TypeVar

import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError

from plumbing.engines import WRITING
from plumbing.errors import DatabaseError
from plumbing.outages import Outages
from plumbing.watchdog import TransactionTimer
from plumbing.worker import Worker

P = ParamSpec("P")
R = TypeVar("R")
Script = TypeVar("Script", bound=Callable[..., Any])

_MARK = "__statements_only__"

_ATTEMPT = re.compile(r"^- host: '?(.*?)'?, port: '?(.*?)'?, hostaddr: .*?: (.*)$", re.MULTILINE)
"""How psycopg writes one attempt of several to connect: host, port and reason."""

_CONNECTING = re.compile(r"^connection failed: (connection to server at .* failed: )?")


def statements_only(script: Script) -> Script:
    """Run a script that writes, and executes nothing but `Statement`, without SQLAlchemy's costly BEGIN and COMMIT.

    PostgreSQL hears all of it up to the first answer that is read, and the rest together with the COMMIT. A fault is
    raised where an answer is read, or at the end.
    """
    setattr(script, _MARK, True)
    return script


class Session:
    """A thread with a connection of its own, on which it runs one transaction after another."""

    def __init__(self, name: str, engine: sa.Engine, outages: Outages, limit: float = 0) -> None:
        """`limit`, in seconds, is what a transaction on PostgreSQL may take; 0 is for ever."""
        self._name = name
        self._engine = engine
        self._outages = outages
        self._worker = Worker(name)
        self._connection: sa.Connection | None = None
        self._timer = TransactionTimer(limit)
        self._errors = (DBAPIError, engine.dialect.loaded_dbapi.Error)
        if engine.dialect.name == "postgresql":
            sa.event.listen(engine, "do_connect", self._connect_driver)

    async def run(self, script: Callable[Concatenate[sa.Connection, P], R], *args: P.args, **kwargs: P.kwargs) -> R:
        """Run a script as one transaction; raises DatabaseError."""
        return await self._worker.run(partial(self._transact, script, *args, **kwargs))

    def run_now(self, script: Callable[Concatenate[sa.Connection, P], R], *args: P.args, **kwargs: P.kwargs) -> R:
        """Do the same where no loop runs, and block until it is done."""
        return self._worker.run_now(partial(self._transact, script, *args, **kwargs))

    def close(self) -> None:
        """Finish what was given, and give up the connection."""
        self._worker.run_now(self._hang_up)
        self._worker.close()
        self._engine.dispose()

    def _transact(self, script: Callable[Concatenate[sa.Connection, P], R], *args: P.args, **kwargs: P.kwargs) -> R:
        while True:
            connection, is_fresh, is_finished = self._connection, self._connection is None, False
            self._timer.start()
            try:
                if connection is None:
                    connection = self._connection = self._engine.connect()
                    self._outages.reached()
                with _begin(connection, script):
                    result = script(connection, *args, **kwargs)
                    is_finished = True
                self._outages.succeeded(self._name)
                return result
            except self._errors as error:
                cause = error.orig if isinstance(error, DBAPIError) else error
                is_lost = connection is not None and _is_lost(connection)
                self._hang_up()
                if _is_ours(cause):
                    raise
                # A kept connection that died while idle: COMMIT was not sent, so nothing was committed, and the script
                # may run again. One that holds has answered, so has one that broke after the server had refused a
                # statement, and one that took too long has had its time.
                if is_lost and not (is_fresh or is_finished or self._timer.is_over or _is_refusal(cause)):
                    continue
                raise DatabaseError(self._note(cause, is_connected=connection is not None, is_lost=is_lost)) from error
            finally:
                self._timer.stop()

    def _note(self, cause: BaseException | None, *, is_connected: bool, is_lost: bool) -> str:
        """Note what became of a transaction that failed, and return why, in one line."""
        if self._timer.is_over:
            reason = f"no answer within {self._timer.limit:g} s; the connection is given up"
        else:
            reason = explain(cause)
        if not is_connected:
            self._outages.unreachable(reason)
        elif is_lost:
            self._outages.lost(reason)
        else:
            self._outages.failed(self._name, reason)
        return reason

    def _connect_driver(self, dialect: sa.Dialect, _record: object, arguments: Any, parameters: Any) -> Any:
        """Connect, and let the timer know the connection's socket before a first statement waits on it."""
        driver = dialect.connect(*arguments, **parameters)
        self._timer.attach(driver.fileno())
        return driver

    def _hang_up(self) -> None:
        connection, self._connection = self._connection, None
        self._timer.detach()
        if connection is not None:
            with suppress(Exception):  # it may be broken, and it is given up either way
                connection.invalidate()
                connection.close()


@contextmanager
def _begin(connection: sa.Connection, script: Callable[..., Any]) -> Iterator[None]:
    if hasattr(script, _MARK):
        driver = connection.connection.driver_connection
        yield from _pipeline(driver) if connection.dialect.name == "postgresql" else _transaction(driver)
    else:
        with connection.begin():
            yield


def _transaction(driver: Any) -> Iterator[None]:
    """Make a transaction on SQLite that writes."""
    driver.execute(WRITING)
    try:
        yield
        driver.execute("COMMIT")
    finally:
        if driver.in_transaction:
            driver.execute("ROLLBACK")


def _pipeline(driver: Any) -> Iterator[None]:
    """Send BEGIN with the first statement and COMMIT with the last ones, which fail or succeed as one."""
    cursor = driver.cursor()
    try:
        with driver.pipeline():
            cursor.execute("BEGIN")
            yield
            cursor.execute("COMMIT")
    finally:
        if not driver.closed:
            driver.rollback()  # nothing, where it is committed


def _is_lost(connection: sa.Connection) -> bool:
    """Tell whether a connection has broken; SQLite's cannot."""
    if connection.dialect.name == "sqlite":
        return False
    if connection.invalidated:
        return True
    return bool(connection.connection.driver_connection.closed)  # type: ignore[union-attr]


def _is_refusal(error: BaseException | None) -> bool:
    """Tell whether PostgreSQL refused a statement, and did not end the connection with these words (FATAL)."""
    diagnosis = getattr(error, "diag", None)
    return diagnosis is not None and diagnosis.severity_nonlocalized == "ERROR"


def _is_ours(error: BaseException | None) -> bool:
    """Tell a fault of this program (a constraint, a misuse of the driver) from one of the database."""
    kinds = [kind.__name__ for kind in type(error).__mro__]  # psycopg's are named after what happened: UniqueViolation
    return "IntegrityError" in kinds or kinds[0] == "ProgrammingError"


def explain(error: BaseException | None) -> str:
    """Return in one line what a driver's error says; of several hosts, what each of them said."""
    text = str(error).strip()
    hosts = [f"{host}:{port}: {_CONNECTING.sub('', reason)}" for host, port, reason in _ATTEMPT.findall(text)]
    return "; ".join(hosts) or (text.splitlines()[0] if text else type(error).__name__)
