"""The REST contract of an order's progress: what its departments' staff did with it, and when."""

from typing import Annotated

import msgspec
from msgspec import Meta

from gateway.domain.order import Order, Status
from gateway.domain.progress import OrderProgress, Progress, TicketProgress
from gateway.rest.times import Moment, rfc3339, rfc3339_or_none

OrderNumber = Annotated[
    int,
    Meta(
        description="A short number that people can call out. No other order of the same day or the day before has it, "
        "and it does not show how many orders there are."
    ),
]
LineProgressField = Annotated[
    Progress | None,
    Meta(
        description="How far the department is with the line: queued, preparing, ready, served; or withdrawn, where "
        "the staff cancelled it after it had been accepted. Null where the line is not made."
    ),
]
OrderProgressField = Annotated[
    OrderProgress | None,
    Meta(
        description="How far the order is. queued: nothing is started. preparing: nothing can be fetched now. "
        "partly_ready: a part can be fetched. ready: all that is not served can be fetched. served: all is served. "
        "withdrawn: the staff cancelled all of it. Null where nothing was accepted."
    ),
]
ReadyAtField = Annotated[
    str | None,
    Meta(
        description="When the order is expected to be ready, RFC 3339, UTC: estimated when it was placed, and revised "
        "when a department starts. Once all of it is ready, the moment when it became so. A moment that has passed "
        "while the order is not ready means that it is late. Null where nothing is made."
    ),
]

_ACCEPTED = Status.ACCEPTED


class OrderTicket(msgspec.Struct, kw_only=True):
    """When a department's staff took each step with an order; null where they did not, or took it back."""

    department: str
    started_at: Moment | None
    ready_at: Moment | None
    served_at: Moment | None
    withdrawn_at: Moment | None


def order_progress(order: Order) -> tuple[OrderProgress | None, list[Progress | None]]:
    """Return how far an order is, and how far each of its lines is."""
    lines = order.line_progress()
    if not order.tickets:  # as in the response to every new order, which costs little so
        return (OrderProgress.QUEUED if Progress.QUEUED in lines else None), lines
    return order.progress, lines


def ready_at(order: Order, status: Status) -> str | None:
    """Return when an order of a status is expected to be ready, or was."""
    if order.quotes and status is _ACCEPTED and not order.tickets:  # as most new orders, which costs little so
        return rfc3339(order.created_at_ms + 1000 * max([wait + own for wait, own in order.quotes.values()]))
    ready_at_ms = order.ready_at_ms
    return None if ready_at_ms is None else rfc3339(ready_at_ms)


def order_tickets(order: Order) -> list[OrderTicket]:
    """Return the times of each department whose staff have taken a step with an order, by the departments' names."""
    return [_ticket(department, ticket) for department, ticket in sorted(order.tickets.items())]


def _ticket(department: str, ticket: TicketProgress) -> OrderTicket:
    return OrderTicket(
        department=department,
        started_at=rfc3339_or_none(ticket.started_at_ms),
        ready_at=rfc3339_or_none(ticket.ready_at_ms),
        served_at=rfc3339_or_none(ticket.served_at_ms),
        withdrawn_at=rfc3339_or_none(ticket.cancelled_at_ms) if ticket.withdrawn else None,
    )
