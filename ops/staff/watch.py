"""The command `watch`: prints a line for each change, as it happens.

It follows `/events`, and goes on where it was when its connection breaks.
"""

import argparse
import http.client
import json
import os
import sys
import time
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime
from typing import NamedTuple
from urllib.parse import quote

from infra.errors import StartError
from ops.staff.rest import Rest, add_url
from ops.staff.show import ID_END, lines_of, name_of
from ops.staff.tables import Json, clock, one_line

RETRY_SECONDS = 1.0

EPILOG = """
  python -m ops watch
  python -m ops watch bar kitchen
  python -m ops watch --json | jq .data

Until Ctrl-C. Only changes are printed; with --json all events, of which the first say how everything is.
"""


MOST_KEPT = 2000
"""States that are kept to know what changed; an open ticket's is always."""

CLOSED = ("served", "cancelled")

_Key = tuple[str, str]


class _Seen(NamedTuple):
    """What is kept of a ticket."""

    state: str
    revision: int
    cancelled: int
    """How many lines the staff have cancelled."""


class Event(NamedTuple):
    """An event: its kind, its data, and the id from which to go on after it."""

    kind: str
    data: Json
    id: str


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.epilog = EPILOG
    parser.add_argument("departments", nargs="*", metavar="DEPARTMENT", help="such as bar (default: all, and orders)")
    add_url(parser)


def run(arguments: argparse.Namespace, environ: Mapping[str, str]) -> int:
    """Print changes until interrupted."""
    names = ",".join(map(quote, arguments.departments))
    target = f"/events?departments={names}" if names else "/events"
    printer = Printer()
    last_id, is_away = "", False
    while True:
        rest = Rest(arguments.url, environ)
        try:
            for event in follow(rest, target, last_id):
                last_id, is_away = event.id, False
                line = _json(event) if arguments.json else printer.line(event)
                if line and not _print(line):
                    return 0
        except StartError as error:
            if not last_id:
                raise
            if not is_away:
                print(f"ops: {error}; trying again", file=sys.stderr)
            is_away = True
        time.sleep(RETRY_SECONDS)


def _json(event: Event) -> str:
    return json.dumps({"kind": event.kind, "data": event.data, "id": event.id}, ensure_ascii=False)


def follow(rest: Rest, target: str, last_id: str) -> Iterator[Event]:
    """Yield events after an id, until the stream ends; raises StartError where the gateway is away, Refused."""
    response, request = rest.open("GET", target, headers={"Last-Event-ID": last_id} if last_id else {})
    rest.check(response, request)
    try:
        yield from _events(response, last_id)
    except (OSError, http.client.HTTPException) as error:
        raise rest.away(error) from error


def _events(lines: Iterable[bytes], last_id: str) -> Iterator[Event]:
    kind = data = ""
    for raw in lines:
        name, _, value = raw.decode().rstrip("\r\n").partition(": ")
        if name == "id":
            last_id = value
        elif name == "event":
            kind = value
        elif name == "data":
            data = value
        elif not name and kind:
            yield Event(kind, json.loads(data), last_id)
            kind = data = ""


class Printer:
    """Turns events into lines.

    It keeps what it was told, so that a line says what changed, and a state that comes again is no line, also where a
    reset sends all of it anew. Before the first tick nothing is a change.
    """

    def __init__(self) -> None:
        self._tickets: dict[_Key, _Seen] = {}
        self._void: set[_Key] = set()  # tickets that have not come again after a reset
        self._stock: dict[_Key, Json] = {}
        self._departments: dict[str, str] = {}
        self._others: OrderedDict[_Key, str] = OrderedDict()  # the last lines of menus and orders
        self._has_begun = self._is_up_to_date = False
        self._kinds: dict[str, Callable[[Json], str]] = {
            "ticket": self._ticket,
            "stock": self._stock_line,
            "order": lambda data: self._unless_same(("order", data["order_id"]), _order(data)),
            "menu": lambda data: self._unless_same(("menu", data["department"]), _menu(data)),
            "department": self._department,
        }

    def line(self, event: Event) -> str:
        """Return the line for an event, or "" where nothing changed that is to be printed."""
        if event.kind == "reset":
            self._is_up_to_date = False
            self._void.update(key for key in self._tickets if key[0] in event.data["departments"])
        if event.kind == "tick":
            return self._tick(event.data)
        if event.kind not in self._kinds:
            return ""
        text = self._kinds[event.kind](event.data)
        return one_line(f"{_now()}  {text}") if text and self._has_begun else ""

    def _tick(self, data: Json) -> str:
        if self._is_up_to_date:
            return ""
        self._has_begun = self._is_up_to_date = True
        for key in self._void:
            del self._tickets[key]
        self._void.clear()
        tickets = sum(seen.state not in CLOSED for seen in self._tickets.values())
        names = ", ".join(f"{name} ({state})" for name, state in sorted(self._departments.items()))
        return f"{clock(data['now'])}  following {names}: {tickets} open tickets"

    def _ticket(self, data: Json) -> str:
        key = data["department"], data["order_id"]
        cancelled = sum(line["outcome"] == "cancelled" for line in data["lines"])
        before, now = self._tickets.pop(key, None), _Seen(data["state"], data["revision"], cancelled)
        self._tickets[key] = now
        self._void.discard(key)
        if len(self._tickets) > MOST_KEPT and now.state in CLOSED:
            del self._tickets[next(key for key, seen in self._tickets.items() if seen.state in CLOSED)]
        if before == now:
            return ""
        is_step = before is not None and before.state != now.state
        state = f"{before.state} → {now.state}" if before is not None and is_step else now.state
        is_line_cancelled = before is not None and before.cancelled != now.cancelled
        by = f" by {data['moved_by']}" if (is_step or is_line_cancelled) and data["moved_by"] else ""
        why = f": {data['cancel_reason']}" if data["cancel_reason"] else ""
        return f"ticket  {data['department']} {name_of(data)}{_table(data)}  {state}{by}{why}  {lines_of(data)}"

    def _stock_line(self, data: Json) -> str:
        key = data["department"], data["item"]
        before, self._stock[key] = self._stock.get(key, {}), data
        if before == data:
            return ""
        change = data["on_hand"] - before.get("on_hand", data["on_hand"])
        figures = f"{data['on_hand']} on hand" + (f" ({change:+})" if change else "")
        if data["unlimited"]:
            figures = f"any quantity, {data['sold']} sold"
        sale = ", OFF SALE" if not data["on_sale"] else ", on sale again" if not before.get("on_sale", True) else ""
        return f"stock   {data['department']} {data['item']}  {figures}{sale}"

    def _department(self, data: Json) -> str:
        before, self._departments[data["name"]] = self._departments.get(data["name"]), data["state"]
        return (
            ""
            if before == data["state"]
            else f"department  {data['name']}  {data['state']} since {clock(data['since'])}"
        )

    def _unless_same(self, key: "_Key", text: str) -> str:
        before = self._others.pop(key, "")
        self._others[key] = text
        if len(self._others) > MOST_KEPT:
            self._others.popitem(last=False)
        return "" if before == text else text


def _order(data: Json) -> str:
    progress = f", {data['progress']}" if data["progress"] else ""
    return f"order   {data['number'] or data['order_id'][-ID_END:]}{_table(data)}  {data['status']}{progress}"


def _menu(data: Json) -> str:
    return f"menu    {data['department']}  {len(data['items'])} items"


def _table(data: Json) -> str:
    return f" table {data['table']}" if data["table"] else ""


def _now() -> str:
    return datetime.now().astimezone().strftime("%H:%M:%S")


def _print(text: str) -> bool:
    """Print a line, and return whether anybody may still read: `watch | head` ends."""
    try:
        print(text, flush=True)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return False
    return True
