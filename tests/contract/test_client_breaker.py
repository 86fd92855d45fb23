"""The client against a department that does not respond, or responds with a status."""

import asyncio
import time
from collections.abc import Callable, Coroutine
from typing import Any

import pytest
from grpclib.const import Status
from grpclib.exceptions import GRPCError
from structlog.testing import capture_logs

from gateway.department_client.client import CallPolicy, DepartmentClient
from gateway.department_client.errors import Deferred, DepartmentCallError, Unreachable
from gateway.domain.lines import LineResult, Outcome, TicketResult, TicketState
from gateway.domain.transitions import Goal
from infra.grpc.peer_guard import WatchedChannel
from tests.contract.department_programs import ABOUT_THE_CALLER, HOST, SHORT, DepartmentProgram, free_port, refuse
from tests.support.orders import order
from tests.support.waiting import until

pytestmark = pytest.mark.long


COFFEE = LineResult(Outcome.ACCEPTED, 0, 350)
SODA = LineResult(Outcome.ACCEPTED, 0, 300)


async def test_a_department_that_hangs_fails_every_waiting_request_at_the_deadline(full_bar: DepartmentProgram) -> None:
    department = full_bar.client(CallPolicy(deadline=0.25, orders_per_call=2))
    full_bar.network.gate.clear()
    started = time.monotonic()
    waiting = [department.submit(Goal.PLACE, order("bar coffee")) for _ in range(40)]
    results = await asyncio.gather(*waiting, return_exceptions=True)
    assert [type(result) for result in results] == [Unreachable] * 40
    assert 0.2 < time.monotonic() - started < 1.2  # one after another they would take 2.5
    assert len(full_bar.network.calls) == 2  # of two orders each; the rest was not even sent
    assert not department.is_reachable


async def test_a_department_that_hangs_is_not_called_until_it_responds(full_bar: DepartmentProgram) -> None:
    department = full_bar.client(SHORT)
    failures = 0

    def count() -> None:
        nonlocal failures
        failures += 1

    department.on_failure = count
    full_bar.network.gate.clear()
    with pytest.raises(Unreachable, match="bar cannot be reached; it is still being tried"):
        await department.submit(Goal.PLACE, order("bar coffee"))
    assert failures == 1
    calls = len(full_bar.network.calls)
    for goal in Goal:
        with pytest.raises(Unreachable):
            await department.submit(goal, order("bar coffee"))
    assert len(full_bar.network.calls) == calls
    full_bar.network.gate.set()
    requested = order("bar coffee")
    assert await department.attempt(Goal.PLACE, [requested]) == [TicketResult(TicketState.QUEUED, [COFFEE])]
    assert department.is_reachable
    assert await department.submit(Goal.PLACE, requested) == TicketResult(TicketState.QUEUED, [COFFEE])


async def test_an_attempt_in_vain_is_one_call_and_leaves_the_breaker_open(full_bar: DepartmentProgram) -> None:
    department = full_bar.client()
    full_bar.network.on_call = refuse(Status.UNAVAILABLE)
    with pytest.raises(Unreachable):
        await department.attempt(Goal.PLACE, [order("bar coffee")])
    assert len(full_bar.network.calls) == 1
    assert not department.is_reachable


async def test_a_call_that_fails_once_is_made_again_unnoticed(full_bar: DepartmentProgram) -> None:
    department = full_bar.client()
    full_bar.network.on_call = refuse(Status.UNAVAILABLE, times=1)
    assert await department.submit(Goal.PLACE, order("bar coffee")) == TicketResult(TicketState.QUEUED, [COFFEE])
    assert len(full_bar.network.calls) == 2
    assert department.is_reachable


@pytest.mark.parametrize("status", [Status.UNAVAILABLE, Status.DEADLINE_EXCEEDED, *ABOUT_THE_CALLER])
async def test_a_call_that_fails_twice_opens_the_breaker(full_bar: DepartmentProgram, status: Status) -> None:
    department = full_bar.client()
    full_bar.network.on_call = refuse(status, times=2)
    with pytest.raises(Unreachable):
        await department.submit(Goal.PLACE, order("bar coffee"))
    assert len(full_bar.network.calls) == 2
    assert not department.is_reachable
    assert (await department.probe()).is_open
    assert department.is_reachable


@pytest.mark.parametrize("goal", list(Goal))
@pytest.mark.parametrize(
    "status", [Status.INTERNAL, Status.UNKNOWN, Status.ABORTED, Status.UNIMPLEMENTED, Status.RESOURCE_EXHAUSTED]
)
async def test_a_status_that_decides_nothing_leaves_the_breaker_closed_and_is_one_call(
    full_bar: DepartmentProgram, goal: Goal, status: Status
) -> None:
    department = full_bar.client()
    full_bar.network.on_call = refuse(status)
    with pytest.raises(Deferred) as raised:
        await department.submit(goal, order("bar coffee"))
    assert raised.value.cause == f"{status.name}: as the test asks"
    assert len(full_bar.network.calls) == 1
    assert department.is_reachable


@pytest.mark.parametrize("status", [Status.NOT_FOUND, Status.FAILED_PRECONDITION, Status.INTERNAL])
async def test_a_status_of_another_call_does_not_close_the_department(
    full_bar: DepartmentProgram, status: Status
) -> None:
    department = full_bar.client()
    full_bar.network.on_call = refuse(status, times=2)
    assert not (await department.menu()).is_open
    with pytest.raises(DepartmentCallError):
        await department.probe()
    assert department.is_reachable
    assert await department.submit(Goal.PLACE, order("bar coffee")) == TicketResult(TicketState.QUEUED, [COFFEE])


async def test_a_status_is_a_response_and_closes_the_breaker(full_bar: DepartmentProgram) -> None:
    department = full_bar.client()
    full_bar.network.on_call = refuse(Status.UNAVAILABLE, times=2)
    with pytest.raises(Unreachable):
        await department.submit(Goal.PLACE, order("bar coffee"))
    full_bar.network.on_call = refuse(Status.INTERNAL)
    (result,) = await department.attempt(Goal.PLACE, [order("bar coffee")])
    assert isinstance(result, Deferred)
    assert department.is_reachable


async def test_of_a_batch_that_is_too_much_at_once_what_fits_is_placed(full_bar: DepartmentProgram) -> None:
    department = full_bar.client()
    batch = [order("bar coffee") for _ in range(6)]
    full_bar.network.on_call = lambda: exhaust(full_bar)
    assert [type(result) for result in await department.attempt(Goal.PLACE, batch)] == [TicketResult] * 6
    assert max(full_bar.network.sizes("place")) == 6
    assert (await full_bar.stock())["coffee"].sold == 6


def exhaust(bar: DepartmentProgram) -> None:
    """Take batches of at most two."""
    if bar.network.calls[-1][1] > 2:
        raise GRPCError(Status.RESOURCE_EXHAUSTED, "as the test asks")


async def test_a_fault_of_this_program_is_logged_with_its_traceback_and_leaves_the_breaker_closed(
    full_bar: DepartmentProgram,
) -> None:
    department, spoiled = full_bar.client(), order("bar coffee")
    spoiled.lines[0].quantity = None  # type: ignore[assignment]  # what no column can hold
    with capture_logs() as lines:
        for _ in range(3):
            with pytest.raises(Deferred):
                await department.submit(Goal.PLACE, spoiled)
    (line,) = lines
    assert (line["event"], line["department"]) == ("calling a department failed", "bar")
    assert isinstance(line["exc_info"], TypeError)
    assert department.is_reachable
    assert await department.submit(Goal.PLACE, order("bar coffee")) == TicketResult(TicketState.QUEUED, [COFFEE])


async def test_a_department_that_cannot_write_is_not_reachable_and_does_it_once_it_can(
    full_bar: DepartmentProgram,
) -> None:
    department, requested = full_bar.client(), order("bar coffee")
    full_bar.database.is_read_only = True
    with pytest.raises(Unreachable):
        await department.submit(Goal.PLACE, requested)
    full_bar.database.is_read_only = False
    assert await department.attempt(Goal.PLACE, [requested]) == [TicketResult(TicketState.QUEUED, [COFFEE])]


async def test_a_department_that_is_closing_is_called_on_a_new_connection_and_the_old_one_is_left(
    full_bar: DepartmentProgram,
) -> None:
    """So that another replica behind the same name is found, and the old one has no connection to wait for."""
    department = full_bar.client()
    await department.submit(Goal.PLACE, order("bar coffee"))
    (old,) = full_bar.connections
    full_bar.network.on_call = refuse(Status.UNAVAILABLE, times=1)
    assert await department.submit(Goal.PLACE, order("bar soda")) == TicketResult(TicketState.QUEUED, [SODA])
    assert department.is_reachable
    await until(lambda: old not in full_bar.connections)
    assert len(full_bar.connections) == 1


async def test_a_department_that_is_not_there_is_known_to_be_so_at_once() -> None:
    department = DepartmentClient("bar", WatchedChannel(HOST, free_port()), CallPolicy(deadline=5.0))
    started = time.monotonic()
    with pytest.raises(Unreachable):
        await department.submit(Goal.PLACE, order("bar coffee"))
    assert time.monotonic() - started < 1.0
    assert not department.is_reachable
    assert not department.was_reached
    department.close()


async def test_a_department_that_is_started_again_on_its_port_is_found_again(full_bar: DepartmentProgram) -> None:
    department, requested = full_bar.client(), order("bar coffee")
    first = await department.submit(Goal.PLACE, requested)
    await full_bar.stop()
    with pytest.raises(Unreachable):
        await department.submit(Goal.PLACE, order("bar coffee"))
    await full_bar.open()
    assert await department.attempt(Goal.PLACE, [requested]) == [first]
    assert await department.submit(Goal.PLACE, order("bar soda")) == TicketResult(TicketState.QUEUED, [SODA])


async def test_a_department_that_is_started_again_between_two_orders_is_not_missed(full_bar: DepartmentProgram) -> None:
    department = full_bar.client()
    await department.submit(Goal.PLACE, order("bar coffee"))
    await full_bar.stop()
    await full_bar.open()
    assert await department.submit(Goal.PLACE, order("bar soda")) == TicketResult(TicketState.QUEUED, [SODA])
    assert department.is_reachable


async def test_a_department_that_stops_in_the_middle_of_a_call_is_not_reachable(full_bar: DepartmentProgram) -> None:
    department = full_bar.client(CallPolicy(deadline=5.0))
    full_bar.network.gate.clear()
    pending = department.submit(Goal.PLACE, order("bar coffee"))
    await until(lambda: full_bar.network.calls != [])
    started = time.monotonic()
    await full_bar.stop()
    with pytest.raises(Unreachable):
        await pending
    assert time.monotonic() - started < 2.0


Behaviour = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Coroutine[Any, Any, None]]


async def _send_nothing(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.read()


async def _send_http_1(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n")
    await reader.read()


async def _disconnect(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    return


@pytest.mark.parametrize("behaviour", [_send_nothing, _send_http_1, _disconnect])
async def test_something_else_that_listens_there_is_given_up_by_the_deadline(behaviour: Behaviour) -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await behaviour(reader, writer)
        writer.close()

    server = await asyncio.start_server(serve, HOST, 0)
    department = DepartmentClient("bar", WatchedChannel(HOST, server.sockets[0].getsockname()[1]), SHORT)
    started = time.monotonic()
    with pytest.raises(Unreachable):
        await department.submit(Goal.PLACE, order("bar coffee"))
    assert time.monotonic() - started < 2.0
    assert not department.is_reachable
    department.close()
    server.close()
