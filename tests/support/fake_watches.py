"""Departments' watches for tests of the gateway's live side: a test says what they tell."""

import asyncio
from collections.abc import AsyncGenerator
from typing import Any

from gateway.department_client.errors import Unreachable
from gateway.domain.lines import Outcome, TicketState
from gateway.domain.tickets import ChangePage, LiveItem, LiveLine, LiveMenu, LiveStock, LiveTicket, Position
from tests.support.orders import NOON_MS

MENU = LiveMenu("bar", {"en": "Bar"}, [LiveItem("coffee", {"en": "Coffee"}, 350, "hot", 60)], 600, 900)


def live_ticket(
    order_id: str = "order", revision: int = 1, state: TicketState = TicketState.QUEUED, **fields: Any
) -> LiveTicket:
    """Make a ticket of the bar for a coffee."""
    values: dict[str, Any] = {
        "department": "bar",
        "number": 0,
        "table": "7",
        "source": "gateway",
        "placed_at_ms": NOON_MS,
        "started_at_ms": 0,
        "ready_at_ms": 0,
        "served_at_ms": 0,
        "cancelled_at_ms": 0,
        "moved_by": "",
        "moved_at_ms": 0,
        "cancel_reason": "",
        "wasted": False,
        "lines": [LiveLine("coffee", 2, "", False, False, Outcome.ACCEPTED, 350)],
        **fields,
    }
    return LiveTicket(order_id=order_id, revision=revision, state=state, **values)


def live_stock(item: str = "coffee", on_hand: int = 10, revision: int = 1, department: str = "bar") -> LiveStock:
    """Make the stock of an item that was never sold."""
    return LiveStock(department, item, on_hand, on_hand, 0, 0, 0, True, False, revision)


def page(revision: int, *changed: LiveTicket | LiveStock | LiveMenu, **fields: Any) -> ChangePage:
    """Make a page with these changes."""
    values = {
        "tickets": [each for each in changed if isinstance(each, LiveTicket)],
        "stock": [each for each in changed if isinstance(each, LiveStock)],
        "menu": next((each for each in changed if isinstance(each, LiveMenu)), None),
        **fields,
    }
    return ChangePage(
        **{"department": "bar", "incarnation": "first", "revision": revision, "now_ms": NOON_MS, **values}
    )


def snapshot(revision: int, *changed: LiveTicket | LiveStock | LiveMenu, **fields: Any) -> ChangePage:
    """Make a snapshot of one page."""
    return page(revision, *changed, reset=True, **fields)


class FakeWatch:
    """A department whose changes a test makes; it begins every watch with a snapshot, or after a position."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.incarnation = "first"
        self.revision = 0
        self.tickets: dict[str, LiveTicket] = {}
        self.stock: dict[str, LiveStock] = {}
        self.menu: LiveMenu | None = None
        self.calls: list[Position | None] = []
        self.is_away = False
        self.is_closed = False
        self.open = 0
        self._changed = asyncio.Event()

    async def pages(self, position: Position | None) -> AsyncGenerator[ChangePage, None]:
        self.calls.append(position)
        self.open += 1
        try:
            if self.is_away:
                raise Unreachable(f"{self.name} is away")
            if position is None or position.incarnation != self.incarnation:
                reached = Position(self.incarnation, self.revision)
                yield self._page(-1, reset=True, menu=self.menu)
                position = reached
            while True:  # it may change while the caller works on a page
                reached, changed = Position(self.incarnation, self.revision), self._changed
                yield self._page(position.revision)
                position = reached
                if not self.is_away:
                    await changed.wait()
                if self.is_away:
                    raise Unreachable(f"{self.name} is away")
        finally:
            self.open -= 1

    def close(self) -> None:
        self.is_closed = True

    def change(self, order_id: str, state: TicketState = TicketState.QUEUED, **fields: Any) -> LiveTicket:
        """Open a ticket, or change it."""
        self.revision += 1
        ticket = live_ticket(order_id, self.revision, state, department=self.name, **fields)
        self.tickets[order_id] = ticket
        self._wake()
        return ticket

    def set_stock(self, item: str, on_hand: int) -> None:
        """Change the stock of an item."""
        self.revision += 1
        self.stock[item] = live_stock(item, on_hand, self.revision, self.name)
        self._wake()

    def go_away(self) -> None:
        """End the open watch, and refuse new ones."""
        self.is_away = True
        self._wake()

    def come_back(self) -> None:
        """Take new watches."""
        self.is_away = False

    def _page(self, after: int, **fields: Any) -> ChangePage:
        changed: list[LiveTicket | LiveStock] = [*self.tickets.values(), *self.stock.values()]
        news = [each for each in changed if each.revision > after]
        values = {"department": self.name, "incarnation": self.incarnation}
        return page(self.revision, *news, **values, **fields)

    def _wake(self) -> None:
        self._changed.set()
        self._changed = asyncio.Event()
