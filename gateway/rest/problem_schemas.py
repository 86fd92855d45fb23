"""A problem (RFC 9457), the body of every response that reports an error."""

import msgspec
from msgspec import UNSET, UnsetType

from gateway.rest.schemas import OrderResponse
from gateway.rest.staff_schemas import StockChangeResponse, StockResponse, TicketResponse

Scalar = str | float | bool | None
"""No `int`: a whole number would then match two schemas of the description's `oneOf`, which allows one."""


class Problem(msgspec.Struct, kw_only=True, omit_defaults=True):
    """A problem (RFC 9457): `field`, `value` and `allowed` say what a request has wrong; `order` is a refused order.

    `ticket` and `stock` are what the staff's request did not fit, as they are now; `last_change` is the last one that
    the staff made to the stock.
    """

    type: str = "about:blank"
    title: str
    status: int
    detail: str
    field: str | None = None
    value: Scalar | UnsetType = UNSET
    allowed: str | None = None
    order_id: str | None = None
    order: OrderResponse | None = None
    ticket: TicketResponse | None = None
    stock: StockResponse | None = None
    last_change: StockChangeResponse | None = None
