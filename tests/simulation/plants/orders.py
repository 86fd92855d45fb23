"""Bugs of an order at the gateway: what it asks for, what is decided about it, and what it owes."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any
from uuid import uuid4

from gateway.department_client import batches
from gateway.department_client.convert import OrderColumns
from gateway.department_client.stream import _OpenStream
from gateway.domain.currencies import Currency
from gateway.domain.lines import Line, TicketResult
from gateway.domain.order import Order
from gateway.domain.transitions import PLACING, Goal, transition
from gateway.orders import tables
from generated.restaurant import v1
from tests.simulation.seams import plant


@plant("expected-price-not-sent-again", batches, "order_columns")
def columns_without_prices(
    original: Callable[..., OrderColumns], department: str, goal: Goal, orders: Sequence[Order]
) -> OrderColumns:
    """After a decision or a change of owner, an order is sent without the prices that its client saw."""
    columns = original(department, goal, orders)
    if any(order.epoch for order in orders):
        columns["expected_prices"] = []
    return columns


@plant("another-expected-price-is-the-same-order", Line, "asks_the_same")
def asks_the_same_at_any_price(original: Callable[..., bool], self: Line, other: Line) -> bool:
    """A line with another expected price counts as the same line."""
    return original(self, replace(other, expected_price=self.expected_price))


@plant("currency-not-kept", tables, "_order")
def read_in_euros(original: Callable[..., Order], row: Sequence[Any]) -> Order:
    """An order from the journal is in euros, whatever its currency was."""
    order = original(row)
    order.currency = Currency("EUR")
    return order


@plant("retry-with-a-new-id", batches, "order_columns")
def columns_with_new_ids(
    original: Callable[..., OrderColumns], department: str, goal: Goal, orders: Sequence[Order]
) -> OrderColumns:
    """Each call sends an order under another id."""
    columns = original(department, goal, orders)
    columns["order_ids"] = [str(uuid4()) for _ in orders]
    return columns


@plant("nothing-is-held", batches, "order_columns", "echo")
def columns_without_holds(
    original: Callable[..., OrderColumns], department: str, goal: Goal, orders: Sequence[Order]
) -> OrderColumns:
    """A department queues at once what it should hold until all is decided."""
    columns = original(department, goal, orders)
    columns["holds"] = [False] * len(orders)
    return columns


@plant("a-streams-response-is-taken-for-whichever-batch-waits-first", _OpenStream, "_receive")
def receive_for_the_first(original: object, self: _OpenStream, response: v1.StreamOrdersResponse) -> None:
    """A response on a stream is that of the batch that waits first, whatever its number."""
    waiting = next(iter(self._waiting.values()), None)
    if waiting is not None and not waiting.done():
        waiting.set_result(response)


@plant("suspend-skipped", Order, "cancel", "echo")
def cancel_at_once(original: Callable[..., None], self: Order) -> None:
    """A confirmed all-or-nothing order is cancelled without being suspended first."""
    original(self)
    self.owed = {name: Goal.CANCEL if goal is Goal.SUSPEND else goal for name, goal in self.owed.items()}


@plant("suspended-and-forgotten", Order, "record_response", "echo")
def record_and_forget(
    original: Callable[..., None], self: Order, department: str, goal: Goal, ticket: TicketResult
) -> None:
    """An order whose cancel came too late stays suspended at its other departments."""
    is_owed = self.owed.get(department) is goal
    original(self, department, goal, ticket)
    if is_owed and transition(goal, ticket).decision is not None:
        self.owed.clear()


@plant("expiry-without-tombstone", Order, "expire", "draw", 2)
def expire_without_tombstone(original: Callable[..., bool], self: Order) -> bool:
    """A department that did not answer in time is owed nothing, though the order may still reach it."""
    late = [department for department, goal in self.owed.items() if goal in PLACING]
    is_changed = original(self)
    for department in late:
        if self.owed[department] is Goal.CANCEL:
            del self.owed[department]
    return is_changed


@plant("expiry-of-what-may-have-been-accepted", Order, "_may_have_been_accepted", "forgetful", 22)
def was_never_accepted(original: object, self: Order) -> bool:
    """A response that a crash kept from being recorded counts as never given."""
    return False


@plant("decided-before-all-have-answered", Order, "decide", "echo")
def decide_early(original: Callable[..., bool], self: Order, goal: Goal) -> bool:
    """An all-or-nothing order is decided by the first department that responds."""
    if goal is Goal.HOLD:
        self.owed = {name: owed for name, owed in self.owed.items() if owed is not Goal.HOLD}
    return original(self, goal)


@plant("another-order-is-taken-under-a-known-id", Order, "asks_the_same", "echo")
def asks_the_same_always(original: object, self: Order, other: Order) -> bool:
    """Another order under a known id gets the response of the first."""
    return True
