"""The network of the simulation: what stands between the gateway's generated stub and the department's service.

It carries bytes. It delays, drops, repeats and reorders what it carries, as its dice decide, and it knows what a dead
process looks like from outside: a refused connection, a broken one, or silence.
"""

import asyncio
import random
from collections.abc import Callable
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Protocol, Self

from grpclib.const import Status
from grpclib.exceptions import GRPCError, StreamTerminatedError
from grpclib.metadata import Deadline

from departments.errors import to_status
from departments.service import FloorService
from generated.restaurant import v1
from tests.simulation.virtual import Process, VirtualLoop


@dataclass(frozen=True, slots=True)
class Weather:
    """How bad the network is: mean delay in seconds, and what share of messages meets with what."""

    delay: float = 0.001
    late: float = 0.0
    drop_request: float = 0.0
    drop_answer: float = 0.0
    repeat: float = 0.0
    reset: float = 0.0


FAIR = Weather()


class Server(Protocol):
    """Where a department answers."""

    process: Process | None
    service: FloorService | None


@dataclass(slots=True)
class Call:
    """One call on its way. `answer` belongs to the caller."""

    route: str
    message: bytes
    answer: "asyncio.Future[Any]"
    handlers: "list[asyncio.Task[None]]" = field(default_factory=list)


class Network:
    """Carries calls from gateways to departments."""

    def __init__(self, loop: VirtualLoop, dice: random.Random) -> None:
        self.loop = loop
        self.dice = dice
        self.weather = FAIR
        self.servers: dict[str, list[Server]] = {}
        self.cut: set[str] = set()
        self.calls = 0

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
        if self.happens(self.weather.reset):
            # The connection breaks. The caller cannot know whether the request had arrived.
            self.loop.outside(self.delay(), self._fail, call, StreamTerminatedError("simulated: connection lost"))
            if self.dice.random() < 0.5:
                return
        if not self.happens(self.weather.drop_request):
            self.loop.outside(self.delay(), self._arrive, name, call)
        if self.happens(self.weather.repeat):
            self.loop.outside(self.delay(), self._arrive, name, call)

    def hang_up(self, call: Call) -> None:
        """The caller's deadline has passed: the server learns of it, or does not."""
        if self.dice.random() < 0.5:
            self.loop.outside(self.delay(), self._cancel, call)

    def _arrive(self, name: str, call: Call) -> None:
        if name in self.cut:
            return
        servers = self.servers[name]
        server = servers[self.dice.randrange(len(servers))] if len(servers) > 1 else servers[0]
        process, service = server.process, server.service
        if process is None or not process.alive or service is None:
            self.loop.outside(self.delay(), self._fail, call, ConnectionRefusedError("simulated: connection refused"))
            return
        self.loop.note("arrives", name, call.route)
        token = object()

        def mourn() -> None:
            if self.dice.random() < 0.8:
                error = StreamTerminatedError("simulated: the server is gone")
                self.loop.outside(self.delay(), self._fail, call, error)

        process.on_death[token] = mourn
        call.handlers.append(self.loop.spawn(process, self._handle(process, token, service, call)))

    async def _handle(self, process: Process, token: object, service: FloorService, call: Call) -> None:
        result: Any
        try:
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
        if not self.happens(self.weather.drop_answer):
            self.loop.outside(self.delay(), self._answer, call, result)

    def _answer(self, call: Call, result: Any) -> None:
        if isinstance(result, Exception):
            self._fail(call, result)
        elif not call.answer.done():
            call.answer.set_result(result)

    def _fail(self, call: Call, error: Exception) -> None:
        if not call.answer.done():
            call.answer.set_exception(error)

    def _cancel(self, call: Call) -> None:
        for handler in call.handlers:
            handler.cancel()


class Channel:
    """What the generated stub takes for a grpclib Channel."""

    def __init__(self, network: Network, name: str, deadline: float) -> None:
        self._network = network
        self._name = name
        self._seconds = deadline
        self._dues: dict[int, tuple[Deadline, float]] = {}

    def request(
        self,
        route: str,
        cardinality: object,
        kind: type,
        response_kind: type,
        *,
        timeout: float | None = None,
        deadline: Deadline | None = None,
        metadata: object = None,
    ) -> "Stream":
        assert deadline is not None, "every call has a deadline"
        return Stream(self._network, self._name, route, response_kind, self._virtual(deadline))

    def close(self) -> None:
        """Nothing is open."""

    def reconnect(self) -> None:
        """Every call finds its own way."""

    def _virtual(self, deadline: Deadline) -> float:
        """A deadline counts on the machine's clock; here it counts from its first use, on the virtual one."""
        now = self._network.loop.time()
        for key in [key for key, (_, due) in self._dues.items() if due < now]:
            del self._dues[key]
        _, due = self._dues.setdefault(id(deadline), (deadline, now + self._seconds))
        return due


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
                answer = await call.answer
        except TimeoutError:
            self._network.hang_up(call)
            raise
        return self._kind().parse(answer)


_METHODS: dict[str, tuple[Callable[[FloorService, Any], Any], type[Any]]] = {
    f"/restaurant.v1.DepartmentService/{name}": (method, kind)
    for name, method, kind in (
        ("GetMenu", FloorService.get_menu, v1.GetMenuRequest),
        ("PlaceOrders", FloorService.place_orders, v1.PlaceOrdersRequest),
        ("ConfirmOrders", FloorService.confirm_orders, v1.ConfirmOrdersRequest),
        ("SuspendOrders", FloorService.suspend_orders, v1.SuspendOrdersRequest),
        ("CancelOrders", FloorService.cancel_orders, v1.CancelOrdersRequest),
    )
}
