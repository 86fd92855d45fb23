"""How responses leave; what is done against hostile peers is shown in tests/hardening."""

import asyncio
import logging
from collections.abc import Callable
from typing import Any, cast

import pytest
from uvicorn.protocols.http.flow_control import FlowControl
from uvicorn.protocols.http.httptools_impl import RequestResponseCycle

from infra.http.guard import guarded_http
from infra.http.response import (
    CONNECTION,
    HEADERS,
    ChunkWriter,
    HeldHead,
    bound_buffers,
    call_when_lost,
    chunked,
    do_nothing,
    read_whole,
    release_headers,
    respond,
)


class Transport:
    def __init__(self) -> None:
        self.written: list[bytes] = []
        self.is_closed = False

    def write(self, data: bytes) -> None:
        self.written.append(data)

    def close(self) -> None:
        self.is_closed = True

    def is_closing(self) -> bool:
        return self.is_closed


def held() -> tuple[Transport, HeldHead]:
    transport = Transport()
    return transport, HeldHead(cast("asyncio.Transport", transport))


def test_a_head_leaves_together_with_the_first_of_its_body() -> None:
    transport, held_head = held()
    held_head.write(b"head ")
    assert transport.written == []
    held_head.write(b"body")
    held_head.write(b" and more")
    assert transport.written == [b"head body", b" and more"]
    held_head.flush()
    assert len(transport.written) == 2


def test_a_head_that_nothing_follows_leaves_when_the_response_is_complete() -> None:
    transport, held_head = held()
    held_head.write(b"head")
    held_head.flush()
    held_head.flush()
    assert transport.written == [b"head"]


def test_a_head_leaves_before_its_connection_is_closed() -> None:
    transport, held_head = held()
    held_head.write(b"head")
    held_head.close()
    assert transport.written == [b"head"]
    assert held_head.is_closing()


def cycle_on(transport: Transport, *, keep_alive: bool = True) -> RequestResponseCycle:
    """Begin a request as uvicorn does, whose body has been read."""
    real = cast("asyncio.Transport", transport)
    log = logging.getLogger("test")
    scope = cast("Any", {"type": "http", "method": "POST"})
    date = [(b"date", b"today")]
    return RequestResponseCycle(
        scope, real, FlowControl(real), log, log, False, date, asyncio.Event(), False, keep_alive, lambda: None
    )


@pytest.mark.parametrize("keep_alive", [True, False])
async def test_a_response_in_one_go_is_what_its_two_messages_would_be(*, keep_alive: bool) -> None:
    at_once, apart = Transport(), Transport()
    headers = [(b"content-type", b"application/json"), (b"content-length", b"2")]
    cycle = cycle_on(at_once, keep_alive=keep_alive)
    await respond(cast("Any", cycle.send), 201, headers, b"{}")
    other = cycle_on(apart, keep_alive=keep_alive)

    async def send(event: Any) -> None:
        await other.send(event)

    await respond(send, 201, headers, b"{}")
    assert at_once.written == [b"".join(apart.written)]
    assert len(apart.written) == 2
    assert at_once.is_closed is apart.is_closed is not keep_alive
    assert cycle.response_complete
    assert other.response_complete


async def test_a_second_response_to_a_request_is_refused_and_not_written() -> None:
    transport = Transport()
    cycle = cycle_on(transport)
    await respond(cast("Any", cycle.send), 201, [(b"content-length", b"2")], b"{}")
    written = list(transport.written)
    with pytest.raises(RuntimeError, match="has begun already"):
        await respond(cast("Any", cycle.send), 500, [(b"content-length", b"0")], b"")
    assert transport.written == written


async def test_a_client_who_left_gets_no_response() -> None:
    transport = Transport()
    cycle = cycle_on(transport)
    cycle.disconnected = True
    await respond(cast("Any", cycle.send), 201, [], b"")
    assert transport.written == []


def cycle_with(body: bytes, *, more_body: bool) -> RequestResponseCycle:
    """Begin a request of which this much of its body has arrived."""
    cycle = cycle_on(Transport())
    cycle.body += body
    cycle.more_body = more_body
    cycle.message_event.set()
    return cycle


async def test_a_body_that_has_arrived_is_taken_as_uvicorn_would_give_it() -> None:
    cycle, other = cycle_with(b"{}", more_body=False), cycle_with(b"{}", more_body=False)
    received = await other.receive()
    assert read_whole(cast("Any", cycle.receive), 2) == cast("Any", received)["body"] == b"{}"
    for each in (cycle, other):
        assert not each.body
        assert not each.message_event.is_set()


@pytest.mark.parametrize(
    ("more_body", "most", "state"),
    [
        (True, 2, {}),
        (False, 1, {}),
        (False, 2, {"disconnected": True}),
        (False, 2, {"response_complete": True}),
        (False, 2, {"waiting_for_100_continue": True}),
    ],
)
async def test_a_body_that_needs_more_than_to_be_taken_is_left(more_body: bool, most: int, state: Any) -> None:
    cycle = cycle_with(b"{}", more_body=more_body)
    for name, value in state.items():
        setattr(cycle, name, value)
    assert read_whole(cast("Any", cycle.receive), most) is None
    assert cycle.body == b"{}"
    assert cycle.message_event.is_set()


async def test_a_body_is_left_to_a_receive_that_is_not_uvicorns() -> None:
    async def receive() -> Any:
        raise AssertionError("nothing is received here")

    assert read_whole(receive, None) is None


def test_a_whole_response_leaves_at_once_and_only_once() -> None:
    transport, held_head = held()
    held_head.write_whole(b"head body")
    held_head.flush()
    held_head.close()
    assert transport.written == [b"head body"]


class OpenConnection:
    """A connection whose client may leave."""

    def __init__(self, *, is_closing: bool = False) -> None:
        self.transport = cast("asyncio.Transport", ClosingTransport(is_closing=is_closing))
        self.on_lost: Callable[[], None] = do_nothing


class ClosingTransport:
    def __init__(self, *, is_closing: bool) -> None:
        self._is_closing = is_closing

    def is_closing(self) -> bool:
        return self._is_closing


async def receive_nothing() -> Any:
    raise AssertionError("the connection tells by itself")


def test_a_client_that_leaves_is_reported_by_its_connection() -> None:
    connection, left = OpenConnection(), list[bool]()
    forget = call_when_lost(cast("Any", {CONNECTION: connection}), receive_nothing, lambda: left.append(True))
    assert left == []
    connection.on_lost()
    assert left == [True]
    forget()
    connection.on_lost()
    assert left == [True]


def test_a_client_that_has_left_before_is_reported_at_once() -> None:
    left = list[bool]()
    call_when_lost(
        cast("Any", {CONNECTION: OpenConnection(is_closing=True)}), receive_nothing, lambda: left.append(True)
    )
    assert left == [True]


def test_the_buffers_of_a_connection_that_is_closing_are_let_be() -> None:
    bound_buffers(cast("Any", {CONNECTION: OpenConnection(is_closing=True)}))
    bound_buffers(cast("Any", {}))


def test_streams_take_no_connections_from_other_requests() -> None:
    assert guarded_http(10.0, 1024, most_streams=7).most_connections == guarded_http(10.0, 1024).most_connections + 7


async def begun(transport: Transport, *, more: list[tuple[bytes, bytes]] | None = None) -> RequestResponseCycle:
    """Begin a response that goes on, as an app does."""
    cycle = cycle_on(transport)
    await cycle.send({"type": "http.response.start", "status": 200, "headers": more or []})
    transport.written.clear()
    return cycle


async def test_a_piece_that_is_written_at_once_is_what_its_message_would_be() -> None:
    at_once, apart = Transport(), Transport()
    cycle, other = await begun(at_once), await begun(apart)
    assert chunked(cast("Any", cycle.send)) is cycle
    assert ChunkWriter(cycle).write(b"data: 1\n\n")
    await other.send({"type": "http.response.body", "body": b"data: 1\n\n", "more_body": True})
    assert b"".join(at_once.written) == b"".join(apart.written) != b""


async def test_a_piece_is_not_written_to_a_client_that_left_or_does_not_read() -> None:
    transport = Transport()
    cycle = await begun(transport)
    cycle.disconnected = True
    assert not ChunkWriter(cycle).write(b"data")
    cycle.disconnected, cycle.response_complete = False, True
    assert not ChunkWriter(cycle).write(b"data")
    cycle.response_complete = False
    cycle.flow.pause_writing()
    assert not ChunkWriter(cycle).write(b"data")
    assert transport.written == []


async def test_a_response_of_a_known_length_or_of_another_server_has_no_chunks() -> None:
    cycle = await begun(Transport(), more=[(b"content-length", b"5")])
    assert chunked(cast("Any", cycle.send)) is None

    async def send(_: Any) -> None:
        pass

    assert chunked(send) is None


class _Connected:
    headers = ((b"host", b"here"),)


@pytest.mark.parametrize("connected", [True, False])
def test_the_headers_of_a_request_are_released(*, connected: bool) -> None:
    connection = _Connected()
    scope: Any = {"type": "http", "path": "/events", "headers": [(b"host", b"here")], HEADERS: {b"host": b"here"}}
    if connected:
        scope[CONNECTION] = connection
    release_headers(scope)
    assert scope["headers"] == []
    assert HEADERS not in scope
    assert list(connection.headers) == ([] if connected else [(b"host", b"here")])
