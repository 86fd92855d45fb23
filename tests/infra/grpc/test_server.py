"""The server in front of its connections: a real socket on loopback, and a waiter who does what a test tells it."""

import asyncio
import random
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Any, cast

import pytest
from google.protobuf.descriptor_pb2 import FileDescriptorProto
from google.protobuf.message import Message
from google.rpc.error_details_pb2 import BadRequest
from grpclib.client import Channel, UnaryUnaryMethod
from grpclib.const import Status
from grpclib.exceptions import GRPCError, StreamTerminatedError
from grpclib.health.v1.health_grpc import HealthStub
from grpclib.health.v1.health_pb2 import HealthCheckRequest, HealthCheckResponse
from grpclib.reflection.v1.reflection_grpc import ServerReflectionStub
from grpclib.reflection.v1.reflection_pb2 import ServerReflectionRequest
from structlog.contextvars import merge_contextvars
from structlog.testing import capture_logs

from departments.rpc.servicer import DESCRIPTORS
from generated import bar
from infra.grpc.health_service import HealthListRequest, HealthListResponse, HealthService
from infra.grpc.server import GrpcServer, invalid_argument
from infra.sockets import bind
from tests.support.waiting import until

LIMIT = 1000
GET_ORDER = "/bar.Bar/GetOrder"

Responder = Callable[[str], Awaitable[str]]


class OutOfMilk(Exception):
    """What the server's table knows."""


class Waiter(bar.BarBase):
    def __init__(self, response: Responder) -> None:
        self._respond = response

    async def get_order(self, order_request: bar.OrderRequest) -> bar.OrderResponse:
        return bar.OrderResponse(await self._respond(order_request.order))


@dataclass
class Served:
    server: GrpcServer
    port: int
    channel: Channel

    async def ask(self, order: str) -> str:
        return (await bar.BarStub(self.channel).get_order(bar.OrderRequest(order))).order_status


@asynccontextmanager
async def serve(
    response: Responder, *, healthy: bool = True, health: Callable[[], Awaitable[bool]] | None = None
) -> AsyncIterator[Served]:
    async def is_healthy() -> bool:
        return healthy

    def translate(error: Exception) -> GRPCError | None:
        return GRPCError(Status.FAILED_PRECONDITION, "no milk today") if isinstance(error, OutOfMilk) else None

    sock = bind("127.0.0.1", 0)
    port: int = sock.getsockname()[1]
    server = GrpcServer(
        [Waiter(response)],
        descriptors=DESCRIPTORS,
        translate=translate,
        healthy=health or is_healthy,
        max_message_bytes=LIMIT,
    )
    await server.start(sock)
    channel = Channel("127.0.0.1", port)
    try:
        async with asyncio.timeout(30):
            yield Served(server, port, channel)
    finally:
        channel.close()
        await server.drain(5)


class Gate:
    """A handler that waits until it is let go, and knows how many wait."""

    def __init__(self) -> None:
        self.waiting = 0
        self.cancelled = 0
        self._entered = asyncio.Event()
        self._open = asyncio.Event()

    async def __call__(self, order: str) -> str:
        self.waiting += 1
        self._entered.set()
        try:
            await self._open.wait()
        except asyncio.CancelledError:
            self.cancelled += 1
            raise
        finally:
            self.waiting -= 1
        return f"{order} at last"

    async def entered(self) -> None:
        await self._entered.wait()

    def open(self) -> None:
        self._open.set()


async def echo(order: str) -> str:
    return f"one {order}"


async def refusal(call: Awaitable[Any]) -> GRPCError:
    with pytest.raises(GRPCError) as error:
        await call
    return error.value


# --- messages ---


class Raw:
    """Bytes that pass for a message."""

    def __init__(self, data: bytes) -> None:
        self._data = data

    def SerializeToString(self) -> bytes:  # noqa: N802 - protobuf's name
        return self._data


async def send_raw(served: Served, data: bytes) -> str:
    kind: Any = Raw
    method: UnaryUnaryMethod[Any, bar.OrderResponse] = UnaryUnaryMethod(
        served.channel, GET_ORDER, kind, bar.OrderResponse
    )
    return (await method(Raw(data))).order_status


async def test_a_call_gets_its_response() -> None:
    async with serve(echo) as served:
        assert await served.ask("커피") == "one 커피"


@pytest.mark.parametrize("data", [b"\xff", b"\x0a\x05tea", b"\x0a\x02\xff\xfe", b"\x0f\x01", b"\x0b" * 40])
async def test_bytes_that_are_no_message_are_invalid_argument(data: bytes) -> None:
    async with serve(echo) as served:
        error = await refusal(send_raw(served, data))
        assert (error.status, error.message) == (Status.INVALID_ARGUMENT, "the bytes are not a OrderRequest")
        assert await served.ask("tea") == "one tea"


async def test_whatever_bytes_arrive_they_are_a_message_or_invalid_argument() -> None:
    dice = random.Random(7)
    statuses = set()
    async with serve(echo) as served:
        for length in range(200):
            try:
                await send_raw(served, dice.randbytes(length % 40))
            except GRPCError as error:
                statuses.add(error.status)
    assert statuses == {Status.INVALID_ARGUMENT}


async def test_a_message_over_the_limit_is_resource_exhausted_and_one_at_the_limit_is_not() -> None:
    async with serve(echo) as served:
        just_right = "x" * (LIMIT - 3)  # a tag and two bytes of length
        assert await served.ask(just_right) == f"one {just_right}"
        error = await refusal(served.ask(just_right + "x"))
        assert error.status is Status.RESOURCE_EXHAUSTED
        assert str(LIMIT) in (error.message or "")
        assert await served.ask("tea") == "one tea"


# --- errors ---


async def test_an_error_of_the_table_gets_its_status() -> None:
    async def refuse(order: str) -> str:
        raise OutOfMilk(order)

    with capture_logs() as logs:
        async with serve(refuse) as served:
            error = await refusal(served.ask("latte"))
    assert (error.status, error.message) == (Status.FAILED_PRECONDITION, "no milk today")
    assert logs == []


async def test_a_status_that_a_handler_raises_passes_with_its_details() -> None:
    async def refuse(order: str) -> str:
        raise invalid_argument("order", f"{order!r} is not allowed")

    async with serve(refuse) as served:
        error = await refusal(served.ask("milk"))
    assert (error.status, error.message) == (Status.INVALID_ARGUMENT, "order: 'milk' is not allowed")
    violation = BadRequest.FieldViolation(field="order", description="'milk' is not allowed")
    assert error.details == [BadRequest(field_violations=[violation])]


async def test_what_escapes_a_handler_is_internal_logged_and_not_told() -> None:
    async def stumble(order: str) -> str:
        raise RuntimeError("the secret recipe")

    with capture_logs() as logs:
        async with serve(stumble) as served:
            error = await refusal(served.ask("tea"))
            assert await refusal(served.ask("tea")) is not error
    assert (error.status, error.message) == (Status.INTERNAL, "a fault in this server; it has been logged")
    assert error.details is None
    assert [(entry["event"], entry["method"], entry["log_level"]) for entry in logs] == [
        ("a handler failed", GET_ORDER, "error")
    ] * 2
    assert str(logs[0]["exc_info"]) == "the secret recipe"


async def test_a_handler_whose_caller_goes_away_is_cancelled_and_counted_out() -> None:
    gate = Gate()
    async with serve(gate) as served:
        call = asyncio.create_task(served.ask("tea"))
        await gate.entered()
        call.cancel()
        while gate.waiting:  # noqa: ASYNC110 - until the server has heard of it, within the test's deadline
            await asyncio.sleep(0.001)
        assert gate.cancelled == 1
        async with asyncio.timeout(15):
            await served.server.drain(60)


async def test_a_handler_whose_deadline_passes_is_cancelled() -> None:
    gate = Gate()
    async with serve(gate) as served:
        with pytest.raises((TimeoutError, GRPCError)):
            await bar.BarStub(served.channel).get_order(bar.OrderRequest("tea"), timeout=0.05)
        while gate.waiting:  # noqa: ASYNC110 - until the server has noticed, within the test's deadline
            await asyncio.sleep(0.001)
        assert gate.cancelled == 1


# --- draining ---


async def test_draining_lets_running_calls_finish_and_refuses_new_ones() -> None:
    gate = Gate()
    async with serve(gate) as served:
        running = asyncio.create_task(served.ask("tea"))
        await gate.entered()
        draining = asyncio.create_task(served.server.drain(20))
        await asyncio.sleep(0)
        error = await refusal(served.ask("coffee"))
        assert error.status is Status.UNAVAILABLE
        assert error.message == "this server is shutting down; ask another or later"
        assert not draining.done()
        gate.open()
        assert await running == "tea at last"
        await draining


async def test_draining_stops_listening() -> None:
    async with serve(echo) as served:
        await served.ask("tea")
        await served.server.drain(5)
        latecomer = Channel("127.0.0.1", served.port)
        with pytest.raises(OSError, match=r"refused|Connect call failed"):
            await bar.BarStub(latecomer).get_order(bar.OrderRequest("tea"))
        latecomer.close()


@pytest.mark.long
async def test_draining_says_goodbye_to_those_who_are_connected() -> None:
    async with serve(echo) as served:
        await served.ask("tea")
        reader, writer = await asyncio.open_connection("127.0.0.1", served.port)
        writer.write(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes([0, 0, 0, 4, 0, 0, 0, 0, 0]))  # an empty SETTINGS
        first = await reader.readexactly(9)
        await served.server.drain(5)
        rest = await reader.read()  # to the end of the connection
        goaway = 7
        assert goaway in frame_types(first + rest)
        writer.close()


def frame_types(data: bytes) -> list[int]:
    """The types of the HTTP/2 frames in what a server sent."""
    types = []
    while len(data) >= 9:
        types.append(data[3])
        data = data[9 + int.from_bytes(data[:3]) :]
    return types


async def test_calls_that_outlast_the_grace_are_cut_off_and_logged() -> None:
    gate = Gate()
    with capture_logs() as logs:
        async with serve(gate) as served:
            calls = [asyncio.create_task(served.ask("tea")) for _ in range(3)]
            while gate.waiting < 3:  # noqa: ASYNC110 - until all have arrived, within the test's deadline
                await asyncio.sleep(0.001)
            await served.server.drain(0.05)
            for call in calls:
                with pytest.raises((GRPCError, StreamTerminatedError, ConnectionError)):
                    await call
    assert gate.cancelled == 3
    assert [(entry["event"], entry["calls"]) for entry in logs] == [("calls cut off", 3)]


async def test_draining_does_not_wait_for_a_health_watch() -> None:
    async with serve(echo) as served, HealthStub(served.channel).Watch.open() as watch:
        await watch.send_message(HealthCheckRequest(), end=True)
        assert await watch.recv_message() is not None
        async with asyncio.timeout(15):
            await served.server.drain(60)
        with suppress(GRPCError, StreamTerminatedError, ConnectionError):
            await watch.recv_message()
        with suppress(GRPCError, StreamTerminatedError, ConnectionError):
            await watch.cancel()


async def test_a_server_that_never_started_drains_at_once() -> None:
    async def healthy() -> bool:
        return True

    server = GrpcServer(
        [Waiter(echo)],
        descriptors=DESCRIPTORS,
        translate=lambda _: None,
        healthy=healthy,
        max_message_bytes=LIMIT,
    )
    async with asyncio.timeout(15):
        await server.drain(60)


# --- health and reflection ---


@pytest.mark.parametrize("service", ["", "bar.Bar"])
@pytest.mark.parametrize("healthy", [True, False])
async def test_health_is_reported_for_the_server_and_by_service(service: str, healthy: bool) -> None:
    async with serve(echo, healthy=healthy) as served:
        response = await HealthStub(served.channel).Check(HealthCheckRequest(service=service))
        expected = HealthCheckResponse.SERVING if healthy else HealthCheckResponse.NOT_SERVING
        assert response.status == expected


async def test_the_health_of_a_service_that_there_is_not_is_not_found() -> None:
    async with serve(echo) as served:
        error = await refusal(HealthStub(served.channel).Check(HealthCheckRequest(service="bar.Grill")))
        assert error.status is Status.NOT_FOUND


async def test_health_lists_every_service() -> None:
    method: UnaryUnaryMethod[Any, Any] = UnaryUnaryMethod(
        Channel("127.0.0.1", 1), "/grpc.health.v1.Health/List", HealthListRequest, HealthListResponse
    )
    async with serve(echo) as served:
        method.channel = served.channel
        listed = (await method(HealthListRequest())).statuses
        assert {name: listed[name].status for name in listed} == {"": 1, "bar.Bar": 1}


async def test_a_health_check_that_raises_is_not_serving_and_logged() -> None:
    async def broken() -> bool:
        raise RuntimeError("no database")

    with capture_logs() as logs:
        async with serve(echo, health=broken) as served:
            response = await HealthStub(served.channel).Check(HealthCheckRequest())
    assert response.status == HealthCheckResponse.NOT_SERVING
    assert [entry["event"] for entry in logs] == ["the health check failed", "the server is not healthy"]


async def test_a_health_check_that_nobody_waits_for_any_more_serves_the_next_who_asks() -> None:
    gate, asked = asyncio.Event(), asyncio.Event()

    async def slow() -> bool:
        asked.set()
        await gate.wait()
        return True

    async with serve(echo, health=slow) as served:
        health = HealthStub(served.channel)
        impatient = asyncio.create_task(health.Check(HealthCheckRequest()))
        await asked.wait()
        patient = asyncio.create_task(health.Check(HealthCheckRequest()))
        impatient.cancel()
        gate.set()
        assert (await patient).status == HealthCheckResponse.SERVING


async def test_who_watches_health_is_reported_when_the_drain_begins() -> None:
    """While the call that runs is still waited for, and before the connection closes."""
    gate = Gate()
    async with serve(gate) as served, HealthStub(served.channel).Watch.open() as watch:
        await watch.send_message(HealthCheckRequest(service="bar.Bar"), end=True)
        statuses = [(await watch.recv_message()).status]  # type: ignore[union-attr]
        running = asyncio.create_task(served.ask("tea"))
        await gate.entered()
        draining = asyncio.create_task(served.server.drain(20))
        statuses.append((await watch.recv_message()).status)  # type: ignore[union-attr]
        assert statuses == [HealthCheckResponse.SERVING, HealthCheckResponse.NOT_SERVING]
        asked = await HealthStub(served.channel).Check(HealthCheckRequest())
        assert asked.status == HealthCheckResponse.NOT_SERVING
        assert not draining.done()
        gate.open()
        assert await running == "tea at last"
        await draining
        with suppress(GRPCError, StreamTerminatedError, ConnectionError):
            await watch.cancel()


async def test_who_watches_health_is_reported_of_a_drain_that_waits_for_nothing() -> None:
    async with serve(echo) as served, HealthStub(served.channel).Watch.open() as watch:
        await watch.send_message(HealthCheckRequest(), end=True)
        statuses = [(await watch.recv_message()).status]  # type: ignore[union-attr]
        draining = asyncio.create_task(served.server.drain(20))
        statuses.append((await watch.recv_message()).status)  # type: ignore[union-attr]
        assert statuses == [HealthCheckResponse.SERVING, HealthCheckResponse.NOT_SERVING]
        await draining
        with suppress(GRPCError, StreamTerminatedError, ConnectionError):
            await watch.cancel()


class Watcher:
    """The stream of a call of Watch, as HealthService uses it."""

    def __init__(self) -> None:
        self.sent: list[HealthCheckResponse] = []

    async def recv_message(self) -> HealthCheckRequest:
        return HealthCheckRequest()

    async def send_message(self, message: HealthCheckResponse) -> None:
        self.sent.append(message)


@pytest.mark.parametrize("turns", range(4))
async def test_a_watch_whose_watcher_goes_just_when_the_drain_begins_ends(turns: int) -> None:
    async def healthy() -> bool:
        return True

    service, watcher = HealthService([], healthy), Watcher()
    watching = asyncio.create_task(service.Watch(cast("Any", watcher)))
    while not watcher.sent:  # noqa: ASYNC110 - until it watches
        await asyncio.sleep(0)
    service.drain()
    for _ in range(turns):
        await asyncio.sleep(0)
    watching.cancel()
    done, _ = await asyncio.wait([watching], timeout=1.0)
    assert done


async def test_who_watches_health_is_reported_of_changes_only() -> None:
    found: list[bool] = []

    async def changing() -> bool:
        found.append(len(found) < 2)
        return found[-1]

    watcher = Watcher()
    watching = asyncio.create_task(HealthService([], changing, fresh_seconds=0.001).Watch(cast("Any", watcher)))
    await until(lambda: len(found) == 6)
    watching.cancel()
    statuses = [message.status for message in watcher.sent]
    assert statuses == [HealthCheckResponse.SERVING, HealthCheckResponse.NOT_SERVING]


async def reflect(served: Served, **request: Any) -> Message:
    async with ServerReflectionStub(served.channel).ServerReflectionInfo.open() as stream:
        await stream.send_message(ServerReflectionRequest(**request), end=True)
        response = await stream.recv_message()
        assert response is not None
        with suppress(GRPCError):
            await stream.recv_message()
        return response


async def test_reflection_lists_the_services_and_describes_them() -> None:
    async with serve(echo) as served:
        listed: Any = await reflect(served, list_services="")
        names = {service.name for service in listed.list_services_response.service}
        assert {"bar.Bar", "grpc.health.v1.Health", "grpc.reflection.v1.ServerReflection"} <= names
        described: Any = await reflect(served, file_containing_symbol="bar.Bar")
        (file,) = described.file_descriptor_response.file_descriptor_proto
        assert b"GetOrder" in file
        health: Any = await reflect(served, file_containing_symbol="grpc.health.v1.Health")
        assert health.file_descriptor_response.file_descriptor_proto


@pytest.mark.parametrize(
    ("symbol", "file"),
    [
        ("bar.Bar", "bar.proto"),
        ("bar.Bar.GetOrder", "bar.proto"),
        ("bar.OrderRequest", "bar.proto"),
        ("bar.OrderRequest.order", "bar.proto"),
        ("restaurant.v1.DepartmentService.StreamOrders", "restaurant/v1/department.proto"),
        ("restaurant.v1.Verb", "restaurant/v1/department.proto"),
        ("restaurant.v1.VERB_START", "restaurant/v1/department.proto"),
        ("restaurant.v1.Verb.VERB_START", "restaurant/v1/department.proto"),
        ("grpc.health.v1.Health.List", "grpclib/health/v1/health.proto"),
        ("grpc.health.v1.HealthCheckResponse.ServingStatus", "grpclib/health/v1/health.proto"),
        ("grpc.health.v1.HealthCheckResponse.SERVING", "grpclib/health/v1/health.proto"),
        ("grpc.reflection.v1.ServerReflection.ServerReflectionInfo", "grpclib/reflection/v1/reflection.proto"),
        ("grpc.reflection.v1alpha.ServerReflection", "grpclib/reflection/v1alpha/reflection.proto"),
        ("google.rpc.BadRequest", "google/rpc/error_details.proto"),
        ("google.rpc.BadRequest.FieldViolation.field", "google/rpc/error_details.proto"),
        ("google.rpc.Status", "google/rpc/status.proto"),
    ],
)
async def test_reflection_finds_every_symbol(symbol: str, file: str) -> None:
    async with serve(echo) as served:
        found: Any = await reflect(served, file_containing_symbol=symbol)
        (described,) = found.file_descriptor_response.file_descriptor_proto
        assert FileDescriptorProto.FromString(described).name == file


@pytest.mark.parametrize("symbol", ["", "bar", "bar.Bar.GetDrunk", "bar.Barista", "google.rpc.Help.Linkage"])
async def test_reflection_knows_what_there_is_not(symbol: str) -> None:
    async with serve(echo) as served:
        found: Any = await reflect(served, file_containing_symbol=symbol)
        assert found.error_response.error_code == Status.NOT_FOUND.value


async def test_reflection_has_every_file_that_another_imports() -> None:
    async with serve(echo) as served:
        missing, known = ["google/rpc/error_details.proto", "google/rpc/status.proto"], set()
        while missing:
            name = missing.pop()
            found: Any = await reflect(served, file_by_filename=name)
            (described,) = found.file_descriptor_response.file_descriptor_proto
            known.add(name)
            missing += set(FileDescriptorProto.FromString(described).dependency) - known
    assert known >= {"google/protobuf/any.proto", "google/protobuf/duration.proto"}


# --- request ids ---


@pytest.mark.parametrize(
    ("sent", "logged"), [("4f1-a", "4f1-a"), ("x" * 128, "x" * 128), ("x" * 129, None), ("a b", None), (None, None)]
)
async def test_the_request_id_of_a_caller_is_in_what_its_call_logs(sent: str | None, logged: str | None) -> None:
    async def stumble(order: str) -> str:
        raise RuntimeError

    with capture_logs(processors=[merge_contextvars]) as logs:
        async with serve(stumble) as served:
            metadata = {"x-request-id": sent} if sent else {}
            await refusal(bar.BarStub(served.channel).get_order(bar.OrderRequest("tea"), metadata=metadata))
            await refusal(served.ask("tea"))  # on the same connection, without one
    assert [entry.get("request_id") for entry in logs] == [logged, None]
