"""Fills the databases of a Comanda on SQLite with orders that were never placed, as if they had been.

The programs make their own tables; the rows are theirs to the letter, so that `python -m ops audit` finds nothing.
"""

import os
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path

from bench.menus import PRICE, STOCK, Station
from bench.programs import ROOT
from departments.domain.tickets import Outcome as TicketOutcome
from departments.domain.tickets import TicketLine, TicketSource, TicketState
from gateway.domain.lines import Line, Outcome
from gateway.domain.order import Policy, Status
from gateway.domain.transitions import Goal
from infra.db.database import DEFAULT_TENANT, encode_json

TABLE = "7"
CURRENCY = "EUR"
QUEUED = 100
"""How many of the newest tickets still wait; the others are served."""

_ID = "'018f0000-0000-7000-8000-' || printf('%012x', n)"
_NUMBER = "1000000 + n"
"""The short number of an order: not one of those that a gateway gives to the first million orders of a day."""

_NUMBERS = "WITH RECURSIVE numbers(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < :count)"
_FAST = ("journal_mode = OFF", "synchronous = OFF", "locking_mode = EXCLUSIVE")


def migrate(settings: Mapping[str, str]) -> None:
    """Let the programs make their tables."""
    command = [sys.executable, "-m", "ops", "migrate"]
    subprocess.run(command, cwd=ROOT, env={**os.environ, **settings}, check=True, stdout=subprocess.DEVNULL)


def finished(folder: Path, stations: list[Station], count: int) -> None:
    """Write orders of one line for each department that are accepted, and their tickets."""
    lines = [Line(s.name, s.items[0], outcome=Outcome.ACCEPTED, unit_price=PRICE) for s in stations]
    _write_orders(folder, count, encode_json(lines), Status.ACCEPTED, owed=None)
    for station in stations:
        tickets(folder, station, count)


def unfinished(folder: Path, stations: list[Station], count: int) -> None:
    """Write orders that a gateway wrote down and then died, before any department received them."""
    lines = [Line(station.name, station.items[0]) for station in stations]
    owed = encode_json(dict.fromkeys((station.name for station in stations), Goal.PLACE))
    _write_orders(folder, count, encode_json(lines), Status.PENDING, owed=owed)


def order_id(number: int) -> str:
    """Return the id of one of the orders, from 1."""
    return f"018f0000-0000-7000-8000-{number:012x}"


def _write_orders(folder: Path, count: int, lines: str, status: Status, *, owed: str | None) -> None:
    with filling(folder / "gateway.db") as connection:
        connection.execute(
            f"{_NUMBERS} INSERT INTO orders"
            " (restaurant, order_id, policy, number, placed_for, currency, lines, status, owed, response_recorded,"
            f" created_at_ms, owner, epoch) SELECT :restaurant, {_ID}, :policy, {_NUMBER}, :table, :currency, :lines,"
            " :status, :owed, :response_recorded, :now, 0, 0"
            " FROM numbers",
            {
                "count": count,
                "restaurant": DEFAULT_TENANT,
                "policy": Policy.BEST_EFFORT.value,
                "table": TABLE,
                "currency": CURRENCY,
                "lines": lines,
                "status": status.value,
                "owed": owed,
                "response_recorded": owed is None,
                "now": _now_ms(),
            },
        )


def tickets(folder: Path, station: Station, count: int) -> None:
    """Write the tickets of one department; the QUEUED newest of them are open."""
    line = TicketLine(station.items[0], 1, "", TicketOutcome.ACCEPTED, PRICE)
    with filling(folder / f"{station.name}.db") as connection:
        connection.execute(
            f"{_NUMBERS} INSERT INTO tickets"
            " (restaurant, order_id, placed_for, state, lines, placed_at_ms, revision, epoch, source, number)"
            f" SELECT :restaurant, {_ID}, :table, CASE WHEN n > :served THEN :queued ELSE :done END, :lines, :now, n,"
            f" 0, :source, {_NUMBER} FROM numbers",
            {
                "count": count,
                "restaurant": DEFAULT_TENANT,
                "table": TABLE,
                "served": count - QUEUED,
                "queued": TicketState.QUEUED.value,
                "done": TicketState.SERVED.value,
                "lines": encode_json([line]),
                "now": _now_ms(),
                "source": TicketSource.GATEWAY.value,
            },
        )
        connection.execute(
            "INSERT INTO department (restaurant, revision, beats, incarnation) VALUES (?, ?, 0, 'preloaded')",
            [DEFAULT_TENANT, count],
        )
        for number, item in enumerate(station.items):
            sold = 0 if number else count
            connection.execute(
                "INSERT INTO stock"
                " (restaurant, item, received, on_hand, held, sold, wasted, off_sale, unlimited, revision)"
                " VALUES (?, ?, ?, ?, 0, ?, 0, 0, 0, ?)",
                [DEFAULT_TENANT, item, STOCK, STOCK - sold, sold, count],
            )
            connection.execute(
                "INSERT INTO stock_changes"
                " (restaurant, change_id, item, reason, delta, on_hand, changed_by, changed_at_ms, revision)"
                " VALUES (?, ?, ?, 'delivery', ?, ?, 'preload', ?, ?)",
                [DEFAULT_TENANT, f"preload {item}", item, STOCK, STOCK, _now_ms(), count],
            )


@contextmanager
def filling(path: Path) -> Iterator[sqlite3.Connection]:
    """Open a database that nobody uses for one large transaction, on disk once it is done."""
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        for pragma in _FAST:
            connection.execute(f"PRAGMA {pragma}")
        connection.execute("BEGIN")
        yield connection
        connection.execute("COMMIT")
    with path.open("rb+") as file:
        os.fsync(file.fileno())


def _now_ms() -> int:
    return time.time_ns() // 1_000_000
