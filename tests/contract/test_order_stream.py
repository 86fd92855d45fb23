"""The stream on which orders are placed, against the real service of a department."""

import asyncio
import re
import time

import pytest

from gateway.department_client.client import CallPolicy
from gateway.department_client.errors import Deferred, Unreachable
from gateway.department_client.stream import OrderStream, StreamRefused
from gateway.domain.lines import LineResult, Outcome, TicketResult, TicketState
from gateway.domain.transitions import Goal
from generated.restaurant import v1
from infra.grpc.peer_guard import WatchedChannel
from tests.contract.department_programs import HOST, SHORT, DepartmentProgram
from tests.support.orders import order
from tests.support.waiting import until

pytestmark = pytest.mark.long


COFFEE = TicketResult(TicketState.QUEUED, [LineResult(Outcome.ACCEPTED, 0, 350)])
SODA = TicketResult(TicketState.QUEUED, [LineResult(Outcome.ACCEPTED, 0, 300)])
MEBIBYTE = 1024 * 1024


def batch() -> v1.StreamOrdersRequest:
    """Two coffees, in a batch of their own."""
    return v1.StreamOrdersRequest(
        order_ids=[order("bar coffee").order_id],
        tables=[""],
        holds=[False],
        line_counts=[1],
        items=["coffee"],
        quantities=[2],
        notes=[""],
    )


def soon(seconds: float = 2.0) -> float:
    """Return a time of the event loop's clock."""
    return asyncio.get_running_loop().time() + seconds


async def test_all_batches_go_on_one_stream(full_bar: DepartmentProgram) -> None:
    department = full_bar.client(CallPolicy(orders_per_call=4))
    for _ in range(3):
        results = await asyncio.gather(*(department.submit(Goal.PLACE, order("bar coffee")) for _ in range(20)))
        assert results == [COFFEE] * 20
    assert len(full_bar.network.sizes("place")) >= 15
    assert (full_bar.network.streams, full_bar.streams, len(full_bar.connections)) == (1, 1, 1)


async def test_a_response_may_overtake_another(full_bar: DepartmentProgram) -> None:
    department = full_bar.client(CallPolicy(orders_per_call=1))
    full_bar.network.gate.clear()
    first = department.submit(Goal.PLACE, order("bar coffee"))
    await until(lambda: len(full_bar.network.calls) == 1)
    full_bar.network.gate.set()  # the first still waits for its turn of the loop
    second = department.submit(Goal.PLACE, order("bar soda"))
    assert [await first, await second] == [COFFEE, SODA]
    assert full_bar.network.streams == 1


async def test_a_department_that_does_not_know_the_stream_yet_is_called(full_bar: DepartmentProgram) -> None:
    department = full_bar.client()
    full_bar.network.implements_streams = False
    assert await department.submit(Goal.PLACE, order("bar coffee")) == COFFEE
    full_bar.network.implements_streams = True
    assert await department.submit(Goal.HOLD, order("bar coffee")) == TicketResult(TicketState.HELD, COFFEE.lines)
    assert full_bar.network.streams == 0
    assert full_bar.network.sizes("place") == [1, 1]
    assert department.is_reachable


async def test_a_department_that_does_not_know_the_stream_is_tried_again_after_a_while(
    full_bar: DepartmentProgram,
) -> None:
    channel = WatchedChannel(HOST, full_bar.port)
    stream = OrderStream(channel, unimplemented_seconds=0.3)
    full_bar.network.implements_streams = False
    with pytest.raises(StreamRefused):
        await stream.place(batch(), soon())
    full_bar.network.implements_streams = True
    with pytest.raises(StreamRefused):
        await stream.place(batch(), soon())
    await asyncio.sleep(0.4)
    assert (await stream.place(batch(), soon())).states == [v1.TicketState.QUEUED]
    channel.close()


async def test_an_order_that_no_message_can_hold_waits_alone_and_those_beside_it_are_placed(
    full_bar: DepartmentProgram,
) -> None:
    """The status of a stream may be another batch's fault, so it is no batch's result."""
    department = full_bar.client(CallPolicy(orders_per_call=1, calls_in_flight=3))
    huge = order("bar coffee")
    huge.lines[0].note = "x" * 5 * MEBIBYTE
    full_bar.network.gate.clear()
    before = department.submit(Goal.PLACE, order("bar coffee"))
    await until(lambda: len(full_bar.network.calls) == 1)
    refused, after = department.submit(Goal.PLACE, huge), department.submit(Goal.PLACE, order("bar soda"))
    with pytest.raises(Deferred) as raised:
        await refused
    assert re.match(r"RESOURCE_EXHAUSTED: the message has 52\d+ bytes", raised.value.cause)
    full_bar.network.gate.set()
    assert [await before, await after] == [COFFEE, SODA]
    assert department.is_reachable


async def test_a_response_that_comes_late_belongs_to_no_later_batch(full_bar: DepartmentProgram) -> None:
    department = full_bar.client(SHORT)
    full_bar.network.gate.clear()
    with pytest.raises(Unreachable):
        await department.submit(Goal.PLACE, order("bar coffee"))
    full_bar.network.gate.set()
    assert await department.attempt(Goal.PLACE, [order("bar soda")]) == [SODA]
    assert await department.submit(Goal.PLACE, order("bar coffee")) == COFFEE


async def test_a_stream_on_which_a_batch_was_late_ends(full_bar: DepartmentProgram) -> None:
    department = full_bar.client(SHORT)
    full_bar.network.gate.clear()
    with pytest.raises(Unreachable):
        await department.submit(Goal.PLACE, order("bar coffee"))
    await until(lambda: full_bar.streams == 0)
    full_bar.network.gate.set()
    await department.attempt(Goal.PLACE, [order("bar soda")])
    assert (full_bar.network.streams, full_bar.streams) == (2, 1)


async def test_a_late_batch_does_not_take_its_neighbours_time_away(full_bar: DepartmentProgram) -> None:
    department = full_bar.client(CallPolicy(deadline=1.0, orders_per_call=1))
    full_bar.network.gate.clear()
    late = department.submit(Goal.PLACE, order("bar coffee"))
    await asyncio.sleep(0.5)
    neighbour = department.submit(Goal.PLACE, order("bar soda"))
    with pytest.raises(Unreachable):
        await late
    full_bar.network.gate.set()
    assert await neighbour == SODA


async def test_a_department_that_drains_responds_to_what_it_has_received_and_is_not_kept_by_the_stream(
    full_bar: DepartmentProgram,
) -> None:
    department = full_bar.client()
    full_bar.network.gate.clear()
    placing = department.submit(Goal.PLACE, order("bar coffee"))
    await until(lambda: len(full_bar.network.calls) == 1)
    begin = time.monotonic()
    draining = asyncio.create_task(full_bar.drain(10.0))
    await asyncio.sleep(0)
    full_bar.network.gate.set()
    assert await placing == COFFEE
    await draining
    assert time.monotonic() - begin < 5.0


async def test_a_department_that_drains_while_the_stream_is_idle_is_gone_at_once(full_bar: DepartmentProgram) -> None:
    department = full_bar.client()
    await department.submit(Goal.PLACE, order("bar coffee"))
    begin = time.monotonic()
    await full_bar.drain(10.0)
    assert time.monotonic() - begin < 5.0
    await full_bar.open()
    assert await department.submit(Goal.PLACE, order("bar soda")) == SODA
    assert department.is_reachable


async def test_a_connection_that_is_left_has_no_stream_for_long(full_bar: DepartmentProgram) -> None:
    """As with a new certificate, also where no order is placed."""
    department = full_bar.client()
    await department.submit(Goal.PLACE, order("bar coffee"))
    (old,) = full_bar.connections
    department._channel.reconnect()
    await until(lambda: old not in full_bar.connections)
    assert await department.submit(Goal.PLACE, order("bar soda")) == SODA


async def test_a_batch_in_flight_when_the_channel_is_closed_fails_at_once(full_bar: DepartmentProgram) -> None:
    department = full_bar.client(CallPolicy(deadline=5.0))
    full_bar.network.gate.clear()
    pending = department.submit(Goal.PLACE, order("bar coffee"))
    await until(lambda: full_bar.network.calls != [])
    begin = time.monotonic()
    await full_bar.stop()
    department.close()
    with pytest.raises(Unreachable):
        await pending
    assert time.monotonic() - begin < 2.0
