"""What the gateway refuses.

GatewayError
├── OrderIdTaken         the order id belongs to another order
├── KeyReused            the idempotency key belongs to another order
├── OrderNotFound        no such order
├── OrderUnreadable      the order is written in a way that this version cannot read
├── NotCancellable       nothing of the order can be cancelled any more
├── RuleBroken           a field of a request is not allowed
│   ├── BodyUnreadable       the body is not JSON
│   ├── FieldMissing         a field is not there
│   ├── UnknownParameter     a query has a parameter that its route does not take
│   ├── KeyMismatch          the idempotency key and the body name two orders
│   ├── UnknownDepartment    a line names a department that there is not
│   ├── TooManyLines         an order is longer than allowed
│   ├── QuantityTooLarge     a line asks for more than allowed
│   ├── NoteTooLong          a line's note is longer than allowed
│   └── NulCharacter         a text holds the one character that no database keeps
├── Overloaded           too many orders are waiting; nothing was written down
├── BrokenOff            the request that wrote the order down ended before it was done
└── TakenOver            another gateway owns the order now
"""

import json
from collections.abc import Collection

ABSENT = object()
"""Stands where there is no value to show."""

SHOWN = 60
"""Characters of a value that a message shows."""


class GatewayError(Exception):
    """Anything that this package raises on purpose."""


class OrderIdTaken(GatewayError):
    """The order id is known, with another body."""

    def __init__(self, order_id: str) -> None:
        super().__init__(f"order {order_id} exists with another body; a new order needs an order_id of its own")
        self.order_id = order_id


class KeyReused(GatewayError):
    """The idempotency key was used before, with another body."""

    def __init__(self, order_id: str) -> None:
        super().__init__(
            f"the Idempotency-Key names order {order_id}, which has another body; a new order needs a key of its own"
        )
        self.order_id = order_id


class OrderNotFound(GatewayError):
    """There is no such order."""

    def __init__(self, order_id: str) -> None:
        super().__init__(f"there is no order {order_id}")
        self.order_id = order_id


class OrderUnreadable(GatewayError):
    """The order's record holds what this version does not know; a newer version may read it."""

    def __init__(self, order_id: str, reason: str) -> None:
        super().__init__(f"order {order_id} is written in a way that this version of the gateway cannot read: {reason}")
        self.order_id = order_id
        self.reason = reason


class NotCancellable(GatewayError):
    """Nothing of the order can be cancelled any more."""

    def __init__(self, order_id: str, reason: str) -> None:
        super().__init__(f"order {order_id} cannot be cancelled: {reason}")
        self.order_id = order_id


class RuleBroken(GatewayError):
    """A field of a request is not allowed; `value` is what stood there, cut short, or ABSENT."""

    def __init__(self, field: str, value: object, allowed: str, message: str | None = None) -> None:
        self.field = field
        self.value = _cut(value)
        self.allowed = allowed
        plain = "this value" if value is ABSENT else self.value if isinstance(value, (list, dict)) else None
        shown = plain or json.dumps(self.value, ensure_ascii=False)
        super().__init__(message or f"{field}: {shown} is not allowed: {allowed}")


class BodyUnreadable(RuleBroken):
    """The body is not JSON."""

    def __init__(self, reason: str, allowed: str = "expected JSON in UTF-8") -> None:
        super().__init__("body", ABSENT, allowed, f"body: {reason}: {allowed}")


class FieldMissing(RuleBroken):
    """A field is not there."""

    def __init__(self, field: str, allowed: str) -> None:
        super().__init__(field, ABSENT, allowed, f"{field} is missing: {allowed}")


class UnknownParameter(RuleBroken):
    """A query has a parameter that its route does not take."""

    def __init__(self, name: str, value: str, known: Collection[str]) -> None:
        allowed = f"expected one of {', '.join(sorted(known))}" if known else "expected no query"
        super().__init__(name[:SHOWN], value, allowed, f"{name[:SHOWN]} is not a parameter of this query: {allowed}")


class KeyMismatch(RuleBroken):
    """The idempotency key stands for one order and the body's order_id for another."""

    def __init__(self, header: str, key: str, meant: str, order_id: str) -> None:
        allowed = f"expected {order_id}, as the body's order_id, or only one of the two"
        super().__init__(
            header, key, allowed, f"{header} stands for order {meant}, and order_id is {order_id}: {allowed}"
        )


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
        super().__init__(field, note, f"expected at most {most} characters")


class NulCharacter(RuleBroken):
    """A text holds the one character that no database keeps."""

    def __init__(self, field: str, text: str) -> None:
        super().__init__(field, text, "expected text without NUL characters")


class Overloaded(GatewayError):
    """Too many orders are waiting for their response."""

    def __init__(self, most: int) -> None:
        super().__init__(f"{most} orders are waiting for their response already; this one was not written down")


class BrokenOff(GatewayError):
    """The request that was writing an order down ended; whether it was written is not known."""

    def __init__(self, order_id: str) -> None:
        super().__init__(
            f"order {order_id}: the first request with this id was broken off, and whether the order was written down "
            "is not known; send it again"
        )
        self.order_id = order_id


class TakenOver(GatewayError):
    """Another gateway owns the order now; nothing was written here."""

    def __init__(self, order_id: str) -> None:
        super().__init__(f"order {order_id} is owned by another gateway now; ask for it again in a moment")
        self.order_id = order_id


def _cut(value: object) -> object:
    """Cut a value to what a message shows."""
    if isinstance(value, (list, dict)):
        return "[...]" if isinstance(value, list) else "{...}"
    text = str(value)
    return value if len(text) <= SHOWN else f"{text[: SHOWN - 3]}..."
