"""What was archived, put together from the databases and the files, and what must be true of it.

Whoever audits an evening with an archiver gets the orders and tickets that are stored and those that were archived, as
one: each is in one of the two places, and never in both.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import msgspec

from gateway.domain.order import Status
from ops.archive.files import Record
from tests.simulation.archivist import Files
from tests.simulation.storage import Disk

QUARTER_MS = 900_000

Steps = defaultdict[str, set[str]]
"""By order id, the verbs that a department's staff have taken with its ticket. `cancel`: they cancelled all of it."""

CancelledLine = tuple[int, str, bool]
"""Place, reason, and whether the ticket was being prepared, so that the line is wasted."""

Lines = defaultdict[str, list[CancelledLine]]
"""By order id, the single lines that a department's staff have cancelled, in their order, by the record of their steps.
"""


@dataclass(frozen=True, slots=True)
class Kept:
    """All orders of the journal, or all tickets of a department, by order id: the stored ones and the archived ones.

    `archived`: the ids of the latter; `records`: what the files have of them. `verbs`: the staff's steps; `lines`: the
    single lines that they cancelled; `started`: when they last started it, by order id.
    """

    rows: Mapping[str, Any]
    archived: AbstractSet[str]
    records: Mapping[str, Record]
    verbs: Steps
    lines: Lines
    started: Mapping[str, int]
    wrong: list[tuple[str, str]]


def kept_orders(disk: Disk, files: Files | None) -> Kept:
    """Put the journal's orders together."""
    rows = {row.order_id: row for row in disk.query("SELECT * FROM orders")}
    return _put_together("gateway", rows, disk.archived(), _last(files, "gateway", "order"), [])


def kept_tickets(name: str, disk: Disk, files: Files | None) -> Kept:
    """Put a department's tickets together. A late decision about one that is archived may leave a tombstone."""
    steps = [row._mapping for row in disk.query("SELECT * FROM steps ORDER BY revision")]
    archived, records = disk.archived(), _last(files, name, "ticket")
    rows = {row.order_id: row for row in disk.query("SELECT * FROM tickets ORDER BY order_id")}
    stored = {key: row for key, row in rows.items() if not (key in archived and row.lines == "[]")}
    for order_id in sorted(archived & records.keys()):
        steps += records[order_id]["steps"]
    return _put_together(name, stored, archived, records, steps)


def _last(files: Files | None, source: str, what: str) -> dict[str, Record]:
    """Return the last record of each order: the one that was removed. A tombstone may have come after a ticket."""
    found: dict[str, Record] = {}
    for record in files.records(source) if files is not None else ():
        row = record[what]
        if row["order_id"] not in found or row["lines"] != "[]":
            found[row["order_id"]] = record
    return found


def _put_together(
    name: str,
    stored: Mapping[str, Any],
    archived: set[str],
    records: Mapping[str, Record],
    steps: Iterable[Mapping[str, Any]],
) -> Kept:
    wrong = [("doubled", f"{name} has {key}, which was archived") for key in sorted(archived & stored.keys())]
    wrong += [("lost", f"{name} has archived {key}, and no file has it") for key in sorted(archived - records.keys())]
    what = "order" if name == "gateway" else "ticket"
    removed = {key: records[key] for key in sorted(archived & records.keys())}
    rows = {**{key: SimpleNamespace(**record[what]) for key, record in removed.items()}, **stored}
    verbs, lines, started = Steps(set), Lines(list), dict[str, int]()
    for step in steps:
        is_whole = step["after"] == "cancelled"
        verbs[step["order_id"]].add("cancel" if is_whole else step["verb"])
        if step["verb"] == "start":
            started[step["order_id"]] = step["moved_at_ms"]
        if step["verb"] == "cancel_line" and not is_whole:
            lines[step["order_id"]].append((step["line"], step["reason"], step["before"] == "preparing"))
    return Kept(dict(sorted(rows.items())), archived, removed, verbs, lines, started, wrong)


def cancelled_lines(ticket: Any) -> list[CancelledLine]:
    """Return the single lines that the staff cancelled, by a ticket's row."""
    cancelled = msgspec.json.decode(ticket.cancelled_lines or "[]")
    return [(each["line"], each["reason"], each["wasted"]) for each in cancelled]


def wasted_lines(ticket: Any) -> list[Any]:
    """Return the lines that were cancelled alone when they were being prepared."""
    lines = msgspec.json.decode(ticket.lines)
    return [lines[place] for place, _, is_wasted in cancelled_lines(ticket) if is_wasted]


def check_archived(orders: Kept, tickets: Mapping[str, Kept], disks: Mapping[str, Disk]) -> Iterator[tuple[str, str]]:
    """Yield what is wrong with what was archived, each with its kind."""
    yield from orders.wrong
    for name, kept in tickets.items():
        yield from kept.wrong
        for order_id in sorted(kept.archived - orders.archived):
            yield "broken", f"{name} has archived the ticket of {order_id}, whose order was not archived"
        yield from _check_sums(name, kept, disks[name])
    for order_id, record in orders.records.items():
        row = record["order"]
        if row["owed"] is not None or row["status"] == Status.PENDING or not row["response_recorded"]:
            yield "broken", f"{order_id} was archived, and is not finished: {row}"
    yield from _check_figures(orders, disks["gateway"])


def lost_steps(name: str, disk: Disk, files: Files, taken: Iterable[tuple[str, str]]) -> list[str]:
    """List the steps, by order and step id, that were acknowledged, and are not with the tickets that were archived."""
    kept = kept_tickets(name, disk, files)
    archived = {order_id: {step["step_id"] for step in each["steps"]} for order_id, each in kept.records.items()}
    return [
        f"{name}: step {step_id} of {order_id} was acknowledged, and was not archived with its ticket"
        for order_id, step_id in taken
        if order_id in archived and step_id not in archived[order_id]
    ]


def _check_sums(name: str, kept: Kept, disk: Disk) -> Iterator[tuple[str, str]]:
    """What is kept of the archived tickets is what they took, and as many are counted as there are."""
    took: Counter[tuple[str, str]] = Counter()
    for record in kept.records.values():
        ticket = record["ticket"]
        what = "wasted" if ticket["wasted"] else "sold" if ticket["state"] == "served" else ""
        for line in msgspec.json.decode(ticket["lines"]):
            if what and line["outcome"] == "accepted":
                took[what, line["item"]] += line["quantity"]
        for line in wasted_lines(SimpleNamespace(**ticket)):
            took["wasted", line["item"]] += line["quantity"]
    rows = disk.query("SELECT item, sold, wasted FROM archived_stock")
    there = Counter({(what, row.item): getattr(row, what) for row in rows for what in ("sold", "wasted")})
    if +took != +there:
        yield "broken", f"{name}: archived tickets took {took}, and {there} is kept"
    ((counted,),) = disk.query("SELECT archived FROM department")
    if counted != len(kept.archived):
        yield "broken", f"{name} counts {counted} archived tickets, and has {len(kept.archived)}"


def _check_figures(orders: Kept, disk: Disk) -> Iterator[tuple[str, str]]:
    """The reports' figures are those of the archived orders, by the hour."""
    expected: Counter[tuple[str, int, str]] = Counter()
    totals: Counter[tuple[str, int, str]] = Counter()
    for record in orders.records.values():
        for key, quantity, total in _figures(record):
            expected[key] += quantity
            totals[key] += total
    found: Counter[tuple[str, int, str]] = Counter()
    money: Counter[tuple[str, int, str]] = Counter()
    for row in disk.query("SELECT * FROM archived_figures"):
        key = row.kind, row.quarter, row.subject if row.kind in ("status", "sold") else ""
        found[key] += row.quantity
        money[key] += row.total
    if (expected, +totals) != (found, +money):
        yield "broken", f"the archived orders make {expected}, {totals}; the figures are {found}, {money}"


def _figures(record: Record) -> Iterator[tuple[tuple[str, int, str], int, int]]:
    """Yield key, quantity and total of each figure; of times, only how many there are."""
    row, tickets = record["order"], record["tickets"]
    begins = datetime.fromtimestamp(row["created_at_ms"] / 1000, UTC).replace(minute=0, second=0, microsecond=0)
    quarter = int(begins.timestamp() * 1000) // QUARTER_MS
    yield ("status", quarter, _encode([row["status"]])), 1, 0
    for line in msgspec.json.decode(row["lines"]):
        if line["outcome"] == "accepted":
            subject = _encode([row["currency"], line["department"], line["item"]])
            yield ("sold", quarter, subject), line["quantity"], line["quantity"] * line["unit_price"]
    quotes = msgspec.json.decode(row["quotes"] or "{}")
    for ticket in tickets:
        if ticket["ready_at_ms"] and ticket["department"] in quotes:
            yield ("measured", quarter, ""), 1, 0
        if ticket["ready_at_ms"] and ticket["started_at_ms"]:
            yield ("prepared", quarter, ""), 1, 0


def _encode(value: object) -> str:
    return msgspec.json.encode(value).decode()
