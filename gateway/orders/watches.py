"""What following needs of a department's watch; DepartmentWatch has it, and so has a fake in tests."""

from collections.abc import AsyncGenerator
from typing import Protocol

from gateway.domain.tickets import ChangePage, Position


class Watch(Protocol):
    """Opens watches of one department."""

    def pages(self, position: Position | None, *, moved_only: bool = False) -> AsyncGenerator[ChangePage, None]:
        """Yield the changes after a position, or, without one, a snapshot and then the changes.

        `moved_only`: only tickets with which the staff have taken a step. It never ends without a DepartmentCallError.
        """
