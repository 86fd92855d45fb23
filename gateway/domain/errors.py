"""What the gateway refuses.

GatewayError
├── OrderIdTaken         the order id belongs to another order
├── OrderNotFound        no such order
├── NotCancellable       nothing of the order can be taken back
├── RuleBroken           a field of an order is not allowed
│   ├── UnknownDepartment
│   ├── TooManyLines
│   ├── QuantityTooLarge
│   └── NoteTooLong
├── Overloaded           too many orders are waiting; nothing was written down
└── TakenOver            another gateway looks after the order now
"""

from collections.abc import Collection


class GatewayError(Exception):
    """Anything that this package raises on purpose."""


class OrderIdTaken(GatewayError):
    """The order id is known, with another body."""

    def __init__(self, order_id: str) -> None:
        super().__init__(f"order {order_id} exists with another body; a new order needs an order_id of its own")
        self.order_id = order_id


class OrderNotFound(GatewayError):
    """There is no such order."""

    def __init__(self, order_id: str) -> None:
        super().__init__(f"there is no order {order_id}")
        self.order_id = order_id


class NotCancellable(GatewayError):
    """Nothing of the order can be taken back any more; `states` tells each department's ticket."""

    def __init__(self, order_id: str, reason: str) -> None:
        super().__init__(f"order {order_id} cannot be cancelled: {reason}")
        self.order_id = order_id


class RuleBroken(GatewayError):
    """A field of an order is not allowed."""

    def __init__(self, field: str, value: object, allowed: str) -> None:
        super().__init__(f"{field}: {value!r} is not allowed: {allowed}")
        self.field = field
        self.value = value
        self.allowed = allowed


class UnknownDepartment(RuleBroken):
    """A line names a department that there is not."""

    def __init__(self, field: str, name: str, known: Collection[str]) -> None:
        super().__init__(field, name, f"expected one of {', '.join(sorted(known))}")


class TooManyLines(RuleBroken):
    """An order has more lines than allowed."""

    def __init__(self, count: int, most: int) -> None:
        super().__init__("lines", count, f"expected 1 to {most} lines")


class QuantityTooLarge(RuleBroken):
    """A line asks for more than allowed."""

    def __init__(self, field: str, quantity: int, most: int) -> None:
        super().__init__(field, quantity, f"expected 1 to {most}")


class NoteTooLong(RuleBroken):
    """A line's note is longer than allowed."""

    def __init__(self, field: str, note: str, most: int) -> None:
        super().__init__(field, note if len(note) <= 60 else f"{note[:57]}...", f"expected at most {most} characters")


class Overloaded(GatewayError):
    """Too many orders are waiting for their answer."""

    def __init__(self, most: int) -> None:
        super().__init__(f"{most} orders are waiting for their answer already; this one was not written down")


class TakenOver(GatewayError):
    """Another gateway looks after the order now; nothing was written here."""

    def __init__(self, order_id: str) -> None:
        super().__init__(f"order {order_id} is being looked after by another gateway now; look at it again in a moment")
        self.order_id = order_id
