"""What must be true when the dust has settled, read from the databases and held against what guests were told."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import msgspec

from gateway.domain.order import Outcome, Policy, Status
from tests.simulation.storage import Disk
from tests.simulation.world import LineTold, Told

ALIVE = frozenset({"queued", "preparing", "ready", "served"})
FAULTS = ("lost", "doubled", "oversold", "half", "undecided", "changed", "broken")


@dataclass(slots=True)
class Findings:
    """What is wrong, by kind: all empty is the only good result."""

    wrong: dict[str, list[str]] = field(default_factory=lambda: {kind: [] for kind in FAULTS})

    def add(self, kind: str, text: str) -> None:
        self.wrong[kind].append(text)

    @property
    def count(self) -> int:
        return sum(map(len, self.wrong.values()))

    def __str__(self) -> str:
        lines = [f"{kind}: {text}" for kind, texts in self.wrong.items() for text in texts[:4]]
        return "\n".join([", ".join(f"{kind} {len(texts)}" for kind, texts in self.wrong.items()), *lines])


@dataclass(slots=True)
class Entry:
    """One order as its guest knows it."""

    order_id: str
    policy: Policy
    told: list[Told] = field(default_factory=list)
    cancel_sent: bool = False


def audit(
    disks: Mapping[str, Disk], received: Mapping[tuple[str, str], int], entries: Iterable[Entry], started: set[str]
) -> Findings:
    """Compare journal, tickets, stock and guests. `received` is what each (department, item) was given in all."""
    findings = Findings()
    orders = {row.order_id: row for row in disks["gateway"].query("SELECT * FROM orders")}
    tickets = {
        name: {row.order_id: row for row in disk.query("SELECT * FROM tickets ORDER BY order_id")}
        for name, disk in disks.items()
        if name != "gateway"
    }
    for name, known in tickets.items():
        _check_stock(findings, name, disks[name], known.values(), received)
        for order_id, ticket in known.items():
            if order_id not in orders:
                findings.add("doubled", f"{name} has a {ticket.state} ticket {order_id} that no order stands for")
    taken_back = {entry.order_id for entry in entries if entry.cancel_sent and entry.order_id in started}
    for row in orders.values():
        _check_order(findings, row, tickets, may_be_half=row.order_id in taken_back)
    for entry in entries:
        _check_told(findings, entry, orders.get(entry.order_id), entry.order_id in started)
    return findings


def _check_stock(
    findings: Findings, name: str, disk: Disk, tickets: Iterable[Any], received: Mapping[tuple[str, str], int]
) -> None:
    held: Counter[str] = Counter()
    sold: Counter[str] = Counter()
    for ticket in tickets:
        for line in msgspec.json.decode(ticket.lines):
            if line["outcome"] == "accepted":
                held[line["item"]] += line["quantity"] * (ticket.state == "held")
                sold[line["item"]] += line["quantity"] * (ticket.state in ALIVE)
    for shelf in disk.query("SELECT * FROM stock ORDER BY item"):
        item, given = shelf.item, received[name, shelf.item]
        if held[item] + sold[item] > given or shelf.on_hand < 0:
            findings.add("oversold", f"{name}/{item}: {given} received, {held[item]} held, {sold[item]} sold")
        if (shelf.received, shelf.on_hand, shelf.held, shelf.sold) != (
            given,
            given - held[item] - sold[item],
            held[item],
            sold[item],
        ):
            findings.add("broken", f"{name}: {shelf} but tickets say {held[item]} held, {sold[item]} sold of {given}")


def _check_order(findings: Findings, row: Any, tickets: Mapping[str, Mapping[str, Any]], *, may_be_half: bool) -> None:
    """The gateway's record and the departments' tickets say the same, and the order is whole.

    A guest who takes back an order that one department has started gets back the share of the others.
    """
    order_id, policy = row.order_id, Policy(row.policy)
    if row.owed is not None or row.status == Status.PENDING:
        findings.add("undecided", f"{order_id} ({policy}) is {row.status} and owes {row.owed}")
        return
    places: dict[str, list[dict[str, Any]]] = {}
    for line in msgspec.json.decode(row.lines):
        places.setdefault(line["department"], []).append(line)
    served = []
    for name, lines in places.items():
        ticket = tickets[name].get(order_id)
        if ticket is None:
            findings.add("lost", f"{order_id} is {row.status}; {name} has never heard of it")
            continue
        if ticket.state == "held":
            findings.add("undecided", f"{order_id} is {row.status}; {name} still holds it")
        made = msgspec.json.decode(ticket.lines)
        alive = [ticket.state in ALIVE and line["outcome"] == "accepted" for line in made] or [False] * len(lines)
        served += alive
        for line, answer, lives in zip(lines, made or [{}] * len(lines), alive, strict=True):
            _check_line(findings, f"{order_id} ({policy}): {line}; {name} has {ticket}", line, answer, lives=lives)
    if policy is Policy.ALL_OR_NOTHING and any(served) and not all(served) and not may_be_half:
        findings.add("half", f"{order_id} is {row.status}: {served}")


def _check_line(
    findings: Findings, text: str, line: Mapping[str, Any], made: Mapping[str, Any], *, lives: bool
) -> None:
    said = line["outcome"]
    if (said == "accepted") != lives:
        findings.add("lost" if said == "accepted" else "doubled", text)
    elif said == "accepted":
        if line["unit_price"] != made["unit_price"]:
            findings.add("changed", text)
    elif said in ("out_of_stock", "not_on_menu") and made.get("outcome") != said:
        findings.add("changed", text)


def _check_told(findings: Findings, entry: Entry, row: Any, was_started: bool) -> None:
    """What a guest was told at any time is compatible with how the order ended."""
    if row is None:
        if entry.told:
            findings.add("lost", f"{entry.order_id} was answered {entry.told[0].status}; there is no such order")
        return
    final = msgspec.json.decode(row.lines)
    for told in entry.told:
        for said, line in zip(told.lines, final, strict=True):
            ended = Outcome(line["outcome"])
            if not _is_compatible(entry, told, said, ended, was_started):
                kind = "lost" if said.outcome is Outcome.ACCEPTED else "changed"
                findings.add(kind, f"{entry.order_id} ({entry.policy}): told {told.status}, {said}; ended as {line}")
            if said.outcome is Outcome.ACCEPTED is ended and said.unit_price != line["unit_price"]:
                findings.add("changed", f"{entry.order_id}: told {said}; ended as {line}")


def _is_compatible(entry: Entry, told: Told, said: LineTold, ended: Outcome, was_started: bool) -> bool:
    if said.outcome in (Outcome.PENDING, ended):
        return True
    if said.outcome is Outcome.ACCEPTED:
        # All or nothing: a line is not promised before the whole order is.
        promised = entry.policy is Policy.BEST_EFFORT or told.status is Status.ACCEPTED
        return (ended is Outcome.CANCELLED and entry.cancel_sent) or not promised
    if said.outcome is Outcome.EXPIRED:
        return ended is Outcome.ACCEPTED and was_started
    # Nothing is made either way.
    return ended is Outcome.CANCELLED and entry.cancel_sent
