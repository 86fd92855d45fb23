"""What the operations of the staff declare for the API's description: their problems and examples."""

from litestar.openapi import ResponseSpec
from litestar.openapi.spec import Example
from msgspec import Struct

from gateway.domain.lines import Outcome, TicketState
from gateway.domain.staff import RecordedReason
from gateway.rest.problem_schemas import Problem
from gateway.rest.staff_schemas import StockChangeResponse, StockResponse, TicketLineResponse, TicketResponse
from gateway.rest.ticket_schemas import MoveResultResponse

ORDER_ID = "8e03978e-40d5-43dd-bc93-6894a57f9324"

TICKET = TicketResponse(
    department="kitchen",
    order_id=ORDER_ID,
    number=217,
    table="7",
    source="gateway",
    state=TicketState.PREPARING,
    placed_at="2026-05-01T12:00:00.000Z",
    started_at="2026-05-01T12:01:10.000Z",
    ready_at=None,
    served_at=None,
    cancelled_at=None,
    moved_by="Ada",
    moved_at="2026-05-01T12:01:10.000Z",
    cancel_reason=None,
    wasted=False,
    revision=17,
    lines=[
        TicketLineResponse(
            item="pizza",
            quantity=1,
            note="no nuts",
            allergy=True,
            made=False,
            outcome=Outcome.ACCEPTED,
            unit_price=1100,
            cancel_reason=None,
        )
    ],
)
"""Examples are structs: of dicts Litestar leaves what is null out."""

STOCK = StockResponse(
    department="bar",
    item="coffee",
    received=34,
    on_hand=12,
    held=0,
    sold=20,
    wasted=2,
    on_sale=True,
    unlimited=False,
    revision=41,
)

CHANGE = StockChangeResponse(
    department="bar",
    item="coffee",
    change_id="f5c0bd4e-6c35-4b0a-9c7e-6a5a3a6f1f0e",
    reason=RecordedReason.COUNT,
    delta=-3,
    on_hand=12,
    changed_by="Ada",
    changed_at="2026-05-01T12:03:00.000Z",
    revision=41,
)

_STEP_REFUSED = Problem(
    title="The ticket is in another state",
    status=409,
    detail=f"ticket {ORDER_ID} is preparing, not queued; Ada moved it at 2026-05-01T12:01:10+00:00",
    order_id=ORDER_ID,
    ticket=TICKET,
)

_STOCK_REFUSED = Problem(
    title="The stock does not allow it",
    status=409,
    detail="coffee has 12 on hand, not 15",
    stock=STOCK,
    last_change=CHANGE,
)


REFUSED_STEP = MoveResultResponse(
    department="kitchen", order_id=ORDER_ID, status=409, ticket=None, problem=_STEP_REFUSED
)


def example_spec(kind: type[Struct], description: str, summary: str, value: Struct) -> ResponseSpec:
    """Return the declaration of a response with an example."""
    return ResponseSpec(
        kind, description=description, generate_examples=False, examples=[Example(summary=summary, value=value)]
    )


def problem_spec(description: str, *examples: Example) -> ResponseSpec:
    """Return the declaration of a problem with a description of its own."""
    return ResponseSpec(
        Problem,
        description=description,
        media_type="application/problem+json",
        generate_examples=False,
        examples=list(examples) or None,
    )


NO_TICKET = problem_spec("There is no such department, ticket or line; the problem names those that there are.")
NO_ITEM = problem_spec("There is no such department or item; the problem names those that there are.")
STEP_REFUSED = problem_spec(
    "The ticket is in another state: the problem has the ticket as it is, and who moved it and when.",
    Example(summary="Another cook was first", value=_STEP_REFUSED),
)
STOCK_REFUSED = problem_spec(
    "The quantity on hand is another, or does not allow it: the problem has the stock as it is and its last change.",
    Example(summary="Somebody else has counted", value=_STOCK_REFUSED),
)
AWAY = problem_spec(
    "The department cannot be reached: whether it was done is not known. Sending it again with the same id is safe."
)
