"""Orders à la carte: place, look at, list, cancel."""

from typing import Annotated
from uuid import UUID

from litestar import Response, delete, get, post
from litestar.di import NamedDependency
from litestar.openapi import ResponseSpec
from litestar.openapi.spec import Example
from litestar.params import Body, FromPath, HeaderParameter, QueryParameter
from litestar.status_codes import HTTP_200_OK, HTTP_201_CREATED, HTTP_202_ACCEPTED

from gateway.domain.errors import NulCharacter, RuleBroken
from gateway.domain.order import Order, Status
from gateway.rest.description import PROBLEM_DESCRIPTION
from gateway.rest.idempotency import HEADER, PATTERN
from gateway.rest.problems import refused
from gateway.rest.restaurant import House
from gateway.rest.schemas import OrderPage, OrderRequest, OrderResponse, Problem, order_response

ORDER_EXAMPLE = Example(
    summary="Two coffees and a pizza for table 7",
    value={
        "table": "7",
        "lines": [
            {"department": "bar", "item": "coffee", "quantity": 2},
            {"department": "kitchen", "item": "pizza", "note": "no olives"},
        ],
    },
)

PROBLEM_EXAMPLE = Example(
    summary="None of something",
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

IdempotencyKey = Annotated[
    str | None,
    HeaderParameter(
        name=HEADER,
        description="Names the order in place of `order_id`: a text in quotation marks that the client makes for this "
        "order alone, best a UUID. The same key and body again get the same order, the same key with another body 422.",
        examples=[Example(summary="A UUID", value='"8e03978e-40d5-43dd-bc93-6894a57f9324"')],
        schema_extra={"pattern": PATTERN},
    ),
]

KEY_REUSED = ResponseSpec(
    Problem,
    description="The Idempotency-Key belongs to an order with another body.",
    media_type="application/problem+json",
    generate_examples=False,
)

_CODES = {
    Status.PENDING: HTTP_202_ACCEPTED,
    Status.ACCEPTED: HTTP_201_CREATED,
    Status.PARTLY_ACCEPTED: HTTP_201_CREATED,
}
"""How an order is answered of which something was accepted, or may still be."""


@post(
    "/orders",
    operation_id="placeOrder",
    summary="Place an order",
    tags=["orders"],
    responses={
        201: ResponseSpec(
            OrderResponse,
            description="Every line is decided, and at least one is accepted.",
            generate_examples=False,
        ),
        202: ResponseSpec(
            OrderResponse,
            description="Written down; a department is still to be heard.",
            generate_examples=False,
        ),
        400: PROBLEM,
        409: ResponseSpec(
            Problem,
            description="Nothing could be accepted, or the order id belongs to another order.",
            media_type="application/problem+json",
            generate_examples=False,
        ),
        422: KEY_REUSED,
        503: PROBLEM,
    },
    fast_path=True,
)
async def place_order(
    data: Annotated[OrderRequest, Body(examples=[ORDER_EXAMPLE])],
    house: NamedDependency[House],
    idempotency_key: IdempotencyKey = None,
) -> Response[OrderResponse] | Response[Problem]:
    """Ask every department concerned at once, and answer with an outcome for each line.

    201: every line is decided and at least one is accepted. 202: a department cannot be reached; its lines are pending,
    and the order's Location tells what becomes of them. 409: nothing could be accepted.
    """
    order = await house.place(house.order(data, idempotency_key), idempotency_key)
    return _answer(order, order_response(order))


@get(
    "/orders/{order_id:uuid}",
    operation_id="getOrder",
    summary="Look at an order",
    tags=["orders"],
    responses={400: PROBLEM, 404: PROBLEM, 503: PROBLEM},
)
async def get_order(order_id: FromPath[UUID], house: NamedDependency[House]) -> OrderResponse:
    """Answer an order as it stands."""
    return order_response(await house.ordering.find(str(order_id)))


@get(
    "/orders",
    operation_id="listOrders",
    summary="List orders",
    tags=["orders"],
    responses={400: PROBLEM, 503: PROBLEM},
)
async def list_orders(
    house: NamedDependency[House],
    limit: Annotated[int, QueryParameter(ge=1, le=200, description="Orders in a page.")] = 50,
    cursor: Annotated[
        str | None, QueryParameter(description="`next` of the page before.", schema_extra={"pattern": "^[0-9]{1,18}$"})
    ] = None,
    status: Annotated[Status | None, QueryParameter(description="Only orders of this status.")] = None,
    table: Annotated[
        str | None, QueryParameter(min_length=1, max_length=40, description="Only orders of this table.")
    ] = None,
) -> OrderPage:
    """List orders, newest first."""
    if table and "\0" in table:
        raise NulCharacter("table", table)
    page = await house.ordering.list_orders(limit, _position(cursor), status, table)
    return OrderPage(
        orders=[order_response(order) for order in page.orders],
        next=None if page.cursor is None else str(page.cursor),
    )


@delete(
    "/orders/{order_id:uuid}",
    operation_id="cancelOrder",
    summary="Cancel an order",
    tags=["orders"],
    status_code=HTTP_200_OK,
    responses={
        202: ResponseSpec(OrderResponse, description="A department is still to be told.", generate_examples=False),
        400: PROBLEM,
        404: PROBLEM,
        409: PROBLEM,
        503: PROBLEM,
    },
)
async def cancel_order(order_id: FromPath[UUID], house: NamedDependency[House]) -> Response[OrderResponse]:
    """Take back what is not being made yet; its stock goes back on the shelf.

    409: every department concerned has started already.
    """
    order = await house.ordering.cancel(str(order_id))
    status = HTTP_202_ACCEPTED if order.owed else HTTP_200_OK
    return Response(order_response(order), status_code=status)


def _answer(order: Order, response: OrderResponse) -> Response[OrderResponse] | Response[Problem]:
    code = _CODES.get(response.status)
    if code is None:
        return refused(response)
    return Response(response, status_code=code, headers={"Location": f"/orders/{order.order_id}"})


def _position(cursor: str | None) -> int | None:
    if cursor is None:
        return None
    if not (cursor.isascii() and cursor.isdigit() and len(cursor) < 19):
        raise RuleBroken("cursor", cursor, "expected `next` of the page before")
    return int(cursor)
