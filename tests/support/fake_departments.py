"""Departments in memory, in place of the gateway's clients of departments."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field

from gateway.department_client.client import CallPolicy
from gateway.department_client.errors import Refused, Unreachable
from gateway.domain.lines import LineResult, Outcome, TicketResult, TicketState
from gateway.domain.menu import MenuItem, MenuSnapshot
from gateway.domain.order import Order
from gateway.domain.transitions import PLACING, Goal

PRICES = {
    "coffee": 350,
    "soda": 300,
    "beer": 550,
    "pasta": 1200,
    "pizza": 1100,
    "meat": 1900,
    "cookie": 250,
    "donut": 280,
    "gelato": 400,
}
STOCK = {
    "bar": {"coffee": 10, "soda": 5, "beer": 0},
    "kitchen": {"pasta": 10, "pizza": 5, "meat": 0},
    "bakery": {"cookie": 10, "donut": 5, "gelato": 0},
}
STEPS = {
    Goal.CONFIRM: (TicketState.HELD, TicketState.QUEUED),
    Goal.SUSPEND: (TicketState.QUEUED, TicketState.HELD),
}
KOREAN = {"bar": "바", "kitchen": "주방", "bakery": "베이커리"}


@dataclass(slots=True)
class Ticket:
    """What a fake department has on record for an order."""

    state: TicketState
    wishes: list[tuple[str, int]]
    lines: list[LineResult] = field(default_factory=list)
    epoch: int = 0


async def _nothing(goal: Goal, orders: Sequence[Order]) -> None:
    """Stands where a test has nothing to look at."""


def _no_failure(goal: Goal, order: Order) -> Exception | None:
    """Stands where a department does what it is asked."""


def _nobody() -> None:
    """Is told of failures until somebody listens."""


class FakeDepartment:
    """A department in memory, with stock, tickets, and switches for all that a network can do to it.

    It has what `gateway.orders.departments.Department` asks for, and so stands in place of DepartmentClient.

    `ears` closed: what is asked does not arrive yet. `mouth` closed: it is carried out, and the response does not leave
    yet. `is_up` False: whoever asks, or waits for a response, learns that it cannot be reached. `refuses`: orders that
    it will not place. `failure` tells what it responds in place of doing what it is asked. `off_sale` and `unlimited`
    are items; `kinds` has the category and the seconds to prepare of some items.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self.call_policy = CallPolicy(orders_per_call=4)
        self.on_failure: Callable[[], None] = _nobody
        self.is_reachable = True
        self.was_reached = False
        self.is_up = True
        self.is_closed = False
        self.stock = dict(STOCK.get(name, {}))
        self.prices = dict(PRICES)
        self.off_sale: set[str] = set()
        self.unlimited: set[str] = set()
        self.kinds: dict[str, tuple[str, int]] = {}
        self.tickets: dict[str, Ticket] = {}
        self.refuses: dict[str, str] = {}
        self.failure: Callable[[Goal, Order], Exception | None] = _no_failure
        self.calls: list[tuple[Goal, list[str]]] = []
        self.knocks = 0
        self.ears = asyncio.Event()
        self.mouth = asyncio.Event()
        self.on_call: Callable[[Goal, Sequence[Order]], Awaitable[None]] = _nothing
        self.on_response: Callable[[Goal, Sequence[Order]], Awaitable[None]] = _nothing
        self.ears.set()
        self.mouth.set()

    def submit(self, goal: Goal, order: Order) -> "asyncio.Future[TicketResult]":
        if self.is_reachable:
            return asyncio.get_running_loop().create_task(self._ask_one(goal, order))
        refusal: asyncio.Future[TicketResult] = asyncio.get_running_loop().create_future()
        refusal.set_exception(Unreachable(f"{self.name} is away"))
        return refusal

    async def attempt(self, goal: Goal, orders: list[Order]) -> "Sequence[TicketResult | Exception]":
        self.calls.append((goal, [order.order_id for order in orders]))
        epochs = [order.epoch for order in orders]
        await self.on_call(goal, orders)
        await self._arrive(self.ears)
        responses = [self._carry_out(goal, order, epoch) for order, epoch in zip(orders, epochs, strict=True)]
        await self.on_response(goal, orders)
        await self._arrive(self.mouth)
        self.is_reachable = self.was_reached = True
        return responses

    async def menu(self) -> MenuSnapshot:
        try:
            return await self.probe()
        except Unreachable:
            return MenuSnapshot(self.name, False, self._titles() if self.was_reached else {})

    async def probe(self) -> MenuSnapshot:
        self.knocks += 1
        await self._arrive(self.ears)
        self.is_reachable = self.was_reached = True
        items = [
            MenuItem(
                item,
                {"en": item.title(), "ko": item},
                self.prices[item],
                None if item in self.unlimited else left,
                item not in self.off_sale,
                *self.kinds.get(item, ()),
            )
            for item, left in self.stock.items()
        ]
        return MenuSnapshot(self.name, True, self._titles(), items)

    def close(self) -> None:
        self.is_closed = True

    def go_away(self) -> None:
        """Be unreachable for whoever asks from now on, and for whoever is waiting."""
        self.is_up = False
        self.ears.set()
        self.mouth.set()

    def come_back(self) -> None:
        self.is_up = True

    def start(self, order_id: str) -> None:
        """Begin to make what was ordered."""
        self.tickets[order_id].state = TicketState.PREPARING

    def state(self, order_id: str) -> TicketState | None:
        return self.tickets[order_id].state if order_id in self.tickets else None

    def asked(self, order_id: str) -> list[Goal]:
        """List what this department was asked for one order."""
        return [goal for goal, ids in self.calls for each in ids if each == order_id]

    def _titles(self) -> dict[str, str]:
        return {"en": self.name.title(), "ko": KOREAN.get(self.name, self.name)}

    async def _ask_one(self, goal: Goal, order: Order) -> TicketResult:
        (response,) = await self.attempt(goal, [order])
        if isinstance(response, Exception):
            raise response
        return response

    async def _arrive(self, way: asyncio.Event) -> None:
        await way.wait()
        if not self.is_up:
            self.is_reachable = False
            self.on_failure()
            raise Unreachable(f"{self.name} is away")

    def _carry_out(self, goal: Goal, order: Order, epoch: int) -> "TicketResult | Exception":
        if failure := self.failure(goal, order):
            return failure
        if goal in PLACING and order.order_id in self.refuses:
            return Refused(f"{self.name} refused it: {self.refuses[order.order_id]}")
        ticket = self.tickets.get(order.order_id)
        if goal is Goal.CANCEL:
            ticket = self._cancel(order.order_id, ticket)
        elif goal in STEPS:
            if ticket is None:
                ticket = self.tickets[order.order_id] = Ticket(TicketState.CANCELLED, [])
            before, after = STEPS[goal]
            if epoch >= ticket.epoch:
                ticket.epoch, ticket.state = epoch, after if ticket.state is before else ticket.state
        elif ticket is None:
            ticket = self.tickets[order.order_id] = self._place(order, hold=goal is Goal.HOLD)
        return TicketResult(ticket.state, list(ticket.lines))

    def _place(self, order: Order, *, hold: bool) -> Ticket:
        ticket = Ticket(TicketState.NONE, [(line.item, line.quantity) for line in order.shares[self.name]])
        for line in order.shares[self.name]:
            item, quantity = line.item, line.quantity
            if item not in self.stock:
                ticket.lines.append(LineResult(Outcome.NOT_ON_MENU, 0, 0))
            elif item in self.off_sale:
                ticket.lines.append(LineResult(Outcome.OFF_SALE, 0, 0))
            elif line.expected_price not in (None, self.prices[item]):
                ticket.lines.append(LineResult(Outcome.PRICE_CHANGED, 0, self.prices[item]))
            elif self.stock[item] < quantity:
                ticket.lines.append(LineResult(Outcome.OUT_OF_STOCK, self.stock[item], 0))
            else:
                self.stock[item] -= quantity
                ticket.lines.append(LineResult(Outcome.ACCEPTED, 0, self.prices[item]))
                ticket.state = TicketState.HELD if hold else TicketState.QUEUED
        return ticket

    def _cancel(self, order_id: str, ticket: Ticket | None) -> Ticket:
        if ticket is None:
            ticket = self.tickets[order_id] = Ticket(TicketState.CANCELLED, [])
        elif ticket.state in (TicketState.HELD, TicketState.QUEUED):
            ticket.state = TicketState.CANCELLED
            for (item, quantity), response in zip(ticket.wishes, ticket.lines, strict=True):
                if response.outcome is Outcome.ACCEPTED:
                    self.stock[item] += quantity
        return ticket
