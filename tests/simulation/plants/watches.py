"""Bugs of a department's watch: what a watcher misses, gets twice, or goes on believing."""

from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing
from dataclasses import replace
from typing import Any

import sqlalchemy as sa

from departments import changes, staff_transactions
from departments.domain.changes import ChangePage
from departments.domain.steps import Step
from departments.domain.stock import Stock
from departments.domain.tickets import Ticket, TicketLine
from departments.feed import Feed, Watcher
from departments.rpc import convert_changes
from departments.watching import Watch
from generated.restaurant import v1
from tests.simulation.seams import plant, plant_value

plant_value(
    "changes-filtered-by-state",
    changes,
    "_CHANGED",
    "A watcher gets the changes of open tickets only, and never learns that a ticket was closed.",
    changes._OPEN,
    "watched",
)


@plant("snapshot-without-stock", changes, "begin_snapshot", "watched")
def begin_snapshot_without_stock(
    original: Callable[..., ChangePage], connection: sa.Connection, *, moved_only: bool = False
) -> ChangePage:
    """A snapshot leaves the stock out: what has not changed since is not known."""
    return replace(original(connection, moved_only=moved_only), stock=[])


@plant("stock-of-the-last-revision-left-out", changes, "stock_between", "watched")
def stock_before(
    original: Callable[..., list[Stock]], connection: sa.Connection, after: int, until: int
) -> list[Stock]:
    """The stock that was changed at a page's last revision is not in the page, and not in the next one."""
    return original(connection, after, until - 1)


@plant("stock-of-a-cancel-with-an-earlier-revision", staff_transactions, "_take_out_of_sold", "watched")
def take_out_before_the_step(
    original: Callable[..., None], connection: sa.Connection, lines: Sequence[TicketLine], step: Step
) -> None:
    """The stock that a cancel of the staff moves has the revision before the cancel's."""
    original(connection, lines, replace(step, revision=step.revision - 1))


@plant("position-in-a-cut-page-is-the-head", changes, "changes_after", "watched")
def changes_after_and_the_head(
    original: Callable[..., ChangePage],
    connection: sa.Connection,
    after: int,
    incarnation: str,
    until: int = 0,
    *,
    moved_only: bool = False,
) -> ChangePage:
    """A page that does not hold all changes takes its watcher behind those that it leaves out."""
    page = original(connection, after, incarnation, until, moved_only=moved_only)
    if not page.is_cut:
        return page
    return replace(page, revision=until or changes.position(connection)[0], is_cut=False)


@plant("watch-position-without-incarnation", Watch, "watch", "watched")
async def watch_any_incarnation(
    original: Callable[..., AsyncGenerator[Any, None]], self: Watch[Any], watcher: Watcher
) -> AsyncGenerator[Any, None]:
    """A watcher goes on from its position although a backup was restored."""
    current, incarnation = await self._reader.position()
    if watcher.incarnation and watcher.revision <= current:
        watcher.incarnation = incarnation
    async with aclosing(original(self, watcher)) as messages:
        async for message in messages:
            yield message


@plant("slow-watchers-skip-what-is-not-kept", Watch, "_catch_up", "watched")
async def skip_to_the_head(original: object, self: Watch[Any], watcher: Watcher) -> Any:
    """A watcher that has fallen behind goes on from where the others are."""
    watcher.revision = self._feed.head
    return self._encode(ChangePage(watcher.incarnation, watcher.revision))


@plant("watchers-skip-with-the-feed", Feed, "_start_at", "watched", 9)
def start_at_with_all(original: Callable[..., None], self: Feed[Any], revision: int, incarnation: str) -> None:
    """A feed that is too far behind goes on from the present, and takes its watchers along without a snapshot."""
    original(self, revision, incarnation)
    for watcher in self._watchers:
        watcher.revision = revision


@plant("moved-tickets-only-while-open", changes, "continue_snapshot", "watched")
def continue_with_open_tickets(
    original: Callable[..., ChangePage], connection: sa.Connection, last: ChangePage, *, moved_only: bool = False
) -> ChangePage:
    """A snapshot of the tickets that the staff have moved leaves out those that are served or cancelled."""
    page = original(connection, last, moved_only=moved_only)
    return replace(page, tickets=[each for each in page.tickets if each.state in ("preparing", "ready")])


@plant("ticks-not-shown", convert_changes, "changed_tickets", "watched")
def changed_tickets_without_ticks(
    original: Callable[..., v1.ChangedTickets], tickets: list[Ticket]
) -> v1.ChangedTickets:
    """A watcher does not learn which lines are ticked off."""
    message = original(tickets)
    message.made = [False] * len(message.made)
    return message
