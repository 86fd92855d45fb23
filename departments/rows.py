"""How a department's tickets, steps and stock are written in rows and read from them, without the restaurant."""

from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

import msgspec

from departments.domain.errors import TicketUnreadable
from departments.domain.steps import Step
from departments.domain.stock import Stock
from departments.domain.tickets import CancelledLine, Outcome, Ticket, TicketLine, TicketSource, TicketState, Verb
from infra.db.database import encode_json

TicketOrUnreadable = Ticket | TicketUnreadable
"""What a row of the tickets table is read as."""


class Taken(NamedTuple):
    """What a ticket takes from the stock: items and quantities of its accepted lines, and of lines cancelled too late.

    `is_wasted`: the whole ticket was cancelled when it was being prepared.
    """

    state: TicketState
    is_wasted: bool
    accepted: Sequence[tuple[str, int]]
    wasted_lines: Sequence[tuple[str, int]]


_STATES = {state.value: state for state in TicketState}
_SOURCES = {source.value: source for source in TicketSource}
"""By their texts: an enum looks a value up in three times the time, and a snapshot has hundreds of tickets."""

_decode = msgspec.json.Decoder(list[TicketLine]).decode
_decode_cancelled = msgspec.json.Decoder(list[CancelledLine]).decode


def row_of_new(ticket: Ticket) -> dict[str, Any]:
    """Return the row of a ticket with which nobody has taken a step."""
    return {
        "order_id": ticket.order_id,
        "placed_for": ticket.table,
        "state": str(ticket.state),  # `value` of an enum's member takes 0.08 µs more
        "lines": encode_json(ticket.lines),
        "placed_at_ms": ticket.placed_at_ms,
        "revision": ticket.revision,
        "epoch": ticket.epoch,
        "source": str(ticket.source),
        "number": ticket.number,
    }


def read_step(row: Sequence[Any]) -> Step:
    """Return the step of a row; raises TicketUnreadable for a value unknown to this version."""
    order_id, step_id, verb, before, after, moved_by, reason, moved_at_ms, revision, line = row
    try:
        known = Verb(verb), TicketState(before), TicketState(after)
    except ValueError as error:
        raise TicketUnreadable(order_id, revision, str(error)) from error
    return Step(order_id, step_id, *known, moved_by, reason, moved_at_ms, revision, line)


def read_ticket(row: Sequence[Any]) -> TicketOrUnreadable:
    """Return the ticket of a row, or an error (not raised) where the row has a value unknown to this version."""
    (
        order_id, table, state, lines, placed_at_ms, revision, epoch, source, moved_by, moved_at_ms, reason,
        withdrawn, wasted, started_at_ms, ready_at_ms, served_at_ms, cancelled_at_ms, number, cancelled_lines,
    ) = row  # fmt: skip
    try:
        known_state, known_lines = _STATES.get(state) or TicketState(state), _decode(lines)
        known_source = _SOURCES.get(source) or TicketSource(source)
        known_cancelled = _decode_cancelled(cancelled_lines) if cancelled_lines else ()
    except ValueError as error:  # msgspec.ValidationError is a ValueError
        return TicketUnreadable(order_id, revision, str(error))
    return Ticket(
        order_id, table, known_state, known_lines, placed_at_ms, revision, epoch, known_source, moved_by, moved_at_ms,
        reason, withdrawn == 1, wasted == 1, started_at_ms, ready_at_ms, served_at_ms, cancelled_at_ms, number,
        known_cancelled,
    )  # fmt: skip


def read_taken(row: Sequence[Any]) -> Taken | None:
    """Return what a ticket takes from the stock.

    The row has state, source, wasted, lines and cancelled_lines. None is for a row that `read_ticket` cannot read.
    """
    state, source, wasted, lines, cancelled_lines = row
    try:
        known_state, accepted = _STATES.get(state) or TicketState(state), _accepted(lines)
        _ = _SOURCES.get(source) or TicketSource(source)
        wasted_lines = _wasted(lines, cancelled_lines) if cancelled_lines else ()
    except ValueError:
        return None
    return Taken(known_state, wasted == 1, accepted, wasted_lines)


@lru_cache(maxsize=4096)
def _accepted(lines: str) -> list[tuple[str, int]]:
    """Return the items and quantities of accepted lines: many tickets of a restaurant have the same lines."""
    return [(line.item, line.quantity) for line in _decode(lines) if line.outcome is Outcome.ACCEPTED]


def _wasted(lines: str, cancelled_lines: str) -> list[tuple[str, int]]:
    """Return the items and quantities of the lines that were cancelled when they were being prepared."""
    of_ticket = _decode(lines)
    wasted = [of_ticket[each.line] for each in _decode_cancelled(cancelled_lines) if each.wasted]
    return [(line.item, line.quantity) for line in wasted]


def tickets_by_order(rows: Iterable[Sequence[Any]]) -> dict[str, TicketOrUnreadable]:
    """Return the tickets of rows, by order id."""
    return {row[0]: read_ticket(row) for row in rows}


def stock_by_item(rows: Iterable[Sequence[Any]]) -> dict[str, Stock]:
    """Return the stock of rows, by item."""
    return {
        item: Stock(item, received, on_hand, held, sold, wasted, bool(off_sale), bool(unlimited), revision)
        for item, received, on_hand, held, sold, wasted, off_sale, unlimited, revision in rows
    }


def stock_rows(stock: Sequence[Stock], revision: int) -> list[dict[str, Any]]:
    """Return the rows of stock that was changed by a batch whose last revision is given."""
    return [
        {
            "item": each.item,
            "received": each.received,
            "on_hand": each.on_hand,
            "held": each.held,
            "sold": each.sold,
            "wasted": each.wasted,
            "off_sale": int(each.off_sale),
            "unlimited": int(each.unlimited),
            "revision": revision,
        }
        for each in stock
    ]
