"""Converts the messages of DepartmentService to domain types and back; no other module does.

A batch of orders is a message of columns. A request is checked here, once: equal lengths, canonical ids, limits.
"""

from collections.abc import Sequence
from itertools import islice

from departments.domain.errors import DepartmentError, InvalidRequest
from departments.domain.menu import Menu
from departments.domain.placing import Placement, RequestedLine
from departments.domain.positions import Position, TicketPage
from departments.domain.tickets import Decision, Ticket, TicketState
from departments.rpc.checks import check_each, check_length, check_order_ids, check_range, check_revision, read_texts
from departments.rpc.enums import OUTCOMES, SOURCES, STATES
from departments.rpc.limits import Limits
from departments.transactions import StockLevels, TicketOrError
from generated.restaurant import v1
from infra.grpc.plain_messages import use_plain_attributes

use_plain_attributes(v1.PlaceOrdersRequest, v1.PlaceOrdersResponse, v1.StreamOrdersRequest, v1.StreamOrdersResponse)
use_plain_attributes(v1.MoveTicketRequest, v1.TicketLine, v1.StockLevel)

LAST_EPOCH = 2**63 - 1
"""The highest number that a database column can hold."""


def placements(request: v1.PlaceOrdersRequest | v1.StreamOrdersRequest, limits: Limits) -> list[Placement]:
    """Return the orders of a batch; raises InvalidRequest with the field and the place in it."""
    order_ids, tables, holds = request.order_ids, request.tables, request.holds
    line_counts, items, quantities, notes = request.line_counts, request.items, request.quantities, request.notes
    check_order_ids(order_ids, limits.orders_per_batch)
    for field, column in (("tables", tables), ("holds", holds), ("line_counts", line_counts)):
        check_length(field, column, len(order_ids), "order_ids")
    for field, column in (("quantities", quantities), ("notes", notes)):
        check_length(field, column, len(items), "items")
    if sum(line_counts) != len(items):
        raise InvalidRequest("line_counts", f"they add up to {sum(line_counts)}, but there are {len(items)} items")
    check_range("line_counts", line_counts, limits.lines_per_order)
    check_range("quantities", quantities, limits.quantity)
    tables = read_texts("tables", tables, 0, limits.table_length)
    items = read_texts("items", items, 1, limits.item_length)
    notes = read_texts("notes", notes, 0, limits.note_length)
    if request.expected_prices or request.allergies:
        prices = _expected_prices(request.expected_prices, len(items), limits)
        lines = map(RequestedLine, items, quantities, notes, prices, _allergies(request.allergies, len(items)))
    else:
        lines = map(RequestedLine, items, quantities, notes)
    numbers = _numbers(request.numbers, len(order_ids), limits)
    return [
        Placement(order_id, list(islice(lines, count)), table, hold, number=number)
        for order_id, count, table, hold, number in zip(order_ids, line_counts, tables, holds, numbers, strict=True)
    ]


def order_ids(ids: list[str], limits: Limits) -> list[str]:
    """Return the order ids of a batch; raises InvalidRequest."""
    check_order_ids(ids, limits.orders_per_batch)
    return ids


def decisions(request: v1.ConfirmOrdersRequest | v1.SuspendOrdersRequest, limits: Limits) -> list[Decision]:
    """Return the decisions of a batch; raises InvalidRequest."""
    ids, epochs = request.order_ids, request.epochs
    check_order_ids(ids, limits.orders_per_batch)
    check_length("epochs", epochs, len(ids), "order_ids")
    check_each("epochs", epochs, lambda epoch: epoch <= LAST_EPOCH, f"at most {LAST_EPOCH} is")
    return list(map(Decision, ids, epochs))


def cancels(request: v1.CancelOrdersRequest, limits: Limits) -> list[Decision]:
    """Return the cancels of a batch, without epochs where the column is left out; raises InvalidRequest."""
    ids, epochs, most = request.order_ids, request.epochs, LAST_EPOCH - 1
    check_order_ids(ids, limits.orders_per_batch)
    if not epochs:
        return list(map(Decision, ids))
    check_length("epochs", epochs, len(ids), "order_ids")
    check_each("epochs", epochs, lambda epoch: epoch <= most, f"at most {most} is")
    return list(map(Decision, ids, epochs))


def position(request: v1.ListTicketsRequest) -> Position:
    """Return the position after which the requested page begins; raises InvalidRequest."""
    for field, revision in (
        ("after_revision", request.after_revision),
        ("snapshot_revision", request.snapshot_revision),
    ):
        check_revision(field, revision)
    if 0 < request.snapshot_revision < request.after_revision:
        raise InvalidRequest(
            "snapshot_revision",
            f"{request.snapshot_revision} is not allowed: it is at least after_revision, {request.after_revision},"
            " on every page of a snapshot",
        )
    return Position(request.after_revision, request.incarnation, request.snapshot_revision)


def states(request: v1.ListTicketsRequest) -> frozenset[TicketState]:
    """Return the states that filter a snapshot, or none for all; raises InvalidRequest."""
    known = {message: state for state, message in STATES.items()}
    check_each("states", request.states, lambda state: state in known, "that is not a ticket state")
    if request.states and not position(request).is_in_snapshot:
        raise InvalidRequest(
            "states",
            "they are not allowed with after_revision alone: changes are listed whole, as a ticket that leaves these"
            " states would be missed; on a page of a snapshot, send its snapshot_revision too",
        )
    return frozenset(known[state] for state in request.states)


def place_response(results: Sequence[TicketOrError]) -> v1.PlaceOrdersResponse:
    """Return the response to a batch that was placed; raises the first result that is an error."""
    return v1.PlaceOrdersResponse(*_columns(results))


def stream_response(number: int, results: Sequence[TicketOrError]) -> v1.StreamOrdersResponse:
    """Return the response to a batch of a stream; raises the first result that is an error."""
    return v1.StreamOrdersResponse(number, 0, "", *_columns(results))


def ticket_batch(results: Sequence[TicketOrError]) -> v1.TicketBatch:
    """Return the tickets of a batch in columns; raises the first result that is an error."""
    return v1.TicketBatch(*_columns(results))


def ticket_message(ticket: Ticket) -> v1.Ticket:
    """Return one ticket as the staff see it."""
    reasons = {each.line: each.reason for each in ticket.cancelled_lines}
    return v1.Ticket(
        order_id=ticket.order_id,
        table=ticket.table,
        state=STATES[ticket.state],
        lines=[
            v1.TicketLine(
                line.item,
                line.quantity,
                line.note,
                OUTCOMES[line.outcome],
                line.unit_price,
                line.allergy,
                line.made,
                reasons.get(place, ""),
            )
            for place, line in enumerate(ticket.lines)
        ],
        placed_at_ms=ticket.placed_at_ms,
        revision=ticket.revision,
        source=SOURCES[ticket.source],
        moved_by=ticket.moved_by,
        moved_at_ms=ticket.moved_at_ms,
        cancel_reason=ticket.cancel_reason,
        wasted=ticket.wasted,
        started_at_ms=ticket.started_at_ms,
        ready_at_ms=ticket.ready_at_ms,
        served_at_ms=ticket.served_at_ms,
        cancelled_at_ms=ticket.cancelled_at_ms,
        number=ticket.number,
    )


def list_response(page: TicketPage) -> v1.ListTicketsResponse:
    """Return a page of tickets."""
    return v1.ListTicketsResponse(
        tickets=[ticket_message(each) for each in page.tickets],
        revision=page.revision,
        incarnation=page.incarnation,
        reset=page.reset,
        snapshot_revision=page.snapshot,
    )


def menu_response(menu: Menu, levels: StockLevels) -> v1.GetMenuResponse:
    """Return the menu with the stock of its items."""
    return v1.GetMenuResponse(
        name=menu.name,
        titles=dict(menu.titles),
        items=[
            v1.MenuItem(
                id=item.id,
                titles=dict(item.titles),
                price=item.price,
                received=stock.received,
                on_hand=stock.on_hand,
                held=stock.held,
                sold=stock.sold,
                wasted=stock.wasted,
                off_sale=stock.off_sale,
                unlimited=stock.unlimited,
                category=item.category,
                prep_seconds=item.prep_seconds,
            )
            for item in menu.items.values()
            for stock in [levels.stock[item.id]]
        ],
        revision=levels.revision,
        incarnation=levels.incarnation,
        late_seconds=menu.late_seconds,
        very_late_seconds=menu.very_late_seconds,
    )


def _expected_prices(column: Sequence[int], lines: int, limits: Limits) -> list[int | None]:
    """Return the prices that clients saw, None where a line states none; raises InvalidRequest."""
    if not column:
        return [None] * lines
    field, most = "expected_prices", limits.price
    check_length(field, column, lines, "items")
    check_each(field, column, lambda price: -1 <= price <= most, f"0 to {most} is allowed, or -1 for none")
    return [None if price < 0 else price for price in column]


def _allergies(column: Sequence[bool], lines: int) -> Sequence[bool]:
    """Return for each line whether its guest has an allergy; raises InvalidRequest."""
    if column:
        check_length("allergies", column, lines, "items")
    return column or [False] * lines


def _numbers(column: Sequence[int], orders: int, limits: Limits) -> Sequence[int]:
    """Return the orders' short numbers, 0 where an order has none; raises InvalidRequest."""
    if not column:
        return [0] * orders
    check_length("numbers", column, orders, "order_ids")
    check_each("numbers", column, lambda number: number <= limits.number, f"at most {limits.number} is")
    return column


def _columns(
    results: Sequence[TicketOrError],
) -> tuple[list[v1.TicketState], list[int], list[v1.Outcome], list[int], list[int]]:
    tickets = [_ticket_of(result) for result in results]
    lines = [line for ticket in tickets for line in ticket.lines]
    return (
        [STATES[ticket.state] for ticket in tickets],
        [len(ticket.lines) for ticket in tickets],
        [OUTCOMES[line.outcome] for line in lines],
        [line.available for line in lines],
        [line.unit_price for line in lines],
    )


def _ticket_of(result: TicketOrError) -> Ticket:
    if isinstance(result, DepartmentError):
        raise result
    return result
