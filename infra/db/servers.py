"""Which server each session of a database is connected to, and which primary is the newest.

A session notices that its server hangs by the end of its time. It notices nothing of a former primary that goes on, but
that its commits are not confirmed. So where a transaction takes long, another thread asks all servers; and when any
session finds a newer primary, all sessions leave the older one. A transaction that is cut before its COMMIT was sent is
run again on a new connection.
"""

import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any

from infra.db.connecting import connect_first, hosts_of
from infra.db.replication import Standing, read_standing
from infra.db.watchdog import TransactionTimer

Connect = Callable[..., Any]


class _Reached:
    """A new connection, and what its server says of itself."""

    def __init__(self, driver: Any) -> None:
        """Ask the server, which may take as long as connecting may."""
        self.driver = driver
        self.standing = read_standing(driver, is_one_of_several=True)

    @classmethod
    def by(cls, connect: Connect) -> "Callable[..., _Reached]":
        """Return a function that connects and asks."""
        return lambda **parameters: cls(connect(**parameters))

    def close(self) -> None:
        """Close the connection."""
        self.driver.close()


class Servers:
    """The servers of one database, and the sessions with them."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._sessions: dict[TransactionTimer, Standing] = {}
        self._newest: Standing | None = None
        self._is_searching = False

    def connect(self, connect: Connect, parameters: Mapping[str, Any], failure: type[Exception]) -> Any:
        """Return a connection to a server that takes writes, but to no former primary; raises `failure`."""
        hosts = hosts_of(parameters)
        if len(hosts) == 1:
            return connect(**parameters)
        while True:
            host, reached = connect_first(_Reached.by(connect), parameters, hosts, failure)
            if not self._is_former(reached.standing):
                return reached.driver
            reached.close()
            hosts = [each for each in hosts if each is not host]

    def connected(self, timer: TransactionTimer, standing: Standing, *, is_confirmed: bool) -> None:
        """Record a session's new connection; if a standby confirmed it, cut the sessions with older primaries."""
        with self._lock:
            self._sessions[timer] = standing
        if is_confirmed:
            self._found(standing)

    def disconnected(self, timer: TransactionTimer) -> None:
        """Record that a session has no connection."""
        with self._lock:
            self._sessions.pop(timer, None)

    def search(self, connect: Connect, parameters: Mapping[str, Any], failure: type[Exception]) -> None:
        """Ask all servers in a thread whether one of them is a newer primary."""
        hosts = hosts_of(parameters)
        with self._lock:
            if self._is_searching or len(hosts) == 1:
                return
            self._is_searching = True
        arguments = (connect, parameters, hosts, failure)
        threading.Thread(target=self._search, args=arguments, name="search", daemon=True).start()

    def _search(
        self,
        connect: Connect,
        parameters: Mapping[str, Any],
        hosts: "list[dict[str, Any]]",
        failure: type[Exception],
    ) -> None:
        try:
            with suppress(failure):  # until no other server takes writes: one does, or none
                while True:
                    host, reached = connect_first(_Reached.by(connect), parameters, hosts, failure)
                    reached.close()
                    self._found(reached.standing)
                    hosts = [each for each in hosts if each is not host]
        finally:
            with self._lock:
                self._is_searching = False

    def _is_former(self, standing: Standing) -> bool:
        newest = self._newest
        return newest is not None and _is_newer(newest, standing)

    def _found(self, standing: Standing) -> None:
        """Cut the sessions with primaries that are older than this one."""
        with self._lock:
            if self._newest is None or not _is_newer(self._newest, standing):
                self._newest = standing
            older = [timer for timer, its in self._sessions.items() if _is_newer(standing, its)]
        for timer in older:
            timer.cut()


def _is_newer(one: Standing, other: Standing) -> bool:
    """Return whether one server was promoted after another one of the same database."""
    return one.system == other.system and one.timeline > other.timeline
