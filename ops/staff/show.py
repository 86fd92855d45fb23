"""Tickets and stock as the commands print them."""

from collections.abc import Iterable
from datetime import UTC, datetime

from ops.staff.tables import Json, age, date_and_clock, show_table

OPEN = ("held", "queued", "preparing", "ready")

ID_END = 8
"""How much of an order's id is shown where it has no short number: its end, as beginnings are alike."""

_TICKET_HEADS = ("TICKET", "DEPARTMENT", "TABLE", "STATE", "AGE", "BY", "LINES")
_STOCK_HEADS = ("DEPARTMENT", "ITEM", "ON HAND", "HELD", "SOLD", "WASTED", "RECEIVED", "SALE")
_CHANGE_HEADS = ("TIME", "REASON", "CHANGE", "ON HAND", "BY")


def show_tickets(tickets: Iterable[Json]) -> None:
    """Print a table of tickets."""
    now = datetime.now(UTC)
    rows = [
        (
            name_of(ticket),
            ticket["department"],
            ticket["table"],
            ticket["state"],
            age(ticket["placed_at"], now),
            ticket["moved_by"],
            lines_of(ticket),
        )
        for ticket in tickets
    ]
    show_table(_TICKET_HEADS, rows)


def show_stock(stock: Iterable[Json]) -> None:
    """Print a table of the stock."""
    rows = [
        (
            each["department"],
            each["item"],
            "any" if each["unlimited"] else each["on_hand"],
            each["held"],
            each["sold"],
            each["wasted"],
            each["received"],
            "on" if each["on_sale"] else "OFF",
        )
        for each in stock
    ]
    show_table(_STOCK_HEADS, rows)


def show_changes(changes: Iterable[Json]) -> None:
    """Print a table of the changes of an item's stock."""
    rows = [
        (
            date_and_clock(each["changed_at"]),
            each["reason"],
            f"{each['delta']:+}" if each["delta"] else "",
            each["on_hand"],
            each["changed_by"],
        )
        for each in changes
    ]
    show_table(_CHANGE_HEADS, rows)


def name_of(ticket: Json) -> str:
    """Return what a ticket is called: its order's short number, or else the end of the order's id."""
    return str(ticket["number"] or ticket["order_id"][-ID_END:])


def lines_of(ticket: Json) -> str:
    """Return the accepted lines, with notes and allergies, and those that the staff cancelled since, with why."""
    return ", ".join(_line(line) for line in ticket["lines"] if line["outcome"] in ("accepted", "cancelled"))


def _line(line: Json) -> str:
    if line["outcome"] == "cancelled":
        why = f" ({line['cancel_reason']})" if line["cancel_reason"] else ""
        return f"{line['quantity']} {line['item']} CANCELLED{why}"
    made = " ✓" if line["made"] else ""
    allergy = " ALLERGY" if line["allergy"] else ""
    note = f" ({line['note']})" if line["note"] else ""
    return f"{line['quantity']} {line['item']}{made}{allergy}{note}"
