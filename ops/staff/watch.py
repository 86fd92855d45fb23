"""The command `watch`: prints a line for each change, as it happens.

It follows `/events`, and goes on where it was when its connection breaks.
"""

import argparse
import http.client
import json
import os
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
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
    last_id = ""
    while True:
        rest = Rest(arguments.url, environ)
        try:
            for event in follow(rest, target, last_id):
                last_id = event.id
                line = _json(event) if arguments.json else printer.line(event)
                if line and not _print(line):
                    return 0
        except StartError as error:
            if not last_id:
                raise
            print(f"ops: {error}; trying again", file=sys.stderr)
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
    """Turns events into lines. It knows the states before, so that a line says what changed."""

    def __init__(self) -> None:
        self._tickets: dict[tuple[str, str], str] = {}
        self._on_hand: dict[tuple[str, str], int] = {}
        self._departments: dict[str, str] = {}
        self._is_up_to_date = False
        self._kinds: dict[str, Callable[[Json], str]] = {
            "ticket": self._ticket,
            "stock": self._stock,
            "order": _order,
            "menu": _menu,
            "department": self._department,
        }

    def line(self, event: Event) -> str:
        """Return the line for an event, or "" where nothing changed that is to be printed."""
        if event.kind == "reset":
            self._forget(event.data["departments"])
        if event.kind == "tick":
            return self._tick(event.data)
        if event.kind not in self._kinds:
            return ""
        text = self._kinds[event.kind](event.data)
        return one_line(f"{_now()}  {text}") if self._is_up_to_date else ""

    def _forget(self, departments: Sequence[str]) -> None:
        """Forget what is void; what follows up to the next tick says how everything is."""
        self._is_up_to_date = False
        self._tickets = {key: state for key, state in self._tickets.items() if key[0] not in departments}

    def _tick(self, data: Json) -> str:
        if self._is_up_to_date:
            return ""
        self._is_up_to_date = True
        tickets = sum(state not in ("served", "cancelled") for state in self._tickets.values())
        names = ", ".join(f"{name} ({state})" for name, state in sorted(self._departments.items()))
        return f"{clock(data['now'])}  following {names}: {tickets} open tickets"

    def _ticket(self, data: Json) -> str:
        key = data["department"], data["order_id"]
        before, self._tickets[key] = self._tickets.get(key), data["state"]
        is_step = before not in (None, data["state"])
        state = f"{before} → {data['state']}" if is_step else data["state"]
        by = f" by {data['moved_by']}" if is_step and data["moved_by"] else ""
        why = f": {data['cancel_reason']}" if data["cancel_reason"] else ""
        return f"ticket  {data['department']} {name_of(data)}{_table(data)}  {state}{by}{why}  {lines_of(data)}"

    def _stock(self, data: Json) -> str:
        key = data["department"], data["item"]
        before, self._on_hand[key] = self._on_hand.get(key, data["on_hand"]), data["on_hand"]
        change = data["on_hand"] - before
        figures = f"{data['on_hand']} on hand" + (f" ({change:+})" if change else "")
        if data["unlimited"]:
            figures = f"any quantity, {data['sold']} sold"
        sale = "" if data["on_sale"] else ", OFF SALE"
        return f"stock   {data['department']} {data['item']}  {figures}{sale}"

    def _department(self, data: Json) -> str:
        self._departments[data["name"]] = data["state"]
        return f"department  {data['name']}  {data['state']} since {clock(data['since'])}"


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
