"""The picture that a watcher of WatchChanges makes of a department, and what its database says.

Each page is checked as it comes: nothing comes twice, and nothing goes back.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import msgspec

from departments.domain.tickets import OPEN, Outcome, TicketSource, TicketState
from departments.rpc.enums import OUTCOMES, SOURCES, STATES
from generated.restaurant import v1

_POSITION = "SELECT incarnation, revision FROM department"
_TICKETS = """
    SELECT order_id, revision, state, placed_for, number, source, placed_at_ms, started_at_ms, ready_at_ms,
           served_at_ms, cancelled_at_ms, moved_at_ms, moved_by, cancel_reason, wasted, lines, cancelled_lines
    FROM tickets
"""
_STOCK = "SELECT item, revision, received, on_hand, held, sold, wasted, off_sale, unlimited FROM stock"


class SeenLine(NamedTuple):
    """A line of a ticket; `cancel_reason` is None where the staff have not cancelled it alone."""

    item: str
    quantity: int
    note: str
    allergy: bool
    made: bool
    outcome: int
    unit_price: int
    cancel_reason: str | None


class SeenTicket(NamedTuple):
    """A ticket; enums are the contract's, `moved_at_ms` is 0 where the staff have never moved it."""

    revision: int
    state: int
    table: str
    number: int
    source: int
    placed_at_ms: int
    started_at_ms: int
    ready_at_ms: int
    served_at_ms: int
    cancelled_at_ms: int
    moved_at_ms: int
    moved_by: str
    cancel_reason: str
    wasted: bool
    lines: tuple[SeenLine, ...]


class SeenStock(NamedTuple):
    """The stock of an item."""

    revision: int
    received: int
    on_hand: int
    held: int
    sold: int
    wasted: int
    off_sale: bool
    unlimited: bool


@dataclass(frozen=True, slots=True)
class Truth:
    """What a department's database has at one moment."""

    position: tuple[str, int]
    tickets: dict[str, SeenTicket]
    stock: dict[str, SeenStock]


@dataclass(slots=True)
class Picture:
    """What a watcher knows. `since`: the revision of its last snapshot; `is_whole`: all pages of that have come.

    `changes` counts the tickets and stock that came, `resets` the snapshots.
    """

    moved_only: bool = False
    incarnation: str = ""
    revision: int = 0
    since: int = 0
    is_whole: bool = True
    tickets: dict[str, SeenTicket] = field(default_factory=dict)
    stock: dict[str, SeenStock] = field(default_factory=dict)
    prices: dict[str, int] = field(default_factory=dict)
    changes: int = 0
    resets: int = 0

    def see(self, page: v1.WatchChangesResponse) -> list[str]:
        """Take a page over; return what is wrong with it."""
        wrong = []
        if page.reset:
            self.tickets, self.stock, self.since, self.is_whole = {}, {}, page.revision, False
            self.resets += 1
        elif self.is_whole and (page.incarnation != self.incarnation or page.revision < self.revision):
            wrong.append(f"a watcher at {self.revision} of {self.incarnation} was sent {page.revision}")
        if page.tickets:
            wrong += self._take("ticket", self.tickets, seen_tickets(page.tickets), page.revision)
        if page.stock:
            wrong += self._take("stock", self.stock, seen_stock(page.stock), page.revision)
        if page.menu:
            self.prices = {item.id: item.price for item in page.menu.items}
        if not page.more:
            self.incarnation, self.revision, self.is_whole = page.incarnation, page.revision, True
        return wrong

    def _take(self, what: str, known: dict[str, Any], news: Iterable[tuple[str, Any]], until: int) -> list[str]:
        """Take changes over, each of which is later than the position, or is the snapshot's only one of its kind."""
        wrong = []
        after = self.revision if self.is_whole else -1
        for key, change in news:
            last = max(after, known[key].revision) if key in known else after
            if not last < change.revision <= until:
                wrong.append(f"{what} {key} of {change.revision} came after {last}, in a page up to {until}")
            known[key] = change
            self.changes += 1
        return wrong

    def forget(self, archived: Collection[str]) -> None:
        """Forget tickets that were archived: nobody who watches is told."""
        self.tickets = {order_id: ticket for order_id, ticket in self.tickets.items() if order_id not in archived}

    @property
    def position(self) -> tuple[str, int]:
        """From where to go on: from nowhere within a snapshot, which has to be begun anew."""
        return (self.incarnation, self.revision) if self.is_whole else ("", 0)

    def differences(self, truth: Truth) -> list[str]:
        """List where the picture differs from the database, at whose position it is.

        A watcher of all knows the open tickets, those that changed since its snapshot, and the last that were closed
        before. A watcher of moved tickets knows all of those, and no stock.
        """
        if self.position != truth.position:
            return [f"it is at {self.position}, the database at {truth.position}"]
        wrong = _differences("ticket", self.tickets, dict(filter(self._is_due, truth.tickets.items())))
        return wrong + _differences("stock", self.stock, {} if self.moved_only else truth.stock)

    def _is_due(self, entry: tuple[str, SeenTicket]) -> bool:
        order_id, ticket = entry
        if self.moved_only:
            return ticket.moved_at_ms > 0
        return is_open(ticket) or ticket.revision > self.since or order_id in self.tickets


_OPEN = {STATES[state] for state in OPEN}
_NAMES: dict[int, str] = {number: state.value for state, number in STATES.items()}
_OUTCOME_NAMES: dict[int, str] = {number: outcome.value for outcome, number in OUTCOMES.items()}


def is_open(ticket: SeenTicket) -> bool:
    """Return whether the staff have still to take a ticket further, or may have to."""
    return ticket.state in _OPEN


def state_name(ticket: SeenTicket) -> str:
    """Return a ticket's state as REST and the database write it."""
    return _NAMES[ticket.state]


def outcome_name(line: SeenLine) -> str:
    """Return a line's outcome as REST and the database write it."""
    return _OUTCOME_NAMES[line.outcome]


def _differences(what: str, seen: dict[str, Any], there: dict[str, Any]) -> list[str]:
    return [
        f"{what} {key}: it believes {seen.get(key)}, and there is {there.get(key)}"
        for key in sorted(seen.keys() | there.keys())
        if seen.get(key) != there.get(key)
    ]


def seen_tickets(page: v1.ChangedTickets) -> Iterator[tuple[str, SeenTicket]]:
    """Yield the tickets of a page, with the ids of their orders; ValueError where columns differ in length."""
    reasons: list[str | None] = [None] * len(page.items)
    for place, reason in zip(page.cancelled_lines, page.line_cancel_reasons, strict=True):
        reasons[place] = reason
    line_columns: list[Sequence[Any]] = [page.items, page.quantities, page.notes, page.allergies, page.made]
    lines = [SeenLine(*line) for line in zip(*line_columns, page.outcomes, page.unit_prices, reasons, strict=True)]
    columns: list[Sequence[Any]] = [page.revisions, page.states, page.tables, page.numbers, page.sources]
    columns += [page.placed_at_ms, page.started_at_ms, page.ready_at_ms, page.served_at_ms, page.cancelled_at_ms]
    columns += [page.moved_at_ms, page.moved_by, page.cancel_reasons, page.wasted]
    first = 0
    for order_id, count, *values in zip(page.order_ids, page.line_counts, *columns, strict=True):
        yield order_id, SeenTicket._make([*values, tuple(lines[first : first + count])])
        first += count
    if first != len(lines):
        raise ValueError(f"{len(lines)} lines for {first}")


def seen_stock(page: v1.ChangedStock) -> Iterator[tuple[str, SeenStock]]:
    """Yield the stock of a page, with its items."""
    columns: list[Sequence[Any]] = [page.revisions, page.received, page.on_hand, page.held, page.sold, page.wasted]
    for item, *values in zip(page.items, *columns, page.off_sale, page.unlimited, strict=True):
        yield item, SeenStock(*values)


def read_truth(query: Callable[[str], Iterable[Sequence[Any]]]) -> Truth:
    """Read a department's database; `query` executes a statement and returns its rows."""
    ((incarnation, revision),) = query(_POSITION)
    return Truth(
        (incarnation, revision),
        {order_id: _ticket(values) for order_id, *values in query(_TICKETS)},
        {
            item: SeenStock._make([*values, bool(off_sale), bool(unlimited)])
            for item, *values, off_sale, unlimited in query(_STOCK)
        },
    )


def _ticket(values: Sequence[Any]) -> SeenTicket:
    revision, state, table, number, source, *times_and_words, wasted, lines, cancelled_lines = values
    enums = [STATES[TicketState(state)], table, number, SOURCES[TicketSource(source)]]
    reasons = {each["line"]: each["reason"] for each in msgspec.json.decode(cancelled_lines or "[]")}
    decoded = tuple(_line(line, reasons.get(place)) for place, line in enumerate(msgspec.json.decode(lines)))
    return SeenTicket._make([revision, *enums, *times_and_words, bool(wasted), decoded])


def _line(line: dict[str, Any], cancel_reason: str | None) -> SeenLine:
    outcome = OUTCOMES[Outcome(line["outcome"])]
    as_stored = [line[name] for name in ("item", "quantity", "note", "allergy", "made")]
    return SeenLine._make([*as_stored, outcome, line["unit_price"], cancel_reason])
