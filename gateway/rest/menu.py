"""`/menu`: what can be ordered from all departments."""

from litestar import get
from litestar.di import NamedDependency

from gateway.domain.access import Action
from gateway.domain.currencies import Currency
from gateway.orders.service import OrderService
from gateway.rest.menu_schemas import MenuResponse, menu_response
from gateway.rest.operations import PROBLEM


@get(
    "/menu",
    operation_id="getMenu",
    summary="Read the menu",
    tags=["menu"],
    responses={400: PROBLEM},
    action=Action.MENU_READ,
)
async def get_menu(service: NamedDependency[OrderService], currency: NamedDependency[Currency]) -> MenuResponse:
    """Return every department's items with titles, prices and the quantity that is available at this moment."""
    return menu_response(await service.menus(), currency)
