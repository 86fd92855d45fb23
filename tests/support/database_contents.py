"""What stands in the databases, read beside the programs that run on them, on SQLite and on PostgreSQL."""

import sqlite3
from collections import Counter
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote

import msgspec
import psycopg
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from psycopg.sql import SQL, Identifier

from tests.support.pictures import Truth, read_truth

SOLD = frozenset({"queued", "preparing", "ready", "served"})
HELD = frozenset({"held"})


@dataclass(frozen=True, slots=True)
class Store:
    """Where a system keeps its data: `url` is a PostgreSQL database, or None for SQLite files in `home`."""

    home: Path
    url: str | None = None


@dataclass(frozen=True, slots=True)
class StockRow:
    """The stock of one item."""

    received: int
    on_hand: int
    held: int
    sold: int
    wasted: int = 0


class Line(msgspec.Struct):
    """A line, of a ticket or of an order, as it is written down."""

    item: str
    quantity: int
    outcome: str
    department: str = ""
    unit_price: int | None = None


@dataclass(frozen=True, slots=True)
class Ticket:
    """One order's share at a department, as it is written down."""

    state: str
    lines: list[Line]


@dataclass(frozen=True, slots=True)
class Record:
    """An order, as the gateway has written it down. `owed`: department and what has to reach it next."""

    status: str
    lines: list[Line]
    owed: dict[str, str] = field(default_factory=dict)


class Books:
    """Reads, and on request blocks, the databases of one system."""

    def __init__(self, store: Store) -> None:
        """Open a connection for each look."""
        self._store = store

    @property
    def store(self) -> Store:
        """Where the data is."""
        return self._store

    def stock(self, department: str) -> dict[str, StockRow]:
        """Read a department's stock, by item."""
        with self._snapshot(department) as books:
            return _stock(books)

    def tickets(self, department: str) -> dict[str, Ticket]:
        """Read a department's tickets, by order id."""
        with self._snapshot(department) as books:
            return _tickets(books)

    def orders(self) -> dict[str, Record]:
        """Read the gateway's journal, by order id."""
        with self._snapshot("gateway") as books:
            rows = books.execute("SELECT order_id, status, lines, owed FROM orders").fetchall()
        return {
            order_id: Record(
                status,
                msgspec.json.decode(lines, type=list[Line]),
                msgspec.json.decode(owed, type=dict[str, str]) if owed else {},
            )
            for order_id, status, lines, owed in rows
        }

    def order_ids(self) -> set[str]:
        """Read the ids of the orders in the journal."""
        with self._snapshot("gateway") as books:
            return {order_id for (order_id,) in books.execute("SELECT order_id FROM orders").fetchall()}

    def archived(self, name: str) -> set[str]:
        """Read which orders, or which tickets of a department, were archived, by order id."""
        table = "archived_orders" if name == "gateway" else "archived_tickets"
        with self._snapshot(name) as books:
            return {order_id for (order_id,) in books.execute(f"SELECT order_id FROM {table}").fetchall()}

    def truth(self, department: str) -> Truth:
        """Read what a department's watchers should know."""
        with self._snapshot(department) as books:
            return read_truth(lambda query: books.execute(query).fetchall())

    def unfinished(self) -> int:
        """Count the orders that owe a department something."""
        with self._snapshot("gateway") as books:
            return int(books.execute("SELECT count(*) FROM orders WHERE owed IS NOT NULL").fetchone()[0])

    def check(self, department: str) -> dict[str, StockRow]:
        """Prove the stock law, and that the figures are what the tickets say, at this moment; return the stock."""
        with self._snapshot(department) as books:
            stock, tickets = _stock(books), _tickets(books)
        sold, held = _taken(tickets, SOLD), _taken(tickets, HELD)
        for item, row in stock.items():
            assert row.received == row.on_hand + row.held + row.sold + row.wasted, (item, row)
            assert min(row.on_hand, row.held, row.sold, row.wasted) >= 0, (item, row)
            assert (row.sold, row.held) == (sold[item], held[item]), (item, row)
        return stock

    @contextmanager
    def locked(self, department: str) -> Iterator[None]:
        """Keep a department's transactions waiting; SQLite lets them wait 5 s, PostgreSQL 3."""
        if self._store.url is None:
            with closing(sqlite3.connect(self._store.home / f"{department}.db", isolation_level=None)) as connection:
                connection.execute("BEGIN IMMEDIATE")
                yield
        else:
            with psycopg.connect(self._store.url, options=f"-c search_path={department}") as postgres:
                postgres.execute("SELECT * FROM department FOR UPDATE")
                yield
                postgres.rollback()

    @contextmanager
    def closed(self) -> Iterator[None]:
        """Let nobody into a PostgreSQL database, and turn out who is in."""
        assert self._store.url is not None
        name = str(conninfo_to_dict(self._store.url)["dbname"])
        server = make_conninfo(self._store.url, dbname="postgres")
        with psycopg.connect(server, autocommit=True) as postgres:
            allow = SQL("ALTER DATABASE {} ALLOW_CONNECTIONS {}")
            postgres.execute(allow.format(Identifier(name), SQL("false")))
            postgres.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", [name])
            yield
            postgres.execute(allow.format(Identifier(name), SQL("true")))

    @contextmanager
    def _snapshot(self, program: str) -> Iterator[Any]:
        """Open a connection that only reads, all of it as of one moment."""
        if self._store.url is None:
            path = self._store.home / f"{program}.db"
            with closing(
                sqlite3.connect(f"file:{quote(str(path))}?mode=ro", uri=True, isolation_level=None)
            ) as connection:
                connection.execute("BEGIN")
                yield connection
        else:
            with psycopg.connect(self._store.url, options=f"-c search_path={program}") as postgres:
                postgres.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
                postgres.read_only = True
                yield postgres


def _stock(books: Any) -> dict[str, StockRow]:
    rows = books.execute("SELECT item, received, on_hand, held, sold, wasted FROM stock").fetchall()
    return {item: StockRow(*figures) for item, *figures in rows}


def _tickets(books: Any) -> dict[str, Ticket]:
    rows = books.execute("SELECT order_id, state, lines FROM tickets").fetchall()
    return {order_id: Ticket(state, msgspec.json.decode(lines, type=list[Line])) for order_id, state, lines in rows}


def _taken(tickets: dict[str, Ticket], states: frozenset[str]) -> Counter[str]:
    taken: Counter[str] = Counter()
    for ticket in tickets.values():
        for line in ticket.lines:
            if ticket.state in states and line.outcome == "accepted":
                taken[line.item] += line.quantity
    return taken
