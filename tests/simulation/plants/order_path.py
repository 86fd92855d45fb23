"""Bugs of the gateway's order path: what is written, asked and returned, in which order, and what stays owed."""

import asyncio
from collections.abc import Callable, Iterable
from typing import Any

from gateway.department_client.client import DepartmentClient
from gateway.department_client.errors import NotConfigured, Unreachable
from gateway.domain.lines import TicketResult, TicketState
from gateway.domain.order import Order
from gateway.domain.transitions import Goal
from gateway.orders import journal
from gateway.orders.backlog import Backlog, Receive
from gateway.orders.backoff import Backoff
from gateway.orders.delivery import Delivery
from gateway.orders.in_flight import InFlightOrder, Phase
from gateway.orders.journal import Journal
from gateway.orders.recording import Recorder
from gateway.orders.service import OrderService
from gateway.orders.tables import orders
from infra.db.database import Statement, tenant, update_records
from tests.simulation.seams import plant, plant_value

Write = Callable[..., "asyncio.Future[Order | None]"]


@plant("gateway-answers-before-its-commit", Journal, "insert")
def insert_unawaited(original: Write, self: Journal, order: Order) -> "asyncio.Future[Order | None]":
    """An order is placed and returned while its row is still being written."""
    original(self, order).add_done_callback(lambda written: written.cancelled() or written.exception())
    unknown: asyncio.Future[Order | None] = asyncio.get_running_loop().create_future()
    unknown.set_result(None)
    return unknown


@plant("gateway-asks-and-then-writes", OrderService, "_begin")
async def ask_then_begin(original: Callable[..., Any], self: OrderService, order: Order) -> InFlightOrder:
    """The departments are asked before the order is written down."""
    in_flight = self._in_flight.add(order, self._expiry.of_new(), is_new=True)
    in_flight.recorded()
    self._delivery.ask_all(in_flight)
    await asyncio.wait([in_flight.response])
    in_flight.phase = Phase.RECORDING
    begun: InFlightOrder = await original(self, order)
    return begun


plant_value(
    "no-fencing",
    journal,
    "UPDATE",
    "A gateway writes orders that another one has taken over.",
    Statement(
        lambda connection: update_records(
            connection.dialect,
            orders,
            [orders.c.order_id],
            [orders.c.lines, orders.c.status, orders.c.owed, orders.c.response_recorded],
            constants={orders.c.restaurant: tenant(connection)},
        ).returning(orders.c.order_id, orders.c.owner)
    ),
    "frozen",
)


@plant("decision-not-durable-before-departments-get-it", Recorder, "write_decision", "frozen")
async def ask_then_write_decision(original: object, self: Recorder, in_flight: InFlightOrder) -> None:
    """A decision is sent to the departments while it is still being written."""
    state = in_flight.state()
    self._journal.update_later(in_flight.order)
    in_flight.decision_written(state)
    if self._in_flight.is_current(in_flight):
        self._ask_all(in_flight)


@plant("what-became-due-during-a-probe-is-forgotten", Backlog, "__init__", "wavering", 13)
def receive_and_forget(
    original: Callable[..., None],
    self: Backlog,
    department: DepartmentClient,
    backoff: Backoff,
    *,
    receive: Receive,
    ask: Callable[[Order], None],
    expire: Callable[[Iterable[Order]], None],
) -> None:
    """The response to a probe ends what the order owes, also what was decided while the probe was under way."""

    def forget_and_receive(order: Order, goal: Goal, epoch: int, response: "TicketResult | Exception") -> None:
        self._orders.pop(order.order_id, None)
        receive(order, goal, epoch, response)

    original(self, department, backoff, receive=forget_and_receive, ask=ask, expire=expire)


@plant("returned-before-it-is-on-record", OrderService, "_is_returnable", "frozen", 20)
def is_always_returnable(original: object, self: OrderService, in_flight: InFlightOrder) -> bool:
    """An order is returned as it is known here, whatever is written."""
    return True


@plant("a-refusal-ends-a-confirm", Delivery, "_keep_owed", "reconfigured")
def end_a_refused_confirm(
    original: Callable[..., None],
    self: Delivery,
    in_flight: InFlightOrder,
    name: str,
    goal: Goal,
    error: BaseException,
) -> None:
    """A department that refuses a confirm is owed nothing more."""
    if goal is Goal.CONFIRM and not isinstance(error, (Unreachable, NotConfigured)):
        del in_flight.order.owed[name]
    else:
        original(self, in_flight, name, goal, error)


@plant("a-missing-department-ends-a-cancel", Delivery, "_keep_owed", "reconfigured")
def end_a_cancel_without_department(
    original: Callable[..., None],
    self: Delivery,
    in_flight: InFlightOrder,
    name: str,
    goal: Goal,
    error: BaseException,
) -> None:
    """An order counts as cancelled at a department that is not configured any more."""
    if goal is Goal.CANCEL and isinstance(error, NotConfigured):
        in_flight.order.record_response(name, goal, TicketResult(TicketState.CANCELLED, []))
    else:
        original(self, in_flight, name, goal, error)
