"""The skeleton of every program: exit codes around its start, signals and ordered cleanup around its run.

A `main` reads its settings within `exit_codes`, and its coroutine opens everything within `program`:

    async with program() as running:                   # SIGINT and SIGTERM are counted from here on
        running.on_exit_await(orders.close)            # closed last
        sock = running.listen(host, port)
        await running.in_background({"menu": reload})  # supervised; cancelled first
        await running.signals.stop.wait()
"""

import socket
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, closing, contextmanager
from functools import partial

import structlog

from infra.addresses import join_address
from infra.errors import StartError
from infra.interrupts import INTERRUPTED, release_interrupts
from infra.metrics import Metrics
from infra.metrics_server import MetricsServer
from infra.sockets import bind
from infra.stop_signals import StopSignals
from infra.supervise import Work, in_background
from infra.tls import Contexts, Credentials
from infra.tracing.spans import Tracer
from infra.tracing.start import Tracing

START_FAILED = 2
"""Exit code of a program that cannot start; one line on standard error says why."""

log = structlog.get_logger("program")


@contextmanager
def exit_codes(name: str) -> Iterator[None]:
    """Exit with START_FAILED and one line on StartError, with INTERRUPTED on SIGINT or on a signal that was held."""
    try:
        release_interrupts()
        yield
    except StartError as error:
        print(f"{name}: {error}", file=sys.stderr)
        sys.exit(START_FAILED)
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)


@asynccontextmanager
async def program() -> AsyncIterator["Program"]:
    """Handle the process's stop signals and run the body, then close what it opened in reverse order."""
    async with AsyncExitStack() as cleanup:
        yield Program(cleanup)


class Program:
    """One run of a program. Whatever its methods open is closed when the run ends, also by an exception."""

    def __init__(self, cleanup: AsyncExitStack) -> None:
        self.signals = StopSignals()
        self._cleanup = cleanup

    def on_exit(self, close: Callable[[], object]) -> None:
        """Call `close` at the end of the run."""
        self._cleanup.callback(close)

    def on_exit_await(self, close: Callable[[], Awaitable[object]]) -> None:
        """Await `close()` at the end of the run."""
        self._cleanup.push_async_callback(close)

    def listen(self, host: str, port: int) -> socket.socket:
        """Bind a TCP socket, which is closed at the end; raises StartError."""
        return self._cleanup.enter_context(closing(bind(host, port)))

    async def serve_metrics(self, metrics: Metrics, sock: socket.socket) -> str:
        """Serve the metrics on a bound socket to the end of the run; return the address."""
        server = MetricsServer(metrics)
        self.on_exit(metrics.close)
        self.on_exit_await(server.close)
        await server.start(sock)
        return join_address(*sock.getsockname()[:2])

    async def in_background(self, works: Mapping[str, Work]) -> None:
        """Run supervised tasks, by their names, which are cancelled and awaited at the end."""
        await self._cleanup.enter_async_context(in_background(works))

    def record_traces(self, tracing: Tracing | None) -> Tracer | None:
        """Send spans until the end of the run, and return what makes them; None where no traces are wanted."""
        if tracing is None:
            return None
        self.on_exit(tracing.close)
        tracing.start()
        settings = tracing.settings
        log.info("traces are recorded", service=settings.service, ratio=settings.ratio, to=settings.endpoint.netloc)
        return tracing.tracer

    async def follow_certificates(
        self, credentials: Credentials | None, renew: Callable[[Contexts], Awaitable[None]]
    ) -> None:
        """Pass renewed certificates to `renew` for the rest of the run; does nothing without TLS."""
        if credentials is None:
            return
        log.info("only over mutual TLS", certificate=credentials.name, until=credentials.until)
        await self.in_background({"certificates": partial(credentials.watch, renew)})
