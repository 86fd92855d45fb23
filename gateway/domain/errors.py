"""The errors that the gateway raises on purpose.

GatewayError
├── OrderIdTaken         the order id belongs to another order
├── KeyReused            the idempotency key belongs to another order
├── OrderNotFound        no such order
├── OrderArchived        the order was archived, and its id is not to be had again
├── OrderUnreadable      the order is written in a way that this version cannot read
├── NotCancellable       no line of the order can be cancelled
├── FieldNotAllowed      a field of a request is not allowed
│   ├── BodyUnreadable       the body is not JSON
│   ├── FieldMissing         a field is missing
│   ├── UnknownParameter     a query has a parameter that its route does not have
│   ├── KeyMismatch          the idempotency key and the body name different orders
│   ├── UnknownDepartment    a line names a department that is not configured
│   ├── TooManyLines         an order is longer than allowed
│   ├── QuantityTooLarge     a line asks for more than allowed
│   ├── NoteTooLong          a line's note is longer than allowed
│   └── NulCharacter         a text holds a NUL character, which databases do not store
├── Overloaded           too many orders wait for their response; this one was not stored
├── TooManyStreams       too many clients follow the events
├── BrokenOff            the request that stored the order was cancelled
└── TakenOver            another gateway owns the order now
"""

import json
from collections.abc import Collection

ABSENT = object()
"""The value of an error that has no value to show."""

SHOWN = 60
"""Most characters of a value that a message shows."""


class GatewayError(Exception):
    """Anything that this package raises on purpose."""


class OrderIdTaken(GatewayError):
    """An order with this id exists, and asks for something else."""

    def __init__(self, order_id: str) -> None:
        super().__init__(f"order {order_id} exists with another body; a new order needs an order_id of its own")
        self.order_id = order_id


class KeyReused(GatewayError):
    """An order with this idempotency key exists, and asks for something else."""

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


class OrderArchived(GatewayError):
    """The order was finished long ago and is in an archive; its id names no other order, ever."""

    def __init__(self, order_id: str) -> None:
        super().__init__(f"order {order_id} was archived; a new order needs an order_id, or a key, of its own")
        self.order_id = order_id


class OrderUnreadable(GatewayError):
    """The order's record cannot be read by this version of the gateway; a newer one may read it."""

    def __init__(self, order_id: str, reason: str) -> None:
        super().__init__(f"order {order_id} is written in a way that this version of the gateway cannot read: {reason}")
        self.order_id = order_id
        self.reason = reason


class NotCancellable(GatewayError):
    """No line of the order can be cancelled; `reason` says why."""

    def __init__(self, order_id: str, reason: str) -> None:
        super().__init__(f"order {order_id} cannot be cancelled: {reason}")
        self.order_id = order_id


class FieldNotAllowed(GatewayError):
    """A field of a request is not allowed; `value` is what the request has there, cut short, or ABSENT."""

    def __init__(self, field: str, value: object, allowed: str, message: str | None = None) -> None:
        self.field = field
        self.value = _cut(value)
        self.allowed = allowed
        plain = "this value" if value is ABSENT else self.value if isinstance(value, (list, dict)) else None
        shown = plain or json.dumps(self.value, ensure_ascii=False)
        super().__init__(message or f"{field}: {shown} is not allowed: {allowed}")


class BodyUnreadable(FieldNotAllowed):
    """The body is not JSON."""

    def __init__(self, reason: str, allowed: str = "expected JSON in UTF-8") -> None:
        super().__init__("body", ABSENT, allowed, f"body: {reason}: {allowed}")


class FieldMissing(FieldNotAllowed):
    """A field is missing."""

    def __init__(self, field: str, allowed: str) -> None:
        super().__init__(field, ABSENT, allowed, f"{field} is missing: {allowed}")


class UnknownParameter(FieldNotAllowed):
    """A query has a parameter that its route does not have."""

    def __init__(self, name: str, value: str, known: Collection[str]) -> None:
        allowed = f"expected one of {', '.join(sorted(known))}" if known else "expected no query"
        super().__init__(name[:SHOWN], value, allowed, f"{name[:SHOWN]} is not a parameter of this query: {allowed}")


class KeyMismatch(FieldNotAllowed):
    """The idempotency key names one order and the body's order_id another."""

    def __init__(self, header: str, key: str, meant: str, order_id: str) -> None:
        allowed = f"expected {order_id}, as the body's order_id, or only one of the two"
        super().__init__(header, key, allowed, f"{header} names order {meant}, and order_id is {order_id}: {allowed}")


class UnknownDepartment(FieldNotAllowed):
    """A line names a department that is not configured."""

    def __init__(self, field: str, name: str, known: Collection[str]) -> None:
        super().__init__(field, name, f"expected one of {', '.join(sorted(known))}")


class TooManyLines(FieldNotAllowed):
    """An order has more lines than allowed."""

    def __init__(self, count: int, most: int) -> None:
        super().__init__("lines", count, f"expected 1 to {most} lines")


class QuantityTooLarge(FieldNotAllowed):
    """A line asks for more than allowed."""

    def __init__(self, field: str, quantity: int, most: int) -> None:
        super().__init__(field, quantity, f"expected 1 to {most}")


class NoteTooLong(FieldNotAllowed):
    """A line's note is longer than allowed."""

    def __init__(self, field: str, note: str, most: int) -> None:
        super().__init__(field, note, f"expected at most {most} characters")


class NulCharacter(FieldNotAllowed):
    """A text holds a NUL character, which databases do not store."""

    def __init__(self, field: str, text: str) -> None:
        super().__init__(field, text, "expected text without NUL characters")


class Overloaded(GatewayError):
    """Too many orders wait for their response."""

    def __init__(self, most: int) -> None:
        super().__init__(f"{most} orders are waiting for their response already; this one was not stored")


class TooManyStreams(GatewayError):
    """Too many clients follow the events."""

    def __init__(self, most: int) -> None:
        super().__init__(f"{most} clients follow the events already; orders are not affected")


class BrokenOff(GatewayError):
    """The request that was storing an order was cancelled; whether the order was stored is not known."""

    def __init__(self, order_id: str) -> None:
        super().__init__(
            f"order {order_id}: the first request with this id was cancelled, and whether the order was stored "
            "is not known; send it again"
        )
        self.order_id = order_id


class TakenOver(GatewayError):
    """Another gateway owns the order now; this one has stored nothing."""

    def __init__(self, order_id: str) -> None:
        super().__init__(f"another gateway owns order {order_id} now; send the request again in a moment")
        self.order_id = order_id


def _cut(value: object) -> object:
    """Return what a message shows of a value."""
    if isinstance(value, (list, dict)):
        return "[...]" if isinstance(value, list) else "{...}"
    text = str(value)
    return value if len(text) <= SHOWN else f"{text[: SHOWN - 3]}..."
