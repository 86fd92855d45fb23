"""The set menu: one drink, one meal, one dessert."""

from typing import Annotated

from litestar import Response, post
from litestar.di import NamedDependency
from litestar.openapi import ResponseSpec
from litestar.openapi.spec import Example
from litestar.params import Body
from litestar.status_codes import HTTP_201_CREATED, HTTP_202_ACCEPTED

from gateway.domain.order import Status
from gateway.rest.orders import KEY_REUSED, PROBLEM, IdempotencyKey
from gateway.rest.restaurant import House
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
            description="Written down; a department is still to be heard.",
            generate_examples=False,
        ),
        400: PROBLEM,
        409: PROBLEM,
        422: KEY_REUSED,
        503: PROBLEM,
    },
    fast_path=True,
)
async def place_set_menu(
    data: Annotated[SetMenuRequest, Body(examples=SET_MENU_EXAMPLES)],
    house: NamedDependency[House],
    idempotency_key: IdempotencyKey = None,
) -> Response[SetMenuResponse]:
    """Order one of each; answers what each counter said.

    201 once every department has answered, whatever it answered: `Delivery!`, `Drink not Found`, `Drink out of stock`
    and so on. 202 while one cannot be reached.
    """
    order = await house.place(house.set_menu_order(data, idempotency_key), idempotency_key)
    return Response(
        set_menu_response(order),
        status_code=HTTP_202_ACCEPTED if order.status is Status.PENDING else HTTP_201_CREATED,
        headers={"Location": f"/orders/{order.order_id}"},
    )
