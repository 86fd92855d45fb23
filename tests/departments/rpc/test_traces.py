"""A department records the batches that the gateway sampled, and never refuses one for its fields for traces."""

from collections.abc import Iterator
from itertools import count
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from departments.app import DepartmentApp
from departments.rpc.limits import Limits
from departments.rpc.servicer import DepartmentServicer
from generated.restaurant import v1
from infra.db.database import Database
from infra.tracing.sampling import Sampler
from infra.tracing.spans import Span, Tracer
from infra.tracing.traceparent import SpanContext
from tests.departments.department_servers import open_database
from tests.support.department_factories import BAR, new_id

TRACE = f"{7:032x}"
BATCH, FIRST, SECOND = (f"00-{TRACE}-{number:016x}-01" for number in (1, 2, 3))


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    with open_database(BAR, tmp_path) as database:
        yield database


class Recording:
    """A department that keeps its spans."""

    def __init__(self, database: Database) -> None:
        self.spans: list[Span] = []
        numbers = count(100)
        sampler = Sampler(0.0, follows_parents=True, random=lambda: 0.5, monotonic=lambda: 1.0)
        tracer = Tracer(sampler, self.spans.append, new_bits=lambda _: next(numbers))
        self.app = DepartmentApp(BAR, database, tracer)
        self.servicer = DepartmentServicer(self.app, Limits(), tracer)


@pytest.fixture
async def department(database: Database) -> Recording:
    recording = Recording(database)
    await recording.app.open()
    return recording


def batch(
    orders: int,
    traceparent: str = "",
    places: tuple[int, ...] = (),
    traceparents: tuple[str, ...] = (),
    request_ids: tuple[str, ...] = (),
) -> v1.StreamOrdersRequest:
    return v1.StreamOrdersRequest(
        number=1,
        order_ids=[new_id() for _ in range(orders)],
        tables=[""] * orders,
        holds=[False] * orders,
        line_counts=[1] * orders,
        items=["coffee"] * orders,
        quantities=[1] * orders,
        notes=[""] * orders,
        trace=bytes(v1.BatchTrace(traceparent, list(places), list(traceparents), list(request_ids))),
    )


async def test_a_batch_and_its_transaction_have_spans_below_the_gateways(department: Recording) -> None:
    request = batch(3, BATCH, (0, 2), (FIRST, SECOND), ("mine", "other"))
    with capture_logs() as logs:
        response = await department.servicer.place_batch(request)
        department.app.close()

    assert len(response.states) == 3
    transaction, placed = department.spans
    assert (placed.name, placed.parent, placed.links) == (
        "place",
        SpanContext(7, 1),
        [SpanContext(7, 2), SpanContext(7, 3)],
    )
    assert (transaction.name, transaction.parent, transaction.links) == (
        "transaction",
        placed.context,
        [placed.context],
    )
    (line,) = [each for each in logs if each["event"] == "placed"]
    assert line["sampled"] == [
        {"order_id": request.order_ids[0], "trace_id": TRACE, "request_id": "mine"},
        {"order_id": request.order_ids[2], "trace_id": TRACE, "request_id": "other"},
    ]


async def test_decisions_have_spans_too(department: Recording) -> None:
    request = batch(1)
    await department.servicer.place_batch(request)
    await department.servicer.cancel_orders(
        v1.CancelOrdersRequest(order_ids=request.order_ids, trace=bytes(v1.BatchTrace(BATCH, [0], [FIRST], ["mine"])))
    )
    assert [span.name for span in department.spans] == ["transaction", "cancel"]


async def test_a_batch_without_sampled_orders_has_no_span(department: Recording) -> None:
    response = await department.servicer.place_batch(batch(2))
    assert len(response.states) == 2
    assert department.spans == []


@pytest.mark.parametrize(
    ("traceparent", "places", "traceparents", "request_ids", "spans"),
    [
        ("nonsense", (0,), (FIRST,), ("mine",), 0),
        (BATCH, (), (), (), 2),
        (BATCH, (5,), (FIRST,), ("mine",), 2),
        (BATCH, (0,), ("nonsense",), ("mine",), 2),
        (BATCH, (0, 1), (FIRST,), (), 2),
        ("", (0,), (FIRST,), ("mine",), 0),
    ],
)
async def test_what_is_malformed_in_the_fields_for_traces_is_left_out(
    department: Recording,
    traceparent: str,
    places: tuple[int, ...],
    traceparents: tuple[str, ...],
    request_ids: tuple[str, ...],
    spans: int,
) -> None:
    response = await department.servicer.place_batch(batch(2, traceparent, places, traceparents, request_ids))
    assert len(response.states) == 2
    assert len(department.spans) == spans
    assert [span.links for span in department.spans if span.name == "place"] in ([], [[]])


@pytest.mark.parametrize("trace", [b"\xff", b"\x0a\x05ab", b"\x0a\x02\xff\xfe"])
async def test_bytes_that_are_no_trace_are_left_out(department: Recording, trace: bytes) -> None:
    request = batch(1)
    request.trace = trace
    response = await department.servicer.place_batch(request)
    assert len(response.states) == 1
    assert department.spans == []
