"""One log line when a database becomes unusable, and one when it is usable again."""

import threading
import time

import structlog

log = structlog.get_logger("database")


class Outages:
    """Records the failures and successes of all sessions of one database, and logs the changes.

    Nothing is logged before the first transaction after `begin` has succeeded: a program that cannot start prints its
    reason in one line.
    """

    def __init__(self, database: str) -> None:
        self._database = database
        self._lock = threading.Lock()
        self._is_quiet = True
        self._has_begun = False
        self._lost: str | None = None
        self._since: float | None = None
        self._failed = 0
        self._failing: dict[str, int] = {}

    def begin(self) -> None:
        """Start to log after the next transaction that succeeds."""
        self._has_begun = True

    def lost(self, reason: str) -> None:
        """Record a connection that broke in a transaction; it is an outage if no new connection can be made."""
        with self._lock:
            self._failed += 1
            self._lost = self._lost or reason

    def unreachable(self, reason: str) -> None:
        """Record a failure to connect; `reason` has each host's reason."""
        with self._lock:
            self._failed += 1
            if self._since is not None:
                return
            self._since = time.monotonic()
            if not self._is_quiet:
                fields = {"lost": self._lost} if self._lost else {}
                log.error("the database cannot be reached", database=self._database, reason=reason, **fields)

    def reached(self) -> None:
        """Record a new connection."""
        with self._lock:
            since, lost, failed = self._since, self._lost, self._failed
            self._since = self._lost = None
            self._failed = 0
            if self._is_quiet:
                return
            if since is not None:
                seconds = round(time.monotonic() - since, 1)
                log.info("the database can be reached again", database=self._database, seconds=seconds, failed=failed)
            elif lost is not None:
                log.warning("a connection to the database was lost", database=self._database, reason=lost)

    def failed(self, session: str, reason: str) -> None:
        """Record a transaction that failed on an intact connection."""
        with self._lock:
            self._failing[session] = self._failing.get(session, 0) + 1
            if self._failing[session] == 1 and not self._is_quiet:
                log.error("the database refuses", database=self._database, session=session, reason=reason)

    def succeeded(self, session: str) -> None:
        """Record a transaction that succeeded."""
        if self._is_quiet:
            self._is_quiet = not self._has_begun
        if session not in self._failing:
            return
        with self._lock:
            failed = self._failing.pop(session, 0)
            if failed and not self._is_quiet:
                log.info("the database works again", database=self._database, session=session, failed=failed)
