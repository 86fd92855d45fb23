"""What is special about the orders of guests: their table, and their limits."""

from gateway.domain.access import Action
from gateway.domain.access_errors import NotAllowed
from gateway.domain.order import Order
from gateway.rest.requester import Requester
from infra.addresses import network_of


async def admit_order(requester: Requester, order: Order) -> None:
    """Write a guest's table into their order, and count it; raises NotAllowed for another table, and TooOften."""
    caller = requester.caller
    table = caller.table
    if table is not None:
        if order.table not in (None, table):
            raise NotAllowed(Action.ORDER_PLACE, f"expected table {table}, or none")
        order.table = table
    if caller.is_limited and requester.limits is not None:
        await requester.limits.admit(
            order.table if table is not None else None, network_of(requester.origin), order.order_id
        )
