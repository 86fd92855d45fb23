"""`/tickets`: what the staff of the departments see, and the steps that they take."""

import re
from collections.abc import Collection, Iterable, Iterator
from dataclasses import replace
from typing import Annotated
from uuid import UUID

from litestar import get, post, put
from litestar.di import NamedDependency
from litestar.openapi.spec import Example
from litestar.params import Body, FromPath, PathParameter, QueryParameter
from litestar.status_codes import HTTP_200_OK

from gateway.domain.access import Action, Target, action_of_step
from gateway.domain.errors import FieldNotAllowed, UnknownDepartment
from gateway.domain.lines import TicketState
from gateway.domain.staff import Move
from gateway.rest.operations import PROBLEM
from gateway.rest.requester import Requester
from gateway.rest.staff_operations import (
    AWAY,
    NO_TICKET,
    ORDER_ID,
    REFUSED_STEP,
    STEP_REFUSED,
    TICKET,
    example_spec,
)
from gateway.rest.staff_schemas import TicketResponse, ticket_response
from gateway.rest.texts import refuse_nul
from gateway.rest.ticket_schemas import (
    MOST_LINES,
    MoveRequest,
    MoveResultsResponse,
    MovesRequest,
    ShownState,
    TicketPage,
    TickRequest,
    move_of,
    move_results,
    moves_of,
    ticket_page,
)
from gateway.tickets.listing import TicketFilter, TicketKey, list_tickets
from gateway.tickets.moves import TicketMoves
from gateway.tickets.store import Picture
from gateway.tickets.watching import LiveDepartments

STEPS = Action.TICKET_MOVE, Action.TICKET_SERVE, Action.TICKET_CANCEL
"""The actions of a route that takes steps; which of them it is depends on the verb."""

_CURSOR = r"^[0-9]{1,15}_[0-9a-f-]{1,40}_[a-z0-9_-]{1,40}$"
_is_cursor = re.compile(_CURSOR).fullmatch

TICKET_EXAMPLE = example_spec(TicketResponse, "The ticket as it is now.", "A pizza is being made", TICKET)
TICKETS_EXAMPLE = example_spec(
    TicketPage,
    "A page of tickets.",
    "The bar cannot be reached",
    TicketPage(tickets=[TICKET], next=None, unreachable=["bar"]),
)
RESULTS_EXAMPLE = example_spec(
    MoveResultsResponse,
    "What became of each step.",
    "Another cook was first",
    MoveResultsResponse(results=[REFUSED_STEP]),
)

_STEP = {"verb": "start", "expected": "queued", "step_id": "5b0e0c1c-41a7-4b6b-8f3e-6a1c7f9d2e10", "moved_by": "Ada"}
_CANCEL = {
    "verb": "cancel",
    "expected": "queued",
    "step_id": "0d9f3a52-7a0f-4a8e-9a55-0a6e9be1f3a7",
    "reason": "the oven is broken",
}
MOVE_EXAMPLES = [
    Example(summary="Start it", value=_STEP),
    Example(summary="Cancel it", value=_CANCEL),
    Example(summary="Cancel its second line", value={**_CANCEL, "line": 1}),
]
MOVES_EXAMPLE = Example(
    summary="Start two",
    value={"moves": [{"department": each, "order_id": ORDER_ID, **_STEP} for each in ("bar", "kitchen")]},
)
TICK_EXAMPLE = Example(summary="It is made", value={"made": True, "moved_by": "Ada"})

Department = Annotated[str, PathParameter(description="Name of a department.", min_length=1, max_length=40)]
LineNumber = Annotated[int, PathParameter(description="Place of the line, from 0.", ge=0, lt=MOST_LINES)]


@get(
    "/tickets",
    operation_id="listTickets",
    summary="List tickets",
    tags=["tickets"],
    responses={200: TICKETS_EXAMPLE, 400: PROBLEM},
    action=Action.TICKET_READ,
)
async def get_tickets(
    live: NamedDependency[LiveDepartments],
    requester: NamedDependency[Requester],
    department: Annotated[str | None, QueryParameter(description="Only tickets of this department.")] = None,
    states: Annotated[
        list[ShownState] | None,
        QueryParameter(name="state", description="Only tickets in one of these states; may be given more than once."),
    ] = None,
    table: Annotated[
        str | None, QueryParameter(min_length=1, max_length=40, description="Only tickets of this table.")
    ] = None,
    number: Annotated[
        int | None,
        QueryParameter(ge=1, le=999_999_999, description="Only tickets of the order with this short number."),
    ] = None,
    limit: Annotated[int, QueryParameter(ge=1, le=500, description="Most tickets in a page.")] = 100,
    cursor: Annotated[
        str | None, QueryParameter(description="`next` of the page before.", schema_extra={"pattern": _CURSOR})
    ] = None,
) -> TicketPage:
    """Return a page of tickets, the oldest first: all open ones, and the last 200 of each department that were closed.

    It is what `/events` tells, at this moment.
    """
    check_department(department, live.names)
    refuse_nul(table=table)
    own = own_departments(requester, Action.TICKET_READ, department, live.names)
    wanted = TicketFilter(department, frozenset(map(TicketState, states or ())), table, number)
    tickets, last = list_tickets(among(own, await live.pictures()), wanted, _key(cursor), limit)
    return ticket_page(
        tickets, None if last is None else "_".join(map(str, last)), unreachable_of(live, department, own)
    )


@get(
    "/tickets/{department:str}/{order_id:uuid}",
    operation_id="getTicket",
    summary="Read a ticket",
    tags=["tickets"],
    responses={200: TICKET_EXAMPLE, 400: PROBLEM, 404: NO_TICKET, 503: AWAY},
    action=Action.TICKET_READ,
)
async def get_ticket(
    department: Department, order_id: FromPath[UUID], moves: NamedDependency[TicketMoves]
) -> TicketResponse:
    """Return a ticket as its department has it, however long ago it was closed."""
    return ticket_response(await moves.find(department, str(order_id)))


@post(
    "/tickets/{department:str}/{order_id:uuid}/moves",
    operation_id="moveTicket",
    summary="Take a step with a ticket",
    tags=["tickets"],
    status_code=HTTP_200_OK,
    responses={200: TICKET_EXAMPLE, 400: PROBLEM, 404: NO_TICKET, 409: STEP_REFUSED, 503: AWAY},
    action=STEPS,
)
async def move_ticket(
    department: Department,
    order_id: FromPath[UUID],
    data: Annotated[MoveRequest, Body(examples=MOVE_EXAMPLES)],
    moves: NamedDependency[TicketMoves],
    requester: NamedDependency[Requester],
) -> TicketResponse:
    """Take one step: start, finish, serve, recall (one step back) or cancel. Return the ticket after it.

    A cancel that names a line cancels that line alone; without an accepted line left, the ticket is cancelled.

    The step says in which state the ticket is believed to be, so that of two cooks one wins: the other gets 409, with
    the ticket as it is and who moved it.
    """
    return ticket_response(await moves.move(department, _admitted(requester, department, move_of(data, order_id))))


@post(
    "/tickets/moves",
    operation_id="moveTickets",
    summary="Take steps with several tickets",
    tags=["tickets"],
    status_code=HTTP_200_OK,
    responses={200: RESULTS_EXAMPLE, 400: PROBLEM},
    action=STEPS,
)
async def move_tickets(
    data: Annotated[MovesRequest, Body(examples=[MOVES_EXAMPLE])],
    moves: NamedDependency[TicketMoves],
    requester: NamedDependency[Requester],
) -> MoveResultsResponse:
    """Take one step with each of several tickets, and return a result for each, in the order of the request.

    A step that is refused does not affect the others: it has the status, and the problem, that it would have alone.
    """
    wanted = [(department, _admitted(requester, department, move)) for department, move in moves_of(data.moves)]
    return move_results(wanted, await moves.move_all(wanted))


@put(
    "/tickets/{department:str}/{order_id:uuid}/lines/{line:int}",
    operation_id="tickLine",
    summary="Tick a line off",
    tags=["tickets"],
    responses={200: TICKET_EXAMPLE, 400: PROBLEM, 404: NO_TICKET, 409: STEP_REFUSED, 503: AWAY},
    action=Action.TICKET_MOVE,
)
async def tick_line(
    department: Department,
    order_id: FromPath[UUID],
    line: LineNumber,
    data: Annotated[TickRequest, Body(examples=[TICK_EXAMPLE])],
    moves: NamedDependency[TicketMoves],
    requester: NamedDependency[Requester],
) -> TicketResponse:
    """Mark one line of a ticket as made, or as not made, and return the ticket. Its state stays as it is."""
    refuse_nul(moved_by=data.moved_by)
    moved_by = requester.staff_name(data.moved_by)
    return ticket_response(await moves.tick(department, str(order_id), line, made=data.made, moved_by=moved_by))


def check_department(name: str | None, known: Collection[str]) -> None:
    """Raise UnknownDepartment for a query that names a department that is not configured."""
    if name is not None and name not in known:
        raise UnknownDepartment("department", name, known)


def own_departments(
    requester: Requester, action: Action, department: str | None, known: Collection[str]
) -> frozenset[str]:
    """Return the departments of a list: those of the caller; raises NotAllowed for another one that a query names."""
    if department is not None:
        requester.check(action, Target(department=department))
    return requester.caller.departments(action, known)


def among(own: Collection[str], pictures: Iterable[Picture]) -> Iterator[Picture]:
    """Yield the pictures of some departments."""
    return (picture for picture in pictures if picture.department in own)


def unreachable_of(live: LiveDepartments, department: str | None, own: Collection[str]) -> list[str]:
    """Return the departments of a list that cannot be reached; the list is of one department, or of all own ones."""
    return [name for name in live.unreachable if name in own and (department is None or name == department)]


def _admitted(requester: Requester, department: str, move: Move) -> Move:
    """Return a step with who takes it; raises NotAllowed for a step that the caller may not take."""
    requester.check(action_of_step(move.verb, move.expected), Target(department=department, state=move.expected))
    return replace(move, moved_by=requester.staff_name(move.moved_by))


def _key(cursor: str | None) -> TicketKey | None:
    """Return the place in the list that a cursor stands for; raises FieldNotAllowed."""
    if cursor is None:
        return None
    if not _is_cursor(cursor):
        raise FieldNotAllowed("cursor", cursor, "expected `next` of the page before")
    placed_at_ms, order_id, department = cursor.split("_", 2)
    return TicketKey(int(placed_at_ms), order_id, department)
