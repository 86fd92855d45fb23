"""`/orders`: place, read, list and cancel orders à la carte."""

from typing import Annotated
from uuid import UUID

from litestar import Response, delete, get, post
from litestar.di import NamedDependency
from litestar.openapi import ResponseSpec
from litestar.openapi.spec import Example
from litestar.params import Body, FromPath, QueryParameter
from litestar.status_codes import HTTP_200_OK, HTTP_201_CREATED, HTTP_202_ACCEPTED

from gateway.access.access import Access
from gateway.domain.access import Action
from gateway.domain.order import Order, Status
from gateway.domain.progress import OrderProgress
from gateway.orders.service import OrderService
from gateway.orders.wanted import TWO_DAYS_MS, Wanted
from gateway.rest.guests import admit_order
from gateway.rest.idempotency import place
from gateway.rest.json_response import JsonResponse
from gateway.rest.operations import KEY_REUSED, PROBLEM, IdempotencyKey, cursor_position
from gateway.rest.problem_schemas import Problem
from gateway.rest.problems import nothing_accepted
from gateway.rest.ranges import From, To, time_range
from gateway.rest.requester import Requester
from gateway.rest.requests import RequestReader
from gateway.rest.schemas import OrderPage, OrderRequest, OrderResponse, order_page, order_response
from gateway.rest.texts import refuse_nul

ORDER_EXAMPLE = Example(
    summary="Two coffees and a pizza for table 7",
    value={
        "table": "7",
        "lines": [
            {"department": "bar", "item": "coffee", "quantity": 2},
            {"department": "kitchen", "item": "pizza", "note": "no nuts", "allergy": True},
        ],
    },
)

_STATUS_CODES = {
    Status.PENDING: HTTP_202_ACCEPTED,
    Status.ACCEPTED: HTTP_201_CREATED,
    Status.PARTLY_ACCEPTED: HTTP_201_CREATED,
}
"""The status code of a placed order; an order of any other status is a 409."""


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
            description="The order is stored; at least one department has not responded yet.",
            generate_examples=False,
        ),
        400: PROBLEM,
        409: ResponseSpec(
            Problem,
            description="No line could be accepted, or the order id belongs to another order.",
            media_type="application/problem+json",
            generate_examples=False,
        ),
        410: PROBLEM,
        422: KEY_REUSED,
        503: PROBLEM,
    },
    fast_path=True,
    action=Action.ORDER_PLACE,
)
async def place_order(
    data: Annotated[OrderRequest, Body(examples=[ORDER_EXAMPLE])],
    service: NamedDependency[OrderService],
    requests: NamedDependency[RequestReader],
    requester: NamedDependency[Requester],
    idempotency_key: IdempotencyKey = None,
) -> Response[OrderResponse] | Response[Problem]:
    """Send the order to all its departments at once, and return it with the outcome of each line.

    201: every line is decided and at least one is accepted. 202: a department cannot be reached; its lines are pending,
    and GET on the order's Location returns their outcomes once they are decided. 409: no line could be accepted.
    """
    order = requests.order(data, idempotency_key)
    if not requester.is_plain:
        await admit_order(requester, order)
    return _placed(await place(service, order, idempotency_key))


@get(
    "/orders/{order_id:uuid}",
    operation_id="getOrder",
    summary="Read an order",
    tags=["orders"],
    responses={400: PROBLEM, 404: PROBLEM, 410: PROBLEM, 503: PROBLEM},
    action=Action.ORDER_READ,
)
async def get_order(order_id: FromPath[UUID], service: NamedDependency[OrderService]) -> OrderResponse:
    """Return an order with the outcome of each line."""
    return order_response(await service.find(str(order_id)))


@get(
    "/orders",
    operation_id="listOrders",
    summary="List orders",
    tags=["orders"],
    responses={400: PROBLEM, 503: PROBLEM},
    action=Action.ORDER_LIST,
)
async def list_orders(
    service: NamedDependency[OrderService],
    requests: NamedDependency[RequestReader],
    limit: Annotated[int, QueryParameter(ge=1, le=200, description="Most orders in a page.")] = 50,
    cursor: Annotated[
        str | None,
        QueryParameter(description="`next` of the page before.", schema_extra={"pattern": "^[0-9]{1,18}$"}),
    ] = None,
    status: Annotated[Status | None, QueryParameter(description="Only orders of this status.")] = None,
    table: Annotated[
        str | None, QueryParameter(min_length=1, max_length=40, description="Only orders of this table.")
    ] = None,
    placed_from: From = None,
    placed_to: To = None,
    department: Annotated[
        str | None,
        QueryParameter(min_length=1, max_length=40, description="Only orders with a line for this department."),
    ] = None,
    progress: Annotated[
        OrderProgress | None,
        QueryParameter(description="Only orders that are so far; without `from`, of the 48 hours before `to`, or now."),
    ] = None,
    number: Annotated[
        int | None,
        QueryParameter(
            ge=100,
            le=2**53,
            description="Only orders of this number; without `from`, of the 48 hours before `to`, or now.",
        ),
    ] = None,
) -> OrderPage:
    """Return a page of orders, newest first."""
    refuse_nul(table=table, department=department)
    from_ms, to_ms = time_range(placed_from, placed_to)
    if from_ms is None and not (progress is None and number is None):
        from_ms = (requests.now_ms() if to_ms is None else to_ms) - TWO_DAYS_MS
    wanted = Wanted(from_ms, to_ms, number, department, progress)
    return order_page(await service.list_orders(limit, cursor_position(cursor), status, table, wanted))


@delete(
    "/orders/{order_id:uuid}",
    operation_id="cancelOrder",
    summary="Cancel an order",
    tags=["orders"],
    status_code=HTTP_200_OK,
    responses={
        202: ResponseSpec(
            OrderResponse,
            description="The cancellation is stored; at least one department has not acknowledged it yet.",
            generate_examples=False,
        ),
        400: PROBLEM,
        404: PROBLEM,
        409: PROBLEM,
        410: PROBLEM,
        503: PROBLEM,
    },
    action=Action.ORDER_CANCEL,
)
async def cancel_order(
    order_id: FromPath[UUID],
    service: NamedDependency[OrderService],
    requester: NamedDependency[Requester],
    access: NamedDependency[Access],
) -> Response[OrderResponse]:
    """Cancel the lines whose departments have not started yet; their stock becomes available again.

    409: every department concerned has started already.
    """
    order = await service.cancel(str(order_id))
    if requester.caller.name is not None:
        await access.note(requester.caller, "order cancelled", order.order_id, requester.origin)
    return Response(order_response(order), status_code=HTTP_202_ACCEPTED if order.owed else HTTP_200_OK)


def _placed(order: Order) -> Response[OrderResponse] | Response[Problem]:
    """Return the response to a placing, whose status code follows from the order's status."""
    response = order_response(order)
    code = _STATUS_CODES.get(response.status)
    if code is None:
        return nothing_accepted(response)
    return JsonResponse(response, code, {"Location": f"/orders/{order.order_id}"})
