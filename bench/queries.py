"""What a department asks its database for when tickets are followed and moved, timed inside the transaction.

Neither the threads nor the commit are in the times: with those a step is measured in the section `live`.
"""

import asyncio
import time
from collections.abc import Callable
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from bench.preload import QUEUED, order_id
from departments import changes, staff_transactions
from departments.domain.steps import Move
from departments.domain.tickets import TicketState, Verb
from infra.db.database import Database

SNAPSHOT = "open tickets"
CHANGES = "10 changes after a revision"
TICKET = "one ticket"
MOVE = "a step with a ticket"

CHANGED = 10
WARM = 5


class NothingFound(Exception):
    """A query found something else than was preloaded; the message has its name and both counts."""


async def time_queries(path: Path, stored: int, repeats: int) -> dict[str, list[float]]:
    """Time each query so often; return milliseconds by its name. `stored` tickets were preloaded, QUEUED at least."""
    newest = stored - QUEUED
    with closing(Database(path, schema="")) as database:
        revision, incarnation = await database.look_up(changes.position)
        look_up, write = partial(_time, database.look_up), partial(_time, database.write)
        moves = (_move(order_id(newest + 1 + n % QUEUED), n // QUEUED) for n in range(WARM + repeats))
        return {
            SNAPSHOT: await look_up(repeats, lambda: _open_tickets),
            CHANGES: await look_up(
                repeats, lambda: partial(_changes, after=revision - CHANGED, incarnation=incarnation)
            ),
            TICKET: await look_up(repeats, lambda: partial(_ticket, order_id=order_id(stored // 2))),
            MOVE: await write(repeats, lambda: partial(_take_step, move=next(moves))),
        }


async def _time(run: Any, repeats: int, script: Callable[[], Callable[[sa.Connection], None]]) -> list[float]:
    """Return the milliseconds of each run but the first ones."""
    return [await run(_timed, script()) for _ in range(WARM + repeats)][WARM:]


def _timed(connection: sa.Connection, script: Callable[[sa.Connection], None]) -> float:
    begun = time.perf_counter()
    script(connection)
    return (time.perf_counter() - begun) * 1000


def _open_tickets(connection: sa.Connection) -> None:
    page = changes.begin_snapshot(connection)
    found = 0
    while page.more:
        page = changes.continue_snapshot(connection, page)
        found += len(page.tickets)
    _check(SNAPSHOT, found, QUEUED)


def _changes(connection: sa.Connection, after: int, incarnation: str) -> None:
    _check(CHANGES, len(changes.changes_after(connection, after, incarnation).tickets), CHANGED)


def _ticket(connection: sa.Connection, order_id: str) -> None:
    tickets, _ = staff_transactions.tickets_of(connection, [order_id])
    _check(TICKET, len(tickets), 1)


def _check(name: str, found: int, wanted: int) -> None:
    if found != wanted:
        raise NothingFound(f"{name}: found {found}, expected {wanted}")


def _take_step(connection: sa.Connection, move: Move) -> None:
    staff_transactions.move(connection, move, time.time_ns() // 1_000_000)


def _move(order_id: str, turn: int) -> Move:
    """Start a ticket in the first turn, recall it in the next."""
    verb, state = ((Verb.START, TicketState.QUEUED), (Verb.RECALL, TicketState.PREPARING))[turn % 2]
    return Move(order_id, verb, state, f"{order_id}-{turn}", "Ada", "")


def run(path: Path, stored: int, repeats: int) -> dict[str, list[float]]:
    """Time the queries of a department's SQLite file that no program uses."""
    return asyncio.run(time_queries(path, stored, repeats))
