"""Doubles that the gateway's tests share: departments in memory, a database that can be broken, a clock that is set."""

import asyncio
import time
import uuid
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Concatenate, ParamSpec, TypeVar

import sqlalchemy as sa

from gateway.department_client.client import CallPolicy, DepartmentClient
from gateway.department_client.errors import Refused, Unreachable
from gateway.domain.currencies import Currency
from gateway.domain.lines import Line, LineResult, Outcome, TicketResult, TicketState
from gateway.domain.menu import MenuItem, MenuSnapshot
from gateway.domain.order import Order, Policy
from gateway.domain.transitions import PLACING, Goal
from gateway.orders.backoff import RetryPolicy
from gateway.orders.journal import Journal
from gateway.orders.service import OrderService
from gateway.storage import MIGRATIONS
from infra.clock import Clock
from infra.db.database import Database
from infra.errors import DatabaseError

P = ParamSpec("P")
R = TypeVar("R")

NOON_MS = 1_750_000_000_000
EUR = Currency("EUR")
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

QUICK = RetryPolicy(time_to_decide=300.0, first_retry=0.001, retry_cap=0.004, journal_retry=0.005)
"""Tries again at once, so that a test need not wait for what a guest would not notice."""


async def until(fact: Callable[[], bool], seconds: float = 10.0) -> None:
    """Wait until a fact holds, and fail where it does not in time."""
    deadline = time.monotonic() + seconds
    while not fact():
        assert time.monotonic() < deadline, "it did not come true in time"
        await asyncio.sleep(0.001)


AN_ID = "01a20500-46cf-77d9-baa1-aabeeac332af"
"""An order id that tests may have in their names: each process of a test run has to find the same names."""


def new_id() -> str:
    return str(uuid.uuid4())


def lines(*wishes: str) -> list[Line]:
    """Read lines such as `bar coffee 2`."""
    words = [wish.split() for wish in wishes]
    return [Line(department, item, int(rest[0]) if rest else 1) for department, item, *rest in words]


def order(
    *wishes: str,
    order_id: str | None = None,
    policy: Policy = Policy.BEST_EFFORT,
    table: str | None = None,
    currency: Currency = EUR,
    now_ms: int = NOON_MS,
) -> Order:
    """Ask for `bar coffee 2`, `kitchen pizza` and so on."""
    return Order.new(order_id or new_id(), policy, table, currency, lines(*wishes), now_ms)


def all_or_nothing(*wishes: str, order_id: str | None = None) -> Order:
    return order(*wishes, order_id=order_id, policy=Policy.ALL_OR_NOTHING)


def outcomes(order: Order) -> list[str]:
    return [line.outcome.value for line in order.lines]


class Hands:
    """Clocks that stand still: a test lets time pass by `now`, and sets the time of day by `set_ahead`; in seconds."""

    def __init__(self) -> None:
        self.now = NOON_MS / 1000
        self.set_ahead = 0.0

    @property
    def pair(self) -> Clock:
        return Clock(wall=lambda: self.now + self.set_ahead, monotonic=lambda: self.now - NOON_MS / 1000 + 1000)


@dataclass(slots=True)
class Ticket:
    """What a fake department has on record for an order."""

    state: TicketState
    wishes: list[tuple[str, int]]
    lines: list[LineResult] = field(default_factory=list)
    epoch: int = 0


async def _nothing(goal: Goal, orders: Sequence[Order]) -> None:
    """Stands where a test has nothing to look at."""


async def _no_write() -> None:
    """The same."""


def _no_failure(goal: Goal, order: Order) -> Exception | None:
    """Stands where a department does what it is asked."""


def _nobody() -> None:
    """Is told of failures until somebody listens."""


class FakeDepartment(DepartmentClient):
    """A department in memory, with stock, tickets, and switches for all that a network can do to it.

    `ears` closed: what is asked does not arrive yet. `mouth` closed: it is carried out, and the answer does not leave
    yet. `is_up` False: whoever asks, or waits for an answer, learns that it cannot be reached. `refuses`: orders that
    it will not place. `failure` tells what it responds in place of doing what it is asked.
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
        self.tickets: dict[str, Ticket] = {}
        self.refuses: dict[str, str] = {}
        self.failure: Callable[[Goal, Order], Exception | None] = _no_failure
        self.calls: list[tuple[Goal, list[str]]] = []
        self.knocks = 0
        self.ears = asyncio.Event()
        self.mouth = asyncio.Event()
        self.on_call: Callable[[Goal, Sequence[Order]], Awaitable[None]] = _nothing
        self.on_answer: Callable[[Goal, Sequence[Order]], Awaitable[None]] = _nothing
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
        answers = [self._carry_out(goal, order, epoch) for order, epoch in zip(orders, epochs, strict=True)]
        await self.on_answer(goal, orders)
        await self._arrive(self.mouth)
        self.is_reachable = self.was_reached = True
        return answers

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
            MenuItem(item, {"en": item.title(), "ko": item}, self.prices[item], left)
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
        (answer,) = await self.attempt(goal, [order])
        if isinstance(answer, Exception):
            raise answer
        return answer

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
            for (item, quantity), answer in zip(ticket.wishes, ticket.lines, strict=True):
                if answer.outcome is Outcome.ACCEPTED:
                    self.stock[item] += quantity
        return ticket


class BreakableDatabase(Database):
    """A database whose disk can fail, or be slow."""

    def __init__(self, url: str, schema: str = "gateway") -> None:
        super().__init__(url, schema)
        self.is_broken = False
        self.is_read_only = False
        self.writes = 0
        self.failures = 0
        self.way = asyncio.Event()
        self.way.set()
        self.on_write: Callable[[], Awaitable[None]] = _no_write
        self.after_read: Callable[[], Awaitable[None]] = _no_write

    async def write(self, script: Callable[Concatenate[sa.Connection, P], R], *args: P.args, **kwargs: P.kwargs) -> R:
        self._demand_disk(writing=True)
        self.writes += 1
        await self.way.wait()
        self._demand_disk(writing=True)
        await self.on_write()
        result = await super().write(script, *args, **kwargs)
        await self.on_write()
        return result

    async def read(self, script: Callable[Concatenate[sa.Connection, P], R], *args: P.args, **kwargs: P.kwargs) -> R:
        self._demand_disk(writing=False)
        result = await super().read(script, *args, **kwargs)
        await self.after_read()
        return result

    async def look_up(self, script: Callable[Concatenate[sa.Connection, P], R], *args: P.args, **kwargs: P.kwargs) -> R:
        self._demand_disk(writing=False)
        return await super().look_up(script, *args, **kwargs)

    def _demand_disk(self, *, writing: bool) -> None:
        if self.is_broken or (writing and self.is_read_only):
            self.failures += 1
            raise DatabaseError("the disk is gone")


class Restaurant:
    """A gateway's order path over fake departments and a real journal; it can crash, and open again."""

    def __init__(
        self,
        url: str,
        names: Sequence[str] = ("bar", "kitchen", "bakery"),
        patience: RetryPolicy = QUICK,
        clock: Clock | None = None,
    ) -> None:
        self.url = url
        self.departments = {name: FakeDepartment(name) for name in names}
        self.clock = Hands()
        self._clock = clock or self.clock.pair
        self.patience = patience
        self.database: BreakableDatabase
        self.journal: Journal
        self.ordering: OrderService

    @property
    def bar(self) -> FakeDepartment:
        return self.departments["bar"]

    @property
    def kitchen(self) -> FakeDepartment:
        return self.departments["kitchen"]

    @property
    def bakery(self) -> FakeDepartment:
        return self.departments["bakery"]

    async def open(self) -> None:
        """Start the order path, as a fresh process would."""
        self.prepare()
        for department in self.departments.values():
            department.is_reachable, department.was_reached = True, False
        await self.ordering.start()

    def prepare(self) -> None:
        self.database = BreakableDatabase(self.url)
        self.database.prepare(MIGRATIONS)
        self.journal = Journal(self.database)
        self.ordering = OrderService(
            self.journal, self.departments, self.patience, clock=self._clock, random=lambda: 1.0
        )

    async def close(self) -> None:
        await self.ordering.close()
        self.database.close()

    async def crash(self) -> None:
        """Lose everything that is not on the disk."""
        self.database.is_broken = True
        self.database.way.set()
        await self.close()

    async def crash_and_open(self) -> None:
        await self.crash()
        for department in self.departments.values():
            department.ears.set()
            department.mouth.set()
        await self.open()

    def repair(self) -> None:
        """Undo what a test did to the disk and to the network, so that all can be closed."""
        self.database.is_broken = self.database.is_read_only = False
        self.database.way.set()
        for department in self.departments.values():
            department.ears.set()
            department.mouth.set()

    def forgot_everything(self) -> bool:
        """Tell whether nothing is left in memory."""
        waiting = [*map(len, self.ordering.backlogs.values()), *map(len, self.ordering.postponed.values())]
        return not self.ordering._in_flight and not any(waiting)

    async def settle(self) -> None:
        """Wait until nothing is left to do."""
        await until(self.forgot_everything)

    def check_books(self, order: Order) -> None:
        """Fail unless an order's departments will make exactly what its guest was promised."""
        for name, lines in order.shares.items():
            ticket = self.departments[name].tickets.get(order.order_id, Ticket(TicketState.NONE, []))
            assert ticket.state is not TicketState.HELD
            is_made = ticket.state not in (TicketState.NONE, TicketState.CANCELLED)
            made = [is_made and answer.outcome is Outcome.ACCEPTED for answer in ticket.lines] or [False] * len(lines)
            assert [line.outcome is Outcome.ACCEPTED for line in lines] == made
            assert all(line.outcome is not Outcome.PENDING for line in lines)

    def check_stock(self) -> None:
        """Fail unless what is gone from the shelves is what live tickets took."""
        for name, department in self.departments.items():
            taken = dict.fromkeys(department.stock, 0)
            for ticket in department.tickets.values():
                for (item, quantity), answer in zip(ticket.wishes, ticket.lines, strict=True):
                    if answer.outcome is Outcome.ACCEPTED and ticket.state is not TicketState.CANCELLED:
                        taken[item] += quantity
            assert {item: left + taken[item] for item, left in department.stock.items()} == STOCK[name]

    async def written(self, order_id: str) -> Order:
        """Read an order as it is on the disk."""
        await self.journal.flush()
        found = await self.journal.find(order_id)
        assert found is not None
        return found
