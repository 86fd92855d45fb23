"""How a department's tickets, steps and stock are written in rows and read from them, without the restaurant."""

from collections.abc import Iterable, Sequence
from typing import Any

import msgspec

from departments.domain.errors import TicketUnreadable
from departments.domain.steps import Step
from departments.domain.stock import Stock
from departments.domain.tickets import Ticket, TicketLine, TicketSource, TicketState, Verb
from infra.db.database import encode_json

TicketOrUnreadable = Ticket | TicketUnreadable
"""What a row of the tickets table is read as."""

_decode = msgspec.json.Decoder(list[TicketLine]).decode


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


def read_step(row: Any) -> Step:
    """Return the step of a row; raises TicketUnreadable for a value unknown to this version."""
    try:
        enums = {"verb": Verb(row.verb), "before": TicketState(row.before), "after": TicketState(row.after)}
    except ValueError as error:
        raise TicketUnreadable(row.order_id, row.revision, str(error)) from error
    return Step(**{**row._mapping, **enums})


def read_ticket(row: Sequence[Any]) -> TicketOrUnreadable:
    """Return the ticket of a row, or an error (not raised) where the row has a value unknown to this version."""
    order_id, table, state, lines, placed_at_ms, revision, epoch, source, moved_by, moved_at_ms, reason, *rest = row
    withdrawn, wasted, *times_and_number = rest
    try:
        known = TicketState(state), _decode(lines), placed_at_ms, revision, epoch, TicketSource(source)
    except ValueError as error:  # msgspec.ValidationError is a ValueError
        return TicketUnreadable(order_id, revision, str(error))
    flags = bool(withdrawn), bool(wasted)
    return Ticket(order_id, table, *known, moved_by, moved_at_ms, reason, *flags, *times_and_number)


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
