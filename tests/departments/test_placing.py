"""Placing orders in transactions, on both databases. The fixture checks the stock law after every test."""

from dataclasses import replace

import pytest
from sqlalchemy import Connection, text

from departments import tables
from departments.domain.errors import (
    OrderIdTaken,
)
from departments.domain.placing import Placement, RequestedLine
from departments.domain.stock import Stock
from departments.domain.tickets import Outcome, Ticket, TicketLine, TicketState, Verb
from tests.departments.department_database import DepartmentDatabase, state
from tests.support.department_factories import BAR, coffees, new_id, order, small_menu

# --- opening ---


async def test_opening_stock_is_that_of_the_menu(department: DepartmentDatabase) -> None:
    assert (await department.stock_levels()).stock == {
        "coffee": Stock("coffee", 10, 10, 0, 0),
        "soda": Stock("soda", 5, 5, 0, 0),
        "beer": Stock("beer", 0, 0, 0, 0),
    }


async def test_opening_again_refills_nothing_and_adds_only_new_items(database_url: str) -> None:
    first = await DepartmentDatabase.open(database_url, small_menu(coffee=10, soda=5))
    await first.place_one(coffees(4))
    first.database.close()
    second = await DepartmentDatabase.open(database_url, small_menu(coffee=99, tea=7))
    assert (await second.stock_levels()).stock == {
        "coffee": Stock("coffee", 10, 6, 0, 4),
        "soda": Stock("soda", 5, 5, 0, 0),
        "tea": Stock("tea", 7, 7, 0, 0),
    }
    await second.check_the_law()
    second.database.close()


async def test_tickets_outlive_a_restart(database_url: str) -> None:
    first = await DepartmentDatabase.open(database_url)
    placement = Placement(
        new_id(), [RequestedLine("coffee", 2, "no sugar"), RequestedLine("tea", 1)], table="7", hold=True
    )
    ticket = await first.place_one(placement)
    first.database.close()
    second = await DepartmentDatabase.open(database_url)
    assert await second.place_one(placement) == ticket
    await second.confirm(placement.order_id)
    await second.check_the_law()
    second.database.close()


# --- placing ---


async def test_each_order_of_a_batch_has_its_own_result(department: DepartmentDatabase) -> None:
    first, second, third = order(("coffee", 2), table="7"), order(("soda", 5), ("beer", 1)), order(("tea", 1))
    results = await department.place(first, second, third, now_ms=1234)
    revision = (await department.stock_levels()).revision
    assert results == [
        Ticket(
            first.order_id,
            "7",
            TicketState.QUEUED,
            [TicketLine("coffee", 2, "", Outcome.ACCEPTED, unit_price=350)],
            1234,
            revision - 2,
        ),
        Ticket(
            second.order_id,
            "",
            TicketState.QUEUED,
            [
                TicketLine("soda", 5, "", Outcome.ACCEPTED, unit_price=300),
                TicketLine("beer", 1, "", Outcome.OUT_OF_STOCK, available=0),
            ],
            1234,
            revision - 1,
        ),
        Ticket(third.order_id, "", TicketState.NONE, [TicketLine("tea", 1, "", Outcome.NOT_ON_MENU)], 1234, revision),
    ]
    assert await department.stock("coffee") == Stock("coffee", 10, 8, 0, 2)
    assert await department.stock("soda") == Stock("soda", 5, 0, 0, 5)


async def test_orders_of_one_batch_share_the_stock_in_their_order(department: DepartmentDatabase) -> None:
    results = await department.place(*(coffees(4) for _ in range(4)))
    assert [state(result) for result in results] == [
        TicketState.QUEUED,
        TicketState.QUEUED,
        TicketState.NONE,
        TicketState.NONE,
    ]
    assert await department.stock() == Stock("coffee", 10, 2, 0, 8)


async def test_an_order_that_is_known_gets_the_same_ticket_and_takes_nothing(department: DepartmentDatabase) -> None:
    batch = [
        Placement(new_id(), [RequestedLine("coffee", 2, "hot"), RequestedLine("soda", 9)], table="7"),
        order(("beer", 1)),
        order(("tea", 1)),
        coffees(3, hold=True),
    ]
    results = await department.place(*batch, now_ms=1)
    before = await department.stock_levels()
    assert await department.place(*batch, now_ms=99) == results
    assert await department.place(*reversed(batch), now_ms=99) == results[::-1]
    assert (await department.stock_levels()).stock == before.stock
    assert (await department.changes())[0] == results


async def test_a_refusal_is_kept_also_when_there_is_stock_again(department: DepartmentDatabase) -> None:
    buys, comes_late = coffees(10), coffees(1)
    await department.place(buys, comes_late)
    await department.cancel(buys.order_id)
    assert (await department.stock()).on_hand == 10
    assert (await department.place_one(comes_late)).lines == [
        TicketLine("coffee", 1, "", Outcome.OUT_OF_STOCK, unit_price=0, available=0)
    ]
    assert (await department.stock()).on_hand == 10


async def test_an_order_that_is_known_keeps_its_price_when_the_menu_changes(department: DepartmentDatabase) -> None:
    placement = coffees(1)
    ticket = await department.place_one(placement)
    department.menu = small_menu(coffee=10)
    assert (await department.place_one(placement)).lines == ticket.lines
    assert (await department.place_one(coffees(1))).lines[0].unit_price == 100


async def test_an_order_that_is_known_keeps_its_ticket_as_it_is(department: DepartmentDatabase) -> None:
    placement = coffees(1)
    await department.place(placement)
    await department.move(placement.order_id, Verb.START)
    assert (await department.place_one(placement)).state is TicketState.PREPARING


async def test_an_id_that_is_known_with_other_lines_is_refused_for_that_order_alone(
    department: DepartmentDatabase,
) -> None:
    known, new = coffees(1), coffees(2)
    ticket = await department.place_one(known)
    results = await department.place(coffees(3, order_id=known.order_id), known, new)
    assert isinstance(results[0], OrderIdTaken)
    assert results[0].order_id == known.order_id
    assert known.order_id in str(results[0])
    assert results[1] == ticket
    assert state(results[2]) is TicketState.QUEUED
    assert (await department.stock()).sold == 3


@pytest.mark.parametrize(
    "lines",
    [
        [RequestedLine("coffee", 1, "hot"), RequestedLine("soda", 1)],
        [RequestedLine("coffee", 1), RequestedLine("soda", 1), RequestedLine("soda", 1)],
        [RequestedLine("soda", 1), RequestedLine("coffee", 1)],
        [RequestedLine("coffee", 1)],
        [RequestedLine("coffee", 2), RequestedLine("soda", 1)],
        [RequestedLine("coffee", 1, expected_price=350), RequestedLine("soda", 1)],
    ],
    ids=["another note", "one more line", "another sequence", "one line less", "another quantity", "another price"],
)
async def test_any_difference_in_the_lines_makes_another_order(
    department: DepartmentDatabase, lines: list[RequestedLine]
) -> None:
    known = order(("coffee", 1), ("soda", 1))
    await department.place(known)
    (result,) = await department.place(Placement(known.order_id, lines))
    assert isinstance(result, OrderIdTaken)


async def test_a_price_that_has_changed_takes_nothing_then_or_later(department: DepartmentDatabase) -> None:
    expected = department.menu.items["coffee"].price
    placement = Placement(new_id(), [RequestedLine("coffee", 2, expected_price=expected + 1), RequestedLine("soda", 1)])
    first = await department.place_one(placement)
    assert [line.outcome for line in first.lines] == [Outcome.PRICE_CHANGED, Outcome.ACCEPTED]
    assert first.lines[0].unit_price == expected
    coffee = replace(department.menu.items["coffee"], price=expected + 1)
    department.menu = replace(department.menu, items={**department.menu.items, "coffee": coffee})
    assert await department.place_one(placement) == first
    assert await department.stock("coffee") == Stock("coffee", 10, 10, 0, 0)
    await department.cancel(placement.order_id)
    assert await department.stock("coffee") == Stock("coffee", 10, 10, 0, 0)


async def test_an_order_that_stands_twice_in_one_batch_is_placed_once(department: DepartmentDatabase) -> None:
    placement = coffees(3)
    first, second, third = await department.place(placement, placement, coffees(4, order_id=placement.order_id))
    assert first == second
    assert state(first) is TicketState.QUEUED
    assert isinstance(third, OrderIdTaken)
    assert await department.stock() == Stock("coffee", 10, 7, 0, 3)
    assert len((await department.changes())[0]) == 1


async def test_an_item_that_left_the_menu_is_not_sold_but_its_tickets_go_on(department: DepartmentDatabase) -> None:
    placement = order(("soda", 2), hold=True)
    await department.place(placement)
    department.menu = small_menu(coffee=10)
    assert (await department.place_one(order(("soda", 1)))).lines[0].outcome is Outcome.NOT_ON_MENU
    await department.confirm(placement.order_id)
    assert await department.stock("soda") == Stock("soda", 5, 3, 0, 2)
    await department.cancel(placement.order_id)
    assert await department.stock("soda") == Stock("soda", 5, 5, 0, 0)


async def test_text_of_any_script_is_stored_unchanged(department: DepartmentDatabase) -> None:
    note = 'ohne "Zucker", \\ 얼음 없이 🧊\n-- O\'Neill'
    placement = Placement(
        new_id(), [RequestedLine("coffee", 1, note), RequestedLine("없음'", 1, "")], table="테라스 7'"
    )
    ticket = await department.place_one(placement)
    assert await department.place_one(placement) == ticket
    assert (ticket.lines[0].note, ticket.lines[1].item, ticket.table) == (note, "없음'", "테라스 7'")


# --- the database's own guard ---


@pytest.mark.parametrize(
    "figure", ["on_hand = -1", "held = 1", "received = 11", "on_hand = 11, sold = -1", "on_hand = 11, wasted = -1"]
)
async def test_the_database_itself_refuses_to_break_the_law(department: DepartmentDatabase, figure: str) -> None:
    def break_the_law(connection: Connection) -> None:
        connection.execute(text(f"UPDATE stock SET {figure} WHERE item = 'coffee'"))

    with pytest.raises(Exception, match=r"stock_law|stock_not_below_zero"):
        await department.database.write(break_the_law)
    assert await department.stock() == Stock("coffee", 10, 10, 0, 0)


async def test_writing_nothing_is_no_statement(department: DepartmentDatabase) -> None:
    def write_nothing(connection: Connection) -> None:
        tables.insert_tickets(connection, [])
        tables.update_tickets(connection, [])
        tables.insert_stock(connection, [], 1)
        tables.update_stock(connection, [], 1)

    before = await department.stock_levels()
    await department.database.write(write_nothing)
    assert await department.stock_levels() == before


def test_the_menu_that_these_tests_use_is_the_one_that_ships() -> None:
    assert {item.id: (item.price, item.stock) for item in BAR.items.values()} == {
        "coffee": (350, 10),
        "soda": (300, 5),
        "beer": (550, 0),
    }
