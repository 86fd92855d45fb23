"""One database, SQLite or PostgreSQL: its engines, its threads, and a transaction as one job in a thread.

A transaction script is a plain function whose first argument is the connection. `write` runs it in the one writing
thread, from BEGIN to COMMIT, and cannot be interrupted half-way by a caller that goes away. `read` runs it in a thread
of its own, so that a long page of history never delays an order.
"""

import fcntl
import os
import re
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import IO, Any, Concatenate, ParamSpec, TypeVar
from urllib.parse import quote

import msgspec
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import ArgumentError, DBAPIError

from plumbing.errors import DatabaseError, SettingsError, StartError
from plumbing.worker import Worker

P = ParamSpec("P")
R = TypeVar("R")
Script = TypeVar("Script", bound=Callable[..., Any])

CONNECT_SECONDS = 5
STATEMENT_MILLISECONDS = 10_000
MOST_ROWS = 64
"""The most rows of one statement for SQLite, which is another one for each number of rows. Batches are cut into powers
of two, so that what is kept ready is the same few statements, of at most 50 KB each."""

CACHED_STATEMENTS = 48
"""How many statements a connection to SQLite keeps ready: seven for each that takes rows, and the others."""

WRITING = "BEGIN IMMEDIATE"
"""How a transaction that writes begins on SQLite: with its turn, which it could not get later."""

_encode = msgspec.json.Encoder().encode


_VALUES = re.compile(r"/\* values of ([\w ]+) \*/")
"""Where, in a statement for SQLite, the rows of a batch stand."""


class Statement:
    """A SQLAlchemy statement that is compiled once for each dialect and then goes straight to the driver.

    What an execution costs SQLAlchemy is many times what it costs SQLite; on the order path that is most of a
    transaction. Values pass as they are, both ways: columns of plain integers and text only.
    """

    def __init__(self, build: "Callable[[sa.Dialect], sa.ClauseElement] | sa.ClauseElement") -> None:
        """Take a statement, or a function that builds it for a dialect."""
        self._build = build
        self._compiled: dict[str, str] = {}
        self._with_rows: dict[int, str] = {}

    def run(self, connection: sa.Connection, values: Mapping[str, Any]) -> Any:
        """Execute once; answers the driver's cursor, which may wait for the answer only when it is read."""
        cursor = connection.connection.cursor()
        cursor.execute(self._text(connection.dialect), values)
        return cursor

    def run_rows(self, connection: sa.Connection, rows: Sequence[Mapping[str, Any]]) -> Iterable[Any]:
        """Execute for a batch of rows; what it answers is read by a RETURNING only."""
        marker = _VALUES.search(self._text(connection.dialect))
        if marker is None:
            unread: Iterable[Any] = self.run(connection, {"rows": encode_json(rows)})
            return unread
        cursor, names = connection.connection.cursor(), marker[1].split()
        answered: list[Any] = []
        for part in _powers_of_two(rows):
            values = [row.get(name) for row in part for name in names]
            answered += cursor.execute(self._text_for_rows(connection.dialect, len(names), len(part)), values)
        return answered

    def _text_for_rows(self, dialect: sa.Dialect, columns: int, rows: int) -> str:
        text = self._with_rows.get(rows)
        if text is None:
            place = f"({', '.join('?' * columns)})"
            text = self._with_rows[rows] = _VALUES.sub(", ".join([place] * rows), self._text(dialect))
        return text

    def _text(self, dialect: sa.Dialect) -> str:
        text = self._compiled.get(dialect.name)
        if text is None:
            statement = self._build(dialect) if callable(self._build) else self._build
            # Named parameters on both drivers, so that a row is a mapping.
            naming = sqlite.dialect(paramstyle="named") if dialect.name == "sqlite" else dialect
            text = self._compiled[dialect.name] = str(statement.compile(dialect=naming))
        return text


def _powers_of_two(rows: Sequence[R]) -> Iterator[Sequence[R]]:
    """Cut a batch into parts of 1, 2, 4 and so on to MOST_ROWS rows, the largest first."""
    start = 0
    while left := len(rows) - start:
        end = start + min(MOST_ROWS, 1 << left.bit_length() - 1)
        yield rows[start:end]
        start = end


class Database:
    """A SQLite file or one schema of a PostgreSQL database."""

    def __init__(self, url: str, schema: str, *, read_only: bool = False) -> None:
        """Open lazily; raises SettingsError for a URL of another kind. `schema` is used on PostgreSQL only.

        `read_only` is for looking at a database that others write: nothing is made or changed, not even the file.
        """
        self.url = _parse(url)
        self.schema = schema
        self._lock: IO[str] | None = None
        if read_only:
            self._writer = self._reader = _Session("read", _reading_engine(self.url, schema))
        elif self.url.drivername == "sqlite":
            self._writer = _Session("write", _sqlite_engine(self.url, WRITING))
            self._reader = _Session("read", _sqlite_engine(self.url, "BEGIN"))
        else:
            self._writer = _Session("write", _postgresql_engine(self.url, schema, _BY_KEY))
            self._reader = _Session("read", _postgresql_engine(self.url, schema))

    def __str__(self) -> str:
        """Name the database without its password."""
        return self.url.render_as_string(hide_password=True)

    @property
    def file(self) -> Path | None:
        """The SQLite file; None on PostgreSQL."""
        return Path(self.url.database or "") if self.url.drivername == "sqlite" else None

    def prepare(self, versions: Path) -> None:
        """Take the database for this process and bring its tables up to date; raises StartError.

        `versions` is the folder of the program's Alembic migrations.
        """
        if self.file is not None:
            self._lock = lock_file(self.file)
        try:
            encoding = self._writer.run_now(_encoding)
            if encoding != "UTF8":
                raise StartError(f"database {self} is in {encoding}; it has to be made with ENCODING 'UTF8'")
            self._writer.run_now(_migrate, self.schema, versions)
        except DatabaseError as error:
            raise StartError(f"database {self} cannot be used: {error}") from error

    async def write(self, script: Callable[Concatenate[sa.Connection, P], R], *args: P.args, **kwargs: P.kwargs) -> R:
        """Run a script as one durable transaction, which a caller that goes away leaves whole; raises DatabaseError."""
        return await self._writer.run(script, *args, **kwargs)

    async def read(self, script: Callable[Concatenate[sa.Connection, P], R], *args: P.args, **kwargs: P.kwargs) -> R:
        """Run a script that changes nothing; raises DatabaseError."""
        return await self._reader.run(script, *args, **kwargs)

    def close(self) -> None:
        """Finish the transactions that run, then let go of the database."""
        for session in {self._reader, self._writer}:
            session.close()
        if self._lock is not None:
            self._lock.close()


class _Session:
    """A thread with a connection of its own, on which it runs one transaction after another."""

    def __init__(self, name: str, engine: sa.Engine) -> None:
        self._engine = engine
        self._worker = Worker(name)
        self._connection: sa.Connection | None = None

    async def run(self, script: Callable[Concatenate[sa.Connection, P], R], *args: P.args, **kwargs: P.kwargs) -> R:
        return await self._worker.run(partial(self._transact, script, *args, **kwargs))

    def run_now(self, script: Callable[Concatenate[sa.Connection, P], R], *args: P.args, **kwargs: P.kwargs) -> R:
        return self._worker.run_now(partial(self._transact, script, *args, **kwargs))

    def close(self) -> None:
        self._worker.run_now(self._hang_up)
        self._worker.close()
        self._engine.dispose()

    def _transact(self, script: Callable[Concatenate[sa.Connection, P], R], *args: P.args, **kwargs: P.kwargs) -> R:
        while True:
            finished = False
            fresh = self._connection is None
            try:
                connection = self._connection = self._connection or self._engine.connect()
                with _begin(connection, script):
                    result = script(connection, *args, **kwargs)
                    finished = True
                return result
            except _dbapi_errors(self._engine) as error:
                cause = error.orig if isinstance(error, DBAPIError) else error
                self._hang_up()
                if _is_ours(cause):
                    raise
                # A kept connection that died while idle: nothing was committed, so the script may run again.
                if not fresh and not finished and self._engine.dialect.name != "sqlite":
                    continue
                raise DatabaseError(_first_line(cause)) from error

    def _hang_up(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            with suppress(Exception):  # it may be broken, and it is given up either way
                connection.invalidate()
                connection.close()


_MARK = "__statements_only__"


def statements_only(script: Script) -> Script:
    """Run a script that writes, and executes nothing but `Statement`, without SQLAlchemy's costly BEGIN and COMMIT.

    PostgreSQL hears all of it up to the first answer that is read, and the rest together with the COMMIT. A fault is
    raised where an answer is read, or at the end.
    """
    setattr(script, _MARK, True)
    return script


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


def encode_json(value: object) -> str:
    """Write a value as JSON text, as a column or a parameter takes it."""
    return _encode(value).decode()


def strings(dialect: sa.Dialect, name: str) -> "sa.Select[Any]":
    """Select the strings of a JSON array: one parameter, and one statement, for any number of values."""
    array = sa.bindparam(name, type_=sa.Text)
    if dialect.name == "postgresql":
        return sa.select(sa.func.json_array_elements_text(sa.cast(array, postgresql.JSON)))
    return sa.select(sa.func.json_each(array).table_valued("value").c.value)


def records(dialect: sa.Dialect, columns: Sequence[sa.Column[Any]]) -> "sa.Select[Any]":
    """Select a batch of rows with these columns, for `run_rows`.

    PostgreSQL takes them as one parameter, the JSON array `rows`. SQLite reads values of their own in half the time.
    """
    plain: list[sa.Column[Any]] = [sa.Column(column.name, column.type) for column in columns]
    if dialect.name == "postgresql":
        array = sa.bindparam("rows", type_=sa.Text)
        table = sa.func.json_to_recordset(sa.cast(array, postgresql.JSON)).table_valued(*plain)
        return sa.select(*table.render_derived(with_types=True).c)
    names = [column.name for column in columns]
    values = sa.text(f"(VALUES /* values of {' '.join(names)} */)")
    chosen: list[sa.ColumnElement[Any]] = [
        sa.literal_column(f"column{place}").label(name) for place, name in enumerate(names, start=1)
    ]
    # The condition keeps SQLite's parser from taking ON CONFLICT for a join's ON.
    return sa.select(*chosen).select_from(values).where(sa.true())


def insert_records(dialect: sa.Dialect, table: sa.Table, columns: Sequence[sa.Column[Any]]) -> "sa.Insert":
    """Build an INSERT of a batch of rows, which passes over rows whose key exists."""
    rows = records(dialect, columns)
    insert = postgresql.insert if dialect.name == "postgresql" else sqlite.insert
    return insert(table).from_select([column.name for column in columns], rows).on_conflict_do_nothing()


def update_records(
    dialect: sa.Dialect,
    table: sa.Table,
    keys: Sequence[sa.Column[Any]],
    columns: Sequence[sa.Column[Any]],
    version: sa.Column[Any] | None = None,
) -> "sa.Update":
    """Build an UPDATE by a batch of rows, where all `keys` match; none may stand in it twice.

    A row that has a higher `version` already stays as it is.
    """
    more = [] if version is None else [version]
    rows = records(dialect, [*keys, *columns, *more]).subquery("new")
    new = {column.name: rows.c[column.name] for column in [*columns, *more]}
    is_due = [column <= rows.c[column.name] for column in more]
    return sa.update(table).values(new).where(*(key == rows.c[key.name] for key in keys), *is_due)


def now_ms(dialect: sa.Dialect) -> "sa.ColumnElement[int]":
    """Build the database's own clock, in milliseconds since 1970: the one that all its clients share."""
    if dialect.name == "postgresql":
        return sa.cast(sa.extract("epoch", sa.func.clock_timestamp()) * 1000, sa.BigInteger)
    return sa.cast((sa.func.julianday("now") - 2440587.5) * 86_400_000, sa.BigInteger)


def _encoding(connection: sa.Connection) -> str:
    """Tell how text is written; SQLite's own ways are all Unicode."""
    if connection.dialect.name == "sqlite":
        return "UTF8"
    return str(connection.exec_driver_sql("SHOW server_encoding").scalar_one())


def _migrate(connection: sa.Connection, schema: str, versions: Path) -> None:
    if connection.dialect.name == "postgresql":
        # Replicas that start at once take turns.
        connection.execute(sa.select(sa.func.pg_advisory_xact_lock(sa.func.hashtext(schema))))
        connection.execute(sa.schema.CreateSchema(schema, if_not_exists=True))
    if _version(connection, schema) == max(versions.glob("[0-9]*.py")).stem.partition("_")[0]:
        return
    # Where there is Pygments, mako would load it, 4 MB, to colour pages of template errors that nobody here sees.
    sys.modules.setdefault("mako.ext.pygmentplugin", None)  # type: ignore[arg-type]
    from plumbing.upgrade import upgrade

    upgrade(connection, versions)


def _version(connection: sa.Connection, schema: str) -> str | None:
    """Tell which migration was the last; None where there was none yet."""
    place = schema if connection.dialect.name == "postgresql" else None
    if not sa.inspect(connection).has_table("alembic_version", place):
        return None
    version: str | None = connection.exec_driver_sql("SELECT version_num FROM alembic_version").scalar_one_or_none()
    return version


def _dbapi_errors(engine: sa.Engine) -> tuple[type[BaseException], ...]:
    return (DBAPIError, engine.dialect.loaded_dbapi.Error)


def _is_ours(error: BaseException | None) -> bool:
    """Tell a fault of this program (a constraint, a misuse of the driver) from one of the database."""
    kinds = [kind.__name__ for kind in type(error).__mro__]  # psycopg's are named after what happened: UniqueViolation
    return "IntegrityError" in kinds or kinds[0] == "ProgrammingError"


def _parse(url: str) -> sa.URL:
    try:
        parsed = sa.make_url(url)
    except (ArgumentError, ValueError):  # ValueError is about its port
        raise SettingsError("COMANDA_DATABASE_URL is not a database URL, such as postgresql://user@host/name") from None
    if parsed.drivername in ("postgresql", "postgres", "postgresql+psycopg"):
        return parsed.set(drivername="postgresql+psycopg")
    if parsed.drivername == "sqlite":
        if parsed.database in (None, "", ":memory:"):
            raise SettingsError("COMANDA_DATABASE_URL: SQLite needs the path of a file, such as sqlite:////data/bar.db")
        return parsed
    raise SettingsError(f"COMANDA_DATABASE_URL: {parsed.drivername!r} is not allowed: expected postgresql or sqlite")


# SQLite keeps what it needs for a moment in memory: there may be no other place that it can write to.
_DURABLE = ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "busy_timeout=5000", "temp_store=MEMORY")
_READ_ONLY = ("query_only=ON", "busy_timeout=5000", "temp_store=MEMORY")


def _sqlite_engine(url: sa.URL, begin: str, pragmas: Sequence[str] = _DURABLE) -> sa.Engine:
    arguments = {"check_same_thread": False, "cached_statements": CACHED_STATEMENTS}
    engine = sa.create_engine(url, pool_size=1, max_overflow=0, connect_args=arguments)

    @sa.event.listens_for(engine, "connect")
    def configure(connection: "sa.engine.interfaces.DBAPIConnection", _record: object) -> None:
        connection.isolation_level = None  # transactions are begun below, not by the driver's guess
        for pragma in pragmas:
            connection.execute(f"PRAGMA {pragma}")

    _begin_with(engine, begin)
    return engine


def _begin_with(engine: sa.Engine, begin: str) -> None:
    @sa.event.listens_for(engine, "begin")
    def start(connection: sa.Connection) -> None:
        connection.connection.cursor().execute(begin)


def _reading_engine(url: sa.URL, schema: str) -> sa.Engine:
    if url.drivername == "sqlite":
        if not Path(url.database or "").exists():
            raise StartError(f"there is no database {url.database}")
        url = url.set(database=f"file:{quote(url.database or '')}", query={"mode": "ro", "uri": "true"})
        return _sqlite_engine(url, "BEGIN", _READ_ONLY)
    return _postgresql_engine(
        url, schema, r"-c default_transaction_read_only=on -c default_transaction_isolation=repeatable\ read"
    )


# A kept plan that was made while a table was small reads all of it, however large it becomes, until PostgreSQL's
# autovacuum has counted it anew. What orders need is found by its key, so no other plan is right.
_BY_KEY = "-c plan_cache_mode=force_generic_plan -c jit=off" + "".join(
    f" -c enable_{node}=off" for node in ("seqscan", "hashjoin", "mergejoin")
)


def _postgresql_engine(url: sa.URL, schema: str, more: str = "") -> sa.Engine:
    options = (
        f"-c search_path={schema} -c client_encoding=UTF8 -c synchronous_commit=on"
        f" -c statement_timeout={STATEMENT_MILLISECONDS} {more}"
    )
    arguments = {
        "options": options,
        "connect_timeout": CONNECT_SECONDS,
        "application_name": f"comanda-{schema}",
        "autocommit": True,  # transactions are begun below: the driver would wait for an answer to BEGIN
    }
    engine = sa.create_engine(url, pool_size=1, max_overflow=0, connect_args=arguments)
    _begin_with(engine, "BEGIN")
    return engine


def lock_file(path: Path) -> IO[str]:
    """Take a SQLite file for this process, until what is answered is closed; raises StartError."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        lock = Path(f"{path}.lock").open("a")  # noqa: SIM115 - held as long as the program runs
    except OSError as error:
        raise StartError(f"the data directory {path.parent} cannot be used: {os.strerror(error.errno or 0)}") from error
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        lock.close()
        raise StartError(f"{path} is in use by another process; a SQLite file serves one") from None
    return lock


def _first_line(error: BaseException | None) -> str:
    lines = str(error).strip().splitlines()
    return lines[0] if lines else type(error).__name__
