"""Which server takes writes, observed ten times a second by a thread for each."""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

import psycopg

from tests.failover.cluster import Cluster, Node

PAUSE_SECONDS = 0.05


class Role(StrEnum):
    """What a server says that it is; a server that hangs says nothing, and keeps its role."""

    CONFIRMED = "primary with a synchronous standby"
    PRIMARY = "primary"
    STANDBY = "standby"
    DOWN = "down"


_WRITES = (Role.PRIMARY, Role.CONFIRMED)
_QUERY = """
SELECT pg_is_in_recovery(), EXISTS (SELECT FROM pg_stat_replication WHERE sync_state IN ('sync', 'quorum'))
"""
_ROLES = {
    (True, False): Role.STANDBY,
    (True, True): Role.STANDBY,
    (False, False): Role.PRIMARY,
    (False, True): Role.CONFIRMED,
}


@dataclass(frozen=True, slots=True)
class Change:
    """A server's new role; `at` in seconds of the monotonic clock, when it was observed."""

    at: float
    node: str
    role: Role
    before: Role | None


class RoleObserver:
    """Records the changes of all servers' roles."""

    def __init__(self, cluster: Cluster) -> None:
        """`start` begins to observe."""
        self._ended = threading.Event()
        self._threads = [threading.Thread(target=self._observe, args=(node,), daemon=True) for node in cluster.nodes]
        self.changes: list[Change] = []

    def start(self) -> None:
        """Begin to observe."""
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """End; a thread that waits for a server that hangs ends with the server."""
        self._ended.set()

    def promotion_since(self, began: float) -> Change | None:
        """Return the first change since `began` by which a server became the primary; None where there was none."""
        return self._first(began, lambda change: change.role in _WRITES and change.before not in _WRITES)

    def confirmed_since(self, began: float, node: str) -> Change | None:
        """Return when a primary got a standby that confirms its commits, since `began`; None where it has none yet."""
        return self._first(began, lambda change: (change.node, change.role) == (node, Role.CONFIRMED))

    def _first(self, began: float, is_wanted: Callable[[Change], bool]) -> Change | None:
        """Return the first change since `began` that is wanted."""
        since = [change for change in self.changes if change.at >= began and is_wanted(change)]
        return min(since, key=lambda change: change.at, default=None)

    def _observe(self, node: Node) -> None:
        role: Role | None = None
        connection: psycopg.Connection | None = None
        while not self._ended.wait(PAUSE_SECONDS):
            try:
                connection = connection or psycopg.connect(node.url, autocommit=True)
                found = connection.execute(_QUERY).fetchone()
                new = _ROLES[found] if found else Role.DOWN
            except psycopg.Error:
                if connection is not None:
                    connection.close()
                connection, new = None, Role.DOWN
            if new is not role:
                self.changes.append(Change(time.monotonic(), node.name, new, role))
                role = new
        if connection is not None:
            connection.close()
