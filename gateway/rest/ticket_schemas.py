"""The REST contract of `/tickets`: steps and ticks, and lists of tickets and results."""

from collections.abc import Sequence
from enum import StrEnum
from typing import Annotated
from uuid import UUID

import msgspec
from msgspec import Meta

from gateway.domain.errors import FieldNotAllowed
from gateway.domain.lines import TicketState
from gateway.domain.staff import Move, MoveResult, Verb
from gateway.domain.tickets import LiveTicket
from gateway.rest.problem_schemas import Problem
from gateway.rest.problems import problem_of
from gateway.rest.staff_schemas import TicketResponse, ticket_response
from gateway.rest.texts import refuse_nul

MOST_MOVES = 100
MOST_LINES = 1000


class ShownState(StrEnum):
    """A state of a ticket of which something is made, or was."""

    HELD = "held"
    QUEUED = "queued"
    PREPARING = "preparing"
    READY = "ready"
    SERVED = "served"
    CANCELLED = "cancelled"


Expected = Annotated[
    ShownState,
    Meta(
        description="The state in which the ticket is believed to be. Where it is in another one: 409 with the ticket."
    ),
]
StepId = Annotated[
    str,
    Meta(
        min_length=1,
        max_length=64,
        description="Identifies the step, best as a UUID: the same step sent again is taken once and returns the same.",
    ),
]
LineToCancel = Annotated[
    int,
    Meta(
        ge=0,
        lt=MOST_LINES,
        description="With `cancel` only: the place, from 0, of the one line to cancel; the rest of the ticket stands.",
    ),
]
MovedBy = Annotated[str, Meta(max_length=64, description="Who of the staff does it.")]
Reason = Annotated[str, Meta(max_length=200, description="Why; with `cancel` only.")]


class MoveRequest(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """One step with a ticket."""

    verb: Verb
    expected: Expected
    step_id: StepId
    reason: Reason = ""
    moved_by: MovedBy = ""
    line: LineToCancel | None = None


class TicketMoveRequest(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """One step with one of several tickets."""

    department: Annotated[str, Meta(min_length=1, max_length=40)]
    order_id: UUID
    verb: Verb
    expected: Expected
    step_id: StepId
    reason: Reason = ""
    moved_by: MovedBy = ""
    line: LineToCancel | None = None


class MovesRequest(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """Steps with several tickets, at most one with each."""

    moves: Annotated[list[TicketMoveRequest], Meta(min_length=1, max_length=MOST_MOVES)]


class TickRequest(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """Whether a line of a ticket is made."""

    made: bool
    moved_by: MovedBy = ""


class MoveResultResponse(msgspec.Struct, kw_only=True):
    """What became of one step: the ticket after it, or the problem that it would be by itself."""

    department: str
    order_id: str
    status: Annotated[int, Meta(description="200 where the step was taken, or else the problem's.")]
    ticket: TicketResponse | None
    problem: Problem | None


class MoveResultsResponse(msgspec.Struct, kw_only=True):
    """What became of each step, in the order of the request."""

    results: list[MoveResultResponse]


class TicketPage(msgspec.Struct, kw_only=True):
    """A page of tickets, the oldest first."""

    tickets: list[TicketResponse]
    next: Annotated[str, Meta(description="Cursor of the next page.")] | None
    unreachable: Annotated[
        list[str],
        Meta(description="Departments that cannot be reached: their tickets are as they were when they last could."),
    ]


def move_of(request: MoveRequest | TicketMoveRequest, order_id: UUID, field: str = "") -> Move:
    """Return the step that a request asks for; raises FieldNotAllowed. `field` stands before the names of fields."""
    if request.reason and request.verb is not Verb.CANCEL:
        raise FieldNotAllowed(f"{field}reason", request.reason, f"expected no reason with {request.verb}")
    if request.line is not None and request.verb is not Verb.CANCEL:
        raise FieldNotAllowed(f"{field}line", str(request.line), f"expected no line with {request.verb}")
    refuse_nul(field, step_id=request.step_id, reason=request.reason, moved_by=request.moved_by)
    expected = TicketState(request.expected)
    return Move(str(order_id), request.verb, expected, request.step_id, request.moved_by, request.reason, request.line)


def moves_of(requests: Sequence[TicketMoveRequest]) -> list[tuple[str, Move]]:
    """Return the departments and the steps that requests ask for; raises FieldNotAllowed."""
    moves = {}
    for number, request in enumerate(requests):
        key = request.department, request.order_id
        if key in moves:
            rule = f"expected one step with each ticket: {request.department} has one before"
            raise FieldNotAllowed(f"moves[{number}].order_id", str(request.order_id), rule)
        moves[key] = request.department, move_of(request, request.order_id, f"moves[{number}].")
    return list(moves.values())


def move_results(moves: Sequence[tuple[str, Move]], results: Sequence[MoveResult]) -> MoveResultsResponse:
    """Return what became of each step as the body of a response."""
    return MoveResultsResponse(results=[_result(*move, result) for move, result in zip(moves, results, strict=True)])


def ticket_page(tickets: Sequence[LiveTicket], cursor: str | None, unreachable: list[str]) -> TicketPage:
    """Return a page of tickets as the body of a response."""
    return TicketPage(tickets=list(map(ticket_response, tickets)), next=cursor, unreachable=unreachable)


def _result(department: str, move: Move, result: MoveResult) -> MoveResultResponse:
    problem = None if result.error is None else problem_of(result.error)
    ticket = None if result.ticket is None else ticket_response(result.ticket)
    status = 200 if problem is None else problem.status
    return MoveResultResponse(
        department=department, order_id=move.order_id, status=status, ticket=ticket, problem=problem
    )
