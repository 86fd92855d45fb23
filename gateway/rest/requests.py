"""Turns a request body into an order: checks it against the limits, and chooses the order id."""

from collections.abc import Callable, Collection
from uuid import UUID

from gateway.domain.currencies import Currency
from gateway.domain.errors import NoteTooLong, NulCharacter, QuantityTooLarge, TooManyLines, UnknownDepartment
from gateway.domain.limits import OrderLimits
from gateway.domain.lines import Line
from gateway.domain.order import Order, Policy
from gateway.rest.idempotency import agreed_order_id
from gateway.rest.schemas import LineRequest, OrderRequest, SetMenuRequest
from gateway.rest.set_menu_choices import set_menu_lines


class RequestReader:
    """Reads requests for new orders."""

    def __init__(
        self,
        departments: Collection[str],
        limits: OrderLimits,
        currency: Currency,
        *,
        new_order_id: Callable[[], str],
        wall: Callable[[], float],
    ) -> None:
        """`departments` are the names of those that are configured; `currency` is that of every new order.

        `new_order_id` makes an id for an order whose client sends none; `wall` returns seconds since 1970.
        """
        self.currency = currency
        self._departments = departments
        self._limits = limits
        self._new_order_id = new_order_id
        self._wall = wall

    def now_ms(self) -> int:
        """Return the time of day in milliseconds since 1970."""
        return int(self._wall() * 1000)

    def order(self, request: OrderRequest, key: str | None = None) -> Order:
        """Return the order that a request and its idempotency key ask for; raises FieldNotAllowed."""
        departments, limits = self._departments, self._limits
        if len(request.lines) > limits.lines:
            raise TooManyLines(len(request.lines), limits.lines)
        lines = []
        for number, line in enumerate(request.lines):
            department, item, quantity, note = line.department, line.item, line.quantity, line.note
            if department not in departments:
                raise UnknownDepartment(f"lines[{number}].department", department, departments)
            if quantity > limits.quantity:
                raise QuantityTooLarge(f"lines[{number}].quantity", quantity, limits.quantity)
            if note and len(note) > limits.note:
                raise NoteTooLong(f"lines[{number}].note", note, limits.note)
            if "\0" in item or (note and "\0" in note):
                raise _nul_in_line(number, line)
            lines.append(Line(department, item, quantity, note, line.expected_price, line.allergy))
        if request.table and "\0" in request.table:
            raise NulCharacter("table", request.table)
        return self._new_order(request.order_id, key, request.policy, request.table, lines)

    def set_menu_order(self, request: SetMenuRequest, key: str | None = None) -> Order:
        """Return the order that a set menu's choices ask for.

        Raises UnknownDepartment if one of its three departments is not configured, FieldNotAllowed for the key.
        """
        lines = set_menu_lines(request)
        for line, field in zip(lines, ("drink", "meal", "dessert"), strict=True):
            if line.department not in self._departments:
                raise UnknownDepartment(field, line.department, self._departments)
        return self._new_order(request.order_id, key, Policy.BEST_EFFORT, None, lines)

    def _new_order(
        self, order_id: UUID | None, key: str | None, policy: Policy, table: str | None, lines: list[Line]
    ) -> Order:
        if key is not None:
            order_id = agreed_order_id(key, order_id)
        new_id, now_ms = str(order_id or self._new_order_id()), self.now_ms()
        return Order.new(new_id, policy, table, self.currency, lines, now_ms)


def _nul_in_line(number: int, line: LineRequest) -> NulCharacter:
    """Name the text of a line that holds a NUL character."""
    name, text = ("item", line.item) if "\0" in line.item else ("note", line.note)
    return NulCharacter(f"lines[{number}].{name}", text)
