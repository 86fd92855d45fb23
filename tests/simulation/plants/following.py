"""Bugs of orders that follow their tickets, and of their numbers."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace

import sqlalchemy as sa

from gateway.department_client import batches
from gateway.department_client.convert import OrderColumns
from gateway.domain.order import Order
from gateway.domain.tickets import Position
from gateway.domain.transitions import Goal
from gateway.orders import ticket_states
from gateway.orders.journal import Journal
from gateway.orders.numbering import Numbering, Ranks
from gateway.orders.ticket_states import Page, Withdrawal
from gateway.orders.withdrawing import Withdrawing
from tests.simulation.seams import plant


@plant("a-staff-cancel-does-not-reach-the-order", Withdrawing, "_change", "watched")
async def withdraw_nothing(original: object, self: Withdrawing, withdrawal: Withdrawal) -> bool:
    """An order says for ever that what the staff have cancelled will be made."""
    return True


@plant("a-staff-cancel-ends-the-rest-of-the-order", Order, "withdraw", "watched")
def withdraw_the_whole_order(original: Callable[..., bool], self: Order, department: str, staff_reason: str) -> bool:
    """A staff's cancel ends what other departments make of the order."""
    changed = original(self, department, staff_reason)
    for line in self.lines if changed else ():
        if line.is_open:
            line.cancel("another department has withdrawn its part")
    return changed


@plant("withdrawals-that-a-crash-left-are-forgotten", ticket_states, "read_start", "hard", 2)
def read_positions_only(
    original: Callable[..., tuple[dict[str, Position], list[Withdrawal]]], connection: sa.Connection
) -> tuple[dict[str, Position], list[Withdrawal]]:
    """A gateway that starts goes on from its positions, and never records what it had followed before."""
    return original(connection)[0], []


@plant("what-a-restore-undid-is-still-shown", ticket_states, "_delete_void", "restored", 8)
def delete_nothing(original: object, connection: sa.Connection, department: str, position: Position) -> set[Withdrawal]:
    """An order shows steps that the restored department knows nothing of."""
    return set()


@plant("a-position-is-written-before-its-page", Journal, "write_followed", "hard", 21)
async def write_position_first(
    original: Callable[[Journal, Page], Awaitable[set[Withdrawal]]], self: Journal, page: Page
) -> set[Withdrawal]:
    """A crash between the two transactions loses what the staff did."""
    if page.position is not None and not page.is_snapshot:
        await original(self, replace(page, tickets=[]))
    return await original(self, page)


_FIRST: dict[int, list[int]] = {}
"""The first numbers of each day."""


@plant("a-rank-is-given-to-two-orders", Numbering, "_take", "watched")
def take_the_first_again(
    original: Callable[..., Ranks], self: Numbering, connection: sa.Connection, day: int, needed: int
) -> Ranks:
    """Every block has the first numbers of the day."""
    ranks = original(self, connection, day, needed)
    first = _FIRST.setdefault(day, list(ranks.numbers))
    return Ranks(day, list(first)) if len(first) >= needed else ranks


@plant("numbers-not-sent", batches, "order_columns", "watched")
def columns_without_numbers(
    original: Callable[..., OrderColumns], department: str, goal: Goal, orders: Sequence[Order]
) -> OrderColumns:
    """A department does not learn what its orders are called."""
    columns = original(department, goal, orders)
    columns["numbers"] = []
    return columns
