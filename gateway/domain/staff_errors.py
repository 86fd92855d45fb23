"""The errors of what the staff ask of a department.

StaffError
├── DepartmentNotFound   the gateway's settings do not name the department
├── TicketNotFound       the department has no ticket of the order
├── LineNotFound         the ticket has no line with this number
├── ItemNotFound         the department has no stock of the item
├── StepRefused          the ticket is in another state than the staff expect, or its state does not allow it
├── StepIdTaken          the step id belongs to another step
├── StockRefused         the quantity on hand is another than the staff expect, or does not allow the change
│   └── ChangeIdTaken    the change id belongs to another change
└── DepartmentAway       the department did not respond, or cannot do it now
"""

from collections.abc import Collection
from typing import TYPE_CHECKING

from gateway.domain.errors import GatewayError
from gateway.domain.tickets import LiveStock, LiveTicket

if TYPE_CHECKING:
    from gateway.domain.staff import StockChange


class StaffError(GatewayError):
    """A department did not do what the staff asked of it."""


class DepartmentNotFound(StaffError):
    """The gateway's settings do not name the department."""

    def __init__(self, name: str, known: Collection[str]) -> None:
        super().__init__(f"there is no department {name[:60]}: there are {', '.join(sorted(known))}")


class TicketNotFound(StaffError):
    """The department has no ticket of the order."""

    def __init__(self, department: str, order_id: str) -> None:
        super().__init__(f"{department} has no ticket of order {order_id}")
        self.order_id = order_id


class LineNotFound(StaffError):
    """The ticket has `lines` lines, which are counted from 0, and none with this number."""

    def __init__(self, ticket: LiveTicket, line: int) -> None:
        lines = ", ".join(f"{number} ({each.item})" for number, each in enumerate(ticket.lines))
        super().__init__(f"{ticket.department}'s ticket has no line {line}: its lines are {lines or 'none'}")
        self.order_id = ticket.order_id
        self.ticket = ticket


class ItemNotFound(StaffError):
    """The department has no stock of the item; `known` are the items of its menu."""

    def __init__(self, department: str, item: str, known: Collection[str]) -> None:
        super().__init__(f"{department} has no item {item}: it has {', '.join(known)}")


class StepRefused(StaffError):
    """The step, or the tick, does not fit the ticket, which is as `ticket` shows; the message says who moved it."""

    def __init__(self, message: str, order_id: str, ticket: LiveTicket | None) -> None:
        super().__init__(message)
        self.order_id = order_id
        self.ticket = ticket


class StepIdTaken(StaffError):
    """The step id belongs to another step of the ticket, which is as `ticket` shows."""

    def __init__(self, message: str, order_id: str, ticket: LiveTicket | None) -> None:
        super().__init__(message)
        self.order_id = order_id
        self.ticket = ticket


class StockRefused(StaffError):
    """The change does not fit the stock, which is as `stock` shows; `last_change` is the staff's last one."""

    def __init__(self, message: str, stock: LiveStock | None, last_change: "StockChange | None") -> None:
        super().__init__(message)
        self.stock = stock
        self.last_change = last_change


class ChangeIdTaken(StockRefused):
    """The change id belongs to another change; `stock` and `last_change` are those of the item that was asked for."""


class DepartmentAway(StaffError):
    """The department did not respond, or could not do it now: whether it was done is not known."""

    def __init__(self, department: str, reason: str) -> None:
        super().__init__(
            f"{department} cannot be reached, or cannot do it now: {reason}. Whether it was done is not known; "
            "sending it again, with the same id, is safe"
        )
        self.department = department
