"""The engines of SQLAlchemy: how a connection to SQLite or PostgreSQL is made, and what it may wait for."""

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
"""How many statements a connection to SQLite keeps ready: seven for each that takes rows, and the others."""

WRITING = "BEGIN IMMEDIATE"
"""How a transaction that writes begins on SQLite: with its turn, which it could not get later."""

TIMEOUT_SECONDS = 4.0
"""What a transaction that writes may take on PostgreSQL, unless a program's settings say otherwise: well within the
lease of a gateway."""

LEAST_CONNECT_SECONDS = 2
"""libpq waits for a host no shorter than this."""

DEAD_PEER_SECONDS = 30
"""After how long a silent network ends a connection whose transactions may take as long as they need."""

WAL_BYTES = 16 * 1024 * 1024
"""What SQLite's write-ahead log is cut down to once a long read no longer keeps it. Its usual size, 1,000 pages until a
checkpoint and one transaction on top, is well below: in everyday work nothing is cut, which would cost time."""

# SQLite keeps what it needs for a moment in memory: there may be no other place that it can write to.
_DURABLE = (
    "journal_mode=WAL",
    "synchronous=FULL",
    "foreign_keys=ON",
    "busy_timeout=5000",
    "temp_store=MEMORY",
    f"journal_size_limit={WAL_BYTES}",
)
_READ_ONLY = ("query_only=ON", "busy_timeout=5000", "temp_store=MEMORY")

# A kept plan that was made while a table was small reads all of it, however large it becomes, until PostgreSQL's
# autovacuum has counted it anew. What orders need is found by its key, so no other plan is right.
BY_KEY = "-c plan_cache_mode=force_generic_plan -c jit=off" + "".join(
    f" -c enable_{node}=off" for node in ("seqscan", "hashjoin", "mergejoin")
)

_READ_ONLY_BEGIN = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"
"""Set for each transaction: `target_session_attrs=read-write` refuses a session that is read-only by default."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What a session on PostgreSQL may wait for, in seconds; 0 is for ever.

    `statement` is the server's limit for one statement. `transaction` is the client's for all of it, after which the
    connection is shut: a server that hangs keeps no limit of its own. `connect` is for each host.
    """

    statement: float = 0
    transaction: float = 0
    connect: int = LEAST_CONNECT_SECONDS


def writing(timeout: float) -> Limits:
    """Limit what orders wait for. A statement ends first by the server's own limit, where the server is well."""
    return Limits(timeout * 0.75, timeout, _connect(timeout))


def reading(timeout: float) -> Limits:
    """Limit pages of history, for which a server that is well may work 10 seconds."""
    return Limits(10, 10 + timeout, _connect(timeout))


def auditing(timeout: float) -> Limits:
    """Limit reads of everything, by an operator's command."""
    return Limits(600, 600 + timeout, _connect(timeout))


def migrating(timeout: float) -> Limits:
    """Let a migration, and the wait for another program's, take as long as it needs."""
    return Limits(0, 0, _connect(timeout))


def _connect(timeout: float) -> int:
    return max(LEAST_CONNECT_SECONDS, ceil(timeout / 2))


def sqlite_engine(url: sa.URL, begin: str, pragmas: Sequence[str] = _DURABLE) -> sa.Engine:
    """Make an engine of one connection, whose transactions start with `begin`."""
    arguments = {"check_same_thread": False, "cached_statements": CACHED_STATEMENTS}
    engine = sa.create_engine(url, pool_size=1, max_overflow=0, connect_args=arguments)

    @sa.event.listens_for(engine, "connect")
    def configure(connection: "sa.engine.interfaces.DBAPIConnection", _record: object) -> None:
        connection.isolation_level = None  # transactions are begun below, not by the driver's guess
        for pragma in pragmas:
            connection.execute(f"PRAGMA {pragma}")

    _begin_with(engine, begin)
    return engine


def reading_engine(url: sa.URL, schema: str, limits: Limits) -> sa.Engine:
    """Make an engine for looking at a database that others write; raises StartError where there is no such file."""
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
    """Make an engine of one connection to a schema; raises SettingsError.

    What the URL says of connecting counts, except of what keeps the program's promises.
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
        "options": f"{given.get('options', '')} {own}".strip(),  # of two values the server takes the last
        "autocommit": True,  # transactions are begun below: the driver would wait for an answer to BEGIN
    }
    engine = sa.create_engine(url, pool_size=1, max_overflow=0, connect_args=arguments)
    _begin_with(engine, begin)
    return engine


def _begin_with(engine: sa.Engine, begin: str) -> None:
    @sa.event.listens_for(engine, "begin")
    def start(connection: sa.Connection) -> None:
        connection.connection.cursor().execute(begin)
