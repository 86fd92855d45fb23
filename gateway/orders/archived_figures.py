"""What reports need of orders that were archived, added up by hours of the restaurant.

Sales and counts are exact. Times are kept in steps of `STEP_SECONDS`, so that a percentile over archived orders is at
most half a step off. An hour is named by the quarter with which it begins, counted from 1970.
"""

from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import datetime
from enum import StrEnum
from typing import Any

import msgspec
import sqlalchemy as sa

from gateway.domain.accuracy import Measured
from gateway.domain.days import Calendar
from gateway.domain.lines import Outcome
from gateway.domain.order import Order, Status
from gateway.domain.preparation import Prepared
from gateway.domain.sales import QUARTER_MS, Sold
from gateway.orders.tables import archived_figures, own
from infra.db.database import encode_json, insert_into, tenant

STEP_SECONDS = 10


class FigureKind(StrEnum):
    """What a figure is for. In brackets, the elements of its subject."""

    SOLD = "sold"
    """[currency, department, item]: how many were sold, and for how much."""
    STATUS = "status"
    """[status]: how many orders."""
    MEASURED = "measured"
    """[department, seconds quoted, seconds taken]: how many shares of orders became ready."""
    PREPARED = "prepared"
    """[department, items, seconds]: how many shares of orders were prepared."""


Key = tuple[FigureKind, int, str]
_decode = msgspec.json.decode


def add(connection: sa.Connection, orders: Iterable[Order], calendar: Calendar) -> None:
    """Add the figures of orders that are being archived, which have their tickets."""
    quantities, totals = Counter[Key](), Counter[Key]()
    for order in orders:
        hour = _hour(order.created_at_ms, calendar)
        for kind, subject, quantity, total in _figures(order):
            key = (kind, hour, encode_json(subject))
            quantities[key] += quantity
            totals[key] += total
    insert = insert_into(connection.dialect, archived_figures)
    for key in sorted(quantities):
        kind, hour, subject_text = key
        row = insert.values(
            restaurant=tenant(connection),
            kind=kind.value,
            quarter=hour,
            subject=subject_text,
            quantity=quantities[key],
            total=totals[key],
        )
        more = {name: archived_figures.c[name] + row.excluded[name] for name in ("quantity", "total")}
        connection.execute(
            row.on_conflict_do_update(index_elements=list(archived_figures.primary_key.columns), set_=more)
        )


def sold(connection: sa.Connection, from_ms: int, to_ms: int | None) -> list[Sold]:
    """Return what was sold in the hours of a range."""
    found: list[Sold] = []
    for quarter, subject, quantity, total in _read(connection, FigureKind.SOLD, from_ms, to_ms):
        currency, department, item = _decode(subject)
        found.append(Sold(quarter, currency, department, item, quantity, total))
    return found


def statuses(connection: sa.Connection, from_ms: int, to_ms: int | None) -> Counter[Status]:
    """Return how many orders of a range have which status."""
    counts = Counter[Status]()
    for _, subject, quantity, _ in _read(connection, FigureKind.STATUS, from_ms, to_ms):
        counts[Status(_decode(subject)[0])] += quantity
    return counts


def measured(connection: sa.Connection, from_ms: int, to_ms: int | None) -> list[Measured]:
    """Return the shares of a range that became ready, each as often as there were such."""
    found: list[Measured] = []
    for _, subject, quantity, _ in _read(connection, FigureKind.MEASURED, from_ms, to_ms):
        found += [Measured(*_decode(subject))] * quantity
    return found


def prepared(connection: sa.Connection, from_ms: int, to_ms: int | None) -> list[Prepared]:
    """Return the shares of a range that were prepared, each as often as there were such."""
    found: list[Prepared] = []
    for _, subject, quantity, _ in _read(connection, FigureKind.PREPARED, from_ms, to_ms):
        found += [Prepared(*_decode(subject))] * quantity
    return found


def _read(
    connection: sa.Connection, kind: FigureKind, from_ms: int, to_ms: int | None
) -> "Iterator[tuple[int, str, int, int]]":
    columns = archived_figures.c
    query = sa.select(columns.quarter, columns.subject, columns.quantity, columns.total)
    query = query.where(own(connection, archived_figures), columns.kind == kind.value)
    query = query.where(columns.quarter * QUARTER_MS >= from_ms)
    if to_ms is not None:
        query = query.where(columns.quarter * QUARTER_MS < to_ms)
    return map(tuple, connection.execute(query))


def _figures(order: Order) -> Iterator[tuple[FigureKind, list[Any], int, int]]:
    """Yield what reports take of an order, each with quantity and total; the reports' own reads do the same."""
    yield FigureKind.STATUS, [order.status.value], 1, 0
    for line in order.lines:
        if line.outcome is Outcome.ACCEPTED:
            subject = [order.currency.code, line.department, line.item]
            yield FigureKind.SOLD, subject, line.quantity, line.quantity * (line.unit_price or 0)
    for department, (wait, preparing) in order.quotes.items():
        ticket = order.tickets.get(department)
        if ticket is not None and ticket.ready_at_ms:
            took = (ticket.ready_at_ms - order.created_at_ms) / 1000
            yield FigureKind.MEASURED, [department, _step(wait + preparing), _step(took)], 1, 0
    for department, ticket in order.tickets.items():
        if ticket.started_at_ms and ticket.ready_at_ms:
            share = order.shares.get(department, ())
            items = sorted({line.item for line in share if line.outcome is Outcome.ACCEPTED})
            seconds = (ticket.ready_at_ms - ticket.started_at_ms) / 1000
            yield FigureKind.PREPARED, [department, items, _step(seconds)], 1, 0


def _step(seconds: float) -> int:
    return round(seconds / STEP_SECONDS) * STEP_SECONDS


def _hour(at_ms: int, calendar: Calendar) -> int:
    """Return the quarter with which the hour of a moment begins at the restaurant."""
    begins = datetime.fromtimestamp(at_ms / 1000, calendar.zone).replace(minute=0, second=0, microsecond=0)
    return round(begins.timestamp() * 1000) // QUARTER_MS
