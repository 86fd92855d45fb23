"""The command `move`: takes a step with tickets, or cancels a line of them."""

import argparse
import sys
import uuid
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from infra.errors import StartError
from ops.staff.find import FROM, find_line, find_ticket
from ops.staff.rest import Rest, add_url
from ops.staff.show import name_of, show_tickets
from ops.staff.tables import Json, one_line, show_json

MOST = 100

EPILOG = """
a ticket is the short number of its order, or its order's id, or the end of that. Where the order has tickets at several
departments, the one is meant that can take the step; where several can, -d names one.

  python -m ops move 147 start
  python -m ops move 147 149 finish -d kitchen --by Ada
  python -m ops move 147 cancel --reason "the oven is broken"
  python -m ops move 147 cancel --line pizza --reason "no dough" -d kitchen

with --line a cancel is of one line, and the rest of the ticket stands; without another line to make, the ticket is
cancelled. A line is named as for `tick`: by its item or, where two lines have the same one, by its place in the ticket,
from 1.

exit code: 0 every step was taken, 1 one was refused, 2 it could not be done
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.epilog = EPILOG
    parser.add_argument("tickets", nargs="+", metavar="TICKET", help="a short number, or an order's id")
    parser.add_argument("verb", choices=FROM, metavar="VERB", help=", ".join(FROM))
    parser.add_argument("-d", "--department", help="such as bar")
    parser.add_argument("--by", default="", help="who does it")
    parser.add_argument("--reason", default="", help="why; with cancel only")
    parser.add_argument("--line", metavar="LINE", help="cancel this line alone: an item, or a place from 1")
    add_url(parser)


def run(arguments: argparse.Namespace, environ: Mapping[str, str]) -> int:
    """Take a step with each ticket, from the state that it has now; returns the exit code, as the help says."""
    if arguments.line is not None and arguments.verb != "cancel":
        raise StartError(f"--line goes with cancel only, not with {arguments.verb}")
    rest = Rest(arguments.url, environ)
    found = {}
    for text in arguments.tickets:
        ticket = find_ticket(rest, text, arguments.verb, FROM[arguments.verb], arguments.department)
        found[ticket["department"], ticket["order_id"]] = ticket
    moves = [_move(ticket, arguments) for ticket in found.values()]
    results: list[Json] = []
    for start in range(0, len(moves), MOST):
        results += rest.send("POST", "tickets", "moves", body={"moves": moves[start : start + MOST]})["results"]
    if arguments.json:
        show_json({"results": results})
    elif moved := [result["ticket"] for result in results if result["ticket"]]:
        show_tickets(moved)
    refused = [result for result in results if result["problem"]]
    for result in refused:
        name = name_of(found[result["department"], result["order_id"]])
        print(one_line(f"ops: {name}: {result['problem']['detail']}"), file=sys.stderr)
    if any(result["status"] >= HTTPStatus.INTERNAL_SERVER_ERROR for result in refused):
        return 2
    return 1 if refused else 0


def _move(ticket: Json, arguments: argparse.Namespace) -> dict[str, Any]:
    return {
        "department": ticket["department"],
        "order_id": ticket["order_id"],
        "verb": arguments.verb,
        "expected": ticket["state"],
        "step_id": str(uuid.uuid4()),
        "moved_by": arguments.by,
        "reason": arguments.reason,
        "line": None if arguments.line is None else find_line(ticket, arguments.line),
    }
