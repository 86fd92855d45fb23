"""What the audit finds where an order does not show what the staff did with its tickets."""

from collections.abc import Sequence

import pytest

from departments import tables
from departments.domain.tickets import Ticket, TicketState, Verb
from gateway.domain.lines import Outcome
from gateway.domain.lines import TicketState as GatewayTicketState
from gateway.domain.order import Order
from gateway.domain.tickets import LiveLine, LiveTicket, Position
from gateway.orders.ticket_states import Page, Unsettled, Withdrawal
from ops.audit.rules import Column
from tests.ops.books import Books, counts


async def follow(books: Books, name: str, order: Order, *, left_out: Sequence[str] = ()) -> None:
    """Write what the gateway writes when it has read the last change of an order's ticket."""
    database = books.departments[name]
    revision, incarnation = await database.read(tables.position)
    found = (await database.read(tables.read_tickets, [order.order_id]))[order.order_id]
    assert isinstance(found, Ticket)
    tickets = [] if order.order_id in left_out else [live(name, found)]
    await books.journal.write_followed(
        Page(name, incarnation, tickets, Position(incarnation, revision), is_snapshot=False)
    )


def live(name: str, ticket: Ticket) -> LiveTicket:
    return LiveTicket(
        name, ticket.order_id, 0, ticket.table, "gateway", GatewayTicketState(ticket.state), ticket.revision,
        ticket.placed_at_ms, ticket.started_at_ms, ticket.ready_at_ms, ticket.served_at_ms, ticket.cancelled_at_ms,
        ticket.moved_by, ticket.moved_at_ms, ticket.cancel_reason, ticket.wasted, live_lines(ticket),
    )  # fmt: skip


def live_lines(ticket: Ticket) -> list[LiveLine]:
    reasons = {each.line: each.reason for each in ticket.cancelled_lines}
    return [
        LiveLine(
            line.item,
            line.quantity,
            line.note,
            line.allergy,
            line.made,
            Outcome(line.outcome),
            line.unit_price,
            reasons.get(place, ""),
        )
        for place, line in enumerate(ticket.lines)
    ]


async def test_a_cancel_that_the_gateway_has_not_read_is_not_wrong(books: Books) -> None:
    order = await books.place()
    await follow(books, "bar", order)
    await books.step("bar", order, Verb.CANCEL)
    assert counts(await books.audit()) == {Column.WITHDRAWN: 1}


async def test_a_cancel_that_the_gateway_has_read_and_still_means_to_record_is_not_wrong(books: Books) -> None:
    order = await books.place()
    await books.step("bar", order, Verb.CANCEL)
    await follow(books, "bar", order)
    assert counts(await books.audit()) == {Column.WITHDRAWN: 1}


async def test_a_cancel_that_does_not_reach_the_order_is_wrong(books: Books) -> None:
    order = await books.place()
    await books.step("bar", order, Verb.CANCEL, reason="no milk")
    await follow(books, "bar", order)
    await books.journal.settle_withdrawal(Withdrawal(order.order_id, "bar"), Unsettled(True, "", {}, gone=True))
    report = await books.audit()
    assert counts(report) == {Column.UNFOLLOWED: 1}
    assert f"unfollowed: {order.order_id}: bar: 1 coffee was accepted, and Ana cancelled it (no milk)" in report.table()


async def test_a_cancel_that_reached_the_order_is_right(books: Books) -> None:
    order = await books.place()
    await books.step("bar", order, Verb.CANCEL)
    await follow(books, "bar", order)
    assert order.withdraw("bar", "")
    await books.journal.update(order)
    await books.journal.settle_withdrawal(Withdrawal(order.order_id, "bar"), Unsettled(True, "", {}, gone=True))
    report = await books.audit()
    assert counts(report) == {}
    assert report.is_right


@pytest.mark.parametrize("verbs", [[Verb.START], [Verb.START, Verb.FINISH]])
async def test_a_step_that_the_gateway_has_passed_without_knowing_it_is_wrong(books: Books, verbs: list[Verb]) -> None:
    order = await books.place()
    states = [TicketState.QUEUED, TicketState.PREPARING]
    for verb, expected in zip(verbs, states, strict=False):
        await books.step("bar", order, verb, expected)
        right = await books.audit()
        await follow(books, "bar", order, left_out=[order.order_id] if verb is verbs[-1] else [])
    assert counts(right) == {}
    report = await books.audit()
    assert counts(report) == {Column.UNFOLLOWED: 1}
    shown = "queued" if len(verbs) == 1 else "preparing of revision"
    assert f"and the gateway shows {shown}" in report.table()


async def test_a_step_that_the_gateway_knows_is_right(books: Books) -> None:
    order = await books.place()
    await books.step("kitchen", order, Verb.START)
    await follow(books, "kitchen", order)
    assert counts(await books.audit()) == {}


async def test_a_department_that_was_restored_is_followed_anew_before_it_is_compared(books: Books) -> None:
    order = await books.place()
    await books.step("bar", order, Verb.START)
    await follow(books, "bar", order, left_out=[order.order_id])
    await books.departments["bar"].write(tables.renew_incarnations, "another")
    assert counts(await books.audit()) == {}


async def test_a_restored_department_that_lacks_a_cancel_is_wrong_until_the_gateway_asks_for_it(books: Books) -> None:
    """The order was withdrawn, and the copy, from before that, has its ticket queued."""
    order = await books.place()
    assert order.withdraw("bar", "no milk")
    await books.journal.update(order)
    report = await books.audit()
    assert counts(report) == {Column.DOUBLED: 1}
    assert "bar: 1 coffee is cancelled, and is being made all the same" in report.table()
    assert order.cancel_again("bar")
    await books.journal.update(order)
    assert counts(await books.audit()) == {Column.UNDECIDED: 1}
    await books.settle(order)
    assert counts(await books.audit()) == {}
    assert order.lines[0].reason == "bar has withdrawn it: no milk"
