"""What is needed of a department for its staff, and the department that a name stands for."""

from collections.abc import Mapping, Sequence
from typing import Protocol

from gateway.domain.staff import Move, MoveResult, StockHistory, StockOrder
from gateway.domain.staff_errors import DepartmentNotFound
from gateway.domain.tickets import LiveStock, LiveTicket


class StaffDepartment(Protocol):
    """A department as its staff use it; StaffClient has it, and so has a fake in tests.

    Every method raises StaffError, and FieldNotAllowed for a value that the department does not allow.
    """

    name: str

    async def move(self, move: Move) -> LiveTicket:
        """Take one step with a ticket, and return the ticket after it."""

    async def move_all(self, moves: Sequence[Move]) -> list[MoveResult]:
        """Take one step with each of several tickets."""

    async def tick(self, order_id: str, line: int, *, made: bool, moved_by: str = "") -> LiveTicket:
        """Mark a line of a ticket as made or not made, and return the ticket."""

    async def find(self, order_id: str) -> LiveTicket:
        """Return the ticket of an order."""

    async def change_stock(self, order: StockOrder) -> LiveStock:
        """Change an item's stock once, and return it as it is now."""

    async def set_on_sale(self, item: str, *, on_sale: bool, changed_by: str = "") -> LiveStock:
        """Take an item off sale or put it back, and return its stock."""

    async def stock_changes(self, item: str, before: int, limit: int) -> StockHistory:
        """Return a page of an item's changes."""


StaffDepartments = Mapping[str, StaffDepartment]


def department_of(departments: StaffDepartments, name: str) -> StaffDepartment:
    """Return a department by its name; raises DepartmentNotFound."""
    department = departments.get(name)
    if department is None:
        raise DepartmentNotFound(name, departments)
    return department
