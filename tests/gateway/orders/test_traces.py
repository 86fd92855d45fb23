"""An order carries its request's span to the journal and to the log, and nothing keeps it afterwards."""

import gc
from collections.abc import AsyncIterator
from itertools import count
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from gateway.domain.order import Order
from infra.request_ids import SampledRequestId, current_span
from infra.tracing.sampling import Sampler
from infra.tracing.spans import Span, Tracer, recorded
from tests.support.order_path import Restaurant
from tests.support.orders import all_or_nothing, order
from tests.support.waiting import until


class Recorder:
    """What a tracer has recorded."""

    def __init__(self) -> None:
        self.spans: list[Span] = []
        sampler = Sampler(1.0, follows_parents=True, random=lambda: 0.5, monotonic=lambda: 1.0)
        numbers = count(1)
        self.record = self.spans.append
        self.tracer = Tracer(sampler, self.record, new_bits=lambda _: next(numbers))

    def named(self, name: str) -> list[Span]:
        return [span for span in self.spans if span.name == name]


@pytest.fixture
def recorder() -> Recorder:
    return Recorder()


@pytest.fixture
async def traced(recorder: Recorder, tmp_path: Path) -> AsyncIterator[Restaurant]:
    restaurant = Restaurant(f"sqlite:///{tmp_path}/gateway.db", tracer=recorder.tracer)
    await restaurant.open()
    yield restaurant
    restaurant.repair()
    await restaurant.close()


async def place(restaurant: Restaurant, recorder: Recorder, asked: Order) -> Order:
    """Place an order as a sampled request does."""
    span = recorder.tracer.begin_request("POST /orders", {}, ())
    assert span is not None
    span.request_id = "mine"
    request = SampledRequestId.begin_sampled("mine", span)
    with recorded(span):
        placed = await restaurant.service.place(asked)
        request.end()
    assert current_span() is None
    return placed


async def test_the_batch_that_writes_an_order_down_has_a_span_with_a_link(
    traced: Restaurant, recorder: Recorder
) -> None:
    placed = await place(traced, recorder, order("bar coffee"))
    (request,), (journal,) = recorder.named("POST /orders"), recorder.named("journal")
    assert (journal.links, journal.parent) == ([request.context], request.context)
    assert request.attributes["comanda.order_id"] == placed.order_id


async def test_so_has_the_batch_that_writes_a_decision_down(traced: Restaurant, recorder: Recorder) -> None:
    await place(traced, recorder, all_or_nothing("bar coffee", "kitchen pasta"))
    assert len(recorder.named("journal")) == 2


async def test_an_order_of_a_request_that_is_not_sampled_has_no_span(traced: Restaurant, recorder: Recorder) -> None:
    placed = await traced.service.place(order("bar coffee"))
    assert placed.span is None
    assert recorder.spans == []


async def test_the_log_names_the_trace_of_an_order(traced: Restaurant, recorder: Recorder) -> None:
    with capture_logs() as logs:
        placed = await place(traced, recorder, order("bar coffee"))
        await until(lambda: any(each["event"] == "placed" for each in logs))
    (line,) = [each for each in logs if each["event"] == "placed"]
    trace_id = recorder.named("POST /orders")[0].trace_id
    (entry,) = line["placed"]
    assert (entry["order_id"], entry["request_id"], entry["trace_id"]) == (placed.order_id, "mine", trace_id)


async def test_nothing_keeps_the_spans_of_orders_that_are_finished(traced: Restaurant, recorder: Recorder) -> None:
    with capture_logs() as logs:
        for _ in range(5):
            await place(traced, recorder, order("bar coffee"))
            await place(traced, recorder, all_or_nothing("bar coffee", "kitchen meat"))
        # The log of placed orders keeps them until it is written.
        await until(lambda: sum(each["orders"] for each in logs if each["event"] == "placed") == 10)
    recorder.spans.clear()
    logs.clear()

    def is_none_left() -> bool:
        gc.collect()
        return not [each for each in gc.get_objects() if isinstance(each, Span) and each._record == recorder.record]

    await until(is_none_left, 60.0)  # a look at all objects takes seconds in a long run of tests
