"""The command `tickets`: lists the tickets of all departments, or of one."""

import argparse
import sys
from collections.abc import Mapping, Sequence

from ops.printing import show
from ops.staff.rest import Rest, add_url
from ops.staff.show import OPEN, show_tickets
from ops.staff.tables import show_json


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("department", nargs="?", help="such as bar (default: all)")
    parser.add_argument("--state", action="append", help="only tickets in this state (default: those that are open)")
    parser.add_argument("--table", help="only tickets of this table")
    parser.add_argument("--number", type=int, help="only tickets of the order with this short number")
    parser.add_argument("--all", action="store_true", help="also those that were served or cancelled lately")
    add_url(parser)


def run(arguments: argparse.Namespace, environ: Mapping[str, str]) -> int:
    """List tickets; returns 0."""
    rest = Rest(arguments.url, environ)
    states = arguments.state or (None if arguments.all or arguments.number else OPEN)
    query = {
        "department": arguments.department,
        "state": states,
        "table": arguments.table,
        "number": arguments.number,
    }
    pages = list(rest.pages("tickets", "tickets", **query))
    tickets = [ticket for page in pages for ticket in page["tickets"]]
    unreachable = pages[-1]["unreachable"]
    if arguments.json:
        show_json({"tickets": tickets, "unreachable": unreachable})
    elif tickets:
        show_tickets(tickets)
    else:
        show("there are no such tickets" if arguments.table or arguments.state or arguments.number else "no tickets")
    warn_of(unreachable)
    return 0


def warn_of(unreachable: Sequence[str]) -> None:
    """Say on standard error which departments cannot be reached."""
    if unreachable:
        names = ", ".join(unreachable)
        print(f"ops: {names} cannot be reached: what is shown of it may be out of date", file=sys.stderr)
