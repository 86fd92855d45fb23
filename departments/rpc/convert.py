"""Translates between the floor's messages and the department's own words; the only module that does.

A batch travels in columns. What arrives is checked here, once: equal lengths, canonical ids, everything within limits.
Text is read in normalisation form C, and its length is counted in it.
"""

import re
from collections.abc import Callable, Sequence
from itertools import islice
from typing import TypeVar

from departments.domain.errors import DepartmentError, InvalidRequest
from departments.domain.menu import Menu
from departments.domain.placing import Placement, RequestedLine
from departments.domain.positions import Page, Position
from departments.domain.steps import Move
from departments.domain.text import compose
from departments.domain.tickets import NOT_FOR_STAFF, Decision, Outcome, Source, State, Ticket, Verb
from departments.rpc.limits import Limits
from departments.transactions import StockLevels, TicketOrUnreadable
from generated.restaurant import v1
from infra.grpc.plain_messages import use_plain_attributes

T = TypeVar("T")

use_plain_attributes(v1.PlaceOrdersRequest, v1.PlaceOrdersResponse, v1.StreamOrdersRequest, v1.StreamOrdersResponse)

LAST_REVISION = LAST_EPOCH = 2**63 - 1
"""The highest that a database can count to."""

_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}").fullmatch
_UUID_RULE = "a UUID in lower case is expected"
_NUL_RULE = "a NUL character is not"

# The two vocabularies use the same words; only a refused order has no ticket, and so no state, on the wire.
_OUTCOMES = {outcome: v1.Outcome.from_string(outcome.name) for outcome in Outcome}
_STATES = {state: v1.TicketState.from_string("UNSPECIFIED" if state is State.NONE else state.name) for state in State}
_EXPECTED = {wire: own for own, wire in _STATES.items() if own is not State.NONE}
_SOURCES = {source: v1.TicketSource.from_string(source.name) for source in Source}
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
    tables = _texts("tables", tables, 0, limits.table_length)
    items = _texts("items", items, 1, limits.item_length)
    notes = _texts("notes", notes, 0, limits.note_length)
    wishes = map(RequestedLine, items, quantities, notes)
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


def move(request: v1.MoveTicketRequest, limits: Limits) -> Move:
    """Read a step of the staff's; raises InvalidRequest."""
    if _UUID(request.order_id) is None:
        raise InvalidRequest("order_id", f"{_shorten(request.order_id)} is not allowed: {_UUID_RULE}")
    step = _verb(request)
    expected = _EXPECTED.get(request.expected_state)
    if expected is None:
        rule = f"expected the state from which the step is taken, one of {', '.join(_EXPECTED.values())}"
        raise InvalidRequest("expected_state", f"{int(request.expected_state)} is not allowed: {rule}")
    step_id = _text("step_id", request.step_id, 1, limits.step_id_length)
    moved_by = _text("moved_by", request.moved_by, 0, limits.name_length)
    reason = _text("reason", request.reason, 0, limits.reason_length)
    if reason and step is not Verb.CANCEL:
        raise InvalidRequest("reason", f"{_shorten(reason)} is not allowed: only a cancel has a reason, not {step}")
    return Move(request.order_id, step, expected, step_id, moved_by, reason)


def placed(answers: Sequence[TicketOrUnreadable]) -> v1.PlaceOrdersResponse:
    """Write the tickets of a batch that was placed; raises the first answer that is an error."""
    return v1.PlaceOrdersResponse(*_columns(answers))


def placed_on_stream(number: int, answers: Sequence[TicketOrUnreadable]) -> v1.StreamOrdersResponse:
    """Write the tickets of a stream's batch; raises the first answer that is an error."""
    return v1.StreamOrdersResponse(number, 0, "", *_columns(answers))


def ticket_batch(answers: Sequence[TicketOrUnreadable]) -> v1.TicketBatch:
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
        source=_SOURCES[own.source],
        moved_by=own.moved_by,
        moved_at_ms=own.moved_at_ms,
        cancel_reason=own.cancel_reason,
        wasted=own.wasted,
    )


def page(own: Page) -> v1.ListTicketsResponse:
    """Write a page of tickets."""
    return v1.ListTicketsResponse(
        tickets=[ticket(each) for each in own.tickets],
        revision=own.revision,
        incarnation=own.incarnation,
        reset=own.reset,
        snapshot_revision=own.snapshot,
    )


def menu(own: Menu, shelves: StockLevels) -> v1.GetMenuResponse:
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
                wasted=shelf.wasted,
            )
            for item in own.items.values()
            for shelf in [shelves.stock[item.id]]
        ],
        revision=shelves.revision,
        incarnation=shelves.incarnation,
    )


def position(request: v1.ListTicketsRequest) -> Position:
    """Read from where a list of tickets goes on; raises InvalidRequest."""
    for field, revision in (
        ("after_revision", request.after_revision),
        ("snapshot_revision", request.snapshot_revision),
    ):
        if revision > LAST_REVISION:
            raise InvalidRequest(field, f"{revision} is not allowed: at most {LAST_REVISION} is")
    if 0 < request.snapshot_revision < request.after_revision:
        raise InvalidRequest(
            "snapshot_revision",
            f"{request.snapshot_revision} is not allowed: it is at least after_revision, {request.after_revision},"
            " on every page of a snapshot",
        )
    return Position(request.after_revision, request.incarnation, request.snapshot_revision)


def states(request: v1.ListTicketsRequest) -> frozenset[State]:
    """Read the states that a snapshot is limited to; raises InvalidRequest."""
    known = {wire: own for own, wire in _STATES.items()}
    _check_each("states", request.states, lambda state: state in known, "that is not a ticket state")
    if request.states and not position(request).is_in_snapshot:
        raise InvalidRequest(
            "states",
            "they are not allowed with after_revision alone: changes are listed whole, as a ticket that leaves these"
            " states would be missed; on a page of a snapshot, send its snapshot_revision too",
        )
    return frozenset(known[state] for state in request.states)


def _verb(request: v1.MoveTicketRequest) -> Verb:
    known = _VERBS.get(request.verb)
    if known is None:
        allowed = ", ".join(_VERBS.values())
        raise InvalidRequest("verb", f"{int(request.verb)} is not allowed: expected one of {allowed}")
    return known


def _columns(
    answers: Sequence[TicketOrUnreadable],
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


def _ticket_of(answer: TicketOrUnreadable) -> Ticket:
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


def _texts(field: str, column: list[str], least: int, most: int) -> list[str]:
    """Read a column of text in normalisation form C; raises InvalidRequest."""
    joined = "".join(column)
    if not joined.isascii():
        column = list(map(compose, column))
    lengths = list(map(len, column))
    if lengths and not (min(lengths) >= least and max(lengths) <= most):
        _check_each(field, column, lambda text: least <= len(text) <= most, _length_rule(least, most))
    if "\0" in joined:  # which no column of a database can hold
        _check_each(field, column, lambda text: "\0" not in text, _NUL_RULE)
    return column


def _text(field: str, text: str, least: int, most: int) -> str:
    """Read one text in normalisation form C; raises InvalidRequest."""
    text = compose(text)
    if not least <= len(text) <= most:
        raise InvalidRequest(field, f"{_shorten(text)} is not allowed: {_length_rule(least, most)}")
    if "\0" in text:
        raise InvalidRequest(field, f"{_shorten(text)} is not allowed: {_NUL_RULE}")
    return text


def _length_rule(least: int, most: int) -> str:
    return f"{least} to {most} characters are allowed"


def _check_each(field: str, column: Sequence[T], allowed: Callable[[T], bool], rule: str) -> None:
    for number, value in enumerate(column):
        if not allowed(value):
            raise InvalidRequest(f"{field}[{number}]", f"{_shorten(value)} is not allowed: {rule}")


def _shorten(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."
