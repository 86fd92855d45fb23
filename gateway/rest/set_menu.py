"""`/api/restaurants`: order the set menu, one drink, one meal and one dessert."""

from typing import Annotated

from litestar import Response, post
from litestar.di import NamedDependency
from litestar.openapi import ResponseSpec
from litestar.openapi.spec import Example
from litestar.params import Body
from litestar.status_codes import HTTP_201_CREATED, HTTP_202_ACCEPTED

from gateway.domain.access import Action
from gateway.domain.order import Order, Status
from gateway.orders.service import OrderService
from gateway.rest.guests import admit_order
from gateway.rest.idempotency import place
from gateway.rest.operations import KEY_REUSED, PROBLEM, IdempotencyKey
from gateway.rest.requester import Requester
from gateway.rest.requests import RequestReader
from gateway.rest.schemas import SetMenuRequest, SetMenuResponse
from gateway.rest.set_menu_choices import set_menu_response

SET_MENU_EXAMPLES = [
    Example(summary="In English", value={"drink": "coffee", "meal": "pizza", "dessert": "cookie"}),
    Example(summary="In Korean", value={"drink": "커피", "meal": "피자", "dessert": "쿠키"}),
]


@post(
    "/api/restaurants",
    operation_id="placeSetMenu",
    summary="Order the set menu",
    tags=["orders"],
    responses={
        202: ResponseSpec(
            SetMenuResponse,
            description="The order is stored; at least one department has not responded yet.",
            generate_examples=False,
        ),
        400: PROBLEM,
        409: PROBLEM,
        410: PROBLEM,
        422: KEY_REUSED,
        503: PROBLEM,
    },
    fast_path=True,
    action=Action.ORDER_PLACE,
)
async def place_set_menu(
    data: Annotated[SetMenuRequest, Body(examples=SET_MENU_EXAMPLES)],
    service: NamedDependency[OrderService],
    requests: NamedDependency[RequestReader],
    requester: NamedDependency[Requester],
    idempotency_key: IdempotencyKey = None,
) -> Response[SetMenuResponse]:
    """Order one drink, one meal and one dessert, and return each department's outcome as a text.

    201: every department has responded, whatever the outcome: `Delivery!`, `Drink not Found`, `Drink out of stock` and
    so on. 202: a department cannot be reached; its item is pending.
    """
    order = requests.set_menu_order(data, idempotency_key)
    if not requester.is_plain:
        await admit_order(requester, order)
    return _placed(await place(service, order, idempotency_key))


def _placed(order: Order) -> Response[SetMenuResponse]:
    return Response(
        set_menu_response(order),
        status_code=HTTP_202_ACCEPTED if order.status is Status.PENDING else HTTP_201_CREATED,
        headers={"Location": f"/orders/{order.order_id}"},
    )
