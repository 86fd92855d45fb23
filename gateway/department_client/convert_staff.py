"""Converts what the staff ask to messages, and a department's tickets and stock to the gateway's live states."""

from typing import Any

from grpclib.exceptions import GRPCError

from gateway.department_client.convert_tickets import OUTCOMES, STATES, known
from gateway.domain.lines import TicketState
from gateway.domain.staff import ChangeReason, Move, RecordedReason, StockChange, StockHistory, StockOrder, Verb
from gateway.domain.tickets import LiveLine, LiveStock, LiveTicket
from generated.restaurant import v1

_VERBS = {verb: v1.Verb.from_string(verb.name) for verb in Verb}
_CANCEL_LINE = v1.Verb.from_string("CANCEL_LINE")
"""A verb of its own: a department of an earlier version refuses it, and does not cancel the whole ticket."""

_MESSAGE_STATES = {
    state: v1.TicketState.from_string("UNSPECIFIED" if state is TicketState.NONE else state.name)
    for state in TicketState
}
_REASONS = {reason: v1.ChangeReason.from_string(reason.name) for reason in ChangeReason}
_RECORDED = {int(v1.ChangeReason.from_string(reason.name)): reason for reason in RecordedReason}

_FIELDS = {"expected_state": "expected", "ticked_by": "moved_by"}
"""Fields of requests that have another name outside of the contract."""


def move_request(move: Move) -> v1.MoveTicketRequest:
    """Return the message for one step."""
    return v1.MoveTicketRequest(
        order_id=move.order_id,
        verb=_VERBS[move.verb] if move.line is None else _CANCEL_LINE,
        expected_state=_MESSAGE_STATES[move.expected],
        step_id=move.step_id,
        moved_by=move.moved_by,
        reason=move.reason,
        line=move.line or 0,
    )


def stock_request(order: StockOrder) -> v1.ChangeStockRequest:
    """Return the message for one change of the stock."""
    return v1.ChangeStockRequest(
        item=order.item,
        change_id=order.change_id,
        reason=_REASONS[order.reason],
        delta=order.delta,
        count=order.count,
        expected=order.expected,
        changed_by=order.changed_by,
    )


def live_ticket(department: str, ticket: v1.Ticket) -> LiveTicket:
    """Return a ticket; raises ValueError where it has values that this version does not know."""
    return LiveTicket(
        department=department,
        order_id=ticket.order_id,
        number=ticket.number,
        table=ticket.table,
        source="counter" if ticket.source == v1.TicketSource.COUNTER else "gateway",
        state=known(STATES, ticket.state, "ticket state"),
        revision=ticket.revision,
        placed_at_ms=ticket.placed_at_ms,
        started_at_ms=ticket.started_at_ms,
        ready_at_ms=ticket.ready_at_ms,
        served_at_ms=ticket.served_at_ms,
        cancelled_at_ms=ticket.cancelled_at_ms,
        moved_by=ticket.moved_by,
        moved_at_ms=ticket.moved_at_ms,
        cancel_reason=ticket.cancel_reason,
        wasted=ticket.wasted,
        lines=[
            LiveLine(
                line.item,
                line.quantity,
                line.note,
                line.allergy,
                line.made,
                known(OUTCOMES, line.outcome, "outcome"),
                line.unit_price,
                line.cancel_reason,
            )
            for line in ticket.lines
        ],
    )


def live_stock(department: str, level: v1.StockLevel) -> LiveStock:
    """Return the stock of an item."""
    return LiveStock(
        department,
        level.item,
        level.received,
        level.on_hand,
        level.held,
        level.sold,
        level.wasted,
        not level.off_sale,
        level.unlimited,
        level.revision,
    )


def menu_stock(department: str, menu: v1.GetMenuResponse) -> dict[str, LiveStock]:
    """Return the stock of the items on a menu, as it is at the menu's revision."""
    return {
        item.id: LiveStock(
            department,
            item.id,
            item.received,
            item.on_hand,
            item.held,
            item.sold,
            item.wasted,
            not item.off_sale,
            item.unlimited,
            menu.revision,
        )
        for item in menu.items
    }


def stock_history(department: str, response: v1.ListStockChangesResponse) -> StockHistory:
    """Return a page of the changes; raises ValueError where it has values that this version does not know."""
    changes = [
        StockChange(
            department,
            change.item,
            change.change_id,
            known(_RECORDED, change.reason, "reason"),
            change.delta,
            change.on_hand,
            change.changed_by,
            change.changed_at_ms,
            change.revision,
        )
        for change in response.changes
    ]
    return StockHistory(changes, response.next)


def error_reason(error: GRPCError) -> str:
    """Return the name of a department's error, or "" where its details have none."""
    return next((str(each.reason) for each in _details(error, "google.rpc.ErrorInfo")), "")


def wrong_field(error: GRPCError) -> tuple[str, str]:
    """Return which field of a request a department does not allow, and why."""
    for each in _details(error, "google.rpc.BadRequest"):
        if each.field_violations:
            violation = each.field_violations[0]
            return _FIELDS.get(violation.field, violation.field), violation.description
    return "body", str(error.message)


def _details(error: GRPCError, name: str) -> list[Any]:
    """Return the details of a message type: by its name, as its import takes a gateway 3 MB."""
    details = error.details if isinstance(error.details, list) else []
    return [each for each in details if each.DESCRIPTOR.full_name == name]
