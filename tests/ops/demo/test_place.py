"""Where a demo runs."""

import socket
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from infra.errors import StartError
from ops.demo.place import choose_ports, variables
from tests.support.processes import free_ports


@pytest.fixture
def taken() -> Iterator[int]:
    with closing(socket.socket()) as sock:
        sock.bind(("127.0.0.1", free_ports(1)[0]))
        sock.listen()
        yield sock.getsockname()[1]


def test_a_port_that_is_taken_is_named_with_what_to_do(taken: int) -> None:
    wanted = f"127.0.0.1:{taken}: Address already in use; `just demo --port {taken + 10}` takes another port"
    with pytest.raises(StartError, match=wanted):
        choose_ports(taken, ["bar"])


def test_departments_get_ports_that_nobody_uses(taken: int) -> None:
    ports = choose_ports(taken - 1, ["bar", "kitchen"])
    assert ports["gateway"] == taken - 1
    assert taken not in ports.values()
    assert len(set(ports.values())) == 3


def test_a_real_restaurants_settings_are_not_the_demos(tmp_path: Path) -> None:
    mine = {
        "COMANDA_DATABASE_URL": "postgresql://u@h/real",
        "COMANDA_BAR_PORT": "1",
        "COMANDA_TIME_ZONE": "Asia/Seoul",
        "LANG": "C",
    }
    found = variables(mine, tmp_path, {"gateway": 8000, "bar": 8001}, "key")
    assert "COMANDA_DATABASE_URL" not in found
    assert (found["COMANDA_BAR_PORT"], found["COMANDA_TIME_ZONE"], found["LANG"]) == ("8001", "Asia/Seoul", "C")
    assert found["COMANDA_HOME"] == str(tmp_path)
