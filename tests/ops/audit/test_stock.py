"""The audit of stock: the stock law, and more tickets than there was stock."""

from departments.domain.stock_changes import ChangeReason
from departments.domain.tickets import TicketState, Verb
from gateway.domain.lines import Outcome
from ops.audit.rules import Column
from tests.ops.books import Books, counts


async def test_more_on_tickets_than_there_was_is_oversold(books: Books) -> None:
    order = await books.place()
    await books.falsify(
        "bar",
        f"""UPDATE tickets SET lines = replace(lines, '"quantity":1', '"quantity":99'), placed_at_ms = 2000
            WHERE order_id = '{order.order_id}'""",
    )
    report = await books.audit()

    assert [finding.subject for finding in report.findings[Column.OVERSOLD]] == [order.order_id]
    assert report.counts[Column.STOCK_LAW] == 1


async def test_what_the_staff_started_and_cancelled_is_wasted_and_shown_with_who_and_why(books: Books) -> None:
    order = await books.place(coffees=2)
    await books.step("bar", order, Verb.START)
    await books.step("bar", order, Verb.CANCEL, TicketState.PREPARING, "it fell down")
    right = await books.audit()
    await books.falsify("bar", "UPDATE stock SET wasted = wasted - 1, on_hand = on_hand + 1")

    assert counts(right) == {Column.WITHDRAWN: 1}
    reason = "bar: 2 coffee was accepted, and Ana cancelled it (it fell down), when it was started"
    assert f"withdrawn: {order.order_id}: {reason}" in right.table()
    wrong = await books.audit()
    assert counts(wrong) == {Column.WITHDRAWN: 1, Column.STOCK_LAW: 1}
    assert (
        "stock law: bar coffee: held 0, sold 2, wasted 1; by the tickets and waste on record 0, 2, 2" in wrong.table()
    )


async def test_what_was_wasted_counts_as_taken(books: Books) -> None:
    order = await books.place()
    await books.step("bar", order, Verb.START)
    await books.step("bar", order, Verb.CANCEL, TicketState.PREPARING)
    more = """lines = replace(lines, '"quantity":1', '"quantity":99'), placed_at_ms = 2000"""
    await books.falsify("bar", f"UPDATE tickets SET {more} WHERE order_id = '{order.order_id}'")
    report = await books.audit()

    assert [finding.subject for finding in report.findings[Column.OVERSOLD]] == [order.order_id]


async def test_stock_that_is_not_what_the_tickets_say_breaks_the_law(books: Books) -> None:
    await books.falsify("bar", "UPDATE stock SET on_hand = on_hand - 1, sold = sold + 1")
    report = await books.audit()

    assert counts(report) == {Column.STOCK_LAW: 1}
    assert (
        "stock law: bar coffee: held 0, sold 3, wasted 0; by the tickets and waste on record 0, 2, 0" in report.table()
    )


async def test_what_the_staff_delivered_counted_and_threw_away_is_lawful(books: Books) -> None:
    await books.change_stock("bar", "coffee", ChangeReason.DELIVERY, 5)
    await books.change_stock("bar", "coffee", ChangeReason.WASTE, -3)
    await books.change_stock("bar", "coffee", ChangeReason.CORRECTION, -1)
    await books.set_on_sale("bar", "coffee", on_sale=False)
    order = await books.place()

    assert order.lines[0].outcome is Outcome.OFF_SALE
    assert (await books.audit()).is_right


async def test_stock_that_no_change_tells_of_breaks_the_law(books: Books) -> None:
    await books.falsify("bar", "UPDATE stock SET on_hand = on_hand + 5, received = received + 5")
    report = await books.audit()

    assert counts(report) == {Column.STOCK_LAW: 1}
    assert "stock law: bar coffee: 15 received; by the changes on record 10" in report.table()


async def test_waste_that_no_change_tells_of_breaks_the_law(books: Books) -> None:
    await books.change_stock("bar", "coffee", ChangeReason.WASTE, -3)
    await books.falsify("bar", "UPDATE stock_changes SET delta = -1 WHERE reason = 'waste'")

    assert "wasted 3; by the tickets and waste on record 0, 2, 1" in (await books.audit()).table()


async def test_stock_that_is_held_by_no_ticket_breaks_the_law(books: Books) -> None:
    await books.falsify("bar", "UPDATE stock SET on_hand = on_hand - 1, held = held + 1")

    assert counts(await books.audit()) == {Column.STOCK_LAW: 1}


async def test_an_unlimited_item_has_received_what_was_taken(books: Books) -> None:
    await books.falsify("bar", "UPDATE stock SET unlimited = 1, received = sold, on_hand = 0")
    await books.place(coffees=7)
    right = await books.audit()
    await books.falsify("bar", "UPDATE stock SET received = received - 1, sold = sold - 1")

    assert right.is_right
    assert counts(await books.audit())[Column.STOCK_LAW] == 1


async def test_tickets_for_an_item_without_stock_break_the_law(books: Books) -> None:
    await books.falsify("bar", "DELETE FROM stock")
    report = await books.audit()

    assert counts(report) == {Column.STOCK_LAW: 1}
    assert "stock law: bar coffee: there are tickets for it, and no stock" in report.table()


async def test_stock_is_compared_with_the_tickets_that_can_be_read(books: Books) -> None:
    strange = await books.place(coffees=2)
    await books.falsify("bar", f"UPDATE tickets SET state = 'plated' WHERE order_id = '{strange.order_id}'")
    await books.falsify("bar", "UPDATE stock SET sold = sold - 3, on_hand = on_hand + 3")

    report = await books.audit()
    assert (counts(report), list(report.unreadable)) == ({Column.STOCK_LAW: 1}, [f"bar {strange.order_id}"])
