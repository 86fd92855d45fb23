"""What the routes stand on: the order path, and the house rules that turn a request into an order."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Literal
from uuid import UUID

from gateway.domain.currencies import Currency
from gateway.domain.errors import (
    KeyReused,
    NoteTooLong,
    NulCharacter,
    OrderIdTaken,
    QuantityTooLarge,
    TooManyLines,
    UnknownDepartment,
)
from gateway.domain.lines import Line
from gateway.domain.order import Order, Policy
from gateway.orders.service import OrderService
from gateway.rest.idempotency import agreed_order_id
from gateway.rest.schemas import OrderRequest, SetMenuRequest
from gateway.rest.set_menu_choices import set_menu_lines
from infra.clock import Clock

WRITABLE_SECONDS = 1.0  # how long it is believed that the journal can be written


@dataclass(frozen=True, slots=True)
class OrderLimits:
    """What one order may ask for; `note` in characters."""

    lines: int = 50
    quantity: int = 1000
    note: int = 200


class House:
    """One restaurant, as its gateway knows it."""

    def __init__(
        self,
        ordering: OrderService,
        rules: OrderLimits,
        currency: Currency,
        *,
        new_order_id: Callable[[], str],
        clock: Clock,
        wait_for_departments: float,
    ) -> None:
        """`currency` is that of the orders that are taken from now on.

        `wait_for_departments`, in seconds, is how long a start may take.
        """
        self.ordering = ordering
        self.currency = currency
        self._rules = rules
        self._new_order_id = new_order_id
        self._wall = clock.wall
        self._monotonic = clock.monotonic
        self._open_at = clock.monotonic() + wait_for_departments
        self._writable_until = 0.0
        self.is_leaving = False

    def place(self, order: Order, key: str | None) -> Awaitable[Order]:
        """Place an order that came with an idempotency key, or with none.

        Raises OrderIdTaken, or KeyReused where there is a key; Overloaded, DatabaseError.
        """
        placing = self.ordering.place(order)
        return placing if key is None else _placed_by_key(placing)

    def order(self, request: OrderRequest, key: str | None = None) -> Order:
        """Turn a request and its idempotency key into an order; raises RuleBroken, which names the field."""
        if len(request.lines) > self._rules.lines:
            raise TooManyLines(len(request.lines), self._rules.lines)
        for number, line in enumerate(request.lines):
            if line.department not in self.ordering.departments:
                raise UnknownDepartment(f"lines[{number}].department", line.department, self.ordering.departments)
            if line.quantity > self._rules.quantity:
                raise QuantityTooLarge(f"lines[{number}].quantity", line.quantity, self._rules.quantity)
            if len(line.note) > self._rules.note:
                raise NoteTooLong(f"lines[{number}].note", line.note, self._rules.note)
            if "\0" in line.note or "\0" in line.item:
                raise _nul(f"lines[{number}].", item=line.item, note=line.note)
        if request.table and "\0" in request.table:
            raise _nul("", table=request.table)
        lines = [
            Line(line.department, line.item, line.quantity, line.note, line.expected_price) for line in request.lines
        ]
        return self._order(request.order_id, key, request.policy, request.table, lines)

    def set_menu_order(self, request: SetMenuRequest, key: str | None = None) -> Order:
        """Turn the set menu's choices into an order; raises UnknownDepartment where the house has not all three."""
        lines = set_menu_lines(request)
        for line, field in zip(lines, ("drink", "meal", "dessert"), strict=True):
            if line.department not in self.ordering.departments:
                raise UnknownDepartment(field, line.department, self.ordering.departments)
        return self._order(request.order_id, key, Policy.BEST_EFFORT, None, lines)

    def reachability(self) -> "dict[str, Literal['reachable', 'unreachable']]":
        """Tell which departments can be reached."""
        departments = self.ordering.departments.values()
        return {
            each.name: "reachable" if each.is_reachable and each.was_reached else "unreachable" for each in departments
        }

    async def is_ready(self) -> bool:
        """Tell whether orders can be taken, and should be: not by a gateway that is about to stop."""
        if self.is_leaving:
            return False
        if self._monotonic() < self._open_at and not all(d.was_reached for d in self.ordering.departments.values()):
            return False
        if self._monotonic() >= self._writable_until:
            if not await self.ordering.is_writable():
                return False
            self._writable_until = self._monotonic() + WRITABLE_SECONDS
        return True

    def _order(
        self, order_id: UUID | None, key: str | None, policy: Policy, table: str | None, lines: list[Line]
    ) -> Order:
        if key is not None:
            order_id = agreed_order_id(key, order_id)
        new_id, now_ms = str(order_id or self._new_order_id()), int(self._wall() * 1000)
        return Order.new(new_id, policy, table, self.currency, lines, now_ms)


async def _placed_by_key(placing: Awaitable[Order]) -> Order:
    try:
        return await placing
    except OrderIdTaken as error:
        raise KeyReused(error.order_id) from error


def _nul(place: str, **texts: str) -> NulCharacter:
    """Name the text that holds a NUL character."""
    return next(NulCharacter(place + field, text) for field, text in texts.items() if "\0" in text)
