"""The REST contract of an order's progress: what its departments' staff did with it, and when."""

from collections.abc import Sequence
from typing import Annotated

import msgspec
from msgspec import Meta

from gateway.domain.order import Order, Status
from gateway.domain.progress import OrderProgress, Progress, TicketProgress
from gateway.rest.times import Moment, rfc3339, rfc3339_or_none, rfc3339_pair

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

_ACCEPTED, _QUEUED, _LINE_QUEUED = Status.ACCEPTED, OrderProgress.QUEUED, Progress.QUEUED


class OrderTicket(msgspec.Struct, kw_only=True):
    """When a department's staff took each step with an order; null where they did not, or took it back."""

    department: str
    started_at: Moment | None
    ready_at: Moment | None
    served_at: Moment | None
    withdrawn_at: Moment | None


def times_and_progress(
    order: Order, status: Status
) -> tuple[str, str | None, OrderProgress | None, Sequence[Progress | None]]:
    """Return when an order of a status was placed and when it is, or was, ready; how far it and each line are."""
    created_at_ms = order.created_at_ms
    if order.quotes and status is _ACCEPTED and not order.tickets:  # as most new orders: 2 µs less than below
        longest = 0
        for wait, own in order.quotes.values():
            if wait + own > longest:
                longest = wait + own
        created_at, ready_at = rfc3339_pair(created_at_ms, longest)
        return created_at, ready_at, _QUEUED, [_LINE_QUEUED] * len(order.lines)
    return rfc3339(created_at_ms), rfc3339_or_none(order.ready_at_ms or 0), order.progress, order.line_progress()


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
