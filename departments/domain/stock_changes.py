"""The staff's changes of the stock: the request (`StockOrder`), the record (`StockChange`), and the rules."""

from dataclasses import dataclass
from enum import StrEnum

from departments.domain.errors import StockConflict, StockTooLow, StockUnlimited
from departments.domain.stock import Stock


class ChangeReason(StrEnum):
    """Why an item's stock was changed."""

    DELIVERY = "delivery"
    COUNT = "count"
    WASTE = "waste"
    CORRECTION = "correction"
    OFF_SALE = "off_sale"
    ON_SALE = "on_sale"


OF_SALE = frozenset({ChangeReason.OFF_SALE, ChangeReason.ON_SALE})
"""The reasons that change no quantity. They are on record only: nobody asks for a change with them."""

RECEIVED = frozenset({ChangeReason.DELIVERY, ChangeReason.COUNT, ChangeReason.CORRECTION})
"""The reasons whose delta goes to what was received and is on hand. That of waste goes from on hand to wasted."""


MENU_FILE = "menu file"
"""Who changed the stock where the menu file did."""


@dataclass(frozen=True, slots=True)
class StockOrder:
    """A request of the staff to change an item's stock once; `change_id` recognises a repeated request.

    `delta` is positive for a delivery, negative for waste, and 0 for a count, which alone has `count` (how many are on
    hand) and `expected` (how many the caller believed).
    """

    item: str
    change_id: str
    reason: ChangeReason
    delta: int = 0
    count: int = 0
    expected: int = 0
    changed_by: str = ""

    @property
    def change(self) -> int:
        """By how much the quantity on hand changes."""
        return self.count - self.expected if self.reason is ChangeReason.COUNT else self.delta


@dataclass(frozen=True, slots=True)
class StockChange:
    """The record of a change: by how much the quantity on hand changed, and what it was after it.

    Waste of an unlimited item has its delta, too, and leaves the quantity on hand at 0.
    """

    change_id: str
    item: str
    reason: ChangeReason
    delta: int
    on_hand: int
    changed_by: str
    changed_at_ms: int
    revision: int

    def repeats(self, order: StockOrder) -> bool:
        """Return whether the request asks for this change again."""
        is_same = (self.item, self.reason, self.delta) == (order.item, order.reason, order.change)
        return is_same and (order.reason is not ChangeReason.COUNT or self.on_hand == order.count)


@dataclass(frozen=True, slots=True)
class StockHistory:
    """A page of the changes, the newest first; `next` is the revision of the last where more follow, or else 0."""

    changes: list[StockChange]
    next: int


def change_stock(stock: Stock, order: StockOrder, now_ms: int, revision: int) -> StockChange:
    """Change an item's stock, and return the record of the change.

    Raises StockConflict where a count expects another figure on hand, StockTooLow where less is on hand than the change
    takes, StockUnlimited where the item has no figure. A refused change leaves the stock as it is.
    """
    is_waste = order.reason is ChangeReason.WASTE
    if stock.unlimited and not is_waste:
        raise StockUnlimited(stock.item, order.reason)
    if order.reason is ChangeReason.COUNT and stock.on_hand != order.expected:
        raise StockConflict(stock.item, stock.on_hand, order.expected)
    if stock.on_hand + order.change < 0 and not stock.unlimited:
        raise StockTooLow(stock.item, stock.on_hand, order.reason, order.change)
    if is_waste:
        stock.discard(-order.change)
    else:
        stock.receive(order.change)
    stock.revision = revision
    return _record(stock, order.change_id, order.reason, order.change, order.changed_by, now_ms)


def set_on_sale(
    stock: Stock, change_id: str, changed_by: str, now_ms: int, revision: int, *, on_sale: bool
) -> StockChange | None:
    """Take an item off sale or put it back, and return the record; None, and no change, where it is so already."""
    if stock.off_sale is not on_sale:
        return None
    stock.off_sale = not on_sale
    stock.revision = revision
    reason = ChangeReason.ON_SALE if on_sale else ChangeReason.OFF_SALE
    return _record(stock, change_id, reason, 0, changed_by, now_ms)


def opening(
    item: str, quantity: int, change_id: str, now_ms: int, revision: int, *, unlimited: bool
) -> tuple[Stock, StockChange]:
    """Return the stock of an item that is new to the department, and the record: a delivery by the menu file."""
    stock = Stock(item, quantity, quantity, 0, 0, unlimited=unlimited, revision=revision)
    return stock, _record(stock, change_id, ChangeReason.DELIVERY, quantity, MENU_FILE, now_ms)


def set_unlimited(
    stock: Stock, quantity: int, change_id: str, now_ms: int, revision: int, *, unlimited: bool
) -> StockChange:
    """Give an item a quantity on hand, or take its figure away, as the menu file now says; return the record."""
    delta = -stock.on_hand if unlimited else quantity
    stock.receive(delta)
    stock.unlimited = unlimited
    stock.revision = revision
    return _record(stock, change_id, ChangeReason.CORRECTION, delta, MENU_FILE, now_ms)


def _record(
    stock: Stock, change_id: str, reason: ChangeReason, delta: int, changed_by: str, now_ms: int
) -> StockChange:
    return StockChange(change_id, stock.item, reason, delta, stock.on_hand, changed_by, now_ms, stock.revision)
