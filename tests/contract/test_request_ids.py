"""The id of a request goes with the calls that are made for it alone."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from grpclib.events import SendRequest, listen

from gateway.department_client.client import CallPolicy, DepartmentClient
from gateway.domain.order import Goal, Order
from infra.grpc.peer_guard import WatchedChannel
from infra.request_ids import RequestId
from tests.contract.floors import HOST, Floor
from tests.gateway.fakes import order

Sent = list[tuple[str, list[str]]]


@pytest.fixture
async def department_and_sent(bar: Floor) -> AsyncIterator[tuple[DepartmentClient, Sent]]:
    """The bar as the gateway sees it, and what its calls carried."""
    channel = WatchedChannel(HOST, bar.port)
    sent: Sent = []

    async def note(event: SendRequest) -> None:
        ids = [str(value) for value in event.metadata.getall("x-request-id", [])]
        sent.append((event.method_name.rpartition("/")[2], ids))

    listen(channel, SendRequest, note)
    department = DepartmentClient("bar", channel, CallPolicy())
    yield department, sent
    department.close()


async def ask_for(request_id: str, department: DepartmentClient, goal: Goal, *orders: Order) -> None:
    """Ask for one thing for some orders, on behalf of a request."""
    request = RequestId.begin(request_id)
    await asyncio.gather(*(department.ask(goal, each) for each in orders))
    request.end()


@pytest.mark.parametrize(
    ("goal", "rpc"),
    [(Goal.CONFIRM, "ConfirmOrders"), (Goal.SUSPEND, "SuspendOrders"), (Goal.CANCEL, "CancelOrders")],
)
async def test_what_is_asked_for_a_request_carries_its_id(
    department_and_sent: tuple[DepartmentClient, Sent], goal: Goal, rpc: str
) -> None:
    department, sent = department_and_sent
    await ask_for("mine", department, goal, order("bar coffee"), order("bar coffee"))
    assert sent == [(rpc, ["mine"])]


async def test_what_is_asked_for_several_requests_at_once_carries_no_id(
    department_and_sent: tuple[DepartmentClient, Sent],
) -> None:
    department, sent = department_and_sent
    await asyncio.gather(
        ask_for("one", department, Goal.CANCEL, order("bar coffee")),
        ask_for("two", department, Goal.CANCEL, order("bar coffee")),
    )
    assert sent == [("CancelOrders", [])]


async def test_a_call_that_follows_another_request_s_does_not_carry_its_id(
    department_and_sent: tuple[DepartmentClient, Sent],
) -> None:
    department, sent = department_and_sent
    await ask_for("one", department, Goal.CANCEL, order("bar coffee"))
    await department.ask(Goal.CANCEL, order("bar coffee"))
    await department.try_again(Goal.CANCEL, [order("bar coffee")])
    assert sent == [("CancelOrders", ["one"]), ("CancelOrders", []), ("CancelOrders", [])]


async def test_the_menu_is_asked_for_with_the_id(department_and_sent: tuple[DepartmentClient, Sent]) -> None:
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
    await ask_for("mine", department, Goal.PLACE, order("bar coffee"))
    assert sent == [("StreamOrders", [])]
