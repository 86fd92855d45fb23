"""Converts pages of changes to messages of WatchChanges, which are encoded once for all watchers."""

import time
from collections.abc import Iterator, Sequence

from departments.domain.changes import ChangePage
from departments.domain.stock import Stock
from departments.domain.tickets import Ticket
from departments.feed import Watcher
from departments.rpc.checks import check_revision
from departments.rpc.convert import menu_response
from departments.rpc.enums import OUTCOMES, SOURCES, STATES
from departments.transactions import StockLevels
from generated.restaurant import v1
from infra.grpc.plain_messages import use_plain_attributes

use_plain_attributes(v1.ChangedTickets, v1.ChangedStock)


class EncodedPage(v1.WatchChangesResponse):
    """A message whose bytes are ready: sending it to one more watcher costs no encoding."""

    def __init__(self, data: bytes) -> None:
        self.__dict__["data"] = data

    def SerializeToString(self) -> bytes:  # noqa: N802 - the name that codecs call
        """Return the bytes."""
        data: bytes = self.__dict__["data"]
        return data


def watcher(request: v1.WatchChangesRequest) -> Watcher:
    """Return a watcher at the requested position; raises InvalidRequest."""
    check_revision("after_revision", request.after_revision)
    return Watcher(request.incarnation, request.after_revision)


def encoded_page(page: ChangePage) -> EncodedPage:
    """Return a page with the department's clock, encoded."""
    message = v1.WatchChangesResponse(
        incarnation=page.incarnation,
        revision=page.revision,
        now_ms=time.time_ns() // 1_000_000,
        reset=page.reset,
        more=page.more,
        waiting_tickets=page.waiting,
    )
    if page.tickets:
        message.tickets = changed_tickets(page.tickets)
    if page.stock:
        message.stock = changed_stock(page.stock)
    if page.menu:
        levels = StockLevels(dict(page.menu.stock), page.revision, page.incarnation)
        message.menu = menu_response(page.menu.menu, levels)
    return EncodedPage(bytes(message))


def changed_tickets(tickets: Sequence[Ticket]) -> v1.ChangedTickets:
    """Return tickets in columns."""
    lines = [line for ticket in tickets for line in ticket.lines]
    cancelled = list(_cancelled_lines(tickets))
    return v1.ChangedTickets(
        order_ids=[ticket.order_id for ticket in tickets],
        numbers=[ticket.number for ticket in tickets],
        tables=[ticket.table for ticket in tickets],
        sources=[SOURCES[ticket.source] for ticket in tickets],
        states=[STATES[ticket.state] for ticket in tickets],
        revisions=[ticket.revision for ticket in tickets],
        placed_at_ms=[ticket.placed_at_ms for ticket in tickets],
        moved_by=[ticket.moved_by for ticket in tickets],
        moved_at_ms=[ticket.moved_at_ms for ticket in tickets],
        cancel_reasons=[ticket.cancel_reason for ticket in tickets],
        wasted=[ticket.wasted for ticket in tickets],
        line_counts=[len(ticket.lines) for ticket in tickets],
        items=[line.item for line in lines],
        quantities=[line.quantity for line in lines],
        notes=[line.note for line in lines],
        outcomes=[OUTCOMES[line.outcome] for line in lines],
        unit_prices=[line.unit_price for line in lines],
        started_at_ms=[ticket.started_at_ms for ticket in tickets],
        ready_at_ms=[ticket.ready_at_ms for ticket in tickets],
        served_at_ms=[ticket.served_at_ms for ticket in tickets],
        cancelled_at_ms=[ticket.cancelled_at_ms for ticket in tickets],
        allergies=[line.allergy for line in lines],
        made=[line.made for line in lines],
        cancelled_lines=[place for place, _ in cancelled],
        line_cancel_reasons=[reason for _, reason in cancelled],
    )


def _cancelled_lines(tickets: Sequence[Ticket]) -> Iterator[tuple[int, str]]:
    """Yield the lines that the staff cancelled, by their places among the lines of all tickets, with the reasons."""
    first = 0
    for ticket in tickets:
        for each in ticket.cancelled_lines:
            yield first + each.line, each.reason
        first += len(ticket.lines)


def changed_stock(stock: Sequence[Stock]) -> v1.ChangedStock:
    """Return stock in columns."""
    return v1.ChangedStock(
        items=[each.item for each in stock],
        received=[each.received for each in stock],
        on_hand=[each.on_hand for each in stock],
        held=[each.held for each in stock],
        sold=[each.sold for each in stock],
        wasted=[each.wasted for each in stock],
        off_sale=[each.off_sale for each in stock],
        unlimited=[each.unlimited for each in stock],
        revisions=[each.revision for each in stock],
    )
