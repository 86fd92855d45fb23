"""The data of the events: each state as the JSON of its REST resource."""

from typing import Any, Literal

import msgspec

from gateway.domain.lines import TicketState
from gateway.domain.order import Order
from gateway.domain.tickets import Availability, CalledNumber, DepartmentState, LiveMenu, LiveStock, LiveTicket, Tick
from gateway.rest.schemas import order_response
from gateway.rest.staff_schemas import Revision, live_menu_response, stock_response, ticket_response
from gateway.rest.times import Moment, rfc3339, rfc3339_or_none


class DepartmentResponse(msgspec.Struct, kw_only=True):
    """Whether a department's changes arrive. Where they do not, `since` is when it was last known to be there."""

    name: str
    state: Literal["open", "unreachable"]
    since: Moment


class ItemResponse(msgspec.Struct, kw_only=True):
    """How many of an item can be had, null for any number, and whether it is on sale."""

    department: str
    item: str
    available: int | None
    on_sale: bool


class NumberResponse(msgspec.Struct, kw_only=True):
    """A ticket's number, null where it has none, and how far the ticket is."""

    department: str
    number: int | None
    state: TicketState
    placed_at: Moment | None
    ready_at: Moment | None


class TickResponse(msgspec.Struct, kw_only=True):
    """The gateway's clock, and each department's revision."""

    now: Moment
    now_ms: int
    departments: dict[str, Revision]


_RESPONSES: dict[type, Any] = {
    LiveTicket: ticket_response,
    LiveStock: stock_response,
    LiveMenu: live_menu_response,
    Order: order_response,
    Availability: lambda item: ItemResponse(
        department=item.department, item=item.item, available=item.available, on_sale=item.on_sale
    ),
    CalledNumber: lambda called: NumberResponse(
        department=called.department,
        number=called.number or None,
        state=called.state,
        placed_at=rfc3339_or_none(called.placed_at_ms),
        ready_at=rfc3339_or_none(called.ready_at_ms),
    ),
    DepartmentState: lambda state: DepartmentResponse(
        name=state.name, state="open" if state.is_open else "unreachable", since=rfc3339(state.since_ms)
    ),
    Tick: lambda tick: TickResponse(now=rfc3339(tick.now_ms), now_ms=tick.now_ms, departments=dict(tick.revisions)),
}

_encode = msgspec.json.Encoder().encode


def event_json(state: Any) -> bytes:
    """Return a state as JSON, which has no line breaks; what is no state of a resource is encoded as it is."""
    response = _RESPONSES.get(type(state))
    return _encode(state if response is None else response(state))
