"""The client against responses that make no sense, and the menu."""

import asyncio
import time
from collections.abc import Callable
from typing import Any

import pytest

from gateway.department_client.client import DepartmentClient
from gateway.department_client.errors import Deferred, Unreachable
from gateway.domain.lines import LineResult, Outcome, TicketResult, TicketState
from gateway.domain.transitions import Goal
from infra.grpc.peer_guard import WatchedChannel
from tests.contract.department_programs import HOST, SHORT, DepartmentProgram, free_port
from tests.support.orders import order

COFFEE = LineResult(Outcome.ACCEPTED, 0, 350)
SODA = LineResult(Outcome.ACCEPTED, 0, 300)


def _place(**changes: list[Any]) -> Callable[[Any], Any]:
    """Change columns of the response."""

    def alter(response: Any) -> Any:
        for column, values in changes.items():
            setattr(response, column, values)
        return response

    return alter


@pytest.mark.parametrize(
    "alter",
    [
        _place(states=[]),
        _place(states=[2]),
        _place(states=[2, 2, 2]),
        _place(states=[2, 77]),
        _place(states=[-1, 2]),
        _place(line_counts=[]),
        _place(line_counts=[2]),
        _place(line_counts=[2, 1, 0]),
        _place(line_counts=[1, 2]),
        _place(line_counts=[3, 0]),
        _place(line_counts=[2, 0]),
        _place(line_counts=[2, 2]),
        _place(line_counts=[0, 0], outcomes=[], available=[], unit_prices=[]),
        _place(outcomes=[]),
        _place(outcomes=[1, 1]),
        _place(outcomes=[1, 1], available=[0, 0], unit_prices=[350, 300]),
        _place(outcomes=[1, 1, 1, 1]),
        _place(outcomes=[1, 1, 0]),
        _place(outcomes=[1, 1, 99]),
        _place(available=[0, 0]),
        _place(unit_prices=[350, 300, 350, 350]),
        _place(states=[], line_counts=[], outcomes=[], available=[], unit_prices=[]),
    ],
)
async def test_a_response_whose_columns_do_not_fit_decides_nothing(
    full_bar: DepartmentProgram, alter: Callable[[Any], Any]
) -> None:
    department = full_bar.client()
    full_bar.network.alter = alter
    batch = [order("bar coffee", "bar soda"), order("bar coffee")]
    results = await asyncio.gather(*(department.submit(Goal.PLACE, each) for each in batch), return_exceptions=True)
    assert [type(result) for result in results] == [Deferred, Deferred]
    assert department.is_reachable
    full_bar.network.alter = lambda response: response
    assert await department.attempt(Goal.PLACE, batch) == [
        TicketResult(TicketState.QUEUED, [COFFEE, SODA]),
        TicketResult(TicketState.QUEUED, [COFFEE]),
    ]


@pytest.mark.parametrize("goal", [Goal.CONFIRM, Goal.CANCEL])
async def test_a_response_without_tickets_decides_nothing(full_bar: DepartmentProgram, goal: Goal) -> None:
    department, held = full_bar.client(), order("bar coffee")
    await department.submit(Goal.HOLD, held)

    def empty(response: Any) -> Any:
        response.tickets = None
        return response

    full_bar.network.alter = empty
    with pytest.raises(Deferred):
        await department.submit(goal, held)


async def test_the_menu_has_titles_prices_and_what_is_left(bar: DepartmentProgram) -> None:
    department = bar.client()
    await department.submit(Goal.PLACE, order("bar coffee 3"))
    await department.submit(Goal.HOLD, order("bar soda 2"))
    menu = await department.menu()
    assert menu.is_open
    assert menu.name == "bar"
    assert menu.titles == {"en": "Bar", "ko": "바", "es": "Bar"}
    assert [(item.id, item.titles["ko"], item.price, item.available) for item in menu.items] == [
        ("coffee", "커피", 350, 7),
        ("soda", "소다", 300, 3),
        ("beer", "맥주", 550, 0),
    ]


async def test_the_menu_has_categories_times_and_what_is_off_sale(bar: DepartmentProgram) -> None:
    await bar.app.set_on_sale("soda", "Ana", on_sale=False)
    coffee, soda, _ = (await bar.client().menu()).items
    assert (coffee.category, coffee.prep_seconds, coffee.on_sale) == ("hot drinks", 60, True)
    assert (soda.available, soda.on_sale) == (5, False)


async def test_a_menu_without_a_response_is_closed_with_its_last_titles(bar: DepartmentProgram) -> None:
    department = bar.client(SHORT)
    before = await bar.client(SHORT).menu()
    assert before.is_open
    await department.menu()
    await bar.stop()
    for _ in range(2):
        menu = await department.menu()
        assert not menu.is_open
        assert menu.titles == {"en": "Bar", "ko": "바", "es": "Bar"}
        assert menu.items == []
    await bar.open()
    assert (await department.probe()).is_open
    assert (await department.menu()).is_open


async def test_a_menu_that_was_never_seen_has_no_title() -> None:
    department = DepartmentClient("bar", WatchedChannel(HOST, free_port()), SHORT)
    menu = await department.menu()
    assert (menu.name, menu.is_open, menu.titles, menu.items) == ("bar", False, {}, [])
    with pytest.raises(Unreachable):
        await department.probe()
    department.close()


async def test_a_menu_that_hangs_delays_no_caller_past_the_deadline(bar: DepartmentProgram) -> None:
    department = bar.client(SHORT)
    bar.network.gate.clear()
    started = time.monotonic()
    assert not (await department.menu()).is_open
    assert time.monotonic() - started < 2.0
    calls = len(bar.network.calls)
    assert not (await department.menu()).is_open
    assert len(bar.network.calls) == calls
