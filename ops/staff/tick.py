"""The command `tick`: marks lines of a ticket as made, or as not made."""

import argparse
from collections.abc import Mapping, Sequence

from ops.staff.find import find_line, find_ticket, lines_to_make
from ops.staff.rest import Rest, add_url
from ops.staff.show import show_tickets
from ops.staff.tables import Json, show_json

TICKABLE = {"queued", "preparing", "ready"}
"""The states in which a ticket may be meant; the department decides whether it is allowed."""

ALL = "all"

EPILOG = """
a ticket is named as for `move`. A line is named by its item or, where two lines have the same one, by its place in the
ticket, from 1; `all` is every line that is to be made.

  python -m ops tick 147 pizza -d kitchen --by Ada
  python -m ops tick 147 2 -d kitchen
  python -m ops tick 147 all -d kitchen
  python -m ops tick 147 pizza -d kitchen --off

exit code: 0 it is done, 1 it was refused, 2 it could not be done
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.epilog = EPILOG
    parser.add_argument("ticket", metavar="TICKET", help="a short number, or an order's id")
    parser.add_argument("lines", nargs="+", metavar="LINE", help="an item, a place from 1, or all")
    parser.add_argument("--off", action="store_true", help="not made after all")
    parser.add_argument("-d", "--department", help="such as bar")
    parser.add_argument("--by", default="", help="who does it")
    add_url(parser)


def run(arguments: argparse.Namespace, environ: Mapping[str, str]) -> int:
    """Mark each line, one after the other, and print the ticket; returns 0. Raises Refused."""
    rest = Rest(arguments.url, environ)
    ticket = find_ticket(rest, arguments.ticket, "tick", TICKABLE, arguments.department)
    path = "tickets", ticket["department"], ticket["order_id"], "lines"
    body = {"made": not arguments.off, "moved_by": arguments.by}
    for place in places(ticket, arguments.lines):
        ticket = rest.send("PUT", *path, str(place), body=body)
    if arguments.json:
        show_json(ticket)
    else:
        show_tickets([ticket])
    return 0


def places(ticket: Json, names: Sequence[str]) -> list[int]:
    """Return the places, from 0, of the lines that are named; raises Refused where a name fits none, or several."""
    found: dict[int, None] = {}
    for name in names:
        fitting = list(lines_to_make(ticket)) if name == ALL else []
        found.update(dict.fromkeys(fitting or [find_line(ticket, name)]))
    return list(found)
