"""A system where nothing fails: many clients at once, one effect for each order, cancelling, the menu."""

import pytest

from generated.restaurant import v1
from tests.support.database_contents import StockRow
from tests.support.order_tests import (
    MENUS,
    test_64_clients_buy_exactly_what_there_is,
    test_a_cancelled_order_is_restocked_once,
    test_a_refused_order_sent_again_is_refused_with_the_same_words,
    test_another_body_with_a_known_order_id_is_refused,
    test_clients_of_several_departments_at_once_take_what_each_has,
    test_the_menu_shows_live_stock,
    test_the_same_order_sent_10_times_at_once_has_one_effect_and_one_response,
    test_the_set_menu_gets_the_counters_words,
)
from tests.support.rest_clients import Json, line, look, order, outcomes
from tests.support.systems import System, Systems

__all__ = [
    "test_64_clients_buy_exactly_what_there_is",
    "test_a_cancelled_order_is_restocked_once",
    "test_a_refused_order_sent_again_is_refused_with_the_same_words",
    "test_another_body_with_a_known_order_id_is_refused",
    "test_clients_of_several_departments_at_once_take_what_each_has",
    "test_the_menu_shows_live_stock",
    "test_the_same_order_sent_10_times_at_once_has_one_effect_and_one_response",
    "test_the_set_menu_gets_the_counters_words",
]


@pytest.fixture(scope="module")
def system(systems: Systems) -> System:
    return systems.open(MENUS)


async def test_an_order_that_is_being_made_cannot_be_cancelled(system: System) -> None:
    body = order(line("bar", "rum", 2))

    async with system.client() as client:
        await client.post("/orders", json=body)
        await start(system, "bar", body)
        response = await client.delete(f"/orders/{body['order_id']}")
        found = await look(client, body["order_id"])

    assert response.status_code == 409
    assert "bar has it preparing" in response.json()["detail"]
    assert outcomes(found) == ["accepted"]
    assert system.books.check("bar")["rum"] == StockRow(10, 8, 0, 2)


async def test_cancelling_takes_back_what_is_not_being_made_yet(system: System) -> None:
    body = order(line("bar", "gin"), line("kitchen", "pasta"))

    async with system.client() as client:
        await client.post("/orders", json=body)
        before = system.books.stock("bar")["gin"], system.books.stock("kitchen")["pasta"]
        await start(system, "bar", body)
        response = await client.delete(f"/orders/{body['order_id']}")

    assert response.status_code == 200
    assert outcomes(response.json()) == ["accepted", "cancelled"]
    assert "preparing" in response.json()["lines"][0]["reason"]
    assert system.books.check("bar")["gin"] == before[0]
    assert system.books.check("kitchen")["pasta"].sold == before[1].sold - 1


async def start(system: System, department: str, placed: Json) -> None:
    with system.channel(department) as channel:
        queued, start = v1.TicketState(v1.TicketState.QUEUED), v1.Verb(v1.Verb.START)
        request = v1.MoveTicketRequest(placed["order_id"], start, queued, "start")
        response = await v1.DepartmentServiceStub(channel).move_ticket(request)
    assert response.ticket is not None
    assert response.ticket.state is v1.TicketState.PREPARING
