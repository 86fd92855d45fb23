"""Converts orders to the columns of a batch, and a department's responses to domain types."""

from collections.abc import Callable, Sequence
from functools import partial
from itertools import islice
from typing import TypedDict

from gateway.domain.lines import Line, LineResult, Outcome, TicketResult, TicketState
from gateway.domain.menu import MenuItem, MenuSnapshot
from gateway.domain.order import Order
from gateway.domain.transitions import Goal
from generated.restaurant import v1

TicketColumns = v1.StreamOrdersResponse | v1.PlaceOrdersResponse | v1.TicketBatch

_OUTCOMES = {
    v1.Outcome.from_string(outcome.name): outcome
    for outcome in (
        Outcome.ACCEPTED,
        Outcome.OUT_OF_STOCK,
        Outcome.NOT_ON_MENU,
        Outcome.PRICE_CHANGED,
        Outcome.OFF_SALE,
        Outcome.CANCELLED,
    )
}
_STATES = {
    v1.TicketState.from_string("UNSPECIFIED" if state is TicketState.NONE else state.name): state
    for state in TicketState
}


_new_line: Callable[[tuple[Outcome, int, int]], LineResult] = partial(tuple.__new__, LineResult)
_new_ticket: Callable[[tuple[TicketState, list[LineResult]]], TicketResult] = partial(tuple.__new__, TicketResult)
"""What named tuples do in Python, done in C: 0.12 µs less for each ticket of one line."""


class OrderColumns(TypedDict):
    """A batch of orders in columns: the fields that PlaceOrdersRequest and StreamOrdersRequest have in common."""

    order_ids: list[str]
    tables: list[str]
    holds: list[bool]
    line_counts: list[int]
    items: list[str]
    quantities: list[int]
    notes: list[str]
    expected_prices: list[int]
    numbers: list[int]
    allergies: list[bool]


def order_columns(department: str, goal: Goal, orders: Sequence[Order]) -> OrderColumns:
    """Return the department's shares of the orders in columns; `goal` is PLACE or HOLD."""
    shares = [order.shares[department] for order in orders]
    lines = [line for share in shares for line in share]
    return OrderColumns(
        order_ids=[order.order_id for order in orders],
        tables=[order.table or "" for order in orders],
        holds=[goal is Goal.HOLD] * len(orders),
        line_counts=[len(share) for share in shares],
        items=[line.item for line in lines],
        quantities=[line.quantity for line in lines],
        notes=[line.note for line in lines],
        expected_prices=_expected_prices(lines),
        numbers=[order.number for order in orders],
        allergies=_allergies(lines),
    )


def ticket_results(batch: TicketColumns | None, shares: list[int]) -> list[TicketResult]:
    """Return the tickets of a batch; raises ValueError where its columns do not fit each other or the request.

    `shares`: for each order of the request, the number of its lines at this department.
    """
    if batch is None or len(batch.states) != len(shares):
        raise ValueError(f"the response has {len(batch.states) if batch else 0} tickets for {len(shares)} orders")
    if batch.line_counts != shares:
        _check_line_counts(batch, shares)
    outcomes = map(_OUTCOMES.__getitem__, batch.outcomes)
    lines = map(_new_line, zip(outcomes, batch.available, batch.unit_prices, strict=True))
    results = [
        _new_ticket((_STATES[state], list(islice(lines, count))))
        for state, count in zip(batch.states, batch.line_counts, strict=True)
    ]
    if len(batch.outcomes) != sum(batch.line_counts) or next(lines, None) is not None:
        raise ValueError("the response has another number of lines than its tickets")
    return results


def _check_line_counts(batch: TicketColumns, shares: Sequence[int]) -> None:
    """Raise ValueError for a ticket that has neither its order's lines nor, as a tombstone, none."""
    for state, count, share in zip(batch.states, batch.line_counts, shares, strict=True):
        if count != share and (count or _STATES[state] is not TicketState.CANCELLED):
            raise ValueError(f"a ticket of the response has {count} lines; its order has {share}")


def menu_snapshot(department: str, response: v1.GetMenuResponse) -> MenuSnapshot:
    """Return the menu of a department that responded."""
    items = [
        MenuItem(
            item.id,
            item.titles,
            item.price,
            None if item.unlimited else item.on_hand,
            not item.off_sale,
            item.category,
            item.prep_seconds,
        )
        for item in response.items
    ]
    return MenuSnapshot(department, True, response.titles, items)


def _expected_prices(lines: Sequence[Line]) -> list[int]:
    """Return the column of the prices that clients saw, or an empty column where no line states one, as is usual."""
    for line in lines:
        if line.expected_price is not None:
            return [-1 if each.expected_price is None else each.expected_price for each in lines]
    return []


def _allergies(lines: Sequence[Line]) -> list[bool]:
    """Return the column of the guests' allergies, or an empty column where no line has one, as is usual."""
    allergies = [line.allergy for line in lines]
    return allergies if True in allergies else []
