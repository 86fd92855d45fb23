"""How much guests may order: orders a minute, and open orders, by table and by address. Each gateway counts its own."""

from collections import OrderedDict, deque
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from gateway.domain.access_errors import TooOften
from gateway.domain.order import Order, Status
from gateway.domain.progress import OrderProgress

MOST = 10_000
"""Most tables and addresses that are kept; those that ordered longest ago are forgotten first."""

OPEN_RETRY_SECONDS = 30.0

_DONE = {None, OrderProgress.SERVED, OrderProgress.WITHDRAWN}

T = TypeVar("T")

FindAll = Callable[[Sequence[str]], Awaitable[list[Order]]]


@dataclass(frozen=True, slots=True)
class GuestLimit:
    """Of one table, or of one address, behind which there may be many tables."""

    per_minute: int
    open_orders: int


class GuestLimits:
    """Counts the orders of guests."""

    def __init__(
        self, of_table: GuestLimit, of_address: GuestLimit, find_all: FindAll, monotonic: Callable[[], float]
    ) -> None:
        """`find_all` reads orders by their ids; `monotonic` returns seconds."""
        self._of_table = of_table
        self._of_address = of_address
        self._find_all = find_all
        self._monotonic = monotonic
        self._recent: OrderedDict[tuple[str, str], deque[float]] = OrderedDict()
        self._open: OrderedDict[tuple[str, str], dict[str, None]] = OrderedDict()

    async def admit(self, table: str | None, address: str, order_id: str) -> None:
        """Count an order that a guest is about to place; raises TooOften."""
        limits = [(("address", address), self._of_address)]
        if table is not None:
            limits.append((("table", table), self._of_table))
        for name, limit in limits:
            self._check_minute(name, limit)
            await self._check_open(name, limit, order_id)
        for name, _ in limits:
            _entry(self._recent, name, deque[float]()).append(self._monotonic())
            _entry(self._open, name, dict[str, None]())[order_id] = None

    def _check_minute(self, name: tuple[str, str], limit: GuestLimit) -> None:
        times, now = self._recent.get(name, deque()), self._monotonic()
        while times and times[0] <= now - 60:
            times.popleft()
        if len(times) >= limit.per_minute:
            raise TooOften(f"{limit.per_minute} orders a minute by one {name[0]}", times[0] + 60 - now)

    async def _check_open(self, name: tuple[str, str], limit: GuestLimit, order_id: str) -> None:
        """Read the orders only where there may be too many: most of them have been served meanwhile."""
        placed = self._open.get(name, {})
        if order_id in placed or len(placed) < limit.open_orders:
            return
        found = await self._find_all(list(placed))
        still_open = {order.order_id: None for order in found if _is_open(order)}
        self._open[name] = still_open
        if len(still_open) >= limit.open_orders:
            raise TooOften(f"{limit.open_orders} open orders of one {name[0]}", OPEN_RETRY_SECONDS)


def _is_open(order: Order) -> bool:
    return order.status is Status.PENDING or order.progress not in _DONE


def _entry(entries: "OrderedDict[tuple[str, str], T]", name: tuple[str, str], new: "T") -> "T":
    """Return the entry of a name, which is now the last to be forgotten."""
    entry = entries.setdefault(name, new)
    entries.move_to_end(name)
    if len(entries) > MOST:
        entries.popitem(last=False)
    return entry
