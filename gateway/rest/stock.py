"""`/stock`: what is on hand, and what the staff change about it."""

from dataclasses import replace
from typing import Annotated

from litestar import get, post, put
from litestar.di import NamedDependency
from litestar.openapi.spec import Example
from litestar.params import Body, PathParameter, QueryParameter
from litestar.status_codes import HTTP_200_OK

from gateway.domain.access import Action
from gateway.rest.operations import PROBLEM, cursor_position
from gateway.rest.requester import Requester
from gateway.rest.staff_operations import AWAY, CHANGE, NO_ITEM, STOCK, STOCK_REFUSED, example_spec
from gateway.rest.staff_schemas import StockResponse, stock_response
from gateway.rest.stock_schemas import (
    SaleRequest,
    StockChangePage,
    StockChangeRequest,
    StockList,
    stock_change_page,
    stock_list,
    stock_order,
)
from gateway.rest.texts import refuse_nul
from gateway.rest.tickets import Department, among, check_department, own_departments, unreachable_of
from gateway.tickets.listing import list_stock
from gateway.tickets.stock import StockChanges
from gateway.tickets.watching import LiveDepartments

STOCK_EXAMPLE = example_spec(StockResponse, "The stock of the item as it is now.", "Coffee", STOCK)
LIST_EXAMPLE = example_spec(
    StockList, "The stock of every item.", "A bar with coffee only", StockList(stock=[STOCK], unreachable=[])
)
CHANGES_EXAMPLE = example_spec(
    StockChangePage, "A page of changes.", "Somebody has counted", StockChangePage(changes=[CHANGE], next=None)
)

_DELIVERY = {
    "reason": "delivery",
    "delta": 24,
    "change_id": "2f6f4f0a-0d43-4c53-9a3f-5e1a3b7c9d11",
    "changed_by": "Ada",
}
_COUNT = {"reason": "count", "count": 12, "expected": 15, "change_id": "f5c0bd4e-6c35-4b0a-9c7e-6a5a3a6f1f0e"}
CHANGE_EXAMPLES = [Example(summary="24 arrive", value=_DELIVERY), Example(summary="12 were counted", value=_COUNT)]
SALE_EXAMPLE = Example(summary="Take it off sale", value={"on_sale": False, "changed_by": "Ada"})

Item = Annotated[str, PathParameter(description="Id of an item.", min_length=1, max_length=64)]


@get(
    "/stock",
    operation_id="listStock",
    summary="List the stock",
    tags=["stock"],
    responses={200: LIST_EXAMPLE, 400: PROBLEM},
    action=Action.STOCK_READ,
)
async def get_stock(
    live: NamedDependency[LiveDepartments],
    requester: NamedDependency[Requester],
    department: Annotated[str | None, QueryParameter(description="Only the stock of this department.")] = None,
) -> StockList:
    """Return the stock of every item: received = on_hand + held + sold + wasted. It is what `/events` tells, now."""
    check_department(department, live.names)
    own = own_departments(requester, Action.STOCK_READ, department, live.names)
    stock = list_stock(among(own, await live.pictures()), department)
    return stock_list(stock, unreachable_of(live, department, own))


@post(
    "/stock/{department:str}/{item:str}/changes",
    operation_id="changeStock",
    summary="Change the stock of an item",
    tags=["stock"],
    status_code=HTTP_200_OK,
    responses={200: STOCK_EXAMPLE, 400: PROBLEM, 404: NO_ITEM, 409: STOCK_REFUSED, 503: AWAY},
    action=Action.STOCK_CHANGE,
)
async def change_stock(
    department: Department,
    item: Item,
    data: Annotated[StockChangeRequest, Body(examples=CHANGE_EXAMPLES)],
    stock: NamedDependency[StockChanges],
    requester: NamedDependency[Requester],
) -> StockResponse:
    """Note a delivery, waste, a correction or a count, and return the stock as it is now.

    A count says how many were believed to be on hand: where that has changed meanwhile nothing is done, and 409 has the
    stock as it is. An item without a stock figure takes waste only.
    """
    wanted = stock_order(item, data)
    wanted = replace(wanted, changed_by=requester.staff_name(wanted.changed_by))
    return stock_response(await stock.change(department, wanted))


@put(
    "/stock/{department:str}/{item:str}/sale",
    operation_id="setOnSale",
    summary="Take an item off sale, or put it back",
    tags=["stock"],
    responses={200: STOCK_EXAMPLE, 400: PROBLEM, 404: NO_ITEM, 503: AWAY},
    action=Action.SALE_CHANGE,
)
async def set_on_sale(
    department: Department,
    item: Item,
    data: Annotated[SaleRequest, Body(examples=[SALE_EXAMPLE])],
    stock: NamedDependency[StockChanges],
    requester: NamedDependency[Requester],
) -> StockResponse:
    """Take an item off sale whatever its stock is, or put it back. Lines that ask for it become `off_sale`."""
    refuse_nul(changed_by=data.changed_by)
    changed_by = requester.staff_name(data.changed_by)
    changed = await stock.set_on_sale(department, item, on_sale=data.on_sale, changed_by=changed_by)
    return stock_response(changed)


@get(
    "/stock/{department:str}/{item:str}/changes",
    operation_id="listStockChanges",
    summary="List the changes of an item's stock",
    tags=["stock"],
    responses={200: CHANGES_EXAMPLE, 400: PROBLEM, 404: NO_ITEM, 503: AWAY},
    action=Action.STOCK_READ,
)
async def get_stock_changes(
    department: Department,
    item: Item,
    stock: NamedDependency[StockChanges],
    limit: Annotated[int, QueryParameter(ge=1, le=200, description="Most changes in a page.")] = 50,
    cursor: Annotated[
        str | None,
        QueryParameter(description="`next` of the page before.", schema_extra={"pattern": "^[0-9]{1,18}$"}),
    ] = None,
) -> StockChangePage:
    """Return a page of what the staff, and the menu file, changed about an item's stock, the newest first."""
    return stock_change_page(await stock.history(department, item, cursor_position(cursor) or 0, limit))
