"""The REST contract of the staff's side: tickets, stock and menus as msgspec structs, and how live states become them.

The same structs are the data of the events (events.py), so a client reads one shape wherever it comes from.
"""

from typing import Annotated

import msgspec
from msgspec import Meta

from gateway.domain.lines import Outcome, TicketState
from gateway.domain.staff import RecordedReason, StockChange
from gateway.domain.tickets import LiveItem, LiveLine, LiveMenu, LiveStock, LiveTicket
from gateway.rest.schemas import Price
from gateway.rest.times import Moment, rfc3339_or_none

Revision = Annotated[int, Meta(description="Grows with every change at the department.")]

_PRICED = frozenset({Outcome.ACCEPTED, Outcome.PRICE_CHANGED})


class TicketLineResponse(msgspec.Struct, kw_only=True):
    """A line of a ticket. `made`: the staff have ticked it off."""

    item: str
    quantity: int
    note: str
    allergy: Annotated[bool, Meta(description="The line's guest has an allergy.")]
    made: Annotated[bool, Meta(description="The staff have ticked the line off; all clients share the mark.")]
    outcome: Outcome
    unit_price: Annotated[int, Meta(description="In minor units of the currency.")] | None
    cancel_reason: Annotated[str, Meta(description="Why the staff cancelled this line alone, as they said.")] | None


class TicketResponse(msgspec.Struct, kw_only=True):
    """One order's share at one department, as its staff see it. A step that was not taken has no time."""

    department: str
    order_id: str
    number: Annotated[int, Meta(description="The order's short number.")] | None
    table: str | None
    source: Annotated[str, Meta(description="`gateway`, or `counter` for what was sold over the counter.")]
    state: TicketState
    placed_at: Moment | None
    started_at: Moment | None
    ready_at: Moment | None
    served_at: Moment | None
    cancelled_at: Moment | None
    moved_by: Annotated[str, Meta(description="Who of the staff took the last step.")] | None
    moved_at: Annotated[str, Meta(description="When the staff took the last step: RFC 3339, UTC.")] | None
    cancel_reason: str | None
    wasted: Annotated[bool, Meta(description="It was cancelled after its start: its stock is not put back.")]
    revision: Revision
    lines: list[TicketLineResponse]


class StockResponse(msgspec.Struct, kw_only=True):
    """The stock of one item: received = on_hand + held + sold + wasted."""

    department: str
    item: str
    received: int
    on_hand: int
    held: int
    sold: int
    wasted: int
    on_sale: bool
    unlimited: Annotated[bool, Meta(description="The item has no stock figure: it never runs out.")]
    revision: Revision


class StockChangeResponse(msgspec.Struct, kw_only=True):
    """A change of an item's stock on record: by how much the quantity on hand changed, and what it was after it."""

    department: str
    item: str
    change_id: str
    reason: RecordedReason
    delta: int
    on_hand: int
    changed_by: Annotated[str, Meta(description="Who made the change; `menu file` where that did.")] | None
    changed_at: Moment | None
    revision: Revision


class LiveItemResponse(msgspec.Struct, kw_only=True):
    """An item on a department's menu."""

    id: str
    titles: dict[str, str]
    price: Price
    category: str | None
    prep_seconds: Annotated[int, Meta(description="How long the item takes to prepare.")] | None


class LiveMenuResponse(msgspec.Struct, kw_only=True):
    """A department's menu, with when its tickets are late and very late, in seconds after they were placed."""

    department: str
    titles: dict[str, str]
    items: list[LiveItemResponse]
    late_seconds: int | None
    very_late_seconds: int | None


def ticket_response(ticket: LiveTicket) -> TicketResponse:
    """Return a ticket as the body of a response."""
    return TicketResponse(
        department=ticket.department,
        order_id=ticket.order_id,
        number=ticket.number or None,
        table=ticket.table or None,
        source=ticket.source,
        state=ticket.state,
        placed_at=rfc3339_or_none(ticket.placed_at_ms),
        started_at=rfc3339_or_none(ticket.started_at_ms),
        ready_at=rfc3339_or_none(ticket.ready_at_ms),
        served_at=rfc3339_or_none(ticket.served_at_ms),
        cancelled_at=rfc3339_or_none(ticket.cancelled_at_ms),
        moved_by=ticket.moved_by or None,
        moved_at=rfc3339_or_none(ticket.moved_at_ms),
        cancel_reason=ticket.cancel_reason or None,
        wasted=ticket.wasted,
        revision=ticket.revision,
        lines=[_line_response(line) for line in ticket.lines],
    )


def stock_response(stock: LiveStock) -> StockResponse:
    """Return the stock of an item as the body of a response."""
    return StockResponse(
        department=stock.department,
        item=stock.item,
        received=stock.received,
        on_hand=stock.on_hand,
        held=stock.held,
        sold=stock.sold,
        wasted=stock.wasted,
        on_sale=stock.on_sale,
        unlimited=stock.unlimited,
        revision=stock.revision,
    )


def stock_change_response(change: StockChange) -> StockChangeResponse:
    """Return a change on record as the body of a response."""
    return StockChangeResponse(
        department=change.department,
        item=change.item,
        change_id=change.change_id,
        reason=change.reason,
        delta=change.delta,
        on_hand=change.on_hand,
        changed_by=change.changed_by or None,
        changed_at=rfc3339_or_none(change.changed_at_ms),
        revision=change.revision,
    )


def live_menu_response(menu: LiveMenu) -> LiveMenuResponse:
    """Return a department's menu as the body of a response."""
    return LiveMenuResponse(
        department=menu.department,
        titles=dict(menu.titles),
        items=[_item_response(item) for item in menu.items],
        late_seconds=menu.late_seconds or None,
        very_late_seconds=menu.very_late_seconds or None,
    )


def _line_response(line: LiveLine) -> TicketLineResponse:
    return TicketLineResponse(
        item=line.item,
        quantity=line.quantity,
        note=line.note,
        allergy=line.allergy,
        made=line.made,
        outcome=line.outcome,
        unit_price=line.unit_price if line.outcome in _PRICED else None,
        cancel_reason=line.cancel_reason or None,
    )


def _item_response(item: LiveItem) -> LiveItemResponse:
    return LiveItemResponse(
        id=item.id,
        titles=dict(item.titles),
        price=item.price,
        category=item.category or None,
        prep_seconds=item.prep_seconds or None,
    )
