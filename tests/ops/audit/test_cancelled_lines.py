"""The audit of orders of which the staff cancelled single lines."""

from collections.abc import Mapping

from departments.domain.tickets import TicketState, Verb
from gateway.domain.lines import Line, Outcome
from gateway.domain.order import Order, Policy
from gateway.orders.ticket_states import Unsettled, Withdrawal
from ops.audit.rules import Column
from tests.ops.audit.test_following import follow
from tests.ops.books import Books, counts, record


async def place(books: Books, policy: Policy = Policy.BEST_EFFORT) -> Order:
    return await books.place(policy=policy, more=[Line("bar", "coffee", 2)])


async def cancel(books: Books, order: Order, line: int = 1, reason: str = "no milk") -> None:
    await books.step("bar", order, Verb.CANCEL_LINE, reason=reason, line=line)


async def settle(books: Books, order: Order, reasons: Mapping[int, str]) -> None:
    """Note that the order's row says what the staff did."""
    found = Unsettled(False, "", reasons, gone=False)
    assert await books.journal.settle_withdrawal(Withdrawal(order.order_id, "bar"), found)


async def test_a_line_whose_cancel_the_gateway_has_not_read_is_not_wrong(books: Books) -> None:
    order = await place(books)
    await follow(books, "bar", order)
    await cancel(books, order)
    report = await books.audit()
    assert (counts(report), report.is_right) == ({Column.WITHDRAWN: 1}, True)


async def test_a_line_whose_cancel_is_still_to_be_recorded_is_not_wrong(books: Books) -> None:
    order = await place(books)
    await cancel(books, order)
    await follow(books, "bar", order)
    assert counts(await books.audit()) == {Column.WITHDRAWN: 1}


async def test_a_line_whose_cancel_does_not_reach_the_order_is_wrong(books: Books) -> None:
    order = await place(books)
    await cancel(books, order)
    await follow(books, "bar", order)
    await settle(books, order, {1: "no milk"})
    report = await books.audit()
    assert counts(report) == {Column.UNFOLLOWED: 1}
    text = f"unfollowed: {order.order_id}: bar: 2 coffee was accepted, and the staff cancelled it (no milk)"
    assert text in report.table()


async def test_a_line_whose_cancel_reached_the_order_is_right(books: Books) -> None:
    order = await place(books)
    await cancel(books, order)
    await follow(books, "bar", order)
    assert order.withdraw_lines("bar", {1: "no milk"})
    await books.journal.update(order)
    await settle(books, order, {1: "no milk"})
    report = await books.audit()
    assert (counts(report), report.is_right) == ({}, True)


async def test_a_line_that_was_wasted_is_right_in_the_stock(books: Books) -> None:
    order = await place(books)
    await books.step("bar", order, Verb.START)
    await books.step("bar", order, Verb.CANCEL_LINE, TicketState.PREPARING, "it fell down", 1)
    assert order.withdraw_lines("bar", {1: "it fell down"})
    await books.journal.update(order)
    await follow(books, "bar", order)
    await settle(books, order, {1: "it fell down"})
    assert counts(await books.audit()) == {}
    await books.falsify("bar", "UPDATE stock SET wasted = 0, on_hand = on_hand + 2")
    assert counts(await books.audit()) == {Column.STOCK_LAW: 1}


async def test_a_line_that_is_cancelled_at_the_gateway_alone_is_made_all_the_same(books: Books) -> None:
    """As at a department that was restored, until the gateway asks it."""
    order = await place(books)
    assert order.withdraw_lines("bar", {1: "no milk"})
    await books.journal.update(order)
    report = await books.audit()
    assert counts(report) == {Column.DOUBLED: 1}
    assert "bar: 2 coffee is cancelled, and is being made all the same" in report.table()
    assert order.ask_again("bar", ())
    await books.journal.update(order)
    assert counts(await books.audit()) == {Column.UNDECIDED: 1}
    await books.settle(order)
    assert counts(await books.audit()) == {}
    assert [line.outcome for line in order.lines] == [Outcome.ACCEPTED] * 3


async def test_the_rest_of_an_all_or_nothing_order_is_no_half(books: Books) -> None:
    order = await place(books, Policy.ALL_OR_NOTHING)
    await cancel(books, order)
    assert counts(await books.audit()) == {Column.WITHDRAWN: 1}
    assert order.withdraw_lines("bar", {1: "no milk"})
    await books.journal.update(order)
    await follow(books, "bar", order)
    await settle(books, order, {1: "no milk"})
    assert counts(await books.audit()) == {}


async def test_another_line_that_is_missing_makes_it_half(books: Books) -> None:
    order = await place(books, Policy.ALL_OR_NOTHING)
    await cancel(books, order)
    assert order.withdraw_lines("bar", {1: "no milk"})
    order.lines[1].outcome = Outcome.CANCELLED  # the pizza, which the kitchen makes
    await books.journal.update(order)
    assert Column.HALF in counts(await books.audit())


async def test_a_client_that_was_promised_a_line_that_the_staff_cancelled_has_not_lost_it(books: Books) -> None:
    order = await place(books)
    books.log(record(order))
    await cancel(books, order)
    assert order.withdraw_lines("bar", {1: "no milk"})
    await books.journal.update(order)
    await follow(books, "bar", order)
    await settle(books, order, {1: "no milk"})
    assert counts(await books.audit(with_log=True)) == {}
    assert order.withdraw_lines("bar", {0: ""})  # which the staff did not
    await books.journal.update(order)
    assert Column.LOST in counts(await books.audit(with_log=True))
