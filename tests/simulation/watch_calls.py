"""Calls of WatchChanges on the simulated network, which keeps their pages in order, as TCP does.

A page may be late, and then those after it are. A call may break, its server may die, or it falls silent: what is sent
then never arrives, and only the caller's patience ends it. A caller that does not read stops the server after a few
pages, as HTTP/2's windows do.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing
from contextvars import Context
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from grpclib.const import Status
from grpclib.exceptions import GRPCError, StreamTerminatedError

from departments.rpc.servicer import DepartmentServicer
from departments.rpc.status import to_status
from generated.restaurant import v1
from tests.simulation.virtual import Process, current_process

if TYPE_CHECKING:
    from tests.simulation.network import Network

UNREAD_PAGES = 3
KEEPALIVE_SECONDS = 5.0, 60.0
"""After how long a server learns that a caller has left which has not said so."""


class WatchCall:
    """One call of WatchChanges, as its caller opens it."""

    def __init__(self, network: "Network", name: str, kind: type) -> None:
        self.server: object = None
        self._network = network
        self._name = name
        self._kind = kind
        self._process = current_process()
        self._requests: asyncio.Queue[bytes | None] = asyncio.Queue()
        self._pages: asyncio.Queue[bytes | Exception] = asyncio.Queue()
        self._room = asyncio.Semaphore(UNREAD_PAGES)
        self._handler: asyncio.Task[None] | None = None
        self._last_arrival = 0.0
        self._is_silent = False
        self._is_over = False

    # The caller's side.

    async def __aenter__(self) -> Self:
        if self._process is not None:
            self._process.on_death[self] = self._leave
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._process is not None:
            self._process.on_death.pop(self, None)
        self._leave()

    async def send_message(self, message: Any, *, end: bool = False) -> None:
        network = self._network
        network.calls += 1
        network.loop.note("watches", self._name, message.after_revision, message.moved_only)
        if network.happens(network.weather.drop_request):
            self._is_silent = True
        network.loop.outside(network.delay(), self._arrive, bytes(message), end)

    async def recv_message(self) -> Any:
        page = await self._pages.get()
        if isinstance(page, Exception):
            raise page
        self._network.loop.outside(self._network.delay(), self._room.release)
        return self._kind().parse(page)

    def _leave(self) -> None:
        """Leave: the server is told that the call is cancelled, or that no request follows, or finds out itself."""
        network, self._is_over = self._network, True
        chance = network.dice.random()
        if chance < 0.4:
            network.loop.outside(network.delay(), self._cancel)
        elif chance < 0.7:
            network.loop.outside(network.delay(), self._requests.put_nowait, None)
            network.loop.outside(KEEPALIVE_SECONDS[1], self._cancel)
        else:
            network.loop.outside(network.dice.uniform(*KEEPALIVE_SECONDS), self._cancel)

    def _cancel(self) -> None:
        if self._handler is not None:
            self._handler.cancel()

    # The network.

    def _arrive(self, message: bytes, end: bool) -> None:
        network, name = self._network, self._name
        if self._is_silent or self._is_over or name in network.cut:
            self._is_silent = True
            return
        process, service = network.server_of(name)
        if process is None or not process.alive or service is None:
            network.loop.outside(network.delay(), self._fail, ConnectionRefusedError("simulated: connection refused"))
            return
        self.server = service
        self._requests.put_nowait(message)
        if end:
            self._requests.put_nowait(None)

        def mourn() -> None:
            if network.dice.random() < 1.0 - network.weather.silent:
                network.loop.outside(
                    network.delay(), self._fail, StreamTerminatedError("simulated: the server is gone")
                )

        process.on_death[self._requests] = mourn
        self._handler = network.loop.spawn(process, self._serve(process, service))

    def _send(self, page: bytes | Exception) -> None:
        """Send something to the caller; it arrives after all that was sent before it."""
        network, loop = self._network, self._network.loop
        weather = network.weather
        if network.happens(weather.reset):
            loop.outside(network.delay(), self._fail, StreamTerminatedError("simulated: connection lost"))
        if network.happens(weather.drop_response):
            self._is_silent = True
        self._last_arrival = max(self._last_arrival, loop.time() + network.delay())
        loop.call_at(self._last_arrival, self._deliver, page, context=Context())

    def _deliver(self, page: bytes | Exception) -> None:
        if self._name in self._network.cut:
            self._is_silent = True
        if not self._is_silent and not self._is_over:
            self._pages.put_nowait(page)

    def _fail(self, error: Exception) -> None:
        if not self._is_over:
            self._is_over = True
            self._pages.put_nowait(error)

    # The server's side.

    async def _serve(self, process: Process, service: DepartmentServicer) -> None:
        async def requests() -> AsyncIterator[v1.WatchChangesRequest]:
            while (message := await self._requests.get()) is not None:
                yield v1.WatchChangesRequest().parse(message)

        end: Exception = StreamTerminatedError("simulated: the server ended the call")
        try:
            async with aclosing(service.watch_changes(requests())) as pages:  # type: ignore[type-var]
                async for page in pages:
                    await self._room.acquire()
                    self._send(page.SerializeToString())
        except GRPCError as error:
            end = error
        except Exception as error:  # noqa: BLE001 - the caller gets it, as a status
            end = to_status(error) or GRPCError(Status.INTERNAL, f"simulated: a fault in the server: {error!r}")
        finally:
            process.on_death.pop(self._requests, None)
        self._send(end)
