"""Connects to the one of several PostgreSQL servers that takes writes, by asking all of them at the same time.

libpq asks one after another. So each connection would wait for a server that hangs, once until its connect timeout,
before the next one is asked; and where a server is promoted just after it was asked, nothing would find it before the
next transaction. Here one thread a server asks it, again and again while another server has not responded yet.
"""

import threading
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, Generic, TypeVar

C = TypeVar("C")
Host = dict[str, Any]
"""The parameters of libpq that differ from server to server: host, hostaddr, port."""

PAUSE_SECONDS = 0.2
"""How long a thread waits before it asks a server again that could not be used."""

SLACK_SECONDS = 0.5
"""For how long after the connect timeout a thread is waited for, which may hang in the resolution of a name."""


def hosts_of(parameters: Mapping[str, Any]) -> list[Host]:
    """Return the parameters of libpq that differ from server to server, a dictionary for each server."""
    lists = {name: str(parameters[name]).split(",") for name in ("host", "hostaddr", "port") if parameters.get(name)}
    count = max((len(values) for values in lists.values()), default=1)
    shared = {name: values * count if len(values) == 1 else values for name, values in lists.items()}
    return [{name: values[place] for name, values in shared.items()} for place in range(count)]


def connect_first(
    connect: Callable[..., C], parameters: Mapping[str, Any], hosts: Sequence[Host], failure: type[Exception]
) -> tuple[Host, C]:
    """Return the first connection to any of `hosts` that can be made, and to which; raises `failure`, with each reason.

    It fails as soon as every server has responded that it cannot be used, and at the latest after `connect_timeout`.
    """
    if not hosts:
        raise failure("each server that takes writes is a former primary")
    race: _Race[C] = _Race(len(hosts))
    for place, host in enumerate(hosts):
        arguments = (race, place, partial(connect, **{**parameters, **host}))
        threading.Thread(target=_ask, args=arguments, name="connect", daemon=True).start()
    winner = race.wait(float(parameters["connect_timeout"]) + SLACK_SECONDS)
    if winner is not None:
        place, connection = winner
        return hosts[place], connection
    reasons = [race.failures.get(place, "connection timeout expired") for place in range(len(hosts))]
    lines = [f"- {_describe(host)}: {reason}" for host, reason in zip(hosts, reasons, strict=True)]
    raise failure("\n".join(["Multiple connection attempts failed. All failures were:", *lines]))


class _Race(Generic[C]):
    """Which of several threads has a connection first."""

    def __init__(self, count: int) -> None:
        self._count = count
        self._changed = threading.Condition()
        self._is_over = False
        self._winner: tuple[int, C] | None = None
        self.failures: dict[int, str] = {}

    def wait(self, seconds: float) -> tuple[int, C] | None:
        """Wait for a winner and its place, or until all have failed; return None then, and after so many seconds."""
        with self._changed:
            self._changed.wait_for(lambda: self._is_over, seconds)
            self._is_over = True
            return self._winner

    def win(self, place: int, connection: C) -> bool:
        """Offer a connection; return whether it is the one that is used."""
        with self._changed:
            if self._is_over:
                return False
            self._winner, self._is_over = (place, connection), True
            self._changed.notify_all()
            return True

    def fail(self, place: int, reason: str) -> bool:
        """Record why a server cannot be used, and pause; return whether it shall be asked again."""
        with self._changed:
            self.failures[place] = reason
            if len(self.failures) == self._count:
                self._is_over = True
                self._changed.notify_all()
            return not self._changed.wait_for(lambda: self._is_over, PAUSE_SECONDS)


def _ask(race: "_Race[Any]", place: int, connect: Callable[[], Any]) -> None:
    """Ask one server until it can be used, or until the race is over."""
    while True:
        try:
            connection = connect()
        except Exception as error:  # noqa: BLE001 - not swallowed: the caller who waits raises its text
            if not race.fail(place, str(error).strip()):
                return
        else:
            if not race.win(place, connection):
                connection.close()
            return


def _describe(host: Host) -> str:
    """Name a server as psycopg does."""
    return f"host: {host.get('host')!r}, port: {host.get('port')!r}, hostaddr: {host.get('hostaddr')!r}"
