"""The counter: one item a request, over the three frozen contracts."""

from collections.abc import Callable

from grpclib.const import Status
from grpclib.exceptions import GRPCError

from departments.app import DepartmentApp
from departments.domain.errors import DepartmentError
from departments.domain.menu import Menu
from departments.domain.placing import Placement, RequestedLine
from departments.domain.tickets import Outcome, TicketSource
from generated import bakery, bar, kitchen

DELIVERY = "Delivery!"


class Counter:
    """Sells single items, each as an order of its own."""

    def __init__(self, department: DepartmentApp, new_order_id: Callable[[], str]) -> None:
        """`new_order_id` returns a UUID for each sale."""
        self._department = department
        self._new_order_id = new_order_id

    async def sell(self, text: str) -> str:
        """Sell one of the item with this id or title; raises GRPCError NOT_FOUND with the counter's texts."""
        menu = self._department.menu
        item = menu.find(text)
        if item is None:
            raise _not_found(menu, "not Found")
        sale = Placement(self._new_order_id(), [RequestedLine(item.id, 1)], source=TicketSource.COUNTER)
        (ticket,) = await self._department.place([sale])
        if isinstance(ticket, DepartmentError):
            raise ticket
        if ticket.lines[0].outcome is not Outcome.ACCEPTED:
            raise _not_found(menu, "out of stock")
        return DELIVERY


class BarCounter(bar.BarBase):
    """The service bar.Bar."""

    def __init__(self, counter: Counter) -> None:
        """Serve a counter."""
        self._counter = counter

    async def get_order(self, order_request: bar.OrderRequest) -> bar.OrderResponse:
        """Sell one drink."""
        return bar.OrderResponse(await self._counter.sell(order_request.order))


class KitchenCounter(kitchen.KitchenBase):
    """The service kitchen.Kitchen."""

    def __init__(self, counter: Counter) -> None:
        """Serve a counter."""
        self._counter = counter

    async def get_order(self, order_request: kitchen.OrderRequest) -> kitchen.OrderResponse:
        """Sell one meal."""
        return kitchen.OrderResponse(await self._counter.sell(order_request.order))


class BakeryCounter(bakery.BakeryBase):
    """The service bakery.Bakery."""

    def __init__(self, counter: Counter) -> None:
        """Serve a counter."""
        self._counter = counter

    async def get_order(self, order_request: bakery.OrderRequest) -> bakery.OrderResponse:
        """Sell one dessert."""
        return bakery.OrderResponse(await self._counter.sell(order_request.order))


def counters(menu: Menu, counter: Counter) -> list[BarCounter | KitchenCounter | BakeryCounter]:
    """Return the counter service of this department, or none where its name has no frozen contract."""
    frozen: dict[str, type[BarCounter | KitchenCounter | BakeryCounter]] = {
        "bar": BarCounter,
        "kitchen": KitchenCounter,
        "bakery": BakeryCounter,
    }
    return [frozen[menu.name](counter)] if menu.name in frozen else []


def _not_found(menu: Menu, what: str) -> GRPCError:
    return GRPCError(Status.NOT_FOUND, f"{menu.goods} {what}")
