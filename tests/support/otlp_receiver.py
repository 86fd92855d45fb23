"""A receiver of traces by OTLP over HTTP, as an OpenTelemetry collector is one."""

import gzip
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)
from opentelemetry.proto.common.v1.common_pb2 import KeyValue

from tests.support.http_servers import serving

Context = tuple[str, str]
"""The ids of a trace and of a span, in hexadecimal digits."""


@dataclass(frozen=True, slots=True)
class ReceivedSpan:
    """A span that a program sent; `parent` is "" where it has none."""

    program: str
    name: str
    context: Context
    parent: str
    links: tuple[Context, ...]
    attributes: dict[str, Any]
    failure: str | None
    seconds: float


@dataclass
class OtlpReceiver:
    """Keeps what is sent to it; `status` is that of its responses."""

    port: int
    status: int = 200
    spans: list[ReceivedSpan] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)

    @property
    def url(self) -> str:
        """What OTEL_EXPORTER_OTLP_ENDPOINT has to be."""
        return f"http://127.0.0.1:{self.port}"

    def named(self, program: str, name: str) -> list[ReceivedSpan]:
        """Return a program's spans of a name."""
        return [span for span in list(self.spans) if (span.program, span.name) == (program, name)]

    def receive(self, path: str, headers: dict[str, str], body: bytes) -> None:
        """Take a request; raises ValueError for one that is none of traces."""
        if path != "/v1/traces" or headers["content-type"] != "application/x-protobuf":
            raise ValueError(f"{path} with {headers}")
        if headers.get("content-encoding") == "gzip":
            body = gzip.decompress(body)
        self.headers.append(headers)
        if self.status == 200:
            self.spans += _spans(ExportTraceServiceRequest.FromString(body))


@contextmanager
def receiving(port: int = 0) -> Iterator[OtlpReceiver]:
    """Serve on a port, by default on any that is free, until the body ends."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            receiver.receive(self.path, {name.lower(): value for name, value in self.headers.items()}, body)
            response = ExportTraceServiceResponse().SerializeToString()
            self.send_response(receiver.status)
            self.send_header("content-type", "application/x-protobuf")
            self.send_header("content-length", str(len(response)))
            self.end_headers()
            self.wfile.write(response)

        def log_message(self, *arguments: object) -> None:
            """Write nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
    receiver = OtlpReceiver(server.server_port)
    with serving(server):
        yield receiver


def _spans(request: ExportTraceServiceRequest) -> Iterator[ReceivedSpan]:
    for of_program in request.resource_spans:
        program = str(_values(of_program.resource.attributes)["comanda.program"])
        for scope in of_program.scope_spans:
            for span in scope.spans:
                yield ReceivedSpan(
                    program,
                    span.name,
                    (span.trace_id.hex(), span.span_id.hex()),
                    span.parent_span_id.hex(),
                    tuple((link.trace_id.hex(), link.span_id.hex()) for link in span.links),
                    _values(span.attributes),
                    span.status.message if span.status.code == span.status.STATUS_CODE_ERROR else None,
                    (span.end_time_unix_nano - span.start_time_unix_nano) / 1e9,
                )


def _values(attributes: Any) -> dict[str, Any]:
    pairs: list[KeyValue] = list(attributes)
    return {each.key: getattr(each.value, each.value.WhichOneof("value") or "string_value") for each in pairs}
