"""The network of the simulation: what stands between the gateway's generated stub and the department's service.

It carries bytes. It delays, drops, repeats and reorders what it carries, as its dice decide, and it knows what a dead
process looks like from outside: a refused connection, a broken one, or silence.
"""

import asyncio
import random
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Protocol, Self

from grpclib.const import Cardinality, Status
from grpclib.exceptions import GRPCError, StreamTerminatedError

from departments.rpc.servicer import WATCH_CHANGES, DepartmentServicer
from departments.rpc.status import to_status
from generated.restaurant import v1
from tests.simulation.virtual import Process, VirtualLoop, current_process
from tests.simulation.watch_calls import WatchCall


@dataclass(frozen=True, slots=True)
class Weather:
    """How bad the network is: mean delay in seconds, and what share of messages meets with what.

    `silent`: the share of a server's deaths of which its callers learn nothing.
    """

    delay: float = 0.001
    late: float = 0.0
    drop_request: float = 0.0
    drop_response: float = 0.0
    repeat: float = 0.0
    reset: float = 0.0
    silent: float = 0.2


FAIR = Weather()


class Server(Protocol):
    """Where a department responds."""

    process: Process | None
    service: DepartmentServicer | None


@dataclass(slots=True)
class Call:
    """One call on its way. `response` belongs to the caller."""

    route: str
    message: bytes
    response: "asyncio.Future[Any]"
    handlers: "list[asyncio.Task[None]]" = field(default_factory=list)


class Pipe:
    """A stream of batches: it finds one server, and breaks when that one dies. `responses` belongs to the caller.

    What travels on it is lost, repeated and overtaken as calls are, which is worse than TCP would treat it.
    """

    def __init__(self, route: str) -> None:
        self.route = route
        self.batches: asyncio.Queue[bytes] = asyncio.Queue()
        self.responses: asyncio.Queue[bytes | Exception] = asyncio.Queue()
        self.handler: asyncio.Task[None] | None = None
        self.is_broken = False

    def fail(self, error: Exception) -> None:
        if not self.is_broken:
            self.is_broken = True
            self.responses.put_nowait(error)


class Network:
    """Carries calls from gateways to departments."""

    def __init__(self, loop: VirtualLoop, dice: random.Random) -> None:
        self.loop = loop
        self.dice = dice
        self.weather = FAIR
        self.servers: dict[str, list[Server]] = {}
        self.cut: set[str] = set()
        self.exhausted: set[str] = set()
        self.isolated: set[str] = set()  # departments that no order reaches: a backup is being restored
        self.calls = 0
        self.sent: list[tuple[str, str, bytes, bool]] | None = None
        """All messages, where they are to be repeated at any later time: department, route, bytes, on a stream."""

    def delay(self) -> float:
        weather = self.weather
        if not weather.delay:
            return 0.0
        if weather.late and self.dice.random() < weather.late:
            return self.dice.uniform(0.5, 20.0)  # past the call's deadline, perhaps past its caller
        return self.dice.expovariate(1 / weather.delay)

    def happens(self, share: float) -> bool:
        return share > 0 and self.dice.random() < share

    def send(self, name: str, call: Call) -> None:
        self.calls += 1
        self.loop.note("sends", name, call.route)
        self._remember(name, call.route, call.message, on_stream=False)
        if self.happens(self.weather.reset):
            # The connection breaks. The caller cannot know whether the request had arrived.
            self.loop.outside(self.delay(), self._fail, call, StreamTerminatedError("simulated: connection lost"))
            if self.dice.random() < 0.5:
                return
        if not self.happens(self.weather.drop_request):
            self.loop.outside(self.delay(), self._arrive, name, call)
        if self.happens(self.weather.repeat):
            self.loop.outside(self.delay(), self._arrive, name, call)

    def send_on(self, name: str, pipe: Pipe, message: bytes) -> None:
        self.calls += 1
        self.loop.note("sends", name, pipe.route)
        self._remember(name, pipe.route, message, on_stream=True)
        if self.happens(self.weather.reset):
            self.loop.outside(self.delay(), pipe.fail, StreamTerminatedError("simulated: connection lost"))
            if self.dice.random() < 0.5:
                return
        if not self.happens(self.weather.drop_request):
            self.loop.outside(self.delay(), self._arrive_on, name, pipe, message)
        if self.happens(self.weather.repeat):
            self.loop.outside(self.delay(), self._arrive_on, name, pipe, message)

    def _remember(self, name: str, route: str, message: bytes, *, on_stream: bool) -> None:
        if self.sent is not None:
            self.sent.append((name, route, message, on_stream))

    def repeat_an_old_message(self) -> None:
        """Let any message arrive once more, as from a gateway that had hung and goes on."""
        if self.sent:
            name, route, message, on_stream = self.dice.choice(self.sent)
            if on_stream:
                self._arrive_on(name, Pipe(route), message)
            else:
                self._arrive(name, Call(route, message, self.loop.create_future()))

    def end(self, pipe: Pipe) -> None:
        """The caller has left: the server learns of it, or does not."""
        pipe.is_broken = True
        if self.dice.random() < 0.5:
            self.loop.outside(self.delay(), self._end, pipe)

    def hang_up(self, call: Call) -> None:
        """The caller's deadline has passed: the server learns of it, or does not."""
        if self.dice.random() < 0.5:
            self.loop.outside(self.delay(), self._cancel, call)

    def _arrive(self, name: str, call: Call) -> None:
        if name in self.cut or name in self.isolated:
            return
        process, service = self.server_of(name)
        if process is None or not process.alive or service is None:
            self.loop.outside(self.delay(), self._fail, call, ConnectionRefusedError("simulated: connection refused"))
            return
        self.loop.note("arrives", name, call.route)
        token = object()

        def mourn() -> None:
            if self.dice.random() < 1.0 - self.weather.silent:
                error = StreamTerminatedError("simulated: the server is gone")
                self.loop.outside(self.delay(), self._fail, call, error)

        process.on_death[token] = mourn
        handling = self._handle(name, process, token, service, call)
        call.handlers.append(self.loop.spawn(process, handling))

    async def _handle(
        self, name: str, process: Process, token: object, service: DepartmentServicer, call: Call
    ) -> None:
        result: Any
        try:
            if name in self.exhausted and call.route in _DECISIONS:
                raise GRPCError(Status.RESOURCE_EXHAUSTED, "simulated: too busy for decisions")
            method, kind = _METHODS[call.route]
            result = bytes(await method(service, kind().parse(call.message)))
        except GRPCError as error:
            result = error
        except asyncio.CancelledError:
            process.on_death.pop(token, None)
            raise
        except Exception as error:  # noqa: BLE001 - the caller gets it, as a status
            result = to_status(error) or GRPCError(Status.INTERNAL, f"simulated: a fault in the server: {error!r}")
        process.on_death.pop(token, None)
        if not self.happens(self.weather.drop_response):
            self.loop.outside(self.delay(), self._respond, call, result)

    def server_of(self, name: str) -> tuple[Process | None, DepartmentServicer | None]:
        """Choose one of a department's programs."""
        servers = self.servers[name]
        server = servers[self.dice.randrange(len(servers))] if len(servers) > 1 else servers[0]
        return server.process, server.service

    def _arrive_on(self, name: str, pipe: Pipe, message: bytes) -> None:
        if name in self.cut or name in self.isolated:
            return
        if pipe.handler is None and not pipe.is_broken:
            process, service = self.server_of(name)
            if process is None or not process.alive or service is None:
                error = ConnectionRefusedError("simulated: connection refused")
                self.loop.outside(self.delay(), pipe.fail, error)
                return
            self._open(pipe, process, service)
        self.loop.note("arrives", name, pipe.route)
        pipe.batches.put_nowait(message)

    def _open(self, pipe: Pipe, process: Process, service: DepartmentServicer) -> None:
        def mourn() -> None:
            if self.dice.random() < 1.0 - self.weather.silent:
                self.loop.outside(self.delay(), pipe.fail, StreamTerminatedError("simulated: the server is gone"))

        process.on_death[pipe] = mourn
        pipe.handler = self.loop.spawn(process, self._serve(process, service, pipe))

    async def _serve(self, process: Process, service: DepartmentServicer, pipe: Pipe) -> None:
        async def batches() -> AsyncIterator[v1.StreamOrdersRequest]:
            while True:
                yield v1.StreamOrdersRequest().parse(await pipe.batches.get())

        try:
            async for response in service.stream_orders(batches()):
                if not self.happens(self.weather.drop_response):
                    self.loop.outside(self.delay(), pipe.responses.put_nowait, bytes(response))
        finally:
            process.on_death.pop(pipe, None)

    def _end(self, pipe: Pipe) -> None:
        if pipe.handler is not None:
            pipe.handler.cancel()

    def _respond(self, call: Call, result: Any) -> None:
        if isinstance(result, Exception):
            self._fail(call, result)
        elif not call.response.done():
            call.response.set_result(result)

    def _fail(self, call: Call, error: Exception) -> None:
        if not call.response.done():
            call.response.set_exception(error)

    def _cancel(self, call: Call) -> None:
        for handler in call.handlers:
            handler.cancel()


class Channel:
    """What the gateway takes for a grpclib Channel."""

    def __init__(self, network: Network, name: str) -> None:
        self._network = network
        self._name = name
        self.on_reconnect: Callable[[], None] = lambda: None

    def request(
        self,
        route: str,
        cardinality: Cardinality,
        kind: type,
        response_kind: type,
        *,
        timeout: float | None = None,
        deadline: object = None,
        metadata: object = None,
    ) -> "Stream | OpenStream | WatchCall":
        if route == WATCH_CHANGES:
            return WatchCall(self._network, self._name, response_kind)
        if cardinality is Cardinality.STREAM_STREAM:
            return OpenStream(self._network, self._name, Pipe(route), response_kind)
        assert timeout is not None, "every call has a deadline"
        return Stream(self._network, self._name, route, response_kind, self._network.loop.time() + timeout)

    def close(self) -> None:
        """Nothing is open."""

    def reconnect(self) -> None:
        """Every call finds its own way, and so does the next stream."""
        self.on_reconnect()


class OpenStream:
    """A stream, as the gateway opens it."""

    def __init__(self, network: Network, name: str, pipe: Pipe, kind: type) -> None:
        self._network = network
        self._name = name
        self._pipe = pipe
        self._kind = kind
        process = current_process()
        assert process is not None
        self._process = process

    async def __aenter__(self) -> Self:
        self._process.on_death[self._pipe] = lambda: self._network.end(self._pipe)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.on_death.pop(self._pipe, None)
        self._network.end(self._pipe)

    async def send_request(self) -> None:
        """The first batch brings it there."""

    async def send_message(self, message: Any) -> None:
        self._network.send_on(self._name, self._pipe, bytes(message))

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Any:
        response = await self._pipe.responses.get()
        if isinstance(response, Exception):
            raise response
        return self._kind().parse(response)


class Stream:
    """One call, as the generated stub makes it."""

    def __init__(self, network: Network, name: str, route: str, kind: type, due: float) -> None:
        self._network = network
        self._name = name
        self._route = route
        self._kind = kind
        self._due = due
        self._call: Call | None = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Nothing to let go of."""

    async def send_message(self, message: Any, *, end: bool) -> None:
        loop = self._network.loop
        self._call = Call(self._route, bytes(message), loop.create_future())
        self._network.send(self._name, self._call)

    async def recv_message(self) -> Any:
        call = self._call
        assert call is not None
        try:
            async with asyncio.timeout_at(self._due):
                response = await call.response
        except TimeoutError:
            self._network.hang_up(call)
            raise
        return self._kind().parse(response)


_DECISIONS = frozenset({f"/restaurant.v1.DepartmentService/{verb}Orders" for verb in ("Confirm", "Suspend", "Cancel")})
"""The calls that a department which is too busy for decisions does not carry out."""

_METHODS: dict[str, tuple[Callable[[DepartmentServicer, Any], Any], type[Any]]] = {
    f"/restaurant.v1.DepartmentService/{name}": (method, kind)
    for name, method, kind in (
        ("GetMenu", DepartmentServicer.get_menu, v1.GetMenuRequest),
        ("PlaceOrders", DepartmentServicer.place_orders, v1.PlaceOrdersRequest),
        ("ConfirmOrders", DepartmentServicer.confirm_orders, v1.ConfirmOrdersRequest),
        ("SuspendOrders", DepartmentServicer.suspend_orders, v1.SuspendOrdersRequest),
        ("CancelOrders", DepartmentServicer.cancel_orders, v1.CancelOrdersRequest),
    )
}
