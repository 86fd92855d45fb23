"""A peer that says what it likes in HTTP/2, and honest clients beside it."""

import asyncio
import socket
import ssl
import struct
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

import h2.events
from grpclib.client import Channel
from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.errors import ErrorCodes
from hpack import Encoder
from hyperframe.frame import DataFrame, GoAwayFrame, HeadersFrame, RstStreamFrame

from generated.restaurant import v1

E = TypeVar("E", bound=h2.events.Event)
T = TypeVar("T")

Headers = Sequence[tuple[str | bytes, str | bytes]]

GET_MENU = "/restaurant.v1.DepartmentService/GetMenu"
MIB = 1024 * 1024
FACT_SECONDS = 15.0
FOUND_SECONDS = 3.0
"""Within these a peer that is gone has to be found."""

BUSY_SECONDS = 2.0
"""What a busy machine may add to a measurement."""


def call_headers(path: str = GET_MENU, *more: tuple[str, str]) -> list[tuple[str, str]]:
    """Write the headers of an ordinary call."""
    return [
        (":method", "POST"),
        (":scheme", "http"),
        (":path", path),
        (":authority", "bar"),
        ("te", "trailers"),
        ("content-type", "application/grpc"),
        *more,
    ]


def message(body: bytes = b"", length: int | None = None, flag: int = 0) -> bytes:
    """Put the prefix of gRPC before a message; `length` is what it claims."""
    return struct.pack(">BI", flag, len(body) if length is None else length) + body


def headers_frame(stream_id: int, headers: Headers, encoder: Encoder | None = None) -> bytes:
    """Write HEADERS as they are, valid or not."""
    block = (encoder or Encoder()).encode(list(headers))
    return HeadersFrame(stream_id, block, flags=["END_HEADERS"]).serialize()


def reset_frame(stream_id: int) -> bytes:
    """Write RST_STREAM with CANCEL."""
    return RstStreamFrame(stream_id, error_code=8).serialize()


def data_frame(stream_id: int, data: bytes) -> bytes:
    """Write DATA."""
    return DataFrame(stream_id, data).serialize()


def goaways(data: bytes) -> list[ErrorCodes]:
    """List the codes of the GOAWAY frames in what a server sent."""
    codes = []
    while len(data) >= 9:
        if data[3] == GoAwayFrame.type:
            codes.append(ErrorCodes(int.from_bytes(data[13:17])))
        data = data[9 + int.from_bytes(data[:3]) :]
    return codes


def memory_of(pid: int) -> float:
    """Return what a process has in memory, in MiB."""
    status = Path(f"/proc/{pid}/status").read_text()
    return int(status.split("VmRSS:")[1].split()[0]) / 1024


class Peer:
    """One connection, spoken through h2 or in bytes of one's own; it reads only when it is asked to."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Use `Peer.connect`."""
        self.reader = reader
        self.writer = writer
        self.h2 = H2Connection(
            H2Configuration(client_side=True, validate_outbound_headers=False, normalize_outbound_headers=False)
        )
        self.events: list[h2.events.Event] = []
        self.is_over = False

    @staticmethod
    @asynccontextmanager
    async def connect(
        port: int, *, greet: bool = True, receive_buffer: int | None = None, tls: ssl.SSLContext | None = None
    ) -> "AsyncIterator[Peer]":
        """Connect; a peer that greets sends its preface and its settings."""
        sock = socket.socket()
        if receive_buffer:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        sock.setblocking(False)
        await asyncio.get_running_loop().sock_connect(sock, ("127.0.0.1", port))
        peer = Peer(*await asyncio.open_connection(sock=sock, ssl=tls, server_hostname="bar" if tls else None))
        try:
            if greet:
                peer.h2.initiate_connection()
                await peer.flush()
            yield peer
        finally:
            peer.writer.transport.abort()
            with suppress(OSError):
                await peer.writer.wait_closed()

    async def flush(self) -> None:
        """Send what h2 has to say."""
        await self.send(self.h2.data_to_send())

    async def send(self, data: bytes) -> None:
        """Send bytes, whether or not there is somebody left to take them."""
        with suppress(OSError):
            if not self.writer.is_closing():
                self.writer.write(data)
                await self.writer.drain()

    async def call(
        self,
        body: bytes = b"",
        *more: tuple[str, str],
        path: str = GET_MENU,
        end: bool = True,
        raw: bytes | None = None,
    ) -> int:
        """Make a call with these bytes for its data, or send other frames in its place; return the stream's number."""
        stream_id = self.h2.get_next_available_stream_id()
        self.h2.send_headers(stream_id, call_headers(path, *more), end_stream=False)
        if body or end:
            self.h2.send_data(stream_id, body, end_stream=end)
        frames = self.h2.data_to_send()
        await self.send(frames if raw is None else raw)
        return stream_id

    async def until_window_of(self, size: int) -> None:
        """Read until calls may send so much, and our knowing it has been told."""
        while self.h2.remote_settings.initial_window_size < size:
            await self.until_any()

    async def until(self, kind: type[E], stream_id: int | None = None, within: float = FACT_SECONDS) -> E:
        """Read until there has been such an event; raises AssertionError where the connection ends before it."""
        found = await self._read(lambda: self.first(kind, stream_id), within)
        assert found is not None, f"no {kind.__name__} but {self.events}"
        return found

    async def until_any(self, within: float = FACT_SECONDS) -> None:
        """Read until there is another event, or the end; raises AssertionError where that is past."""
        assert not self.is_over, f"the connection is over: {self.events}"
        known = len(self.events)
        await self._read(lambda: len(self.events) > known or None, within)

    async def until_over(self, within: float = FACT_SECONDS) -> None:
        """Read until the connection is over."""
        await self._read(lambda: None, within)
        assert self.is_over

    async def end_of_silence(self, within: float = FACT_SECONDS) -> float:
        """Read without a response to anything until the connection is over; return the seconds that took."""
        begin = time.monotonic()
        with suppress(OSError):
            async with asyncio.timeout(within):
                while await self.reader.read(65536):
                    pass
        return time.monotonic() - begin

    async def status_of(self, stream_id: int, within: float = FACT_SECONDS) -> tuple[int, str]:
        """Read until a call has its status; responds with the message."""

        def status() -> tuple[int, str] | None:
            for event in self.events:
                if (
                    isinstance(event, h2.events.ResponseReceived | h2.events.TrailersReceived)
                    and event.stream_id == stream_id
                ):
                    headers = {bytes(name).decode(): bytes(value).decode() for name, value in event.headers}
                    if "grpc-status" in headers:
                        return int(headers["grpc-status"]), headers.get("grpc-message", "")
            return None

        found = await self._read(status, within)
        assert found is not None, f"no status but {self.events}"
        return found

    def data_of(self, stream_id: int) -> bytes:
        """Return the data of a call that has been read."""
        return b"".join(event.data for event in self.all(h2.events.DataReceived) if event.stream_id == stream_id)

    def first(self, kind: type[E], stream_id: int | None = None) -> E | None:
        """Find an event that has been read."""
        for event in self.events:
            if isinstance(event, kind) and stream_id in (None, getattr(event, "stream_id", None)):
                return event
        return None

    def all(self, kind: type[E]) -> list[E]:
        """List the events of a kind that have been read."""
        return [event for event in self.events if isinstance(event, kind)]

    async def _read(self, fact: Callable[[], T | None], within: float) -> T | None:
        async with asyncio.timeout(within):
            while (found := fact()) is None and not self.is_over:
                try:
                    data = await self.reader.read(65536)
                except OSError:
                    data = b""
                if not data:
                    self.is_over = True
                else:
                    events = self.h2.receive_data(data)
                    for event in events:
                        if isinstance(event, h2.events.DataReceived):
                            self.h2.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
                    self.events += events
                    await self.flush()
        return fact() if found is None else found


@dataclass(slots=True)
class Honest:
    """What honest clients got."""

    seconds: list[float] = field(default_factory=list)

    def quantile(self, share: float) -> float:
        """Return a latency, in milliseconds."""
        ordered = sorted(self.seconds)
        return 1000 * ordered[min(len(ordered) - 1, int(share * len(ordered)))]

    def __str__(self) -> str:
        return f"{len(self.seconds)} calls, p50 {self.quantile(0.5):.1f} ms, p99 {self.quantile(0.99):.1f} ms"


@asynccontextmanager
async def honest_calls(port: int, *, at_least: int = 5, pause: float = 0.005) -> AsyncIterator[Honest]:
    """Make honest calls on a connection of their own, one after the other; each must succeed."""
    honest, is_over = Honest(), asyncio.Event()

    async def call() -> None:
        channel = Channel("127.0.0.1", port)
        try:
            stub = v1.DepartmentServiceStub(channel)
            while not is_over.is_set() or len(honest.seconds) < at_least:
                begin = time.monotonic()
                menu = await stub.get_menu(v1.GetMenuRequest(), timeout=5.0)
                assert menu.items
                honest.seconds.append(time.monotonic() - begin)
                with suppress(TimeoutError):
                    await asyncio.wait_for(is_over.wait(), pause)
        finally:
            channel.close()

    async with asyncio.TaskGroup() as group:
        group.create_task(call())
        try:
            yield honest
        finally:
            is_over.set()
