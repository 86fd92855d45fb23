"""The menu of the whole house."""

from litestar import get
from litestar.di import NamedDependency

from gateway.rest.orders import PROBLEM
from gateway.rest.restaurant import House
from gateway.rest.schemas import MenuResponse, menu_response


@get("/menu", operation_id="getMenu", summary="Read the menu", tags=["menu"], responses={400: PROBLEM})
async def get_menu(house: NamedDependency[House]) -> MenuResponse:
    """Answer what can be ordered: every department's items with titles, prices and what is left at this moment."""
    return menu_response(await house.ordering.menus(), house.currency)
