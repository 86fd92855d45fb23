"""The audit of orders and their tickets, against databases without a fault and against each kind of fault."""

import asyncio
import uuid
from typing import Any

import pytest
import uuid_utils

from departments import transactions
from departments.domain.placing import Placement, RequestedLine
from departments.domain.tickets import Decision, TicketSource, Verb
from gateway.domain.lines import Line, Outcome
from gateway.domain.order import Order, Policy
from gateway.domain.transitions import Goal
from ops.audit.rules import Column
from tests.ops.books import MENUS, Books, counts
from tests.support.orders import EUR

RANDOM_ID, TIMED_ID = "9ef91da7-f034-4cef-9aff-3f9d7a5f19ea", "01a224fc-92fa-71bd-b02b-7300fac0d81d"  # UUIDs 4 and 7
NOTHING_WRONG = dict.fromkeys(Column, 0)


async def test_databases_without_a_fault_are_all_zeros(books: Books) -> None:
    cancelled = await books.place()
    await books.cancel(cancelled)
    report = await books.audit()

    assert report.counts == NOTHING_WRONG
    assert report.is_right
    assert (report.acknowledged, report.orders, report.tickets, report.counter_sales) == (4, 4, 8, 0)


async def test_a_counter_sale_needs_no_order(books: Books) -> None:
    await books.sell(
        "bar", Placement(str(uuid_utils.uuid7()), [RequestedLine("coffee", 1)], source=TicketSource.COUNTER)
    )
    await books.sell(
        "kitchen", Placement(str(uuid_utils.uuid7()), [RequestedLine("pizza", 1)], source=TicketSource.COUNTER)
    )
    report = await books.audit()

    assert report.counts == NOTHING_WRONG
    assert report.counter_sales == 2


@pytest.mark.parametrize(
    ("order_id", "placement"),
    [
        ("no uuid", {}),
        (RANDOM_ID, {}),
        (TIMED_ID, {"hold": True}),
        (TIMED_ID, {"table": "7"}),
        (TIMED_ID, {"lines": [RequestedLine("coffee", 2)]}),
        (TIMED_ID, {"lines": [RequestedLine("coffee", 1, "black")]}),
        (TIMED_ID, {}),
    ],
)
async def test_what_the_gateway_placed_needs_an_order_whatever_it_looks_like(
    books: Books, order_id: str, placement: Any
) -> None:
    await books.sell("bar", Placement(**({"order_id": order_id, "lines": [RequestedLine("coffee", 1)]} | placement)))
    report = await books.audit()

    assert counts(report) == {Column.DOUBLED: 1}
    assert report.findings[Column.DOUBLED][0].subject == order_id


async def test_an_order_in_flight_is_undecided_and_not_wrong(books: Books) -> None:
    order = await books.place(record=False)
    report = await books.audit()

    assert counts(report) == {Column.UNDECIDED: 1}
    assert report.is_right
    reason = "still owed: bar place, kitchen place; placed 1970-01-01T00:00:01+00:00"
    assert f"undecided: {order.order_id}: {reason}" in report.table()


async def test_an_order_that_waits_for_one_department_is_checked_at_the_others(books: Books) -> None:
    order = await books.place_half()
    right = await books.audit()
    await books.falsify("bar", f"DELETE FROM tickets WHERE order_id = '{order.order_id}'")
    await books.falsify("bar", "UPDATE stock SET sold = sold - 1, on_hand = on_hand + 1")

    assert counts(right) == {Column.UNDECIDED: 1}
    assert counts(await books.audit()) == {Column.UNDECIDED: 1, Column.LOST: 1}


async def test_an_accepted_order_without_its_ticket_is_lost(books: Books) -> None:
    order = await books.place()
    await books.falsify("kitchen", f"DELETE FROM tickets WHERE order_id = '{order.order_id}'")
    await books.falsify("kitchen", "UPDATE stock SET sold = sold - 1, on_hand = on_hand + 1")
    report = await books.audit()

    assert counts(report) == {Column.LOST: 1}
    assert not report.is_right
    assert f"lost: {order.order_id}: kitchen: 1 pizza was accepted, and there is no ticket" in report.table()


async def test_a_finished_order_with_a_pending_line_is_lost(books: Books) -> None:
    order = await books.place()
    order.lines[0].outcome = Outcome.PENDING
    await books.journal.update(order)

    assert counts(await books.audit()) == {Column.LOST: 1}


@pytest.mark.parametrize(
    ("change", "column"),
    [
        ("""'"outcome":"accepted"', '"outcome":"out_of_stock"'""", Column.LOST),
        ("""'"unit_price":300', '"unit_price":299'""", Column.LOST),
        ("""'"quantity":2', '"quantity":1'""", Column.LOST),
        ("""'"quantity":2', '"quantity":3'""", Column.DOUBLED),
        ("""'"note":""', '"note":"no sugar"'""", Column.LOST),
        ("""'"expected_price":null', '"expected_price":300'""", Column.LOST),
        ("""'"allergy":false', '"allergy":true'""", Column.LOST),
        ("""'coffee', 'tea'""", Column.LOST),
    ],
)
async def test_a_ticket_that_says_something_else_is_found(books: Books, change: str, column: Column) -> None:
    order = await books.place(coffees=2)
    await books.falsify(
        "bar", f"UPDATE tickets SET lines = replace(lines, {change}) WHERE order_id = '{order.order_id}'"
    )

    found = await books.audit()
    assert [finding.subject for finding in found.findings[column]] == [order.order_id]
    assert found.counts[column] == 1


async def test_a_line_whose_price_has_changed_took_nothing_and_is_not_wrong(books: Books) -> None:
    order = await books.place(expected_price=1)
    report = await books.audit()

    assert order.lines[0].outcome is Outcome.PRICE_CHANGED
    assert counts(report) == {}


async def test_what_is_made_at_a_price_that_its_client_did_not_agree_to_is_doubled(books: Books) -> None:
    order = await books.place(expected_price=300)
    for name, table in (("gateway", "orders"), ("bar", "tickets")):
        change = """lines = replace(lines, '"expected_price":300', '"expected_price":250')"""
        await books.falsify(name, f"UPDATE {table} SET {change} WHERE order_id = '{order.order_id}'")
    report = await books.audit()

    assert counts(report) == {Column.DOUBLED: 1}
    reason = "bar: 1 coffee is being made at 300, and its client agreed to 250 only"
    assert f"doubled: {order.order_id}: {reason}" in report.table()


async def test_orders_in_two_currencies_are_checked_alike(books: Books) -> None:
    order = await books.place()
    await books.falsify("gateway", f"UPDATE orders SET currency = 'JPY' WHERE order_id = '{order.order_id}'")

    assert counts(await books.audit()) == {}


async def test_a_ticket_for_another_table_is_lost(books: Books) -> None:
    order = await books.place()
    await books.falsify("bar", f"UPDATE tickets SET placed_for = '8' WHERE order_id = '{order.order_id}'")
    report = await books.audit()

    assert counts(report) == {Column.LOST: 1}
    assert report.findings[Column.LOST][0].reason == "bar: the order is for table '7', the ticket for '8'"


async def test_a_ticket_at_a_department_that_the_order_does_not_concern_is_doubled(books: Books) -> None:
    order = Order.new(str(uuid.uuid4()), Policy.BEST_EFFORT, "7", EUR, [Line("bar", "coffee")], 1000)
    await books.journal.insert(order)
    order.record_response("bar", Goal.PLACE, await books.ask("bar", order, hold=False))
    await books.journal.update(order)
    await books.sell("kitchen", Placement(order.order_id, [RequestedLine("pizza", 1)]))
    report = await books.audit()

    assert counts(report) == {Column.DOUBLED: 1}
    assert report.findings[Column.DOUBLED][0].subject == order.order_id


@pytest.mark.parametrize("table", ["7", None])
async def test_an_order_that_is_gone_from_the_journal_is_found_by_its_tickets(books: Books, table: str | None) -> None:
    """Even where each of its tickets alone looks like a sale over the counter."""
    order = await books.place(table=table)
    await books.falsify("gateway", f"DELETE FROM orders WHERE order_id = '{order.order_id}'")
    report = await books.audit()

    assert counts(report) == {Column.DOUBLED: 1}
    assert {finding.reason for finding in report.findings[Column.DOUBLED]} == {
        f"{name} has a ticket, queued, that no order in the journal asks for" for name in MENUS
    }


async def test_a_line_that_was_given_up_and_is_made_all_the_same_is_doubled(books: Books) -> None:
    order = await books.place()
    order.lines[0].outcome = Outcome.EXPIRED
    await books.journal.update(order)

    assert counts(await books.audit()) == {Column.DOUBLED: 1}


async def test_a_held_ticket_without_an_owed_decision_is_lost(books: Books) -> None:
    order = await books.place()
    await books.falsify("bar", f"UPDATE tickets SET state = 'held' WHERE order_id = '{order.order_id}'")
    await books.falsify("bar", "UPDATE stock SET held = held + 1, sold = sold - 1")

    assert counts(await books.audit()) == {Column.LOST: 1}


async def test_a_ticket_that_the_staff_cancels_is_withdrawn_and_not_wrong(books: Books) -> None:
    for policy in Policy:
        order = await books.place(policy=policy)
        await books.step("bar", order, Verb.CANCEL)
    report = await books.audit()

    assert counts(report) == {Column.WITHDRAWN: 2}
    assert report.is_right


async def test_an_accepted_order_whose_ticket_the_gateway_cancelled_is_lost(books: Books) -> None:
    order = await books.place()
    await books.departments["bar"].write(transactions.cancel, [Decision(order.order_id)], 1000)
    report = await books.audit()

    assert counts(report) == {Column.LOST: 1}
    assert f"lost: {order.order_id}: bar: 1 coffee was accepted, and the gateway has cancelled it" in report.table()


async def test_a_lost_order_of_one_item_is_not_taken_for_a_sale_over_the_counter(books: Books) -> None:
    """The gateway's ids and the counter's are of one kind."""
    order = Order.new(str(uuid_utils.uuid7()), Policy.BEST_EFFORT, None, EUR, [Line("bar", "coffee")], 1000)
    await books.journal.insert(order)
    order.record_response("bar", Goal.PLACE, await books.ask("bar", order, hold=False))
    await books.journal.update(order)
    await books.falsify("gateway", f"DELETE FROM orders WHERE order_id = '{order.order_id}'")
    report = await books.audit()

    assert counts(report) == {Column.DOUBLED: 1}
    assert (report.findings[Column.DOUBLED][0].subject, report.counter_sales) == (order.order_id, 0)


async def test_orders_that_are_decided_during_an_audit_are_not_wrong(books: Books) -> None:
    """Orders come, are decided and are cancelled all the time."""

    async def work() -> None:
        for number in range(20):
            await books.cancel(await books.place(policy=list(Policy)[number % 2]))

    working = asyncio.create_task(work())
    reports = []
    while not working.done():
        reports.append(await books.audit())
    await working

    assert len(reports) > 0
    assert [report for report in reports if not report.is_right or report.counts[Column.WITHDRAWN]] == []


async def test_an_audit_cannot_write(books: Books) -> None:
    await books.audit()
    looker = books.opened[-1]

    with pytest.raises(Exception, match=r"read.?only"):
        await looker.write(lambda connection: connection.exec_driver_sql("DELETE FROM tickets").rowcount)
