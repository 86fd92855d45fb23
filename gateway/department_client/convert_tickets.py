"""Converts what a department's watch sends, columns of tickets and stock and menus, to the gateway's live states."""

from collections.abc import Sequence
from itertools import islice, repeat
from typing import TypeVar

from gateway.domain.lines import Outcome, TicketState
from gateway.domain.tickets import ChangePage, LiveItem, LiveLine, LiveMenu, LiveStock, LiveTicket
from generated.restaurant import v1

T = TypeVar("T")

OUTCOMES = {
    int(v1.Outcome.from_string(outcome.name)): outcome
    for outcome in (
        Outcome.ACCEPTED,
        Outcome.OUT_OF_STOCK,
        Outcome.NOT_ON_MENU,
        Outcome.CANCELLED,
        Outcome.PRICE_CHANGED,
        Outcome.OFF_SALE,
    )
}
STATES = {
    int(v1.TicketState.from_string("UNSPECIFIED" if state is TicketState.NONE else state.name)): state
    for state in TicketState
}


def change_page(department: str, response: v1.WatchChangesResponse) -> ChangePage:
    """Return a page of a watch; raises ValueError where its columns do not fit each other, or name unknown values."""
    return ChangePage(
        department=department,
        incarnation=response.incarnation,
        revision=response.revision,
        now_ms=response.now_ms,
        reset=response.reset,
        more=response.more,
        tickets=_tickets(department, response.tickets) if response.tickets is not None else (),
        stock=_stock(department, response.stock) if response.stock is not None else (),
        menu=_menu(department, response.menu) if response.menu is not None else None,
        waiting=response.waiting_tickets,
    )


def _tickets(department: str, columns: v1.ChangedTickets) -> Sequence[LiveTicket]:
    """Return the tickets of a page. Columns go to `map`, in C: a loop with names takes a ticket twice the time."""
    lines = iter(_lines(columns))
    counter = v1.TicketSource.COUNTER
    of_tickets = (
        columns.order_ids,
        columns.numbers,
        columns.tables,
        ["counter" if source == counter else "gateway" for source in columns.sources],
        all_known(STATES, columns.states, "ticket state"),
        columns.revisions,
        columns.placed_at_ms,
        columns.started_at_ms,
        columns.ready_at_ms,
        columns.served_at_ms,
        columns.cancelled_at_ms,
        columns.moved_by,
        columns.moved_at_ms,
        columns.cancel_reasons,
        columns.wasted,
        [list(islice(lines, count)) for count in columns.line_counts],
    )
    _check_lengths("tickets", of_tickets)
    if sum(columns.line_counts) != len(columns.items):
        raise ValueError(f"the tickets have {sum(columns.line_counts)} lines, and their columns {len(columns.items)}")
    return list(map(LiveTicket, repeat(department), *of_tickets))


def _lines(columns: v1.ChangedTickets) -> list[LiveLine]:
    of_lines = (
        columns.items,
        columns.quantities,
        columns.notes,
        columns.allergies,
        columns.made,
        all_known(OUTCOMES, columns.outcomes, "outcome"),
        columns.unit_prices,
    )
    _check_lengths("lines", of_lines)
    lines = list(map(LiveLine, *of_lines))
    for place, reason in zip(columns.cancelled_lines, columns.line_cancel_reasons, strict=True):
        if place >= len(lines):
            raise ValueError(f"line {place} is cancelled, and there are {len(lines)}")
        lines[place].cancel_reason = reason
    return lines


def _stock(department: str, columns: v1.ChangedStock) -> Sequence[LiveStock]:
    return [
        LiveStock(department, item, received, on_hand, held, sold, wasted, not is_off, is_unlimited, revision)
        for item, received, on_hand, held, sold, wasted, is_off, is_unlimited, revision in zip(
            columns.items,
            columns.received,
            columns.on_hand,
            columns.held,
            columns.sold,
            columns.wasted,
            columns.off_sale,
            columns.unlimited,
            columns.revisions,
            strict=True,
        )
    ]


def _menu(department: str, menu: v1.GetMenuResponse) -> LiveMenu:
    items = [LiveItem(item.id, item.titles, item.price, item.category, item.prep_seconds) for item in menu.items]
    return LiveMenu(department, menu.titles, items, menu.late_seconds, menu.very_late_seconds)


def all_known(values: dict[int, T], numbers: Sequence[int], what: str) -> list[T]:
    """Return the values that the numbers of a column stand for; raises ValueError."""
    try:
        return [values[number] for number in numbers]
    except KeyError:
        return [known(values, number, what) for number in numbers]


def _check_lengths(what: str, columns: Sequence[Sequence[object]]) -> None:
    """Raise ValueError unless columns have one entry for each of what they are about."""
    lengths = {len(column) for column in columns}
    if len(lengths) > 1:
        raise ValueError(f"the columns of the {what} have different lengths: {sorted(lengths)}")


def known(values: dict[int, T], number: int, what: str) -> T:
    """Return the value that a number of the contract stands for; raises ValueError."""
    if number not in values:
        raise ValueError(f"this version does not know the {what} {number}")
    return values[number]
