"""Orders as the gateway's domain has them, made of lines such as `bar coffee 2`."""

import uuid

from gateway.domain.currencies import Currency
from gateway.domain.lines import Line
from gateway.domain.order import Order, Policy

NOON_MS = 1_750_000_000_000
EUR = Currency("EUR")


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
