"""Spans are sent to a receiver by HTTP; one that is down costs a bounded number of spans and one log line."""

import contextlib
import socket
import time
from collections.abc import Iterator
from functools import partial

import pytest
from structlog.testing import capture_logs

from infra.tracing.exporter import LAST_SECONDS, Exporter
from infra.tracing.otlp import encode
from infra.tracing.settings import read_tracing_settings
from infra.tracing.spans import Kind, Span
from infra.tracing.traceparent import SpanContext
from tests.support.otlp_receiver import OtlpReceiver, ReceivedSpan, receiving
from tests.support.processes import free_ports
from tests.support.waiting import wait_for


@contextlib.contextmanager
def exporting(port: int, **variables: str) -> Iterator[Exporter]:
    environ = {"OTEL_EXPORTER_OTLP_ENDPOINT": f"http://127.0.0.1:{port}", "OTEL_BSP_SCHEDULE_DELAY": "10"}
    settings = read_tracing_settings("bar", environ | {f"OTEL_{name}": text for name, text in variables.items()})
    assert settings is not None
    exporter = Exporter(settings, {"comanda.program": "bar", "service.name": "till"}, encode)
    exporter.start()
    try:
        yield exporter
    finally:
        exporter.close()


def record(exporter: Exporter, *numbers: int) -> None:
    for number in numbers:
        span = Span(exporter.record, "place", Kind.SERVER, SpanContext(7, number), SpanContext(7, 1))
        span.attributes |= {"text": "a", "count": 3, "yes": True}
        span.links.append(SpanContext(8, 9))
        span.end()


@pytest.fixture
def receiver() -> Iterator[OtlpReceiver]:
    with receiving() as receiver:
        yield receiver


def ids(receiver: OtlpReceiver) -> list[int]:
    return [int(span.context[1], 16) for span in receiver.spans]


def has_requests(receiver: OtlpReceiver, number: int) -> bool:
    return len(receiver.headers) == number


@pytest.mark.parametrize("compression", ["none", "gzip"])
def test_a_span_arrives_as_it_was_recorded(receiver: OtlpReceiver, compression: str) -> None:
    with exporting(
        receiver.port, EXPORTER_OTLP_COMPRESSION=compression, EXPORTER_OTLP_HEADERS="authorization=Basic%20x"
    ) as exporter:
        record(exporter, 2)
        (span,) = wait_for(lambda: receiver.spans, "a span")
    trace = "7".zfill(32)
    links = (("8".zfill(32), "9".zfill(16)),)
    attributes = {"text": "a", "count": 3, "yes": True}
    assert span == ReceivedSpan(
        "bar", "place", (trace, "2".zfill(16)), "1".zfill(16), links, attributes, None, span.seconds
    )
    assert receiver.headers[0]["authorization"] == "Basic x"


def test_the_last_spans_are_sent_when_the_program_ends(receiver: OtlpReceiver) -> None:
    with exporting(receiver.port, BSP_SCHEDULE_DELAY="3600000") as exporter:
        record(exporter, *range(1, 2000))
    assert sorted(ids(receiver)) == list(range(1, 2000))


def test_of_a_receiver_that_is_down_there_is_one_line_and_the_newest_spans_are_kept() -> None:
    (port,) = free_ports(1)
    with capture_logs() as logs, exporting(port, BSP_MAX_QUEUE_SIZE="5") as exporter:
        record(exporter, *range(1, 4))
        wait_for(lambda: logs, "a log line")
        record(exporter, *range(4, 100))
        with receiving(port) as receiver:
            wait_for(lambda: len(logs) == 2, "another log line")
    assert ids(receiver) == [95, 96, 97, 98, 99]
    assert [each["event"] for each in logs] == ["traces cannot be sent; the newest are kept", "traces are sent again"]
    assert logs[1]["dropped"] == 94


def test_spans_that_a_receiver_cannot_take_now_are_sent_again(receiver: OtlpReceiver) -> None:
    receiver.status = 503
    with capture_logs() as logs, exporting(receiver.port) as exporter:
        record(exporter, 1, 2)
        wait_for(lambda: logs, "a log line")
        receiver.status = 200
        wait_for(lambda: len(receiver.spans) == 2, "the spans")
        wait_for(lambda: len(logs) == 2, "another log line")
    assert ids(receiver) == [1, 2]
    assert logs[0]["reason"] == "status 503"
    assert logs[1]["dropped"] == 0


def test_spans_that_a_receiver_refuses_are_dropped_with_one_line(receiver: OtlpReceiver) -> None:
    receiver.status = 400
    with capture_logs() as logs, exporting(receiver.port) as exporter:
        for number in range(1, 4):
            record(exporter, number)
            wait_for(partial(has_requests, receiver, number), "a request")
        receiver.status = 200
        record(exporter, 4)
        wait_for(lambda: receiver.spans, "a span")
    assert ids(receiver) == [4]
    assert [each["event"] for each in logs] == ["a receiver of traces refuses them"]


def test_a_program_that_ends_does_not_wait_for_a_receiver_that_is_down() -> None:
    (port,) = free_ports(1)
    with capture_logs() as logs, exporting(port) as exporter:
        record(exporter, 1)
        wait_for(lambda: logs, "a log line")
    assert len(logs) == 1


def test_a_receiver_that_never_responds_holds_nobody_up() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent, capture_logs() as logs:
        with exporting(silent.getsockname()[1], EXPORTER_OTLP_TIMEOUT="50", BSP_MAX_QUEUE_SIZE="10") as exporter:
            began = time.process_time()
            record(exporter, *range(1, 10_000))
            assert time.process_time() - began < 1.0
            (line,) = wait_for(lambda: logs, "a log line")
            assert exporter.dropped >= 9_999 - 10 - 10
            began = time.monotonic()
        assert time.monotonic() - began < LAST_SECONDS + 1
    assert line["reason"] == "TimeoutError: timed out"
