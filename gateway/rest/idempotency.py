"""`Idempotency-Key`: the order id that a client's key stands for.

The header is that of draft-ietf-httpapi-idempotency-key-header: a structured field whose value is a string, in
quotation marks. A bare token is accepted as well, because many clients send one.

A key is turned into an order id and is stored nowhere else. Journal and departments already recognise a repeated order
by its id, durably and in every gateway, so a key needs no table, no expiry and no lookup of its own. A key that is a
UUID is the order id itself. Any other key gets the UUID (version 5) of its text, which every gateway computes alike,
before and after a restart.
"""

import re
from collections.abc import Awaitable
from uuid import UUID, uuid5

from gateway.domain.errors import FieldNotAllowed, KeyMismatch, KeyReused, OrderIdTaken
from gateway.domain.order import Order
from gateway.orders.service import OrderService

HEADER = "Idempotency-Key"

LONGEST = 255
"""Most characters in a key."""

NAMESPACE = UUID("5a1f0e1c-3a55-5f0b-9a0c-7c1d8e6b2f44")
"""Never change this: a key that a client sends again after an upgrade would then place a second order."""

PATTERN = rf"""^("([ !#-\[\]-~]|\\["\\]){{1,{LONGEST}}}"|[!#$%&'*+.^_`|~0-9A-Za-z:/-]{{1,{LONGEST}}})$"""

ALLOWED = f"expected one text in quotation marks, or a token, of 1 to {LONGEST} characters"

_is_key = re.compile(PATTERN).fullmatch
_is_uuid = re.compile(r"[0-9a-fA-F]{8}-?[0-9a-fA-F]{4}-?[0-9a-fA-F]{4}-?[0-9a-fA-F]{4}-?[0-9a-fA-F]{12}").fullmatch
_unescaped = re.compile(r'\\(["\\])').sub


def agreed_order_id(header: str, order_id: UUID | None) -> UUID:
    """Return the order id of a key; `order_id` is the body's, if it has one.

    Raises FieldNotAllowed for a malformed key, KeyMismatch if the body has another order id.
    """
    if not _is_key(header):
        raise FieldNotAllowed(HEADER, header, ALLOWED)
    key = _unescaped(r"\1", header[1:-1]) if header.startswith('"') else header
    found = UUID(key) if _is_uuid(key) else uuid5(NAMESPACE, key)
    if order_id is not None and order_id != found:
        raise KeyMismatch(HEADER, key, str(found), str(order_id))
    return found


def place(service: OrderService, order: Order, key: str | None) -> Awaitable[Order]:
    """Place an order that has an idempotency key, or none.

    Raises OrderIdTaken if there is no key, KeyReused if there is one; Overloaded, DatabaseError.
    """
    placing = service.place(order)
    return placing if key is None else _name_key(placing)


async def _name_key(placing: Awaitable[Order]) -> Order:
    """Await a placing; raise KeyReused in place of OrderIdTaken, because the client sent a key and no order id."""
    try:
        return await placing
    except OrderIdTaken as error:
        raise KeyReused(error.order_id) from error
