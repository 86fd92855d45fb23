"""A grpclib server with limits, translated errors, health, reflection and a graceful end.

What it adds to grpclib: undecodable bytes are INVALID_ARGUMENT; an exception that a handler raises is translated to a
status, or logged and INTERNAL; every call has a time limit; health and reflection are served; and `drain` lets running
calls finish before it sends GOAWAY (a streaming call sees the end of its requests). Limits on hostile peers are in
guard.py.
"""

import asyncio
import re
import socket
from collections.abc import Awaitable, Callable, Collection, Iterator
from contextlib import contextmanager
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Any, cast

import structlog
from google.protobuf.descriptor_pb2 import FileDescriptorSet
from google.rpc.error_details_pb2 import BadRequest
from grpclib.const import Status
from grpclib.encoding.proto import ProtoCodec, ProtoStatusDetailsCodec
from grpclib.events import RecvRequest, listen
from grpclib.exceptions import GRPCError
from grpclib.server import Stream
from grpclib.utils import _service_name
from structlog.contextvars import bind_contextvars

from infra.grpc import health_service
from infra.grpc.call_guard import GuardedStream
from infra.grpc.guard import GuardedServer
from infra.grpc.health_service import HealthService
from infra.grpc.reflection import reflection
from infra.metrics import Family, Histogram, one
from infra.tls import Callers, Contexts

if TYPE_CHECKING:
    from grpclib._typing import IProtoMessage, IServable

HANDSHAKE_SECONDS = 5.0  # how long the TLS handshake may take
CALL_SECONDS = 20.0
"""How long a call may take, from its headers to its response, whatever deadline it has. On a streaming call, which has
no limit, it is how long a single message may take to arrive."""

PING_SECONDS = 20.0
"""How long a client may take to acknowledge a ping: the default of gRPC's own servers."""

STREAMS_THAT_LAST = 8
"""How many streaming calls a connection may have open."""

STALL_LOOKS = 1
"""How many looks of 0.9 seconds a message on such a call may wait for its reader once the server drains."""

REQUEST_ID = "x-request-id"
"""The metadata that carries the caller's request id, for the logs."""

_REQUEST_ID = re.compile(r"[!-~]{1,128}")

Handler = Callable[["Stream[Any, Any]"], Awaitable[None]]
Translate = Callable[[Exception], GRPCError | None]

log = structlog.get_logger("grpc")


class GrpcServer:
    """Serves betterproto services until it is drained."""

    def __init__(
        self,
        services: Collection["IServable"],
        *,
        descriptors: Path,
        translate: Translate,
        healthy: Callable[[], Awaitable[bool]],
        max_message_bytes: int,
        cut_if_unread: Collection[str] = (),
        callers: Callers | None = None,
        call_seconds: float = CALL_SECONDS,
        ping_timeout: float = PING_SECONDS,
    ) -> None:
        """`translate` returns the status of an exception that a handler raised, or None for a fault of the server.

        `cut_if_unread` are the paths of streaming calls on which no message may wait for its reader for longer than
        `call_seconds`. `callers` are the certificates that may call, if there is TLS. A client that does not
        acknowledge pings for `ping_timeout` seconds is disconnected.
        """
        self._translate = translate
        self._call_seconds = call_seconds
        self._cut_if_unread = frozenset(cut_if_unread)
        self._calls = 0
        self._durations: dict[tuple[str, str], Histogram] = {}
        self._idle = asyncio.Event()
        self._idle.set()
        self._draining = False
        self._streams: set[Stream[Any, Any]] = set()
        self._listener: asyncio.AbstractServer | None = None
        self._socket: socket.socket | None = None
        names = [_service_name(service) for service in services]
        files = [*FileDescriptorSet.FromString(descriptors.read_bytes()).file, health_service.describe()]
        self._health = HealthService(names, healthy)
        self._server = GuardedServer(
            [*services, self._health, *reflection([*names, health_service.NAME], files)],
            max_message=max_message_bytes,
            message_seconds=call_seconds,
            ping_timeout=ping_timeout,
            callers=callers,
            codec=_StrictCodec(),
            status_details_codec=ProtoStatusDetailsCodec(),
        )
        listen(self._server, RecvRequest, self._on_request)

    async def start(self, sock: socket.socket, tls: Contexts | None = None) -> None:
        """Accept connections on a bound socket."""
        self._socket = sock
        self._listener = await self._listen(tls)

    async def renew(self, tls: Contexts) -> None:
        """Accept new connections with other certificates; existing connections are not affected."""
        listener, self._listener = self._listener, await self._listen(tls)
        if listener is not None:
            listener.close()

    async def drain(self, grace: float) -> None:
        """Stop listening, refuse new calls, let running calls finish for `grace` seconds, and close the connections."""
        self._draining = True
        self._health.drain()
        for stream in self._streams:
            call = cast("GuardedStream", stream._stream)
            call.__ended__()
            if call.stall_looks is not None:
                call.stall_looks = STALL_LOOKS
        if self._listener is not None and self._socket is not None:
            self._listener.close()
            self._socket.close()
        try:
            async with asyncio.timeout(grace):
                await self._idle.wait()
        except TimeoutError:
            log.warning("calls cut off", calls=self._calls)
        await self._health.until_sent()
        self._server.cancel_calls()
        await asyncio.sleep(0.1)  # so that the last responses are sent before GOAWAY
        await self._server.close_connections()

    async def _listen(self, tls: Contexts | None) -> asyncio.AbstractServer:
        """Listen on a duplicate of the socket, so that the socket stays open when the listener is closed."""
        assert self._socket is not None  # noqa: S101 - for mypy: it has been started
        return await asyncio.get_running_loop().create_server(
            self._server.protocol,
            sock=self._socket.dup(),
            backlog=512,
            ssl=tls.server if tls else None,
            ssl_handshake_timeout=HANDSHAKE_SECONDS if tls else None,
        )

    async def _on_request(self, event: RecvRequest) -> None:
        handler, method = event.method_func, event.method_name
        _bind_request_id(event)
        is_counted = not method.startswith("/grpc.")  # a health watch has no end
        is_health = method.startswith(f"/{health_service.NAME}/")

        async def handle(stream: "Stream[Any, Any]") -> None:
            cast("GuardedStream", stream._stream).may_be_empty = stream._cardinality.client_streaming
            if self._draining and not is_health:
                raise _shutting_down()
            if not is_counted:
                await self._carry_out(handler, stream, method, None)
                return
            with self._counted():
                if stream._cardinality.client_streaming:
                    await self._carry_out_stream(handler, stream, method)
                else:
                    await self._carry_out_measured(handler, stream, method)

        event.method_func = handle

    def families(self) -> Iterator[Family]:
        """Return the metrics of the server."""
        series = [(key, each.buckets()) for key, each in list(self._durations.items())]
        text = "How long unary calls took, by method and status."
        yield Family("grpc_call_seconds", "histogram", text, ("method", "code"), series)
        yield one("grpc_streams", "gauge", "Streaming calls that are open.", len(self._streams))

    @contextmanager
    def _counted(self) -> Iterator[None]:
        self._calls += 1
        self._idle.clear()
        try:
            yield
        finally:
            self._calls -= 1
            if not self._calls:
                self._idle.set()

    async def _carry_out_measured(self, handler: Handler, stream: "Stream[Any, Any]", method: str) -> None:
        """Run a unary call, and count it by its status."""
        began, code = perf_counter(), Status.OK
        try:
            await self._carry_out(handler, stream, method, self._call_seconds)
        except GRPCError as error:
            code = error.status
            raise
        finally:
            key = method.removeprefix("/"), code.name
            durations = self._durations.get(key)
            if durations is None:
                durations = self._durations[key] = Histogram()
            durations.observe(perf_counter() - began)

    async def _carry_out_stream(self, handler: Handler, stream: "Stream[Any, Any]", method: str) -> None:
        """Run a streaming call, which has no time limit; when the server drains it ends with UNAVAILABLE."""
        connection = stream._stream.connection
        if sum(other._stream.connection is connection for other in self._streams) >= STREAMS_THAT_LAST:
            raise GRPCError(Status.RESOURCE_EXHAUSTED, f"at most {STREAMS_THAT_LAST} streams a connection are allowed")
        if method in self._cut_if_unread:
            cast("GuardedStream", stream._stream).stall_looks = self._server.message_looks
        self._streams.add(stream)
        try:
            await self._carry_out(handler, stream, method, None)
        except GRPCError as error:
            raise (_shutting_down() if self._draining else error) from None
        finally:
            self._streams.discard(stream)
        if self._draining:
            raise _shutting_down()

    async def _carry_out(
        self, handler: Handler, stream: "Stream[Any, Any]", method: str, seconds: float | None
    ) -> None:
        """Run a call within its time limit; every exception becomes a GRPCError."""
        try:
            async with asyncio.timeout(seconds) as limit:
                await handler(stream)
        except GRPCError:
            raise
        except Exception as error:
            if limit.expired():
                text = f"the call was not over within {seconds:g} seconds"
                raise GRPCError(Status.DEADLINE_EXCEEDED, text) from error
            raise self._status(error, method) from error

    def _status(self, error: Exception, method: str) -> GRPCError:
        status = self._translate(error)
        if status is None:
            log.error("a handler failed", method=method, exc_info=error)
            return GRPCError(Status.INTERNAL, "a fault in this server; it has been logged")
        return status


def _shutting_down() -> GRPCError:
    return GRPCError(Status.UNAVAILABLE, "this server is shutting down; ask another or later")


def invalid_argument(field: str, description: str) -> GRPCError:
    """Build INVALID_ARGUMENT with google.rpc.BadRequest, which names the field."""
    violation = BadRequest.FieldViolation(field=field, description=description)
    return GRPCError(Status.INVALID_ARGUMENT, f"{field}: {description}", [BadRequest(field_violations=[violation])])


def _bind_request_id(event: RecvRequest) -> None:
    """Add the caller's request id to the log events of this call's task."""
    request_id = event.metadata.get(REQUEST_ID)
    if isinstance(request_id, str) and _REQUEST_ID.fullmatch(request_id):
        bind_contextvars(request_id=request_id)


class _StrictCodec(ProtoCodec):
    def decode(self, data: bytes, message_type: "type[IProtoMessage]") -> "IProtoMessage":
        try:
            return super().decode(data, message_type)
        except Exception as error:  # codecs raise various exceptions for malformed bytes
            text = f"the bytes are not a {message_type.__name__}"
            raise GRPCError(Status.INVALID_ARGUMENT, text) from error
