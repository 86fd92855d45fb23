"""Statements that are compiled once for each dialect, and SQL that differs between the two dialects."""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import chain
from operator import itemgetter
from typing import TYPE_CHECKING, Any, TypeVar

import msgspec
import sqlalchemy as sa
from sqlalchemy.dialects import sqlite

if TYPE_CHECKING:
    from sqlalchemy.dialects import postgresql

R = TypeVar("R")

MOST_ROWS = 64
"""The most rows of one statement for SQLite, whose text differs for each number of rows. Batches are split into powers
of two, so that the prepared statements that are cached are a few, of at most 50 KB each."""

_encode = msgspec.json.Encoder().encode

_VALUES = re.compile(r"/\* values of ([\w ]+) \*/")
"""The placeholder, in a statement for SQLite, of the rows of a batch."""


TENANT = "tenant"
"""The engine's option, and so the connection's, that names the tenant."""


def tenant(connection: sa.Connection) -> "sa.ColumnElement[str]":
    """Return the tenant whose rows a connection serves, as a constant that is written into the text of a statement."""
    quoted = _tenant_name(connection).replace("'", "''")
    return sa.literal_column(f"'{quoted}'", sa.String)


def _tenant_name(connection: sa.Connection) -> str:
    name: str = connection.get_execution_options()[TENANT]
    return name


class _Compiled:
    """A statement's text for one dialect and tenant, and how a batch of rows fills it on SQLite.

    `columns` is 0 where one parameter takes all rows. What is here is found once: to search the text takes 1 µs.
    """

    def __init__(self, text: str) -> None:
        marker = _VALUES.search(text)
        names = marker[1].split() if marker else []
        self.text = text
        self.columns = len(names)
        self.values_of: Callable[[Mapping[str, Any]], Iterable[Any]] = (
            itemgetter(*names) if len(names) > 1 else lambda row: [row[name] for name in names]
        )
        self._for_rows: dict[int, str] = {}

    def for_rows(self, rows: int) -> str:
        """Return the text with a place for each value of this many rows."""
        text = self._for_rows.get(rows)
        if text is None:
            place = f"({', '.join('?' * self.columns)})"
            text = self._for_rows[rows] = _VALUES.sub(", ".join([place] * rows), self.text)
        return text


_Bound = tuple[_Compiled, Callable[[], Any]]
"""A statement's text for a connection, and what makes a cursor there."""

_BOUND = "comanda_statements"
"""Where a connection keeps its statements: to look both up takes several calls of SQLAlchemy for each execution."""


class Statement:
    """A SQLAlchemy statement that is compiled once for each dialect and tenant, and executed by the driver directly.

    An execution by SQLAlchemy costs many times what it costs SQLite; on the order path that is most of a transaction.
    Values are not converted in either direction, so columns have to be plain integers and text.
    """

    def __init__(self, build: "Callable[[sa.Connection], sa.ClauseElement] | sa.ClauseElement") -> None:
        """Take a statement, or a function that builds it for a connection's dialect and tenant, and nothing else."""
        self._build = build
        self._compiled: dict[tuple[str, str], _Compiled] = {}

    def run(self, connection: sa.Connection, values: Mapping[str, Any]) -> Any:
        """Execute once; return the driver's cursor, which may wait for the result only when it is read."""
        compiled, cursor = self._on(connection)
        return cursor().execute(compiled.text, values)

    def run_rows(self, connection: sa.Connection, rows: Sequence[Mapping[str, Any]]) -> Iterable[Any]:
        """Execute for a batch of rows, each with all columns; return the rows of RETURNING, if there are any."""
        compiled, cursor = self._on(connection)
        if not compiled.columns:
            unread: Iterable[Any] = cursor().execute(compiled.text, {"rows": encode_json(rows)})
            return unread
        if len(rows) == 1:
            only: list[Any] = cursor().execute(compiled.for_rows(1), tuple(compiled.values_of(rows[0]))).fetchall()
            return only
        returned: list[Any] = []
        for part in _powers_of_two(rows):
            # In C: a row of 11 columns takes 0.15 µs, and 0.5 in Python.
            values = list(chain.from_iterable(map(compiled.values_of, part)))
            returned += cursor().execute(compiled.for_rows(len(part)), values)
        return returned

    def text(self, connection: sa.Connection) -> str:
        """Return the text that `run` sends, for example to explain it."""
        return self._for(connection).text

    def _on(self, connection: sa.Connection) -> _Bound:
        """Return what runs this statement on a connection, which is kept with the connection.

        A session opens another connection after each failure, so the driver's stays the same for as long as this does.
        """
        bound: dict[Statement, _Bound] | None = connection.__dict__.get(_BOUND)
        if bound is None:
            bound = connection.__dict__[_BOUND] = {}
        found = bound.get(self)
        if found is None:
            driver: Any = connection.connection.driver_connection
            found = bound[self] = self._for(connection), driver.cursor
        return found

    def _for(self, connection: sa.Connection) -> _Compiled:
        dialect = connection.dialect
        key = dialect.name, _tenant_name(connection)
        compiled = self._compiled.get(key)
        if compiled is None:
            statement = self._build(connection) if callable(self._build) else self._build
            # Named parameters on both drivers, so that a row is a mapping.
            naming = sqlite.dialect(paramstyle="named") if dialect.name == "sqlite" else dialect
            compiled = self._compiled[key] = _Compiled(str(statement.compile(dialect=naming)))
        return compiled


def _powers_of_two(rows: Sequence[R]) -> Iterator[Sequence[R]]:
    """Split a batch into parts of 1, 2, 4 and so on to MOST_ROWS rows, the largest first."""
    start = 0
    while left := len(rows) - start:
        end = start + min(MOST_ROWS, 1 << left.bit_length() - 1)
        yield rows[start:end]
        start = end


def encode_json(value: object) -> str:
    """Return a value as JSON text, for a column or a parameter."""
    return _encode(value).decode()


def strings(dialect: sa.Dialect, name: str, *constants: "sa.ColumnElement[Any]") -> "sa.Select[Any]":
    """Select the strings of a JSON array: one parameter, and one statement, for any number of values.

    Each row begins with the `constants`, for a condition such as `tuple_(restaurant, order_id).in_(strings(...))`.
    """
    array = sa.bindparam(name, type_=sa.Text)
    if dialect.name == "postgresql":
        return sa.select(*constants, sa.func.json_array_elements_text(sa.cast(array, sa.JSON)))
    return sa.select(*constants, sa.func.json_each(array).table_valued("value").c.value)


def records(
    dialect: sa.Dialect,
    columns: Sequence[sa.Column[Any]],
    constants: "Mapping[sa.Column[Any], sa.ColumnElement[Any]] | None" = None,
) -> "sa.Select[Any]":
    """Select a batch of rows with these columns, for `run_rows`, and with `constants`, which are equal in every row.

    PostgreSQL takes them as one parameter, the JSON array `rows`. SQLite takes a parameter for each value, which
    costs it half the time.
    """
    equal = [value.label(column.name) for column, value in (constants or {}).items()]
    plain: list[sa.Column[Any]] = [sa.Column(column.name, column.type) for column in columns]
    if dialect.name == "postgresql":
        array = sa.bindparam("rows", type_=sa.Text)
        table = sa.func.json_to_recordset(sa.cast(array, sa.JSON)).table_valued(*plain)
        return sa.select(*table.render_derived(with_types=True).c, *equal)
    names = [column.name for column in columns]
    values = sa.text(f"(VALUES /* values of {' '.join(names)} */)")
    chosen: list[sa.ColumnElement[Any]] = [
        sa.literal_column(f"column{place}").label(name) for place, name in enumerate(names, start=1)
    ]
    # The condition keeps SQLite's parser from taking ON CONFLICT for a join's ON.
    return sa.select(*chosen, *equal).select_from(values).where(sa.true())


def insert_into(dialect: sa.Dialect, table: sa.Table) -> "sqlite.Insert | postgresql.Insert":
    """Return an INSERT that may have an ON CONFLICT: SQLAlchemy has one for each dialect.

    PostgreSQL's is imported only here: with the columns of its catalog it takes 40 ms and 4 MB of a program on SQLite.
    """
    if dialect.name != "postgresql":
        return sqlite.insert(table)
    from sqlalchemy.dialects import postgresql

    return postgresql.insert(table)


def insert_records(
    dialect: sa.Dialect,
    table: sa.Table,
    columns: Sequence[sa.Column[Any]],
    constants: "Mapping[sa.Column[Any], sa.ColumnElement[Any]] | None" = None,
) -> "sa.Insert":
    """Build an INSERT of a batch of rows, which skips rows whose key exists; `constants` are equal in every row."""
    names = [column.name for column in [*columns, *(constants or ())]]
    return insert_into(dialect, table).from_select(names, records(dialect, columns, constants)).on_conflict_do_nothing()


def update_records(
    dialect: sa.Dialect,
    table: sa.Table,
    keys: Sequence[sa.Column[Any]],
    columns: Sequence[sa.Column[Any]],
    version: sa.Column[Any] | None = None,
    constants: "Mapping[sa.Column[Any], sa.ColumnElement[Any]] | None" = None,
) -> "sa.Update":
    """Build an UPDATE by a batch of rows, where all `keys` match; each key may occur once in a batch.

    `constants` are keys that are equal in every row. A row that has a higher `version` already stays as it is.
    """
    more = [] if version is None else [version]
    batch = records(dialect, [*keys, *columns, *more], constants)
    if dialect.name == "postgresql":
        # It then plans without the constants' values: with them it would read every row that has them, and choose.
        batch = batch.offset(sa.literal_column("0"))
    rows = batch.subquery("new")
    new = {column.name: rows.c[column.name] for column in [*columns, *more]}
    is_due = [column <= rows.c[column.name] for column in more]
    return (
        sa.update(table).values(new).where(*(key == rows.c[key.name] for key in [*(constants or ()), *keys]), *is_due)
    )
