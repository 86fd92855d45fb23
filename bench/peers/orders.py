"""The REST contract of the FastAPI peers, with pydantic as FastAPI's manual has it."""

from typing import Annotated, Literal
from uuid import uuid4

from pydantic import BaseModel, Field


class LineRequest(BaseModel):
    """One item of one department; a counter sells one at a time."""

    department: Literal["bar", "kitchen", "bakery"]
    item: Annotated[str, Field(min_length=1, max_length=64)]
    quantity: Annotated[int, Field(ge=1, le=1)] = 1
    note: Annotated[str, Field(max_length=200)] = ""


class OrderRequest(BaseModel):
    """An order à la carte."""

    table: Annotated[str, Field(min_length=1, max_length=40)] | None = None
    lines: Annotated[list[LineRequest], Field(min_length=1)]


class LineResponse(BaseModel):
    """A line, and what its counter said: `Delivery!`, or why not."""

    department: str
    item: str
    quantity: int
    note: str
    outcome: str


class OrderResponse(BaseModel):
    """An order as it stands."""

    order_id: str
    table: str | None
    lines: list[LineResponse]


def new_order_id() -> str:
    """Name an order."""
    return str(uuid4())


def answer(order_id: str, order: OrderRequest, outcomes: list[str]) -> OrderResponse:
    """Return the response to an order, with an outcome for each of its lines."""
    lines = [
        LineResponse(
            department=line.department, item=line.item, quantity=line.quantity, note=line.note, outcome=outcome
        )
        for line, outcome in zip(order.lines, outcomes, strict=True)
    ]
    return OrderResponse(order_id=order_id, table=order.table, lines=lines)
