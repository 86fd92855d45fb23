"""Of several servers the first that can be used is connected to, whatever the others do."""

import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from infra.db.connecting import connect_first, hosts_of
from infra.db.sessions import explain
from tests.support.waiting import wait_for

CONNECT_SECONDS = 5
PARAMETERS: dict[str, Any] = {"host": "a,b", "port": "1,2", "connect_timeout": CONNECT_SECONDS, "dbname": "x"}


class Refused(Exception):
    """The server cannot be used."""


class Connection:
    def __init__(self, parameters: dict[str, Any]) -> None:
        self.parameters = parameters
        self.closed = threading.Event()

    def close(self) -> None:
        self.closed.set()


class Servers:
    """Servers that take connections, refuse them, or hang until the test ends."""

    def __init__(self, **servers: Callable[[], object]) -> None:
        self._servers = servers
        self.made: list[Connection] = []
        self.asked: list[str] = []

    def connect(self, **parameters: Any) -> Connection:
        self.asked.append(parameters["host"])
        self._servers[parameters["host"]]()
        self.made.append(Connection(parameters))
        return self.made[-1]


def connect(servers: Servers, **more: Any) -> Connection:
    host, connection = connect_first(servers.connect, PARAMETERS | more, hosts_of(PARAMETERS), Refused)
    assert connection.parameters["host"] == host["host"]
    return connection


@pytest.fixture
def end() -> Iterator[threading.Event]:
    end = threading.Event()
    yield end
    end.set()


def refuse() -> None:
    raise Refused("the server is a standby")


def take() -> None:
    """Let it connect."""


def test_a_server_that_hangs_is_not_waited_for(end: threading.Event) -> None:
    servers = Servers(a=end.wait, b=take)
    began = time.monotonic()
    connection = connect(servers)
    assert time.monotonic() - began < CONNECT_SECONDS
    assert connection.parameters == {"host": "b", "port": "2", "connect_timeout": 5, "dbname": "x"}


def test_a_server_that_is_promoted_while_another_hangs_is_found_in_the_same_attempt(end: threading.Event) -> None:
    answers = iter([refuse, refuse, take])
    servers = Servers(a=end.wait, b=lambda: next(answers)())
    began = time.monotonic()
    assert connect(servers).parameters["host"] == "b"
    assert time.monotonic() - began < CONNECT_SECONDS


def test_it_fails_at_once_where_no_server_can_be_used_and_says_why_of_each() -> None:
    servers = Servers(a=refuse, b=refuse)
    with pytest.raises(Refused) as raised:
        connect(servers)
    assert explain(raised.value) == "a:1: the server is a standby; b:2: the server is a standby"
    assert sorted(servers.asked) == ["a", "b"]


def test_it_fails_at_once_where_no_server_is_left() -> None:
    with pytest.raises(Refused, match="former primary"):
        connect_first(Servers().connect, PARAMETERS, [], Refused)


def test_it_fails_when_the_time_is_over_where_one_hangs(end: threading.Event) -> None:
    servers = Servers(a=end.wait, b=refuse)
    with pytest.raises(Refused) as raised:
        connect(servers, connect_timeout=0.1)
    assert explain(raised.value) == "a:1: connection timeout expired; b:2: the server is a standby"


def test_a_connection_that_comes_too_late_is_closed(end: threading.Event) -> None:
    servers = Servers(a=end.wait, b=take)
    connection = connect(servers)
    end.set()
    wait_for(lambda: len(servers.made) == 2, "the other connection is made")
    (late,) = (each for each in servers.made if each is not connection)
    assert late.closed.wait(5)
    assert not connection.closed.is_set()


def test_an_error_of_the_program_is_raised_too(end: threading.Event) -> None:
    def fail() -> None:
        raise TypeError("no such parameter")

    with pytest.raises(Refused, match="no such parameter"):
        connect(Servers(a=fail, b=refuse))


@pytest.mark.parametrize(
    ("parameters", "hosts"),
    [
        ({"dbname": "x"}, [{}]),
        ({"host": "a"}, [{"host": "a"}]),
        ({"host": "a,b"}, [{"host": "a"}, {"host": "b"}]),
        ({"host": "a,b", "port": "1"}, [{"host": "a", "port": "1"}, {"host": "b", "port": "1"}]),
        ({"host": "a,b", "port": "1,"}, [{"host": "a", "port": "1"}, {"host": "b", "port": ""}]),
        (
            {"hostaddr": "::1,::2", "port": 5432},
            [{"hostaddr": "::1", "port": "5432"}, {"hostaddr": "::2", "port": "5432"}],
        ),
    ],
)
def test_each_server_has_parameters_of_its_own(parameters: dict[str, Any], hosts: list[dict[str, str]]) -> None:
    assert hosts_of(parameters) == hosts
