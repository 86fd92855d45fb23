"""Synchronous replication of PostgreSQL: what a connection may show, and which commits count.

A server with `synchronous_standby_names` responds to a COMMIT once a standby has it. Two things can make a server show
rows that no standby has, which a promotion would lose:

- It crashes while a COMMIT waits for a standby, and starts again: the row is in its log, so it is there. Therefore a
  new connection begins with a transaction that writes: when a standby has it, the standby has all that was before it.
- An operator cancels the waiting COMMIT: the server warns, and responds as if all was well. That is an error here.

The server itself never gives up such a wait, not even when its client has gone. So no new COMMIT is sent while one has
waited for long: it would wait as well, and hold a connection of the server.
"""

from dataclasses import dataclass
from typing import Any

_COPY = """
       (SELECT system_identifier FROM pg_control_system()),
       CASE WHEN pg_is_in_recovery() THEN 0
            ELSE ('x' || left(pg_walfile_name(pg_current_wal_lsn()), 8))::bit(32)::bigint END
"""
_STANDING = """
SELECT {copy},
       current_setting('synchronous_standby_names') <> '',
       (SELECT extract(epoch FROM max(clock_timestamp() - query_start)) FROM pg_stat_activity
        WHERE usename = current_user AND wait_event = 'SyncRep')
"""
_WRITE = "SELECT pg_logical_emit_message(true, 'comanda', '')"

_WAIT_FUNCTION = "SyncRepWaitForLSN"
"""The server's function that waits for a standby; the text of its warning depends on the server's language."""


class Unconfirmed(Exception):
    """A standby has not confirmed a transaction; the message says why."""


@dataclass(frozen=True, slots=True)
class Standing:
    """What a server says of itself.

    Copies of one database have the same `system`; each promotion gives the new primary a higher `timeline`, and a
    standby has 0. `waited`: for how many seconds a COMMIT of the same user has waited for a standby.
    """

    system: int
    timeline: int
    is_synchronous: bool
    waited: float


def read_standing(driver: Any, *, is_one_of_several: bool) -> Standing:
    """Ask a server by a new connection; `system` and `timeline` are 0 for one that is the only one."""
    query = _STANDING.format(copy=_COPY if is_one_of_several else "0, 0")
    system, timeline, is_synchronous, waited = driver.execute(query).fetchone()
    return Standing(system, timeline, is_synchronous, float(waited or 0))


def confirm(driver: Any, standing: Standing, limit: float) -> None:
    """Wait until a standby has all that the server shows; at once where it has no synchronous standbys.

    Raises Unconfirmed where a COMMIT of the same user has waited for a standby for more than `limit` seconds.
    """
    if standing.waited > limit:
        waited = f"{standing.waited:.0f} s"
        raise Unconfirmed(f"no synchronous standby confirms: a transaction has waited for one for {waited}")
    if standing.is_synchronous:
        driver.execute(_WRITE)


class CommitWarnings:
    """Whether the server has warned that it no longer waits for a standby to have a transaction."""

    def __init__(self, driver: Any) -> None:
        """Listen to the notices of a connection."""
        self._is_warned = False
        driver.add_notice_handler(self._note)

    def check(self) -> None:
        """Raise Unconfirmed if there was a warning."""
        if self._is_warned:
            raise Unconfirmed("the wait for a synchronous standby was cancelled: it may not have the transaction")

    def _note(self, diagnosis: Any) -> None:
        self._is_warned = self._is_warned or diagnosis.source_function == _WAIT_FUNCTION
