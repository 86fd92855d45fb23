"""uvicorn as a part of a program: it serves one ASGI app, and the program's own signals stop it."""

import asyncio
import logging
import socket
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext, suppress
from typing import Any

import structlog
import uvicorn

from infra.http.guard import GuardedHttp
from infra.metrics import Family, by_label, one
from infra.stop_signals import StopSignals

log = structlog.get_logger("http")


class HttpServer:
    """Serves an app on one socket until it is stopped."""

    def __init__(self, app: Any, protocol: type[GuardedHttp], grace: int) -> None:
        """`grace` in seconds: running requests may take so long to finish once the server stops."""
        config = uvicorn.Config(
            app,
            access_log=False,
            proxy_headers=False,
            http=protocol,
            ws="none",
            log_config=None,
            timeout_graceful_shutdown=grace,
            server_header=False,
        )
        self._protocol = protocol
        self._server = _Server(config)

    def families(self) -> Iterator[Family]:
        """Return the metrics of the server."""
        connections = len(self._server.server_state.connections)
        yield one("http_connections", "gauge", "Connections of clients that are open.", connections)
        yield one("http_connections_limit", "gauge", "How many may be open.", self._protocol.most_connections)
        refusals = {str(status): count for status, count in list(self._protocol.refusals.items())}
        text = "Requests that were refused before they reached a route: malformed, too large or too slow."
        yield by_label("http_malformed_total", "counter", text, "code", refusals)

    async def serve(self, sock: socket.socket) -> None:
        """Serve until `stop_on` has stopped the server and the running requests have finished."""
        logging.getLogger("uvicorn.error").addFilter(_is_not_a_cancelled_request)
        await self._server.serve([sock])

    async def stop_on(self, signals: StopSignals, linger: float, leave: Callable[[], None]) -> None:
        """Stop as the signals ask: first after `linger` seconds, by the second at once, by the third by force.

        At the first it calls `leave`, which makes the app report that it is not ready, so that a load balancer stops
        sending requests here, and end the responses that would go on. Running requests are cancelled by the third
        signal only, or when the server's grace ends.
        """
        await signals.stop.wait()
        leave()
        if linger:
            log.info("draining: not ready, still serving", seconds=linger)
            with suppress(TimeoutError):
                async with asyncio.timeout(linger):
                    await signals.hurry.wait()
        self._server.should_exit = True
        await signals.force.wait()
        self._cancel_requests()

    def _cancel_requests(self) -> None:
        state = self._server.server_state
        log.warning("requests cut off", requests=len(state.tasks))
        for connection in list(state.connections):
            connection.transport.abort()
        for request in list(state.tasks):
            request.cancel()


class _Server(uvicorn.Server):
    """Installs no signal handlers, and returns at its end, so that the program can close what it opened."""

    def capture_signals(self) -> AbstractContextManager[None]:  # type: ignore[override]
        return nullcontext()


def _is_not_a_cancelled_request(record: logging.LogRecord) -> bool:
    """Drop uvicorn's traceback for each cancelled request: `_cancel_requests` logs how many there were."""
    return not (record.exc_info and isinstance(record.exc_info[1], asyncio.CancelledError))
