"""What the staff do with tickets: steps, ticks, and looking at one."""

import asyncio
from collections.abc import Sequence

from gateway.domain.staff import Move, MoveResult
from gateway.domain.staff_errors import StaffError
from gateway.domain.tickets import LiveTicket
from gateway.tickets.staff import StaffDepartments, department_of


class TicketMoves:
    """The tickets of all departments, for their staff. Every method raises StaffError and FieldNotAllowed."""

    def __init__(self, departments: StaffDepartments) -> None:
        self._departments = departments

    async def find(self, department: str, order_id: str) -> LiveTicket:
        """Return a ticket as its department has it."""
        return await department_of(self._departments, department).find(order_id)

    async def move(self, department: str, move: Move) -> LiveTicket:
        """Take one step with a ticket, and return the ticket after it."""
        return await department_of(self._departments, department).move(move)

    async def move_all(self, moves: Sequence[tuple[str, Move]]) -> list[MoveResult]:
        """Take steps with tickets of several departments, and return a result for each, in their order.

        The departments are called at once. What one of them refuses, or cannot do, does not affect the others.
        """
        shares: dict[str, list[int]] = {}
        for place, (department, _) in enumerate(moves):
            shares.setdefault(department, []).append(place)
        parts = await asyncio.gather(
            *(self._share(name, [moves[place][1] for place in places]) for name, places in shares.items())
        )
        results: dict[int, MoveResult] = {}
        for places, part in zip(shares.values(), parts, strict=True):
            results.update(zip(places, part, strict=True))
        return [results[place] for place in range(len(moves))]

    async def tick(self, department: str, order_id: str, line: int, *, made: bool, moved_by: str) -> LiveTicket:
        """Mark a line of a ticket as made or not made, and return the ticket."""
        return await department_of(self._departments, department).tick(order_id, line, made=made, moved_by=moved_by)

    async def _share(self, department: str, moves: Sequence[Move]) -> list[MoveResult]:
        """Return a result for each step at one department, also where the department cannot be reached."""
        try:
            return await department_of(self._departments, department).move_all(moves)
        except StaffError as error:
            return [MoveResult(error=error)] * len(moves)
