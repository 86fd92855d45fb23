"""What must be true when the dust has settled, read from the databases and held against what clients were told."""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations
from typing import Any, NamedTuple

import msgspec

from gateway.domain.lines import Outcome
from gateway.domain.order import Policy, Status
from tests.simulation.archives import (
    CancelledLine,
    Kept,
    cancelled_lines,
    check_archived,
    kept_orders,
    kept_tickets,
    wasted_lines,
)
from tests.simulation.archivist import Files
from tests.simulation.storage import Disk
from tests.simulation.world import LineTold, Told

STARTED = frozenset({"preparing", "ready", "served"})
ALIVE = STARTED | {"queued"}
REFUSALS = frozenset({Outcome.OUT_OF_STOCK, Outcome.NOT_ON_MENU, Outcome.PRICE_CHANGED, Outcome.OFF_SALE})
FINAL = REFUSALS | {Outcome.CANCELLED}
FAULTS = ("lost", "doubled", "oversold", "half", "undecided", "changed", "unfollowed", "broken")

DAY_MS = 86_400_000
FOLLOWED = (
    *("state", "revision", "placed_at_ms", "started_at_ms", "ready_at_ms", "served_at_ms", "cancelled_at_ms"),
    *("moved_by", "cancel_reason", "withdrawn"),
)
"""The columns of a ticket that the gateway keeps, under the same names; it keeps the cancelled lines, too."""


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


class Wish(NamedTuple):
    """One line as a client asked for it."""

    department: str
    item: str
    quantity: int
    note: str
    expected_price: int | None = None
    allergy: bool = False


class Word(NamedTuple):
    """What a client was told, and when the client asked and heard it."""

    asked: float
    heard: float
    told: Told


@dataclass(slots=True)
class Entry:
    """One order as its client knows it.

    `cancel_sent`: a cancel was sent that was not refused, or its response was lost. `cancel_refused`: one was refused.
    """

    order_id: str
    policy: Policy
    wishes: list[Wish]
    words: list[Word] = field(default_factory=list)
    cancel_sent: bool = False
    cancel_refused: bool = False


@dataclass(frozen=True, slots=True)
class Deliveries:
    """By department and item: what was given in all, what the staff threw away, and what has no figure on hand."""

    received: Mapping[tuple[str, str], int]
    discarded: Mapping[tuple[str, str], int]
    unlimited: Collection[tuple[str, str]] = ()


def audit(
    disks: Mapping[str, Disk],
    deliveries: Deliveries,
    entries: Mapping[str, Entry],
    files: Files | None = None,
    undone: Collection[tuple[str, str]] = (),
) -> Findings:
    """Compare journal, tickets, stock and clients; what was archived into `files` counts as what is stored.

    `undone`: the departments and orders of which lines may have been cancelled by the staff, until a restore undid it.
    """
    findings = Findings()
    journal = kept_orders(disks["gateway"], files)
    kept = {name: kept_tickets(name, disk, files) for name, disk in disks.items() if name != "gateway"}
    for kind, text in check_archived(journal, kept, disks):
        findings.add(kind, text)
    orders, tickets = journal.rows, {name: each.rows for name, each in kept.items()}
    for name, known in tickets.items():
        _check_stock(findings, name, disks[name], known.values(), deliveries)
        for order_id, ticket in known.items():
            if order_id not in orders:
                findings.add("doubled", f"{name} has a {ticket.state} ticket {order_id} that no order stands for")
            elif order_id in entries and not any(wish.department == name for wish in entries[order_id].wishes):
                findings.add("doubled", f"{name} has a {ticket.state} ticket {order_id} that asks it for nothing")
    for row in orders.values():
        if row.order_id in entries:
            is_archived = row.order_id in journal.archived
            staff = StaffWork.of(row, kept, undone)
            _check_order(findings, row, tickets, entries[row.order_id], staff, is_archived=is_archived)
            _check_told(findings, entries[row.order_id], row, staff)
        else:
            findings.add("doubled", f"nobody has placed {row.order_id}")
    _check_numbers(findings, orders.values())
    _check_followed(findings, disks, tickets, journal.archived)
    for entry in entries.values():
        if entry.words and entry.order_id not in orders:
            findings.add(
                "lost", f"{entry.order_id} got the response {entry.words[0].told.status}; there is no such order"
            )
    return findings


@dataclass(frozen=True, slots=True)
class StaffWork:
    """What the staff did with an order: the verbs of their steps, and the lines that they cancelled alone.

    Both are by department; lines by their places in its share; `started`: when its ticket was last started.
    `withdrawn`: the numbers of the lines that they cancelled, alone or with their ticket; `undone`: of those of which a
    restore may have undone that.
    """

    verbs: Mapping[str, set[str]]
    cancelled: Mapping[str, Sequence[CancelledLine]]
    started: Mapping[str, int]
    withdrawn: set[int] = field(default_factory=set)
    undone: set[int] = field(default_factory=set)

    @classmethod
    def of(cls, row: Any, kept: Mapping[str, Kept], undone: Collection[tuple[str, str]]) -> "StaffWork":
        """Put together what the departments' records have."""
        work = cls(
            {name: each.verbs[row.order_id] for name, each in kept.items()},
            {name: each.lines[row.order_id] for name, each in kept.items()},
            {name: each.started.get(row.order_id, 0) for name, each in kept.items()},
        )
        places = Counter[str]()
        for number, line in enumerate(msgspec.json.decode(row.lines)):
            name = line["department"]
            if work.has_cancelled(name) or places[name] in {place for place, _, _ in work.cancelled[name]}:
                work.withdrawn.add(number)
            if (name, row.order_id) in undone:
                work.undone.add(number)
            places[name] += 1
        return work

    def has_started(self, department: str) -> bool:
        """Whether it was ever started there, recalled or not."""
        return "start" in self.verbs[department]

    def has_cancelled(self, department: str) -> bool:
        """Whether the staff cancelled the whole ticket there."""
        return "cancel" in self.verbs[department]


def _check_numbers(findings: Findings, orders: Iterable[Any]) -> None:
    """No two orders of the same day, or of two days on end, have the same number."""
    days: defaultdict[int, set[int]] = defaultdict(set)
    for row in orders:
        day = row.created_at_ms // DAY_MS
        if row.number in days[day] | days[day - 1] | days[day + 1]:
            findings.add("doubled", f"another order has the number of {row.order_id}, {row.number}")
        days[day].add(row.number)


def _check_followed(
    findings: Findings,
    disks: Mapping[str, Disk],
    tickets: Mapping[str, Mapping[str, Any]],
    archived: Collection[str],
) -> None:
    """What the gateway shows of the tickets that the staff have moved is how they are, and it shows no others.

    Of orders that were archived it shows nothing.
    """
    shown = {(row.department, row.order_id): row for row in disks["gateway"].query("SELECT * FROM ticket_states")}
    moved = {
        (name, key): row
        for name, known in tickets.items()
        for key, row in known.items()
        if row.moved_at_ms and key not in archived
    }
    for department, order_id in sorted(shown.keys() | moved.keys()):
        one, other = shown.get((department, order_id)), moved.get((department, order_id))
        if (
            one is None
            or other is None
            or any(getattr(one, name) != getattr(other, name) for name in FOLLOWED)
            or _reasons_shown(one) != {place: reason for place, reason, _ in cancelled_lines(other)}
        ):
            findings.add("unfollowed", f"{order_id}: the gateway shows {one}, and {department} has {other}")


def _reasons_shown(state: Any) -> dict[int, str]:
    """Return the reasons of the single lines that the staff cancelled, by their places, as the gateway shows them."""
    shown = msgspec.json.decode(state.cancelled_lines or "{}")
    return {int(place): reason for place, reason in shown.items()}


def _check_stock(findings: Findings, name: str, disk: Disk, tickets: Iterable[Any], deliveries: Deliveries) -> None:
    held: Counter[str] = Counter()
    sold: Counter[str] = Counter()
    wasted: Counter[str] = Counter()
    for ticket in tickets:
        for line in msgspec.json.decode(ticket.lines):
            if line["outcome"] == "accepted":
                held[line["item"]] += line["quantity"] * (ticket.state == "held")
                sold[line["item"]] += line["quantity"] * (ticket.state in ALIVE)
                wasted[line["item"]] += line["quantity"] * ticket.wasted
        for line in wasted_lines(ticket):
            wasted[line["item"]] += line["quantity"]
    for shelf in disk.query("SELECT * FROM stock ORDER BY item"):
        item, key = shelf.item, (name, shelf.item)
        taken = (held[item], sold[item], wasted[item] + deliveries.discarded[key])
        given = sum(taken) if key in deliveries.unlimited else deliveries.received[key]
        if sum(taken) > given or shelf.on_hand < 0:
            findings.add("oversold", f"{name}/{item}: {given} received, {taken} held, sold and wasted")
        figures = (shelf.received, shelf.on_hand, shelf.held, shelf.sold, shelf.wasted)
        if figures != (given, given - sum(taken), *taken):
            findings.add("broken", f"{name}: {shelf} but tickets say {taken} held, sold and wasted of {given}")


def _check_order(
    findings: Findings,
    row: Any,
    tickets: Mapping[str, Mapping[str, Any]],
    entry: Entry,
    staff: StaffWork,
    *,
    is_archived: bool,
) -> None:
    """The gateway's record and the departments' tickets say the same, it is what was asked for, and it is whole.

    What the staff have cancelled makes no order half, and the order says that it is cancelled, unless it is archived:
    nothing follows what they do then.
    """
    order_id, policy = row.order_id, Policy(row.policy)
    lines = msgspec.json.decode(row.lines)
    if [Wish(*(line[name] for name in Wish._fields)) for line in lines] != entry.wishes:
        findings.add("changed", f"{order_id} is {lines}, but {entry.wishes} was asked for")
    if row.owed is not None or row.status == Status.PENDING:
        findings.add("undecided", f"{order_id} ({policy}) is {row.status} and owes {row.owed}")
        return
    served: list[bool] = []
    for name in dict.fromkeys(line["department"] for line in lines):
        numbers = [number for number, line in enumerate(lines) if line["department"] == name]
        ticket = tickets[name].get(order_id)
        if ticket is None:
            findings.add("lost", f"{order_id} is {row.status}; {name} has never heard of it")
            continue
        if ticket.state == "held":
            findings.add("undecided", f"{order_id} is {row.status}; {name} still holds it")
        if ticket.number != row.number and msgspec.json.decode(ticket.lines):
            findings.add("changed", f"{order_id} has the number {row.number}; {name} has {ticket.number}")
        share = {number: lines[number] for number in numbers}
        made = _check_share(findings, f"{order_id} ({policy})", share, name, ticket, staff, is_archived=is_archived)
        _check_steps(findings, name, ticket, staff)
        left_out = staff.withdrawn | staff.undone
        served += [is_made for number, is_made in zip(numbers, made, strict=True) if number not in left_out]
    if policy is Policy.ALL_OR_NOTHING and any(served) and not all(served):
        findings.add("half", f"{order_id} is {row.status}: {served}")


def _check_share(
    findings: Findings,
    order: str,
    lines: Mapping[int, Mapping[str, Any]],
    name: str,
    ticket: Any,
    staff: StaffWork,
    *,
    is_archived: bool,
) -> list[bool]:
    """Compare an order's lines at one department, by their numbers, with its ticket; returns which of them are made.

    Of an archived order the department may have a ticket again, as it was before a line was cancelled.
    """
    share = list(lines.values())
    made = msgspec.json.decode(ticket.lines) or [{}] * len(share)  # a tombstone has no lines
    text = f"{order}: {share}; {name} has {ticket}"
    if any(made) and list(map(_wish, made)) != list(map(_wish, share)):
        findings.add("changed", text)
    alive = [ticket.state in ALIVE and line.get("outcome") == "accepted" for line in made]
    for number, line, response, lives in zip(lines, share, made, alive, strict=True):
        if number not in staff.withdrawn:
            if not (is_archived and number in staff.undone):
                _check_line(findings, text, line, response, lives=lives)
        elif line["outcome"] in ("accepted", "pending") and not is_archived:
            findings.add("unfollowed", text)
    return alive


def _check_steps(findings: Findings, name: str, ticket: Any, staff: StaffWork) -> None:
    """A ticket says of itself what its steps did: that all of it was cancelled, or single lines, and for what."""
    withdrawn, lines = staff.has_cancelled(name), staff.cancelled[name]
    outcomes = [line["outcome"] for line in msgspec.json.decode(ticket.lines)]
    if withdrawn != (ticket.withdrawn == 1) or (ticket.wasted and not withdrawn):
        findings.add("broken", f"{name} has {ticket}, and steps {staff.verbs[name]}")
    if lines != cancelled_lines(ticket) or any(outcomes[place] != "cancelled" for place, _, _ in lines):
        findings.add("broken", f"{name} has {ticket}, and the staff cancelled {lines}")
    if ticket.state in STARTED and ticket.started_at_ms != staff.started[name]:
        findings.add("broken", f"{name} has {ticket}, which was started at {staff.started[name]}")
    if lines and not withdrawn and "accepted" not in outcomes:
        findings.add("broken", f"{name} has {ticket}, of which every line was cancelled")


def _wish(line: Mapping[str, Any]) -> tuple[Any, ...]:
    return line["item"], line["quantity"], line["note"], line["expected_price"], line["allergy"]


def _check_line(
    findings: Findings, text: str, line: Mapping[str, Any], made: Mapping[str, Any], *, lives: bool
) -> None:
    """Compare a line with its ticket's; that a refused one took nothing, `_check_stock` adds up."""
    said, expected = line["outcome"], line["expected_price"]
    if (said == "accepted") != lives:
        findings.add("lost" if said == "accepted" else "doubled", text)
    elif said == "accepted":
        if line["unit_price"] != made["unit_price"] or expected not in (None, made["unit_price"]):
            findings.add("changed", text)
    elif (said in REFUSALS and made.get("outcome") != said) or (
        said == Outcome.PRICE_CHANGED
        and (line["unit_price"] != made["unit_price"] or expected in (None, made["unit_price"]))
    ):
        findings.add("changed", text)


def _check_told(findings: Findings, entry: Entry, row: Any, staff: StaffWork) -> None:
    """What a client was told at any time is compatible with how the order ended, and with what was told before."""
    end = End(entry, msgspec.json.decode(row.lines), staff, bool(row.response_recorded), row.currency)
    for word in entry.words:
        _check_word(findings, end, word.told)
    _check_sequence(findings, end)
    if entry.cancel_refused:
        _check_refusal(findings, end)


@dataclass(frozen=True, slots=True)
class End:
    """How an order ended: in the journal, and at its departments. `responded`: a client's response is on record."""

    entry: Entry
    lines: Sequence[Mapping[str, Any]]
    staff: StaffWork
    responded: bool
    currency: str

    @property
    def is_whole(self) -> bool:
        return self.entry.policy is Policy.ALL_OR_NOTHING

    def __str__(self) -> str:
        return f"{self.entry.order_id} ({self.entry.policy})"


def _check_word(findings: Findings, end: End, told: Told) -> None:
    if told.policy is not end.entry.policy:
        findings.add("changed", f"{end}: told that it is {told.policy}")
    if told.currency != end.currency:
        findings.add("changed", f"{end}: told prices in {told.currency}; it was taken in {end.currency}")
    if _is_half(end, told):
        findings.add("half", f"{end}: told {told}")
    for number, (said, line) in enumerate(zip(told.lines, end.lines, strict=True)):
        if said.outcome == line["outcome"]:
            if said.unit_price != line["unit_price"]:
                findings.add("changed", f"{end}: told {said}; ended as {line}")
        elif not _may_end(end, number, said, line):
            kind = "lost" if said.outcome is Outcome.ACCEPTED else "changed"
            findings.add(kind, f"{end}: told {told.status}, {said}; ended as {line}, {end.staff}")


def _is_half(end: End, told: Told) -> bool:
    """Whether a client was told that a part of an all-or-nothing order is made, and not that all of it is."""
    left_out = end.staff.withdrawn | end.staff.undone
    outcomes = {said.outcome for number, said in enumerate(told.lines) if number not in left_out}
    return told.policy is Policy.ALL_OR_NOTHING and Outcome.ACCEPTED in outcomes and len(outcomes) > 1


def _may_end(end: End, number: int, said: LineTold, line: Mapping[str, Any]) -> bool:
    """Whether a line that a client was told something of may end otherwise.

    - `pending` promises nothing.
    - `accepted` ends `cancelled` where the client has sent a cancel that was not refused, or where the gateway met with
      a ticket or a line that the staff had cancelled.
    - `expired` and `rejected` end `accepted` where the department had started before the tombstone reached it, and the
      line says so: nobody can tell that of a department that cannot be reached, or is not configured. Never all or
      nothing: what is held is not started. The staff may have cancelled it since, as whatever is accepted.
    - A refusal ends `expired` or `rejected` where the order is all or nothing and a crash kept that response from being
      written down: nothing is made either way.
    - `cancelled` is final, but where a restore undid a cancel by the staff: then the line is made, or it is cancelled
      again.
    """
    ended = Outcome(line["outcome"])
    if number in end.staff.undone and {said.outcome, ended} == {Outcome.ACCEPTED, Outcome.CANCELLED}:
        return True
    match said.outcome:
        case Outcome.PENDING:
            return True
        case Outcome.ACCEPTED:
            return ended is Outcome.CANCELLED and (end.entry.cancel_sent or number in end.staff.withdrawn)
        case Outcome.EXPIRED | Outcome.REJECTED:
            started = end.staff.has_started(said.department) and bool(line["reason"])
            is_withdrawn = ended is Outcome.CANCELLED and number in end.staff.withdrawn
            return (ended is Outcome.ACCEPTED or is_withdrawn) and started and not end.is_whole
        case Outcome.OUT_OF_STOCK | Outcome.NOT_ON_MENU | Outcome.PRICE_CHANGED | Outcome.OFF_SALE:
            return ended in (Outcome.EXPIRED, Outcome.REJECTED) and end.is_whole and not end.responded
    return False


def _check_sequence(findings: Findings, end: End) -> None:
    """Who was told that a line will not be made is not told later that it will.

    Exceptions are `expired`, and a cancel by the staff that a restore undid.
    """
    for one, other in combinations(end.entry.words, 2):
        first, second = (one, other) if one.heard <= other.asked else (other, one)
        if first.heard > second.asked:
            continue  # asked at the same time: the responses may overtake each other
        for number, (before, after) in enumerate(zip(first.told.lines, second.told.lines, strict=True)):
            if before.outcome in FINAL and after.outcome is Outcome.ACCEPTED and number not in end.staff.undone:
                findings.add("changed", f"{end}: told {before}, and later {after}")


def _check_refusal(findings: Findings, end: End) -> None:
    """A cancel is refused where nothing could be taken back: whoever has accepted a line has started to make it.

    Of an order that is all or nothing one start is enough, also where the staff have cancelled it since.
    """
    made = [end.staff.has_started(line["department"]) for line in end.lines if line["outcome"] == "accepted"]
    withdrawn = [end.staff.has_started(end.lines[number]["department"]) for number in end.staff.withdrawn]
    if made and not (any([*made, *withdrawn]) if end.is_whole else all(made)):
        findings.add("changed", f"{end}: a cancel was refused, but it could be taken back: {end.staff}")
