"""What several operations have in common: problems, CSV, the `Idempotency-Key` header, cursors that are numbers."""

from dataclasses import dataclass
from typing import Annotated

from litestar.openapi import ResponseSpec
from litestar.openapi.spec import Example, OpenAPIMediaType, OpenAPIResponse, OpenAPIType, Operation, Schema
from litestar.params import HeaderParameter

from gateway.domain.errors import FieldNotAllowed
from gateway.rest.description import PROBLEM_DESCRIPTION
from gateway.rest.idempotency import HEADER, PATTERN
from gateway.rest.problem_schemas import Problem

CSV = "text/csv"

PROBLEM_EXAMPLE = Example(
    summary="A quantity of zero",
    value={
        "title": "A field is not allowed",
        "status": 400,
        "detail": "lines[0].quantity: 0 is not allowed: expected a whole number of at least 1",
        "field": "lines[0].quantity",
        "value": 0,
        "allowed": "expected a whole number of at least 1",
    },
)

PROBLEM = ResponseSpec(
    Problem,
    description=PROBLEM_DESCRIPTION,
    media_type="application/problem+json",
    generate_examples=False,
    examples=[PROBLEM_EXAMPLE],
)

KEY_REUSED = ResponseSpec(
    Problem,
    description="The Idempotency-Key belongs to an order with another body.",
    media_type="application/problem+json",
    generate_examples=False,
)

IdempotencyKey = Annotated[
    str | None,
    HeaderParameter(
        name=HEADER,
        description="Identifies the order in place of `order_id`: a text in quotation marks that the client makes for "
        "this order only, best a UUID. The same key with the same body returns the same order; the same key with "
        "another body returns 422.",
        examples=[Example(summary="A UUID", value='"8e03978e-40d5-43dd-bc93-6894a57f9324"')],
        schema_extra={"pattern": PATTERN},
    ),
]


@dataclass
class OperationWithCsv(Operation):
    """The description of an operation that returns JSON, or on request the same as CSV."""

    def __post_init__(self) -> None:
        """Add CSV to the successful response."""
        response = (self.responses or {}).get("200")
        if isinstance(response, OpenAPIResponse) and response.content is not None:
            response.content[CSV] = OpenAPIMediaType(schema=Schema(type=OpenAPIType.STRING))


def cursor_position(cursor: str | None) -> int | None:
    """Return the position in a list that a cursor stands for; raises FieldNotAllowed."""
    if cursor is None:
        return None
    if not (cursor.isascii() and cursor.isdigit() and len(cursor) < 19):
        raise FieldNotAllowed("cursor", cursor, "expected `next` of the page before")
    return int(cursor)
