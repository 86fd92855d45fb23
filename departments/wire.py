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
from departments.domain.tickets import NOT_FOR_STAFF, Decision, Outcome, State, Ticket, Verb
from departments.limits import Limits
from generated.restaurant import v1
from plumbing.lean_messages import make_lean

T = TypeVar("T")

make_lean(v1.PlaceOrdersRequest, v1.PlaceOrdersResponse, v1.StreamOrdersRequest, v1.StreamOrdersResponse)

LAST_REVISION = LAST_EPOCH = 2**63 - 1
"""The highest that a database can count to."""

_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}").fullmatch
_UUID_RULE = "a UUID in lower case is expected"

# The two vocabularies use the same words; only a refused order has no ticket, and so no state, on the wire.
_OUTCOMES = {outcome: v1.Outcome.from_string(outcome.name) for outcome in Outcome}
_STATES = {state: v1.TicketState.from_string("UNSPECIFIED" if state is State.NONE else state.name) for state in State}
_VERBS = {v1.Verb.from_string(verb.name): verb for verb in Verb if verb not in NOT_FOR_STAFF}


def placements(request: v1.PlaceOrdersRequest | v1.StreamOrdersRequest, limits: Limits) -> list[Placement]:
    """Read a batch of orders; raises InvalidRequest with the field and the place in it."""
    order_ids, tables, holds = request.order_ids, request.tables, request.holds
    line_counts, items, quantities, notes = request.line_counts, request.items, request.quantities, request.notes
    _check_order_ids(order_ids, limits)
    for field, column in (("tables", tables), ("holds", holds), ("line_counts", line_counts)):
        _check_length(field, column, len(order_ids), "order_ids")
    for field, column in (("quantities", quantities), ("notes", notes)):
        _check_length(field, column, len(items), "items")
    if sum(line_counts) != len(items):
        raise InvalidRequest("line_counts", f"they add up to {sum(line_counts)}, but there are {len(items)} items")
    _check_range("line_counts", line_counts, limits.lines_per_order)
    _check_range("quantities", quantities, limits.quantity)
    _check_characters("tables", tables, 0, limits.table_length)
    _check_characters("items", items, 1, limits.item_length)
    _check_characters("notes", notes, 0, limits.note_length)
    wishes = map(Wish, items, quantities, notes)
    return [
        Placement(order_id, list(islice(wishes, count)), table, hold)
        for order_id, count, table, hold in zip(order_ids, line_counts, tables, holds, strict=True)
    ]


def order_ids(ids: list[str], limits: Limits) -> list[str]:
    """Read a batch of order ids; raises InvalidRequest."""
    _check_order_ids(ids, limits)
    return ids


def decisions(request: v1.ConfirmOrdersRequest | v1.SuspendOrdersRequest, limits: Limits) -> list[Decision]:
    """Read a batch of decisions; raises InvalidRequest."""
    ids, epochs = request.order_ids, request.epochs
    _check_order_ids(ids, limits)
    _check_length("epochs", epochs, len(ids), "order_ids")
    _check_each("epochs", epochs, lambda epoch: epoch <= LAST_EPOCH, f"at most {LAST_EPOCH} is")
    return list(map(Decision, ids, epochs))


def order_id(request: v1.MoveTicketRequest) -> str:
    """Read which order's ticket is moved; raises InvalidRequest."""
    if _UUID(request.order_id) is None:
        raise InvalidRequest("order_id", f"{_shorten(request.order_id)} is not allowed: {_UUID_RULE}")
    return request.order_id


def placed(answers: Sequence[Answer]) -> v1.PlaceOrdersResponse:
    """Write the tickets of a batch that was placed; raises the first answer that is an error."""
    return v1.PlaceOrdersResponse(*_columns(answers))


def placed_on_stream(number: int, answers: Sequence[Answer]) -> v1.StreamOrdersResponse:
    """Write the tickets of a stream's batch; raises the first answer that is an error."""
    return v1.StreamOrdersResponse(number, 0, "", *_columns(answers))


def ticket_batch(answers: Sequence[Answer]) -> v1.TicketBatch:
    """Write the tickets of a batch; raises the first answer that is an error."""
    return v1.TicketBatch(*_columns(answers))


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


def after_revision(request: v1.ListTicketsRequest) -> int:
    """Read where a list of tickets begins; raises InvalidRequest."""
    if request.after_revision > LAST_REVISION:
        reason = f"{request.after_revision} is not allowed: at most {LAST_REVISION} is"
        raise InvalidRequest("after_revision", reason)
    return request.after_revision


def verb(request: v1.MoveTicketRequest) -> Verb:
    """Read a step of the staff's; raises InvalidRequest."""
    known = _VERBS.get(request.verb)
    if known is None:
        allowed = ", ".join(_VERBS.values())
        raise InvalidRequest("verb", f"{int(request.verb)} is not allowed: expected one of {allowed}")
    return known


def _columns(
    answers: Sequence[Answer],
) -> tuple[list[v1.TicketState], list[int], list[v1.Outcome], list[int], list[int]]:
    tickets = [_ticket_of(answer) for answer in answers]
    lines = [line for ticket in tickets for line in ticket.lines]
    return (
        [_STATES[ticket.state] for ticket in tickets],
        [len(ticket.lines) for ticket in tickets],
        [_OUTCOMES[line.outcome] for line in lines],
        [line.available for line in lines],
        [line.unit_price for line in lines],
    )


def _ticket_of(answer: Answer) -> Ticket:
    if isinstance(answer, DepartmentError):
        raise answer
    return answer


def _check_order_ids(ids: Sequence[str], limits: Limits) -> None:
    if not 1 <= len(ids) <= limits.orders_per_batch:
        raise InvalidRequest("order_ids", f"there are {len(ids)}; 1 to {limits.orders_per_batch} are allowed")
    _check_each("order_ids", ids, lambda text: _UUID(text) is not None, _UUID_RULE)


def _check_length(field: str, column: Sequence[object], length: int, other: str) -> None:
    if len(column) != length:
        raise InvalidRequest(
            field, f"there are {len(column)}, but {length} {other}; the columns must be of equal length"
        )


def _check_range(field: str, column: Sequence[int], most: int) -> None:
    if column and not (min(column) >= 1 and max(column) <= most):
        _check_each(field, column, lambda number: 1 <= number <= most, f"1 to {most} is allowed")


def _check_characters(field: str, column: Sequence[str], least: int, most: int) -> None:
    lengths = list(map(len, column))
    if lengths and not (min(lengths) >= least and max(lengths) <= most):
        _check_each(field, column, lambda text: least <= len(text) <= most, f"{least} to {most} characters are allowed")
    if "\0" in "".join(column):  # which no column of a database can hold
        _check_each(field, column, lambda text: "\0" not in text, "a NUL character is not")


def _check_each(field: str, column: Sequence[T], allowed: Callable[[T], bool], rule: str) -> None:
    for number, value in enumerate(column):
        if not allowed(value):
            raise InvalidRequest(f"{field}[{number}]", f"{_shorten(value)} is not allowed: {rule}")


def _shorten(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."
