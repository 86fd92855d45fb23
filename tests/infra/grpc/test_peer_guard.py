"""Which errors of a call say that there was no connection."""

import asyncio

import pytest
from h2.config import H2Configuration
from h2.connection import H2Connection

from infra.grpc.data_fast_path import FastDataConnection
from infra.grpc.peer_guard import CONFIGURATION, is_transport_failure


class ClosedTransport(asyncio.Transport):
    """A connection that the peer has reset."""

    def close(self) -> None:
        pass


def test_a_call_on_a_connection_that_was_lost_as_it_was_made_fails_for_lack_of_a_connection() -> None:
    h2 = H2Connection(H2Configuration(client_side=True))
    connection = FastDataConnection(h2, ClosedTransport(), config=CONFIGURATION)
    connection.close()
    with pytest.raises(AttributeError) as raised:
        connection.create_stream()
    assert is_transport_failure(raised.value)


def test_another_missing_attribute_is_a_fault() -> None:
    with pytest.raises(AttributeError) as raised:
        object().name  # type: ignore[attr-defined]  # noqa: B018
    assert not is_transport_failure(raised.value)
