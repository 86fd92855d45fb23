"""Finds the ticket that somebody means by a short number, or by an order's id or its end; and a line of it."""

from collections.abc import Collection

from ops.refusals import Refused
from ops.staff.rest import Rest
from ops.staff.show import name_of
from ops.staff.tables import Json

FROM = {
    "start": {"queued"},
    "finish": {"preparing"},
    "serve": {"ready"},
    "recall": {"preparing", "ready", "served"},
    "cancel": {"held", "queued", "preparing"},
}
"""The states in which each verb may be meant; the department decides whether it is allowed."""

SHORTEST_END = 4
MOST_DIGITS = 9


def find_ticket(rest: Rest, text: str, verb: str, states: Collection[str], department: str | None) -> Json:
    """Return the ticket that is meant; raises Refused where there is none, or more than one.

    Where an order has several, the one is meant that is in one of the states, from which `verb` goes.
    """
    found = _by_number(rest, text, department) or _by_id(rest, text, department)
    if not found:
        where = f" at {department}" if department else ""
        raise Refused(f"there is no ticket {text}{where}: `tickets --all` lists those that there are")
    if len({ticket["order_id"] for ticket in found}) > 1:
        ids = ", ".join(sorted({ticket["order_id"] for ticket in found}))
        raise Refused(f"{text} may mean several orders: {ids}")
    likely = [ticket for ticket in found if ticket["state"] in states]
    if len(likely) != 1 and len(found) > 1:
        tickets = ", ".join(f"{ticket['department']} ({ticket['state']})" for ticket in likely or found)
        reason = f"several tickets that {verb} may mean" if likely else f"no ticket that {verb} may mean"
        raise Refused(f"{name_of(found[0])} has {reason}: {tickets}; name one with -d")
    return (likely or found)[0]


def lines_to_make(ticket: Json) -> dict[int, str]:
    """Return the items of a ticket's accepted lines, by their places from 0."""
    return {place: line["item"] for place, line in enumerate(ticket["lines"]) if line["outcome"] == "accepted"}


def find_line(ticket: Json, name: str) -> int:
    """Return the place, from 0, of the line that is named by its item, or by its place from 1.

    Raises Refused where the name fits none of the accepted lines, or several.
    """
    to_make = lines_to_make(ticket)
    fitting = [place for place, item in to_make.items() if item == name]
    if not fitting and name.isascii() and name.isdigit() and int(name) - 1 in to_make:
        fitting = [int(name) - 1]
    if len(fitting) != 1:
        lines = ", ".join(f"{place + 1} {item}" for place, item in to_make.items()) or "none to make"
        how_many = "several lines" if fitting else "no line"
        raise Refused(f"{name_of(ticket)} at {ticket['department']} has {how_many} {name}: it has {lines}")
    return fitting[0]


def _by_number(rest: Rest, text: str, department: str | None) -> list[Json]:
    if not (text.isascii() and text.isdigit() and int(text) > 0 and len(text) <= MOST_DIGITS):
        return []
    return _tickets(rest, department=department, number=text)


def _by_id(rest: Rest, text: str, department: str | None) -> list[Json]:
    end = text.lower()
    if len(end) < SHORTEST_END:
        return []
    return [ticket for ticket in _tickets(rest, department=department) if ticket["order_id"].endswith(end)]


def _tickets(rest: Rest, **query: object) -> list[Json]:
    return [ticket for page in rest.pages("tickets", "tickets", **query) for ticket in page["tickets"]]
