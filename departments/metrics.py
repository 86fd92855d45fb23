"""The metrics of a department: its transactions, open tickets, stock, and those who watch it.

Tickets and stock are in the database, so a scrape reads them there, at most every REUSE_SECONDS, in the thread that no
order waits for. Where the database cannot be read in time, their series are missing: the others are there.
"""

import asyncio
import time
from collections.abc import Iterator
from typing import Any

import structlog

from departments.app import DepartmentApp
from departments.domain.tickets import TicketState
from departments.summary_tables import Summary
from departments.watching import Watching
from infra.batch_metrics import batch_families
from infra.errors import DatabaseError
from infra.metrics import Family, by_label, one

REUSE_SECONDS = 5.0
READ_SECONDS = 2.0

OPEN = (TicketState.HELD, TicketState.QUEUED, TicketState.PREPARING, TicketState.READY)

log = structlog.get_logger("metrics")


class DepartmentMetrics:
    """What a scrape reads of a department."""

    def __init__(
        self, department: DepartmentApp, watching: Watching[Any], reuse_seconds: float = REUSE_SECONDS
    ) -> None:
        """`reuse_seconds` is how long what was read from the database is shown."""
        self._department = department
        self._watching = watching
        self._reuse_seconds = reuse_seconds
        self._summary: Summary | None = None
        self._read_at = float("-inf")

    async def read(self) -> None:
        """Read the summary from the database, unless that was done just now."""
        if time.monotonic() - self._read_at < self._reuse_seconds:
            return
        try:
            async with asyncio.timeout(READ_SECONDS):
                self._summary = await self._department.summary()
        except (DatabaseError, TimeoutError) as error:
            log.debug("tickets and stock cannot be read", reason=str(error))
            self._summary = None
        self._read_at = time.monotonic()

    def families(self) -> Iterator[Family]:
        """Return what is known; called beside the event loop."""
        yield from batch_families({("transactions", ""): self._department.writing})
        yield one("watchers", "gauge", "Watches that are open.", len(self._watching.revisions()))
        if self._summary is not None:
            yield from self._of_database(self._summary)

    def _of_database(self, summary: Summary) -> Iterator[Family]:
        counts = {state.value: summary.tickets.get(state.value, (0, 0))[0] for state in OPEN}
        yield by_label("tickets", "gauge", "Open tickets.", "state", counts)
        now_ms = time.time() * 1000
        ages = {state.value: 0.0 for state in OPEN}
        ages |= {state: max(0.0, now_ms - at_ms) / 1000 for state, (_, at_ms) in summary.tickets.items()}
        text = "How long ago the oldest open ticket was placed; 0 where there is none."
        yield by_label("tickets_oldest_seconds", "gauge", text, "state", ages)
        yield by_label("stock_on_hand", "gauge", "What is left of an item.", "item", summary.on_hand)
        yield one("stock_items", "gauge", "Items with a stock; those beyond 200 have no series.", summary.items)
        yield one("revision", "gauge", "The department's revision, which grows with every change.", summary.revision)
        lag = max((summary.revision - revision for revision in self._watching.revisions()), default=0)
        text = "How many revisions the slowest watch is behind; a quiet one gets its position every 5 s."
        yield one("watch_lag_revisions", "gauge", text, max(0, lag))
