"""The id of a request goes with the calls that are made for it alone."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from grpclib.events import SendRequest, listen

from gateway.department_client.client import CallPolicy, DepartmentClient
from gateway.domain.order import Order
from gateway.domain.transitions import Goal
from infra.grpc.peer_guard import WatchedChannel
from infra.request_ids import RequestId
from tests.contract.department_programs import HOST, DepartmentProgram
from tests.support.orders import order

Sent = list[tuple[str, list[str]]]


@pytest.fixture
async def department_and_sent(bar: DepartmentProgram) -> AsyncIterator[tuple[DepartmentClient, Sent]]:
    """A client of the bar, and the request ids that its calls carried."""
    channel = WatchedChannel(HOST, bar.port)
    sent: Sent = []

    async def note(event: SendRequest) -> None:
        ids = [str(value) for value in event.metadata.getall("x-request-id", [])]
        sent.append((event.method_name.rpartition("/")[2], ids))

    listen(channel, SendRequest, note)
    department = DepartmentClient("bar", channel, CallPolicy())
    yield department, sent
    department.close()


async def submit(request_id: str, department: DepartmentClient, goal: Goal, *orders: Order) -> None:
    """Submit a goal for some orders, on behalf of a request."""
    request = RequestId.begin(request_id)
    await asyncio.gather(*(department.submit(goal, each) for each in orders))
    request.end()


@pytest.mark.parametrize(
    ("goal", "rpc"),
    [(Goal.CONFIRM, "ConfirmOrders"), (Goal.SUSPEND, "SuspendOrders"), (Goal.CANCEL, "CancelOrders")],
)
async def test_a_call_for_one_request_carries_its_id(
    department_and_sent: tuple[DepartmentClient, Sent], goal: Goal, rpc: str
) -> None:
    department, sent = department_and_sent
    await submit("mine", department, goal, order("bar coffee"), order("bar coffee"))
    assert sent == [(rpc, ["mine"])]


async def test_a_call_for_several_requests_carries_no_id(
    department_and_sent: tuple[DepartmentClient, Sent],
) -> None:
    department, sent = department_and_sent
    await asyncio.gather(
        submit("one", department, Goal.CANCEL, order("bar coffee")),
        submit("two", department, Goal.CANCEL, order("bar coffee")),
    )
    assert sent == [("CancelOrders", [])]


async def test_a_call_that_follows_another_request_s_does_not_carry_its_id(
    department_and_sent: tuple[DepartmentClient, Sent],
) -> None:
    department, sent = department_and_sent
    await submit("one", department, Goal.CANCEL, order("bar coffee"))
    await department.submit(Goal.CANCEL, order("bar coffee"))
    await department.attempt(Goal.CANCEL, [order("bar coffee")])
    assert sent == [("CancelOrders", ["one"]), ("CancelOrders", []), ("CancelOrders", [])]


async def test_the_menu_is_requested_with_the_id(department_and_sent: tuple[DepartmentClient, Sent]) -> None:
    department, sent = department_and_sent
    request = RequestId.begin("mine")
    await department.menu()
    request.end()
    await department.menu()
    assert sent == [("GetMenu", ["mine"]), ("GetMenu", [])]


async def test_the_stream_on_which_orders_are_placed_is_no_request_s(
    department_and_sent: tuple[DepartmentClient, Sent],
) -> None:
    department, sent = department_and_sent
    await submit("mine", department, Goal.PLACE, order("bar coffee"))
    assert sent == [("StreamOrders", [])]
