"""The staff's changes of the stock in transactions. The fixture checks the stock law after every test."""

import asyncio
import dataclasses

import pytest
import sqlalchemy as sa

from departments import transactions
from departments.domain.errors import ChangeIdTaken, ItemNotFound, StockConflict, StockRefused, StockTooLow
from departments.domain.menu import Menu
from departments.domain.stock import Stock
from departments.domain.stock_changes import MENU_FILE, ChangeReason, StockOrder
from departments.domain.tickets import Outcome, Ticket, TicketState, Verb
from tests.departments.department_database import DepartmentDatabase
from tests.support.department_factories import BAR, coffees, new_id, order

DELIVERY, COUNT = ChangeReason.DELIVERY, ChangeReason.COUNT
WASTE, CORRECTION = ChangeReason.WASTE, ChangeReason.CORRECTION


def change(reason: ChangeReason, delta: int = 0, change_id: str = "", item: str = "coffee") -> StockOrder:
    return StockOrder(item, change_id or new_id(), reason, delta, changed_by="Ana")


def count(counted: int, expected: int, change_id: str = "") -> StockOrder:
    return StockOrder("coffee", change_id or new_id(), COUNT, 0, counted, expected, "Ana")


async def test_what_is_delivered_counted_corrected_and_wasted_is_in_the_stock(department: DepartmentDatabase) -> None:
    await department.place(coffees(2))
    for request, after in (
        (change(DELIVERY, 5), Stock("coffee", 15, 13, 0, 2)),
        (change(WASTE, -3), Stock("coffee", 15, 10, 0, 2, 3)),
        (count(12, 10), Stock("coffee", 17, 12, 0, 2, 3)),
        (change(CORRECTION, -4), Stock("coffee", 13, 8, 0, 2, 3)),
    ):
        changed = await department.change_stock(request)
        assert changed == after == await department.stock()
        levels = await department.stock_levels()
        assert changed.revision == levels.stock["coffee"].revision == levels.revision


async def test_a_change_that_is_sent_again_is_made_once(department: DepartmentDatabase) -> None:
    delivery, counted = change(DELIVERY, 5, "a"), count(12, 15, "b")
    await department.change_stock(delivery)
    await department.change_stock(counted)
    await department.place(coffees(2))
    for request in (delivery, counted, dataclasses.replace(delivery, changed_by="Bo")):
        assert await department.change_stock(request) == Stock("coffee", 12, 10, 0, 2)
    assert len((await department.history("coffee")).changes) == 3


@pytest.mark.parametrize(
    "other", [change(DELIVERY, 6, "a"), change(CORRECTION, 5, "a"), change(DELIVERY, 5, "a", "soda"), count(5, 0, "a")]
)
async def test_a_change_id_of_another_change_is_taken(department: DepartmentDatabase, other: StockOrder) -> None:
    await department.change_stock(change(DELIVERY, 5, "a"))
    with pytest.raises(ChangeIdTaken, match=r"change 'a' of coffee was delivery of \+5; a new change needs an id"):
        await department.change_stock(other)
    assert await department.stock() == Stock("coffee", 15, 15, 0, 0)


async def test_one_of_two_counts_at_once_wins_and_the_other_is_told_the_figure(department: DepartmentDatabase) -> None:
    results = await asyncio.gather(
        *(department.change_stock(count(counted, 10)) for counted in (7, 8)), return_exceptions=True
    )
    (won,) = [result for result in results if isinstance(result, Stock)]
    (lost,) = [result for result in results if isinstance(result, StockConflict)]
    assert str(lost) == f"coffee has {won.on_hand} on hand, not 10"
    assert await department.stock() == won


@pytest.mark.parametrize("request_", [change(WASTE, -9), change(CORRECTION, -9), count(3, 10)])
async def test_a_change_that_is_refused_is_not_on_record_and_can_be_sent_again(
    department: DepartmentDatabase, request_: StockOrder
) -> None:
    await department.place(coffees(2))
    with pytest.raises(StockRefused):
        await department.change_stock(request_)
    assert await department.stock() == Stock("coffee", 10, 8, 0, 2)
    assert len((await department.history("coffee")).changes) == 1
    await department.change_stock(change(DELIVERY, 2))
    await department.change_stock(request_)


async def test_an_item_that_there_is_not_is_not_found(department: DepartmentDatabase) -> None:
    with pytest.raises(ItemNotFound, match="item 'tea' is not known here"):
        await department.change_stock(change(DELIVERY, 1, item="tea"))
    with pytest.raises(ItemNotFound):
        await department.set_on_sale("tea", on_sale=False)


async def test_what_was_delivered_is_sold(department: DepartmentDatabase) -> None:
    assert (await department.place_one(order(("beer", 1)))).lines[0].outcome is Outcome.OUT_OF_STOCK
    await department.change_stock(change(DELIVERY, 3, item="beer"))
    assert (await department.place_one(order(("beer", 3)))).lines[0].outcome is Outcome.ACCEPTED


async def test_an_item_off_sale_is_refused_until_it_is_back_and_open_tickets_go_on(
    department: DepartmentDatabase,
) -> None:
    before, held = coffees(1), coffees(2, hold=True)
    await department.place(before, held)
    stock = await department.set_on_sale("coffee", on_sale=False)
    assert stock == Stock("coffee", 10, 7, 2, 1, off_sale=True)
    ticket = await department.place_one(order(("coffee", 1), ("soda", 1)))
    assert [line.outcome for line in ticket.lines] == [Outcome.OFF_SALE, Outcome.ACCEPTED]
    await department.confirm(held.order_id)
    await department.move(before.order_id, Verb.START, Verb.FINISH)
    assert await department.stock() == Stock("coffee", 10, 7, 0, 3, off_sale=True)
    await department.set_on_sale("coffee", on_sale=True)
    assert (await department.place_one(coffees(1))).state is TicketState.QUEUED
    assert await department.stock() == Stock("coffee", 10, 6, 0, 4)


async def test_an_order_that_was_refused_as_off_sale_stays_so(department: DepartmentDatabase) -> None:
    await department.set_on_sale("coffee", on_sale=False)
    placement = coffees(1)
    first = await department.place_one(placement)
    await department.set_on_sale("coffee", on_sale=True)
    assert await department.place_one(placement) == first


async def test_the_history_has_every_change_with_who_made_it_the_newest_first(department: DepartmentDatabase) -> None:
    await department.change_stock(change(DELIVERY, 5, "a"), now_ms=20)
    await department.set_on_sale("coffee", "Bo", on_sale=False)
    await department.set_on_sale("coffee", "Bo", on_sale=False)
    await department.set_on_sale("coffee", "Cy", on_sale=True)
    await department.change_stock(change(WASTE, -1, "b"))
    history = await department.history("coffee")
    assert [(each.reason, each.delta, each.on_hand, each.changed_by) for each in history.changes] == [
        (WASTE, -1, 14, "Ana"),
        (ChangeReason.ON_SALE, 0, 15, "Cy"),
        (ChangeReason.OFF_SALE, 0, 15, "Bo"),
        (DELIVERY, 5, 15, "Ana"),
        (DELIVERY, 10, 10, MENU_FILE),
    ]
    assert (history.changes[3].change_id, history.changes[3].changed_at_ms) == ("a", 20)
    revisions = [each.revision for each in (await department.history()).changes]
    assert revisions == sorted(set(revisions), reverse=True)
    assert history.next == 0


async def test_the_history_is_read_in_pages(department: DepartmentDatabase) -> None:
    for number in range(5):
        await department.change_stock(change(DELIVERY, 1, str(number), "soda" if number % 2 else "coffee"))
    everything = (await department.history()).changes
    read, before = [], 2**63 - 1
    while before:
        page = await department.history("", before, 3)
        read += page.changes
        before = page.next
    assert read == everything
    assert {each.item for each in (await department.history("soda")).changes} == {"soda"}


@pytest.mark.parametrize("figure", ["on_hand = -1, received = 9", "unlimited = 1", "wasted = 1", "received = 11"])
async def test_the_table_itself_refuses_to_break_the_law(department: DepartmentDatabase, figure: str) -> None:
    def falsify(connection: sa.Connection) -> None:
        connection.execute(sa.text(f"UPDATE stock SET {figure} WHERE item = 'coffee'"))

    with pytest.raises(Exception, match=r"(?i)constraint"):
        await department.database.write(falsify)


def bar(**changes: object) -> Menu:
    """The bar's menu with another coffee."""
    coffee = dataclasses.replace(BAR.items["coffee"], **changes)  # type: ignore[arg-type]
    return dataclasses.replace(BAR, items={**BAR.items, "coffee": coffee})


async def test_an_item_that_becomes_unlimited_and_limited_again_keeps_what_was_sold(
    department: DepartmentDatabase,
) -> None:
    sold = coffees(4)
    await department.place(sold)
    await department.database.write(transactions.open_department, bar(unlimited=True), 5)
    assert await department.stock() == Stock("coffee", 4, 0, 0, 4, unlimited=True)
    assert (await department.place_one(coffees(900))).state is TicketState.QUEUED
    await department.cancel(sold.order_id)
    assert await department.stock() == Stock("coffee", 900, 0, 0, 900, unlimited=True)
    await department.change_stock(change(WASTE, -2))
    assert await department.stock() == Stock("coffee", 902, 0, 0, 900, 2, unlimited=True)
    await department.database.write(transactions.open_department, bar(stock=7), 6)
    assert await department.stock() == Stock("coffee", 909, 7, 0, 900, 2)
    with pytest.raises(StockTooLow):
        await department.change_stock(change(WASTE, -8))


async def test_a_ticket_keeps_its_number_and_allergies_across_a_restart(database_url: str) -> None:
    department = await DepartmentDatabase.open(database_url)
    placement = coffees(1)
    placement.number, placement.lines[0].allergy = 117, True
    placed = await department.place_one(placement)
    department.database.close()
    department = await DepartmentDatabase.open(database_url)
    found = await department.place_one(placement)
    assert found == placed
    assert isinstance(found, Ticket)
    assert (found.number, found.lines[0].allergy) == (117, True)
    department.database.close()
