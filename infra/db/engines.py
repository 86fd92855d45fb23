"""SQLAlchemy's engines: how connections to SQLite and PostgreSQL are configured, and their time limits."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil
from pathlib import Path
from urllib.parse import quote

import sqlalchemy as sa

from infra.db.sqlite_files import refuse_half_restored
from infra.db.url import connection_parameters, is_sqlite
from infra.errors import StartError

CACHED_STATEMENTS = 48
"""How many prepared statements a connection to SQLite caches: seven for each that takes rows, and the others."""

WRITING = "BEGIN IMMEDIATE"
"""How a transaction that writes begins on SQLite: with the write lock, which it may fail to get later."""

TIMEOUT_SECONDS = 4.0
"""The default limit of a transaction that writes on PostgreSQL: well below a gateway's lease."""

LEAST_CONNECT_SECONDS = 2
"""The shortest connect timeout that libpq accepts."""

DEAD_PEER_SECONDS = 30
"""After how long without a response from the network a connection without a transaction limit is closed."""

WAL_BYTES = 16 * 1024 * 1024
"""The size to which SQLite truncates its write-ahead log once a long read no longer pins it. The usual size, 1,000
pages until a checkpoint and one transaction, is well below, so the truncation costs nothing in normal operation."""

# SQLite keeps temporary data in memory: in a container there may be no other directory that it can write to.
_DURABLE = (
    "journal_mode=WAL",
    "synchronous=FULL",
    "foreign_keys=ON",
    "busy_timeout=5000",
    "temp_store=MEMORY",
    f"journal_size_limit={WAL_BYTES}",
)
_READ_ONLY = ("query_only=ON", "busy_timeout=5000", "temp_store=MEMORY")

# A cached plan that was made while a table was small scans all of it, however large it becomes, until PostgreSQL's
# autovacuum has analysed it again. Orders are found by their keys, so a plan by index is always the right one.
BY_KEY = "-c plan_cache_mode=force_generic_plan -c jit=off" + "".join(
    f" -c enable_{node}=off" for node in ("seqscan", "hashjoin", "mergejoin")
)

_READ_ONLY_BEGIN = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"
"""Set for each transaction: `target_session_attrs=read-write` refuses a session that is read-only by default."""


@dataclass(frozen=True, slots=True)
class Limits:
    """Time limits of a session on PostgreSQL, in seconds; 0 is no limit.

    `statement` is the server's limit of one statement. `transaction` is the client's limit of a whole transaction,
    after which the connection is closed: a server that hangs does not enforce its own. `connect` is for each host.
    """

    statement: float = 0
    transaction: float = 0
    connect: int = LEAST_CONNECT_SECONDS


def writing(timeout: float) -> Limits:
    """Return the limits of transactions that orders wait for; a healthy server aborts a statement first."""
    return Limits(timeout * 0.75, timeout, _connect(timeout))


def reading(timeout: float) -> Limits:
    """Return the limits of pages of history, which may take a healthy server 10 seconds."""
    return Limits(10, 10 + timeout, _connect(timeout))


def auditing(timeout: float) -> Limits:
    """Return the limits of reads of everything, by an operator's command."""
    return Limits(600, 600 + timeout, _connect(timeout))


def migrating(timeout: float) -> Limits:
    """Return the limits of a migration: none, as it may wait for another program's migration."""
    return Limits(0, 0, _connect(timeout))


def _connect(timeout: float) -> int:
    return max(LEAST_CONNECT_SECONDS, ceil(timeout / 2))


def sqlite_engine(url: sa.URL, begin: str, pragmas: Sequence[str] = _DURABLE) -> sa.Engine:
    """Create an engine of one connection, whose transactions start with the statement `begin`."""
    arguments = {"check_same_thread": False, "cached_statements": CACHED_STATEMENTS}
    engine = sa.create_engine(url, pool_size=1, max_overflow=0, connect_args=arguments)

    @sa.event.listens_for(engine, "connect")
    def configure(connection: "sa.engine.interfaces.DBAPIConnection", _record: object) -> None:
        connection.isolation_level = None  # transactions are begun by the listener below, not by the driver
        for pragma in pragmas:
            connection.execute(f"PRAGMA {pragma}")

    _begin_with(engine, begin)
    return engine


def reading_engine(url: sa.URL, schema: str, limits: Limits) -> sa.Engine:
    """Create an engine that only reads a database that others write; raises StartError if there is no such file."""
    if is_sqlite(url):
        file = Path(url.database or "")
        if not file.exists():
            raise StartError(f"there is no database {file}")
        refuse_half_restored(file)
        url = url.set(database=f"file:{quote(url.database or '')}", query={"mode": "ro", "uri": "true"})
        return sqlite_engine(url, "BEGIN", _READ_ONLY)
    return postgresql_engine(url, schema, limits, begin=_READ_ONLY_BEGIN)


def postgresql_engine(
    url: sa.URL, schema: str, limits: Limits, *, options: str = "", begin: str = "BEGIN"
) -> sa.Engine:
    """Create an engine of one connection to a schema; raises SettingsError.

    The URL's parameters override the defaults here, except those that durability and the time limits depend on.
    """
    given = connection_parameters(url)
    silence = min(limits.transaction or DEAD_PEER_SECONDS, DEAD_PEER_SECONDS)
    defaults = {
        "connect_timeout": limits.connect,
        "application_name": f"comanda-{schema}",
        "keepalives": 1,
        "keepalives_idle": 15,
        "keepalives_interval": 5,
        "keepalives_count": 3,
        "tcp_user_timeout": round(silence * 1000),
    }
    own = (
        f"-c search_path={schema} -c client_encoding=UTF8 -c synchronous_commit=on"
        f" -c statement_timeout={round(limits.statement * 1000)}"
        f" -c idle_in_transaction_session_timeout={round(limits.transaction * 1000)} {options}"
    )
    arguments = {
        **defaults,
        **given,
        "options": f"{given.get('options', '')} {own}".strip(),  # of two values of an option the server uses the last
        "autocommit": True,  # transactions are begun below: the driver would wait for the response to BEGIN
    }
    engine = sa.create_engine(url, pool_size=1, max_overflow=0, connect_args=arguments)
    _begin_with(engine, begin)
    return engine


def _begin_with(engine: sa.Engine, begin: str) -> None:
    @sa.event.listens_for(engine, "begin")
    def start(connection: sa.Connection) -> None:
        connection.connection.cursor().execute(begin)
