"""One log line when a database cannot be used any more, and one when it can be again."""

import threading
import time

import structlog

log = structlog.get_logger("database")


class Outages:
    """Notes of each session of one database what becomes of its connections and transactions.

    Nothing is logged before the first transaction after `begin` has succeeded: what keeps a program from starting is
    the one line that it ends with.
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
        """Log from the next transaction on that succeeds."""
        self._has_begun = True

    def lost(self, reason: str) -> None:
        """Note that a connection broke in a transaction: whether a new one can be made shows what it was."""
        with self._lock:
            self._failed += 1
            self._lost = self._lost or reason

    def unreachable(self, reason: str) -> None:
        """Note that no connection could be made; `reason` names each host's."""
        with self._lock:
            self._failed += 1
            if self._since is not None:
                return
            self._since = time.monotonic()
            if not self._is_quiet:
                facts = {"lost": self._lost} if self._lost else {}
                log.error("the database cannot be reached", database=self._database, reason=reason, **facts)

    def reached(self) -> None:
        """Note that a connection was made."""
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
        """Note that a transaction failed on a connection that holds."""
        with self._lock:
            self._failing[session] = self._failing.get(session, 0) + 1
            if self._failing[session] == 1 and not self._is_quiet:
                log.error("the database refuses", database=self._database, session=session, reason=reason)

    def succeeded(self, session: str) -> None:
        """Note that a transaction succeeded."""
        if self._is_quiet:
            self._is_quiet = not self._has_begun
        if session not in self._failing:
            return
        with self._lock:
            failed = self._failing.pop(session, 0)
            if failed and not self._is_quiet:
                log.info("the database works again", database=self._database, session=session, failed=failed)
