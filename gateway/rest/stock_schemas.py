"""The REST contract of `/stock`: changes, sales, and lists of both."""

from collections.abc import Sequence
from typing import Annotated

import msgspec
from msgspec import Meta

from gateway.domain.errors import FieldMissing, FieldNotAllowed
from gateway.domain.staff import ChangeReason, StockHistory, StockOrder
from gateway.domain.tickets import LiveStock
from gateway.rest.staff_schemas import StockChangeResponse, StockResponse, stock_change_response, stock_response
from gateway.rest.texts import refuse_nul

MOST = 1_000_000_000

DELTAS = {ChangeReason.DELIVERY: (1, MOST), ChangeReason.WASTE: (-MOST, -1), ChangeReason.CORRECTION: (-MOST, MOST)}
"""The least and the greatest delta for each reason that has one."""

ChangedBy = Annotated[str, Meta(max_length=64, description="Who of the staff does it.")]


class StockChangeRequest(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """A change of an item's stock: by `delta`, or, where the reason is `count`, to `count`, with `expected`."""

    reason: ChangeReason
    change_id: Annotated[
        str,
        Meta(
            min_length=1,
            max_length=64,
            description="Identifies the change, best as a UUID: the same change sent again is made once.",
        ),
    ]
    delta: (
        Annotated[
            int,
            Meta(
                ge=-MOST,
                le=MOST,
                description="How many come (delivery: positive) or go (waste: negative); a correction may be either.",
            ),
        ]
        | None
    ) = None
    count: Annotated[int, Meta(ge=0, le=MOST, description="How many were counted on hand.")] | None = None
    expected: (
        Annotated[
            int,
            Meta(
                ge=0,
                le=MOST,
                description="How many were believed to be on hand before counting. Where it is another number by now: "
                "409 with the stock.",
            ),
        ]
        | None
    ) = None
    changed_by: ChangedBy = ""


class SaleRequest(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """Whether an item is on sale."""

    on_sale: bool
    changed_by: ChangedBy = ""


class StockList(msgspec.Struct, kw_only=True):
    """The stock of every item."""

    stock: list[StockResponse]
    unreachable: Annotated[
        list[str],
        Meta(description="Departments that cannot be reached: their stock is as it was when they last could."),
    ]


class StockChangePage(msgspec.Struct, kw_only=True):
    """A page of the changes of an item's stock, the newest first."""

    changes: list[StockChangeResponse]
    next: Annotated[str, Meta(description="Cursor of the next page.")] | None


def stock_order(item: str, request: StockChangeRequest) -> StockOrder:
    """Return the change that a request asks for; raises FieldNotAllowed."""
    is_count = request.reason is ChangeReason.COUNT
    for name, value in (("delta", request.delta), ("count", request.count), ("expected", request.expected)):
        if is_count is (name == "delta"):
            if value is not None:
                raise FieldNotAllowed(name, value, f"expected no {name} with {request.reason}")
        elif value is None:
            raise FieldMissing(name, f"expected a whole number with {request.reason}")
    if request.delta is not None:
        least, most = DELTAS[request.reason]
        if not least <= request.delta <= most or request.delta == 0:
            rule = f"expected {least} to {most}{'' if least > 0 or most < 0 else ', and not 0'}"
            raise FieldNotAllowed("delta", request.delta, f"{rule} with {request.reason}")
    refuse_nul(change_id=request.change_id, changed_by=request.changed_by)
    return StockOrder(
        item,
        request.change_id,
        request.reason,
        request.delta or 0,
        request.count or 0,
        request.expected or 0,
        request.changed_by,
    )


def stock_list(stock: Sequence[LiveStock], unreachable: list[str]) -> StockList:
    """Return the stock of items as the body of a response."""
    return StockList(stock=list(map(stock_response, stock)), unreachable=unreachable)


def stock_change_page(history: StockHistory) -> StockChangePage:
    """Return a page of changes as the body of a response."""
    return StockChangePage(
        changes=list(map(stock_change_response, history.changes)), next=str(history.next) if history.next else None
    )
