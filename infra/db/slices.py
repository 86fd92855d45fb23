"""Reads a table in the order of one of its columns, a slice at a time, by statements that the database keeps."""

from collections.abc import Callable, Sequence
from operator import itemgetter
from typing import Any

import sqlalchemy as sa

from infra.db.database import Statement

Own = Callable[[sa.Connection, sa.Table], "sa.ColumnElement[bool]"]
"""The condition that a row is the restaurant's."""

_ONE: sa.ColumnElement[int] = sa.literal_column("1")

_AFTER: sa.BindParameter[str] = sa.bindparam("after", type_=sa.Text())
_UNTIL: sa.BindParameter[str] = sa.bindparam("until", type_=sa.Text())
_SKIPPED: sa.BindParameter[int] = sa.bindparam("skipped", type_=sa.BigInteger())


def picker(columns: Sequence["sa.Column[Any]"], *names: str) -> "itemgetter[Any]":
    """Return a function that takes the values of some columns, by their names, out of a row of `columns`."""
    places = [column.name for column in columns]
    return itemgetter(*(places.index(name) for name in names))


class Slices:
    """The rows of a table by a text column, whose values every database has to sort alike."""

    def __init__(self, table: sa.Table, key: "sa.Column[Any]", columns: Sequence["sa.Column[Any]"], own: Own) -> None:
        """`columns` are what is read of a row."""

        def rest(connection: sa.Connection) -> "sa.ColumnElement[bool]":
            return own(connection, table) & (key > _AFTER)

        self._end = Statement(
            lambda connection: sa.select(key).where(rest(connection)).order_by(key).limit(_ONE).offset(_SKIPPED)
        )
        self._rest = Statement(lambda connection: sa.select(*columns).where(rest(connection)))
        self._between = Statement(lambda connection: sa.select(*columns).where(rest(connection) & (key <= _UNTIL)))

    def end(self, connection: sa.Connection, after: str, size: int) -> str | None:
        """Return the key of the last of the `size` rows that follow a key; None where there are fewer."""
        row = self._end.run(connection, {"after": after, "skipped": size - 1}).fetchone()
        return row[0] if row else None

    def between(self, connection: sa.Connection, after: str, until: str | None) -> Any:
        """Return the rows with keys above `after` and up to `until`, where that is given."""
        if until is None:
            return self._rest.run(connection, {"after": after})
        return self._between.run(connection, {"after": after, "until": until})
