"""An HTTP protocol for uvicorn that does not wait for ever: for a request to arrive, or for an answer to be read.

uvicorn by itself times out a connection only between two requests. It accepts heads and trailers of any length, and any
number of requests on a connection that nobody has answered yet. What is no HTTP it answers in plain text, before the
requests that came earlier on the connection; here it is problem+json like every other error, and comes in its turn.
An answer's head and its body leave together. A request to change to another protocol is served as one that asks for
nothing of the kind, as RFC 9110 has it: no other protocol is spoken.
"""

import asyncio
import json
from typing import Any, cast

from litestar.types import Send
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol, RequestResponseCycle

from infra.http.access_log import log_request
from infra.request_ids import HEADER, choose_request_id, make_request_id

HEAD_BYTES = 16 * 1024
"""What the request line and the headers may take, or a body's trailers. A head in one piece is not cut at this byte."""

FRAMING = 8
"""How many bytes of chunks may carry one byte of a body."""

PIECE_BYTES = 16 * 1024
PIPELINED = 100
"""Requests of one connection that may wait while one before them is answered; a piece may bring more at once."""

READ_FACTOR = 6
"""An answer may take so many times as long to be read as a request to arrive, as long as some of it is read."""

CONNECTIONS = 4000

REQUEST_ID = "request_id"
"""Where a request's scope has its id."""

REFUSED = "refused"
"""Where a request's scope has the status and the body's length of what this protocol wrote in place of the app."""


class HeldHead:
    """Where a response is written: its head waits for what follows, for with uvloop each write is a system call."""

    __slots__ = ("_head", "_transport")

    def __init__(self, transport: asyncio.Transport) -> None:
        self._transport = transport
        self._head: bytes | None = None

    def write(self, data: bytes) -> None:
        if self._head is None:
            self._head = data
        else:
            self._transport.write(self._head + data)
            self._head = b""

    def flush(self) -> None:
        """Write a head that nothing follows."""
        if self._head:
            self.write(b"")

    def close(self) -> None:
        self.flush()
        self._transport.close()

    def is_closing(self) -> bool:
        return self._transport.is_closing()


class GuardedHttp(HttpToolsProtocol):
    """Closes connections on senders and readers that are too slow, and on requests that are too long."""

    receive_seconds = 10.0
    max_body = 64 * 1024
    is_logged = False

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._due: float | None = None  # when a request has to be complete
        self._received = 0  # bytes of a request
        self._in_head = True
        self._fault: str | None = None  # what is wrong with a head that is HTTP otherwise
        self._is_deaf = self._is_leaving = False
        self._answered: RequestResponseCycle | None = None  # the request that is or was answered last
        self._unread = 0
        self._reading_since = self._stuck_since = self._idle_since = 0.0
        self._watch: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        if len(self.connections) > CONNECTIONS:
            transport.abort()
            return
        self._due = self.loop.time() + self.receive_seconds
        self._look_later()

    def connection_lost(self, exc: Exception | None) -> None:
        if self._watch is not None:
            self._watch.cancel()
        if self._answered is not None:
            self._answered.disconnected = True  # uvicorn tells the last that was begun, which may have to wait
            self._answered.message_event.set()
        super().connection_lost(exc)

    def _unsupported_upgrade_warning(self) -> None:
        """Say nothing where a client offers another protocol, and go on in this one (RFC 9110 7.8).

        uvicorn logs two warnings a request, of which one asks to install a library.
        """

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: Any) -> None:
        self._answered = cycle
        super()._start_asgi_task(cycle, app)

    def data_received(self, data: bytes) -> None:
        if self._due is None and not self._unanswered():
            self._due = self.loop.time() + self.receive_seconds  # the keep-alive's timer is off from here
        for start in range(0, len(data), PIECE_BYTES):
            if self._is_deaf or self.transport.is_closing():
                return
            piece = data[start : start + PIECE_BYTES]
            self._received += len(piece)
            super().data_received(piece)
            self._check_length()

    def on_message_begin(self) -> None:
        super().on_message_begin()
        if self._due is None:
            self._due = self.loop.time() + self.receive_seconds

    def on_headers_complete(self) -> None:
        hosts = [value for name, value in self.headers if name == b"host"]
        if len(hosts) != 1 and (hosts or self.parser.get_http_version() == "1.1"):
            self._fault = f"a request has exactly one Host header, and this one has {len(hosts) or 'none'}"
            raise ValueError(self._fault)  # which stops the parser; what it says then is in send_400_response
        super().on_headers_complete()
        self._in_head = False
        if not self.expect_100_continue:
            self.cycle.transport = cast("asyncio.Transport", HeldHead(self.transport))

    def on_message_complete(self) -> None:
        self._due = None
        self._received = 0
        self._in_head = True
        super().on_message_complete()

    def on_response_complete(self) -> None:
        """Go on with the next request; uvicorn would set a timer for each, to hang up where none comes."""
        if self._answered is not None and isinstance(self._answered.transport, HeldHead):
            self._answered.transport.flush()
        self.server_state.total_requests += 1
        self._idle_since = self.loop.time()
        if self.transport.is_closing():
            return
        self.flow.resume_reading()
        if self.pipeline:
            self._start_asgi_task(*self.pipeline.pop())

    def send_400_response(self, msg: str) -> None:
        self._refuse(400, "Bad Request", self._fault or msg)

    def _unanswered(self) -> RequestResponseCycle | None:
        """Answer the last request that was begun, unless it has its answer."""
        cycle: RequestResponseCycle | None = self.cycle
        return None if cycle is None or cycle.response_complete else cycle

    def _check_length(self) -> None:
        if self._in_head and self._received > HEAD_BYTES:
            self._refuse(431, "Request Header Fields Too Large", f"the headers are longer than {HEAD_BYTES} bytes")
        elif self._received > HEAD_BYTES + FRAMING * self.max_body:
            self._refuse(413, "Request Entity Too Large", f"the body is longer than {self.max_body} bytes")
        elif len(self.pipeline) > PIPELINED:
            self.transport.abort()

    def _look(self) -> None:
        now = self.loop.time()
        if self._is_leaving or self._is_unread_for_long(now):
            self.transport.abort()
            return
        if self._is_idle_for_long(now):
            self.transport.close()
        if self._due is not None and now >= self._due and not self.transport.is_closing():
            if not self._received and not self._unanswered():
                self.transport.close()  # it never asked for anything
            else:
                text = f"the request did not arrive within {self.receive_seconds:g} seconds"
                self._refuse(408, "Request Timeout", text)
        if not self._is_leaving:
            self._look_later()

    def _look_later(self) -> None:
        """Look once in a while: no request pays for a timer of its own."""
        if self._watch is not None:
            self._watch.cancel()
        self._watch = self.loop.call_later(min(1.0, self.receive_seconds / 4), self._look)

    def _is_idle_for_long(self, now: float) -> bool:
        """Tell whether everything is answered, and nothing has been asked since."""
        is_idle = self._due is None and not self._unanswered()
        return is_idle and now - self._idle_since >= self.timeout_keep_alive

    def _is_unread_for_long(self, now: float) -> bool:
        """Tell whether what was sent is not read at all, or much too slowly."""
        unread = self.transport.get_write_buffer_size()
        if not self._unread:
            self._reading_since = now
        if unread != self._unread:
            self._stuck_since = now
        self._unread = unread
        return unread > 0 and (
            now - self._stuck_since >= self.receive_seconds
            or now - self._reading_since >= READ_FACTOR * self.receive_seconds
        )

    def _refuse(self, status: int, title: str, detail: str) -> None:
        """Answer a request that is not whole, after those before it, and hang up."""
        cycle = self._unanswered()
        if self.pipeline:
            self.transport.abort()  # several answers are owed; without an order among them none is better
        elif cycle and not cycle.more_body:
            cycle.keep_alive = False  # the request before this one is whole: its answer is the last
            self._is_deaf = True
        elif not self._in_head and (not cycle or cycle.response_started):
            self._leave()  # this one has its answer, or some of it
        else:
            self._write_problem(status, title, detail)
            self._leave()

    def _leave(self) -> None:
        """Hang up with the next look: an answer is lost if its connection is closed on what still arrives."""
        self._is_deaf = self._is_leaving = True
        if cycle := self._unanswered():
            cycle.disconnected = True
            cycle.message_event.set()
        self.flow.pause_reading()
        self.transport.write_eof()
        self._look_later()

    def _write_problem(self, status: int, title: str, detail: str) -> None:
        body = json.dumps({"type": "about:blank", "title": title, "status": status, "detail": detail}).encode()
        head = (
            f"HTTP/1.1 {status} {title}\r\ncontent-type: application/problem+json\r\n"
            f"content-length: {len(body)}\r\n{HEADER}: {self._note_refusal(status, len(body))}\r\n"
            "connection: close\r\n\r\n"
        )
        self.transport.write(head.encode("ascii") + body)

    def _note_refusal(self, status: int, length: int) -> str:
        """Return the id of a request that is refused here; leave its line in the log to the app, if that has begun."""
        if cycle := self._unanswered():
            scope = cast("dict[str, Any]", cycle.scope)
            scope[REFUSED] = status, length
            request_id: str = scope.setdefault(REQUEST_ID, choose_request_id(cycle.scope["headers"]))
            return request_id
        request_id = make_request_id()
        if self.is_logged:
            seconds = self.loop.time() + self.receive_seconds - (self._due or self.loop.time())
            log_request({"client": self.client}, request_id, status, length, seconds)
        return request_id


async def answer(send: Send, status: int, headers: list[tuple[bytes, bytes]], body: bytes) -> None:
    """Answer a request that was read to its end, in one go: uvicorn takes the head and the body apart to check them.

    So names and values have to be what HTTP allows, and the body's length is among them. Where `send` is not uvicorn's
    own, this is the two messages that everybody knows.
    """
    cycle = getattr(send, "__self__", None)
    if not isinstance(cycle, RequestResponseCycle):
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": body, "more_body": False})
        return
    if cycle.flow.write_paused and not cycle.disconnected:
        await cycle.flow.drain()
    if not cycle.disconnected:
        _write_whole(cycle, status, headers, body)


def _write_whole(cycle: RequestResponseCycle, status: int, headers: list[tuple[bytes, bytes]], body: bytes) -> None:
    lines = [b"%b: %b\r\n" % header for header in (*cycle.default_headers, *headers)]
    if not cycle.keep_alive:
        lines.append(b"connection: close\r\n")
    cycle.response_started = cycle.response_complete = True
    cycle.transport.write(b"".join((STATUS_LINE[status], *lines, b"\r\n", body)))
    cycle.message_event.set()
    if not cycle.keep_alive:
        cycle.transport.close()
    cycle.on_response()


def guarded_http(receive_seconds: float, max_body: int, *, is_logged: bool = False) -> type[GuardedHttp]:
    """Make the protocol for uvicorn, which builds it by itself; `is_logged`: a line for each request it refuses."""
    return type(
        "BoundedHttp",
        (GuardedHttp,),
        {"receive_seconds": receive_seconds, "max_body": max_body, "is_logged": is_logged},
    )
