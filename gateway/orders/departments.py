"""What the order path needs of a department; DepartmentClient has it, and so has a fake in tests."""

import asyncio
from collections.abc import Callable, Sequence
from typing import Protocol

from gateway.department_client.client import CallPolicy
from gateway.domain.lines import TicketResult
from gateway.domain.menu import MenuSnapshot
from gateway.domain.order import Order
from gateway.domain.transitions import Goal


class Department(Protocol):
    """One department, which may be unreachable. `on_failure` is called whenever a call gets no response."""

    on_failure: Callable[[], None]

    @property
    def name(self) -> str:
        """The name that orders' lines have."""

    @property
    def call_policy(self) -> CallPolicy:
        """How the department is called."""

    @property
    def is_reachable(self) -> bool:
        """Tell whether requests are sent; where not, they fail at once."""

    @property
    def was_reached(self) -> bool:
        """Tell whether some call got a response."""

    def submit(self, goal: Goal, order: Order) -> "asyncio.Future[TicketResult]":
        """Request one goal for one order; the future raises Unreachable, Deferred or Refused."""

    async def attempt(self, goal: Goal, orders: list[Order]) -> "Sequence[TicketResult | Exception]":
        """Make one call, also while the department is unreachable; raises Unreachable."""

    async def menu(self) -> MenuSnapshot:
        """Return the menu, or, where the department does not respond, its titles without items."""

    async def probe(self) -> MenuSnapshot:
        """Ask for the menu, also while the department is unreachable; raises Unreachable, Deferred or Refused."""

    def close(self) -> None:
        """Close the connections."""
