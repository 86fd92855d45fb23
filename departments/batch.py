"""One transaction for all that arrived while the one before it ran: orders, the gateway's decisions, the staff's work.

So one fsync serves a step of a cook and the orders that came with it. Orders come first, then the rest as it arrived.
"""

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import sqlalchemy as sa

from departments import transactions
from departments.domain.errors import DepartmentError
from departments.domain.menu import Menu
from departments.domain.placing import Placement
from departments.transactions import TicketOrError

R = TypeVar("R")

Work = Callable[[sa.Connection, int], R]
"""A transaction of its own otherwise, given the time in milliseconds since 1970.

It raises DepartmentError before it writes anything, and then the others of its batch are not affected.
"""


def run(
    connection: sa.Connection, menu: Menu, placements: Sequence[Placement], works: Sequence[Work[Any]], now_ms: int
) -> tuple[list[TicketOrError], list[Any]]:
    """Place orders and do work; return the tickets, and for each work what it returns or the error that it raises."""
    tickets = transactions.place(connection, menu, placements, now_ms) if placements else []
    return tickets, [_result(work, connection, now_ms) for work in works]


def _result(work: Work[Any], connection: sa.Connection, now_ms: int) -> Any:
    try:
        return work(connection, now_ms)
    except DepartmentError as error:
        return error
