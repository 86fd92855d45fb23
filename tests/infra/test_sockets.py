import re
import socket
from contextlib import closing

import pytest

from infra.addresses import join_address
from infra.errors import StartError
from infra.sockets import bind


def test_a_free_port_is_found() -> None:
    sock = bind("127.0.0.1", 0)
    host, port = sock.getsockname()
    assert host == "127.0.0.1"
    assert port > 0
    sock.close()


def test_a_port_that_is_taken_is_one_clear_line() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(StartError, match=rf"^cannot listen on 127\.0\.0\.1:{port}: Address already in use$"):
            bind("127.0.0.1", port)


@pytest.mark.parametrize("host", ["fe80::1%nowhere", "a..b", "x" * 70, "192.0.2.1"])
def test_an_address_that_is_not_ours_is_one_clear_line(host: str) -> None:
    with pytest.raises(StartError, match=f"^cannot listen on {re.escape(join_address(host, 0))}: ") as refused:
        bind(host, 0)
    assert "None" not in str(refused.value)
    assert "\n" not in str(refused.value)


def test_every_address_of_this_machine_are_those_of_ipv4_too() -> None:
    with closing(bind("::", 0)) as sock:
        sock.listen()
        with closing(socket.create_connection(("127.0.0.1", sock.getsockname()[1]), timeout=5)) as client:
            assert client.getpeername()[0] == "127.0.0.1"
