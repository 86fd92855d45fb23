"""An HTTP protocol for uvicorn that does not wait for ever: for a request to arrive, or for an answer to be read.

uvicorn by itself times out a connection only between two requests. It also answers what is no HTTP in plain text; here
it is problem+json like every other error.
"""

import asyncio
import json
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

RECEIVE_SECONDS = 10.0
"""How long a request may take to arrive, from the connection or from its first byte."""

HEAD_BYTES = 16 * 1024
"""What the request line and the headers may take."""

CONNECTIONS = 4000


class GuardedHttp(HttpToolsProtocol):
    """Closes connections on senders and readers that are too slow, and on heads that are too long."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._due: float | None = None
        self._head = 0
        self._in_head = True
        self._unread = 0
        self._watch: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        if len(self.connections) > CONNECTIONS:
            transport.abort()
            return
        self._due = self.loop.time() + RECEIVE_SECONDS
        self._watch = self.loop.call_later(RECEIVE_SECONDS, self._look)

    def connection_lost(self, exc: Exception | None) -> None:
        if self._watch is not None:
            self._watch.cancel()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if self._in_head:
            self._head += len(data)
        super().data_received(data)
        if self._in_head and self._head > HEAD_BYTES and not self.transport.is_closing():
            self._refuse(431, "Request Header Fields Too Large", f"the headers are longer than {HEAD_BYTES} bytes")

    def on_message_begin(self) -> None:
        super().on_message_begin()
        if self._due is None:
            self._due = self.loop.time() + RECEIVE_SECONDS

    def on_headers_complete(self) -> None:
        self._in_head = False
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        self._due = None
        self._head = 0
        self._in_head = True
        super().on_message_complete()

    def send_400_response(self, msg: str) -> None:
        self._refuse(400, "Bad Request", msg)

    def _look(self) -> None:
        """Look after the connection, once in a while: no request pays for a timer of its own."""
        now = self.loop.time()
        unread = self.transport.get_write_buffer_size()
        if unread and unread == self._unread:
            self.transport.abort()  # nothing of the answer has been read since the last look
            return
        if self._due is not None and now >= self._due and not self.transport.is_closing():
            self._refuse(408, "Request Timeout", f"the request did not arrive within {RECEIVE_SECONDS:g} seconds")
        self._unread = unread
        self._watch = self.loop.call_at(
            self._due if self._due and self._due > now else now + RECEIVE_SECONDS, self._look
        )

    def _refuse(self, status: int, title: str, detail: str) -> None:
        body = json.dumps({"type": "about:blank", "title": title, "status": status, "detail": detail}).encode()
        head = (
            f"HTTP/1.1 {status} {title}\r\ncontent-type: application/problem+json\r\n"
            f"content-length: {len(body)}\r\nconnection: close\r\n\r\n"
        )
        self.transport.write(head.encode("ascii") + body)
        self.transport.close()
