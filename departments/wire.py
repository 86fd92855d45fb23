"""Translates between the floor's messages and the department's own words; the only module that does.

A batch travels in columns. What arrives is checked here, once: equal lengths, canonical ids, everything within limits.
"""

import re
from collections.abc import Callable, Sequence
from itertools import islice
from typing import TypeVar

from departments.desk import Answer, Shelves
from departments.domain.errors import DepartmentError, InvalidRequest
from departments.domain.menu import Menu
from departments.domain.placing import Placement, Wish
from departments.domain.tickets import Outcome, State, Ticket, Verb
from departments.limits import Limits
from generated.restaurant import v1

T = TypeVar("T")

_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}").fullmatch

_OUTCOMES = {
    Outcome.ACCEPTED: v1.Outcome.ACCEPTED,
    Outcome.OUT_OF_STOCK: v1.Outcome.OUT_OF_STOCK,
    Outcome.NOT_ON_MENU: v1.Outcome.NOT_ON_MENU,
    Outcome.CANCELLED: v1.Outcome.CANCELLED,
}
_STATES = {
    State.NONE: v1.TicketState.UNSPECIFIED,
    State.HELD: v1.TicketState.HELD,
    State.QUEUED: v1.TicketState.QUEUED,
    State.PREPARING: v1.TicketState.PREPARING,
    State.READY: v1.TicketState.READY,
    State.SERVED: v1.TicketState.SERVED,
    State.CANCELLED: v1.TicketState.CANCELLED,
}
_VERBS = {
    v1.Verb.START: Verb.START,
    v1.Verb.FINISH: Verb.FINISH,
    v1.Verb.SERVE: Verb.SERVE,
    v1.Verb.RECALL: Verb.RECALL,
    v1.Verb.CANCEL: Verb.CANCEL,
}


def placements(request: v1.PlaceOrdersRequest, limits: Limits) -> list[Placement]:
    """Read a batch of orders; raises InvalidRequest with the field and the place in it."""
    _check_order_ids(request.order_ids, limits)
    orders, lines = len(request.order_ids), len(request.items)
    _check_length("tables", request.tables, orders, "order_ids")
    _check_length("holds", request.holds, orders, "order_ids")
    _check_length("line_counts", request.line_counts, orders, "order_ids")
    _check_length("quantities", request.quantities, lines, "items")
    _check_length("notes", request.notes, lines, "items")
    if sum(request.line_counts) != lines:
        raise InvalidRequest("line_counts", f"they add up to {sum(request.line_counts)}, but there are {lines} items")
    most = limits.lines_per_order
    _check_each("line_counts", request.line_counts, lambda n: 1 <= n <= most, f"1 to {most} lines are allowed")
    _check_each("tables", request.tables, lambda s: len(s) <= limits.table_length, f"at most {limits.table_length} characters")
    _check_each("items", request.items, lambda s: 1 <= len(s) <= limits.item_length, f"1 to {limits.item_length} characters")
    _check_each("quantities", request.quantities, lambda n: 1 <= n <= limits.quantity, f"1 to {limits.quantity} is allowed")
    _check_each("notes", request.notes, lambda s: len(s) <= limits.note_length, f"at most {limits.note_length} characters")
    wishes = map(Wish, request.items, request.quantities, request.notes)
    return [
        Placement(order_id, list(islice(wishes, count)), table, hold)
        for order_id, count, table, hold in zip(
            request.order_ids, request.line_counts, request.tables, request.holds, strict=True
        )
    ]


def order_ids(ids: list[str], limits: Limits) -> list[str]:
    """Read a batch of order ids; raises InvalidRequest."""
    _check_order_ids(ids, limits)
    return ids


def ticket_batch(answers: Sequence[Answer]) -> v1.TicketBatch:
    """Write the tickets of a batch; raises the first answer that is an error."""
    batch = v1.TicketBatch()
    for answer in answers:
        if isinstance(answer, DepartmentError):
            raise answer
        batch.states.append(_STATES[answer.state])
        batch.line_counts.append(len(answer.lines))
        for line in answer.lines:
            batch.outcomes.append(_OUTCOMES[line.outcome])
            batch.available.append(line.available)
            batch.unit_prices.append(line.unit_price)
    return batch


def ticket(own: Ticket) -> v1.Ticket:
    """Write one ticket for the staff."""
    return v1.Ticket(
        order_id=own.order_id,
        table=own.table,
        state=_STATES[own.state],
        lines=[
            v1.TicketLine(line.item, line.quantity, line.note, _OUTCOMES[line.outcome], line.unit_price)
            for line in own.lines
        ],
        placed_at_ms=own.placed_at_ms,
        revision=own.revision,
    )


def menu(own: Menu, shelves: Shelves) -> v1.GetMenuResponse:
    """Write the menu with its stock."""
    return v1.GetMenuResponse(
        name=own.name,
        titles=dict(own.titles),
        items=[
            v1.MenuItem(
                id=item.id,
                titles=dict(item.titles),
                price=item.price,
                received=shelf.received,
                on_hand=shelf.on_hand,
                held=shelf.held,
                sold=shelf.sold,
            )
            for item in own.items.values()
            for shelf in [shelves.stock[item.id]]
        ],
        revision=shelves.revision,
    )


def states(request: v1.ListTicketsRequest) -> frozenset[State]:
    """Read the states that a list is limited to; raises InvalidRequest."""
    known = {wire: own for own, wire in _STATES.items()}
    _check_each("states", request.states, lambda state: state in known, "that is not a ticket state")
    return frozenset(known[state] for state in request.states)


def verb(request: v1.MoveTicketRequest) -> Verb:
    """Read a step of the staff's; raises InvalidRequest."""
    if request.verb not in _VERBS:
        allowed = ", ".join(own.value for own in _VERBS.values())
        raise InvalidRequest("verb", f"{int(request.verb)} is not allowed: expected one of {allowed}")
    return _VERBS[request.verb]


def _check_order_ids(ids: Sequence[str], limits: Limits) -> None:
    if not 1 <= len(ids) <= limits.orders_per_batch:
        raise InvalidRequest("order_ids", f"there are {len(ids)}; 1 to {limits.orders_per_batch} are allowed")
    _check_each("order_ids", ids, lambda text: _UUID(text) is not None, "a UUID in lower case is expected")


def _check_length(field: str, column: Sequence[object], length: int, other: str) -> None:
    if len(column) != length:
        raise InvalidRequest(field, f"there are {len(column)}, but {length} {other}; the columns must be of equal length")


def _check_each(field: str, column: Sequence[T], allowed: Callable[[T], bool], rule: str) -> None:
    for number, value in enumerate(column):
        if not allowed(value):
            raise InvalidRequest(f"{field}[{number}]", f"{_shorten(value)} is not allowed: {rule}")


def _shorten(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."
