"""When an order will be ready: quoted when it is placed, revised as its tickets move, and compared with what came true.

A department's quote is the wait in its queue and the preparation of the order's own share:

    wait = tickets that wait there x the seconds in which the department finishes one
    own  = the longest of the share's items: its observed median, or else what the menu says

An order is ready when its last share is. No figure is exact: a quote does not know of breaks, nor of large parties that
are about to order. docs/architecture.md says where it is wrong.
"""

from collections.abc import Iterable, Mapping, Sequence
from statistics import median
from typing import NamedTuple

from gateway.domain.lines import Line, Outcome, TicketState
from gateway.domain.progress import Tickets
from gateway.domain.tickets import LiveTicket

UNKNOWN_SECONDS = 600
"""How long an item takes of which neither the menu nor the staff have told anything."""

MOST_SECONDS = 4 * 3600
"""The longest wait, and the longest preparation, that is quoted."""

FEWEST = 5
"""How many must have been finished before what was observed counts."""

REMEMBERED = 100
"""How many finished tickets of a department are remembered."""

LONGEST_OPEN_MS = 3_600_000
"""A ticket counts as open for an hour at most: one that was forgotten says nothing about the pace."""

_READY = (TicketState.READY, TicketState.SERVED)


Quote = tuple[int, int]
"""What a department was expected to take for a share: seconds of waiting, and seconds of preparing it.

It is a plain tuple, because a named one costs every order 0.3 µs a department.
"""

Quotes = Mapping[str, Quote]
"""The quotes of an order, by department."""


class Finished(NamedTuple):
    """A ticket that became ready: the item that took the longest, and when it was placed, started and ready (ms)."""

    item: str
    placed_ms: int
    started_ms: int
    ready_ms: int


class Pace:
    """One department's pace, and its queue as far as the gateway knows it.

    `waiting` is how many tickets are queued or being prepared.
    """

    __slots__ = ("_finished", "_menu", "item_seconds", "ticket_seconds", "unknown_seconds", "waiting")

    def __init__(self) -> None:
        """Begin with nothing known."""
        self.waiting = 0
        self.ticket_seconds: float = UNKNOWN_SECONDS
        self.item_seconds: Mapping[str, int] = {}
        self.unknown_seconds = UNKNOWN_SECONDS
        self._menu: Mapping[str, int] = {}
        self._finished: dict[str, Finished] = {}

    def place(self, lines: Sequence[Line]) -> Quote:
        """Return the quote of a share that is placed now, and count its ticket into the queue."""
        seconds, unknown = self.item_seconds.get, self.unknown_seconds
        if len(lines) == 1:
            own = seconds(lines[0].item, unknown)
        else:
            own = max([seconds(line.item, unknown) for line in lines])
        wait = self.waiting * self.ticket_seconds
        self.waiting += 1
        return (int(wait) if wait < MOST_SECONDS else MOST_SECONDS), own

    def read_menu(self, seconds: Mapping[str, int]) -> None:
        """Take over how many seconds the menu's items take; 0 where the menu does not say."""
        self._menu = {item: each for item, each in seconds.items() if each}
        self._count()

    def observe(self, tickets: Sequence[LiveTicket]) -> None:
        """Take in tickets that the staff have moved: those that became ready are counted, each once."""
        done = {ticket.order_id: self._of(ticket) for ticket in tickets if ticket.state in _READY and ticket.lines}
        withdrawn = sum(ticket.withdrawn for ticket in tickets)
        self.waiting = max(self.waiting - withdrawn - len(done.keys() - self._finished.keys()), 0)
        if done:
            latest = sorted({**self._finished, **done}.items(), key=lambda each: each[1].ready_ms)[-REMEMBERED:]
            self._finished = dict(latest)
            self._count()

    def _of(self, ticket: LiveTicket) -> Finished:
        made = [line for line in ticket.lines if line.outcome is Outcome.ACCEPTED] or ticket.lines
        longest = max(made, key=lambda line: self._menu.get(line.item, 0)).item
        started_ms = ticket.started_at_ms or ticket.placed_at_ms
        return Finished(longest, ticket.placed_at_ms, started_ms, ticket.ready_at_ms)

    def _count(self) -> None:
        finished = list(self._finished.values())
        self.item_seconds = {**self._menu, **observed_seconds(finished)}
        self.unknown_seconds = round(median(self.item_seconds.values())) if self.item_seconds else UNKNOWN_SECONDS
        pace = seconds_per_ticket(finished)
        self.ticket_seconds = self.unknown_seconds if pace is None else pace


def observed_seconds(finished: Iterable[Finished]) -> dict[str, int]:
    """Return the median of the preparations of each item, of which enough were seen."""
    seconds: dict[str, list[float]] = {}
    for each in finished:
        seconds.setdefault(each.item, []).append((each.ready_ms - each.started_ms) / 1000)
    medians = {item: median(seen) for item, seen in seconds.items() if len(seen) >= FEWEST}
    return {item: min(max(round(each), 0), MOST_SECONDS) for item, each in medians.items()}


def seconds_per_ticket(finished: Sequence[Finished]) -> float | None:
    """Return in how many seconds a department finishes a ticket while it has any; None where too few were seen.

    It is the time in which at least one of them was open, by their number: so it shows how many cooks there are, and
    does not count the time in which nobody ordered.
    """
    if len(finished) < FEWEST:
        return None
    busy_ms = end_ms = 0
    for begin, end in sorted(
        (max(each.placed_ms, each.ready_ms - LONGEST_OPEN_MS), each.ready_ms) for each in finished
    ):
        busy_ms += max(end - max(begin, end_ms), 0)
        end_ms = max(end, end_ms)
    return busy_ms / 1000 / len(finished)


def ready_at_ms(
    created_at_ms: int, quotes: Quotes, shares: Mapping[str, Sequence[Line]], tickets: Tickets
) -> int | None:
    """Return when the last share is ready that is made, in milliseconds since 1970: as quoted, or as its ticket shows.

    None where nothing is made, or nothing was quoted. A share that is ready counts with the moment when it became so,
    one that is started with the quoted preparation from its start on. A moment that has passed means that it is late.
    """
    latest = 0
    for department, (wait, own) in quotes.items():
        if not any(line.is_open for line in shares[department]):
            continue
        ready_ms = created_at_ms + (wait + own) * 1000
        ticket = tickets.get(department)
        if ticket is not None:
            if ticket.state in _READY:
                ready_ms = ticket.ready_at_ms
            elif ticket.state is TicketState.PREPARING:
                ready_ms = ticket.started_at_ms + own * 1000
        latest = max(latest, ready_ms)
    return latest or None
