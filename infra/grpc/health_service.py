"""gRPC's health protocol: Check, Watch, and List, which grpclib does not know.

When the server drains, everything is NOT_SERVING at once, and each watcher gets that: a balancer that watches sends
nothing more there, while what runs is finished.
"""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

import structlog
from google.protobuf.descriptor_pb2 import DescriptorProto, FieldDescriptorProto, FileDescriptorProto, MessageOptions
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.message_factory import GetMessageClass
from grpclib.const import Cardinality, Handler, Status
from grpclib.exceptions import GRPCError
from grpclib.health.v1 import health_pb2
from grpclib.health.v1.health_grpc import HealthBase
from grpclib.health.v1.health_pb2 import HealthCheckRequest, HealthCheckResponse

if TYPE_CHECKING:
    from grpclib.server import Stream

log = structlog.get_logger("grpc")

NAME = "grpc.health.v1.Health"

FRESH_SECONDS = 2.0
"""How long what was found of the server's health holds."""

SEND_SECONDS = 1.0
"""How long it may take to send every watcher that the server drains."""


def describe() -> FileDescriptorProto:
    """Describe the protocol as it is now: grpclib's description, and List."""
    file = FileDescriptorProto.FromString(health_pb2.DESCRIPTOR.serialized_pb)
    file.message_type.add(name="HealthListRequest")
    entry = DescriptorProto(name="StatusesEntry", options=MessageOptions(map_entry=True))
    entry.field.add(name="key", number=1, label=_ONE, type=FieldDescriptorProto.TYPE_STRING)
    entry.field.add(name="value", number=2, label=_ONE, type=_MESSAGE, type_name=".grpc.health.v1.HealthCheckResponse")
    response = file.message_type.add(name="HealthListResponse", nested_type=[entry])
    entry_name = ".grpc.health.v1.HealthListResponse.StatusesEntry"
    response.field.add(
        name="statuses", number=1, label=FieldDescriptorProto.LABEL_REPEATED, type=_MESSAGE, type_name=entry_name
    )
    file.service[0].method.add(
        name="List", input_type=".grpc.health.v1.HealthListRequest", output_type=".grpc.health.v1.HealthListResponse"
    )
    return file


_ONE = FieldDescriptorProto.LABEL_OPTIONAL
_MESSAGE = FieldDescriptorProto.TYPE_MESSAGE

_POOL = DescriptorPool()
_POOL.Add(describe())
HealthListRequest: Any = GetMessageClass(_POOL.FindMessageTypeByName("grpc.health.v1.HealthListRequest"))
HealthListResponse: Any = GetMessageClass(_POOL.FindMessageTypeByName("grpc.health.v1.HealthListResponse"))


class HealthService(HealthBase):
    """The health of a server and of its services, which are as well as the server is."""

    def __init__(
        self, services: Collection[str], healthy: Callable[[], Awaitable[bool]], fresh_seconds: float = FRESH_SECONDS
    ) -> None:
        """`services` by their full names; `healthy` is asked at most every `fresh_seconds`."""
        self._names = frozenset({"", *services})
        self._healthy = healthy
        self._fresh_seconds = fresh_seconds
        self._asking: asyncio.Task[bool] | None = None
        self._fresh_until = 0.0
        self._was_healthy = True
        self._draining = asyncio.Event()
        self._watchers = 0
        self._all_sent = asyncio.Event()
        self._all_sent.set()

    def __mapping__(self) -> dict[str, Handler]:
        """Map paths to methods."""
        listing = Handler(self.List, Cardinality.UNARY_UNARY, HealthListRequest, HealthListResponse)
        return super().__mapping__() | {f"/{NAME}/List": listing}

    def drain(self) -> None:
        """Be out of service from now on, and send that to every watcher."""
        self._draining.set()

    async def until_sent(self) -> None:
        """Wait until every watcher was sent that the server drains; one that does not read is not waited for."""
        with suppress(TimeoutError):
            async with asyncio.timeout(SEND_SECONDS):
                await self._all_sent.wait()

    async def Check(self, stream: "Stream[HealthCheckRequest, HealthCheckResponse]") -> None:  # noqa: N802 - the protocol's name
        """Respond with a service's status, or NOT_FOUND."""
        request = await stream.recv_message()
        assert request is not None  # noqa: S101 - for mypy: a call without a message has been refused
        if request.service not in self._names:
            raise GRPCError(Status.NOT_FOUND, f"there is no service {request.service} here")
        await stream.send_message(HealthCheckResponse(status=await self._status()))

    async def Watch(self, stream: "Stream[HealthCheckRequest, HealthCheckResponse]") -> None:  # noqa: N802 - likewise
        """Send a service's status, and again whenever it has changed."""
        request = await stream.recv_message()
        assert request is not None  # noqa: S101 - likewise
        if request.service not in self._names:
            await stream.send_message(HealthCheckResponse(status=HealthCheckResponse.SERVICE_UNKNOWN))
            await asyncio.Event().wait()  # until the watcher goes: services do not come later
        with self._counted():
            await self._report(stream)
        await asyncio.Event().wait()  # until the watcher goes, or its connection: nothing changes any more

    async def List(self, stream: "Stream[Any, Any]") -> None:  # noqa: N802 - likewise
        """Respond with the status of every service."""
        await stream.recv_message()
        status, listed = await self._status(), HealthListResponse()
        for name in self._names:
            listed.statuses[name].status = status
        await stream.send_message(listed)

    async def _status(self) -> "HealthCheckResponse.ServingStatus.ValueType":
        is_serving = not self._draining.is_set() and await self._is_healthy() and not self._draining.is_set()
        return HealthCheckResponse.SERVING if is_serving else HealthCheckResponse.NOT_SERVING

    async def _is_healthy(self) -> bool:
        """Return what was found lately, or find out, once for all who ask and whether or not they wait for it."""
        is_stale = asyncio.get_running_loop().time() >= self._fresh_until
        if self._asking is None or (is_stale and self._asking.done()):
            self._asking = asyncio.create_task(self._ask())
        return await asyncio.shield(self._asking)

    async def _ask(self) -> bool:
        try:
            is_healthy = await self._healthy()
        except Exception:
            log.exception("the health check failed")
            is_healthy = False
        self._fresh_until = asyncio.get_running_loop().time() + self._fresh_seconds
        if is_healthy != self._was_healthy:
            self._was_healthy = is_healthy
            log.warning("the server is healthy again" if is_healthy else "the server is not healthy")
        return is_healthy

    @contextmanager
    def _counted(self) -> Iterator[None]:
        self._watchers += 1
        self._all_sent.clear()
        try:
            yield
        finally:
            self._watchers -= 1
            if not self._watchers:
                self._all_sent.set()

    async def _report(self, stream: "Stream[HealthCheckRequest, HealthCheckResponse]") -> None:
        """Send the status whenever it has changed, until the drain has begun and that was sent."""
        sent, is_draining = None, False
        while not is_draining:
            is_draining = self._draining.is_set()
            status = await self._status()
            if status != sent:
                await stream.send_message(HealthCheckResponse(status=status))
                sent = status
            with suppress(TimeoutError):
                async with asyncio.timeout(self._fresh_seconds):  # wait_for may swallow that the watcher goes meanwhile
                    await self._draining.wait()
