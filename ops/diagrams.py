"""The diagrams and tables of docs/architecture.md that are drawn from the code: `python -m ops.diagrams FILE`.

FILE is rewritten between each pair of lines `<!-- drawn by ops.diagrams: NAME -->` and `<!-- end of NAME -->`.
"""

import re
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

from departments.domain.tickets import TRANSITIONS
from gateway.domain.access import TABLE, Condition, Role
from gateway.domain.transitions import DECISIONS, RESPONSES, Goal, OrderDecision, Response, Situation, Transition
from gateway.orders.in_flight import TRANSITIONS as EVENTS
from gateway.orders.in_flight import Event, Phase

LINES = {
    "accept": "accepted, or refused line by line",
    "hold": "pending with their prices, or refused",
    "withdraw": "cancelled, or refused as they were",
    "accept_pending": "what was pending: accepted, or refused",
    "expire_pending": "expired; what was accepted: cancelled",
    "cancel": "cancelled, or refused as they were",
    "keep": "accepted: it is too late",
}
"""What each function of gateway.domain.transitions does to the lines, in the words of the table."""


def tickets() -> str:
    """Draw the states of a ticket."""
    steps = [f"    {before} --> {after}: {verb}" for (before, verb), after in TRANSITIONS.items()]
    starts = ["    [*] --> held: all or nothing", "    [*] --> queued: best effort"]
    return _mermaid("stateDiagram-v2", "    direction LR", *starts, *steps)


def phases() -> str:
    """Draw the phases of an order in memory; RELEASED is left out, as every phase leads there."""
    steps = [
        f"    {before} --> {after}: {event}"
        for event, row in EVENTS.items()
        if event is not Event.RELEASED
        for before, after in row.items()
    ]
    return _mermaid("stateDiagram-v2", f"    [*] --> {Phase.RECORDING}", *steps, f"    {Phase.FORGOTTEN} --> [*]")


def responses() -> str:
    """Write the table of goals x responses: what becomes of the lines, and what is decided."""
    head = ["the order owes", "the ticket is", "its lines become", "and at once", "after the last response"]
    rows = [head, ["---"] * len(head)]
    for goal, row in RESPONSES.items():
        rows += [
            [f"`{goal}`", ", ".join(shapes), LINES[each.record.__name__], _decided(each.decision), _after(goal, each)]
            for each, shapes in _alike(row).items()
        ]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in rows)


def access() -> str:
    """Write the table of actions x roles: under which condition a role may take an action."""
    rows = [["action", *map(str, Role)], ["---"] * (len(Role) + 1)]
    for action, row in TABLE.items():
        rows.append([f"`{action}`", *("" if each is Condition.NEVER else str(each) for each in row.values())])
    return "\n".join(f"| {' | '.join(cells)} |" for cells in rows)


PICTURES: Mapping[str, Callable[[], str]] = {
    "tickets": tickets,
    "phases": phases,
    "responses": responses,
    "access": access,
}


def redraw(text: str) -> str:
    """Return a page with its pictures as the code has them; raises ValueError where one has no place in it."""
    for name, picture in PICTURES.items():
        begin, end = f"<!-- drawn by ops.diagrams: {name} -->", f"<!-- end of {name} -->"
        parts = re.split(f"({re.escape(begin)}\n).*?({re.escape(end)})", text, flags=re.DOTALL)
        count = len(parts) // 3
        if count != 1:
            raise ValueError(f"the page has {count} places for {name}: expected one, between {begin} and {end}")
        before, begin, end, after = parts
        text = f"{before}{begin}{picture()}\n{end}{after}"
    return text


def _mermaid(*lines: str) -> str:
    return "\n".join(["```mermaid", *lines, "```"])


def _alike(row: Mapping[Response, Transition]) -> dict[Transition, list[Response]]:
    """Gather the responses to one goal that do the same."""
    alike: dict[Transition, list[Response]] = {}
    for response, transition in row.items():
        alike.setdefault(transition, []).append(response)
    return alike


def _decided(decision: OrderDecision | None) -> str:
    return decision or ""


def _after(goal: Goal, transition: Transition) -> str:
    """Say what is decided once all have responded; a decision that followed at once has been taken."""
    row = DECISIONS[goal]
    if transition.decision is not None or not row:
        return ""
    held, other = row[Situation.HELD], row[Situation.NOT_HELD]
    return _decided(other) if held is other else f"{_decided(held)} if every line is held, else {_decided(other)}"


if __name__ == "__main__":
    page = Path(sys.argv[1])
    page.write_text(redraw(page.read_text(encoding="utf-8")), encoding="utf-8")
