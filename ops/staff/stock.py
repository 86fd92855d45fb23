"""The command `stock`: lists the stock, and changes it."""

import argparse
import re
import uuid
from collections.abc import Mapping
from typing import Any

from infra.errors import StartError
from ops.printing import show
from ops.refusals import Refused
from ops.staff.rest import Rest, add_url
from ops.staff.show import show_changes, show_stock
from ops.staff.tables import Json, show_json
from ops.staff.tickets import warn_of

SHOWN_CHANGES = 10

REASONS = ("delivery", "count", "waste", "correction")

EPILOG = """
  python -m ops stock                      the stock of everything
  python -m ops stock bar latte            one item, and its last changes
  python -m ops stock bar latte +24        24 were delivered
  python -m ops stock bar latte -2         2 were thrown away
  python -m ops stock bar latte +1 --reason correction
  python -m ops stock bar latte = 12       12 were counted; --expected 9: where 9 should be, and only then
  python -m ops stock bar latte +24 --id note-8812    made once, however often this is run

exit code: 0 it was done, 1 it was refused, 2 it could not be done
"""

_is_change = re.compile(r"(?P<sign>[+=-])(?P<number>[0-9]{1,10})").fullmatch


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.epilog = EPILOG
    parser.add_argument("department", nargs="?", help="such as bar (default: all)")
    parser.add_argument("item", nargs="?", help="such as latte (default: all)")
    parser.add_argument("change", nargs="*", help="+24, -2, or = 12")
    parser.add_argument("--reason", choices=REASONS, help="default: + is a delivery, - is waste, = is a count")
    parser.add_argument("--expected", type=int, help="with =: how many should be on hand (default: as many as are)")
    parser.add_argument("--by", default="", help="who does it")
    parser.add_argument("--id", help="an id of the change, which is made once for it (default: a new one)")
    add_url(parser)


def run(arguments: argparse.Namespace, environ: Mapping[str, str]) -> int:
    """List the stock, or change an item's; returns 0."""
    rest = Rest(arguments.url, environ)
    if arguments.change:
        _show([_send(rest, arguments, _change(rest, arguments))], as_json=arguments.json)
        return 0
    page = rest.get("stock", department=arguments.department)
    stock = [each for each in page["stock"] if arguments.item in (None, each["item"])]
    if arguments.item is None:
        _show(stock, as_json=arguments.json)
    else:
        _show_item(rest, arguments, stock)
    warn_of(page["unreachable"])
    return 0


def _send(rest: Rest, arguments: argparse.Namespace, change: Json) -> Json:
    """Make a change, and return the stock; where it may have been made, the error says how to repeat it."""
    try:
        return rest.send("POST", "stock", arguments.department, arguments.item, "changes", body=change)
    except StartError as error:
        raise StartError(f"{error}; to make it once, run it again with --id {change['change_id']}") from error


def _show_item(rest: Rest, arguments: argparse.Namespace, stock: list[Json]) -> None:
    page = rest.get("stock", arguments.department, arguments.item, "changes", limit=SHOWN_CHANGES)
    if arguments.json:
        show_json({"stock": stock, "changes": page["changes"]})
        return
    show_stock(stock)
    show("")
    show_changes(page["changes"])


def _show(stock: list[Json], *, as_json: bool) -> None:
    if as_json:
        show_json({"stock": stock})
    else:
        show_stock(stock)


def _change(rest: Rest, arguments: argparse.Namespace) -> dict[str, Any]:
    """Return the body of the request for a change; raises StartError for one that means nothing."""
    text = "".join(arguments.change)
    change = _is_change(text)
    if change is None:
        raise StartError(f"{text!r} is no change of the stock: expected one such as +24, -2 or = 12")
    number = int(change["number"])
    change_id = str(uuid.uuid4()) if arguments.id is None else arguments.id
    body: dict[str, Any] = {"change_id": change_id, "changed_by": arguments.by}
    if change["sign"] == "=":
        if arguments.reason not in (None, "count"):
            raise StartError(f"--reason {arguments.reason} does not go with =: that is a count")
        expected = arguments.expected
        return {**body, "reason": "count", "count": number, "expected": _on_hand(rest, arguments, expected)}
    if arguments.expected is not None:
        raise StartError("--expected goes with = only, which is a count")
    reason = arguments.reason or ("delivery" if change["sign"] == "+" else "waste")
    return {**body, "reason": reason, "delta": number if change["sign"] == "+" else -number}


def _on_hand(rest: Rest, arguments: argparse.Namespace, expected: int | None) -> int:
    """Return how many should be on hand: what somebody says, or else what is at this moment."""
    if expected is not None:
        return expected
    stock = rest.get("stock", department=arguments.department)["stock"]
    found = next((each for each in stock if each["item"] == arguments.item), None)
    if found is None:
        items = ", ".join(each["item"] for each in stock)
        raise Refused(f"{arguments.department} has no item {arguments.item}: it has {items}")
    return int(found["on_hand"])
