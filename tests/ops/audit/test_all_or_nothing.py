"""The audit of orders that are all or nothing: each is made whole, or not at all."""

import pytest

from departments import transactions
from departments.domain.tickets import Decision, Verb
from gateway.domain.lines import Outcome
from gateway.domain.order import Policy, Status
from ops.audit.rules import Column
from tests.ops.books import MENUS, STOCK, Books, counts


async def test_an_all_or_nothing_order_that_stays_held_somewhere_is_half(books: Books) -> None:
    order = await books.place(policy=Policy.ALL_OR_NOTHING)
    await books.falsify("bar", f"UPDATE tickets SET state = 'held' WHERE order_id = '{order.order_id}'")
    await books.falsify("bar", "UPDATE stock SET held = held + 1, sold = sold - 1")

    assert counts(await books.audit()) == {Column.HALF: 1}


async def test_a_refused_all_or_nothing_order_that_is_still_held_somewhere_is_half(books: Books) -> None:
    order = await books.place(policy=Policy.ALL_OR_NOTHING, coffees=STOCK)
    await books.falsify("kitchen", f"UPDATE tickets SET state = 'held' WHERE order_id = '{order.order_id}'")
    await books.falsify("kitchen", "UPDATE stock SET held = held + 1, on_hand = on_hand - 1")

    assert order.status is Status.REFUSED
    assert counts(await books.audit()) == {Column.HALF: 1}


async def test_a_refused_all_or_nothing_order_that_is_made_somewhere_is_half(books: Books) -> None:
    order = await books.place(policy=Policy.ALL_OR_NOTHING, coffees=STOCK)
    await books.falsify("kitchen", f"UPDATE tickets SET state = 'ready' WHERE order_id = '{order.order_id}'")
    await books.falsify("kitchen", "UPDATE stock SET sold = sold + 1, on_hand = on_hand - 1")

    assert counts(await books.audit()) == {Column.HALF: 1}


async def test_an_all_or_nothing_order_that_misses_a_ticket_is_half(books: Books) -> None:
    order = await books.place(policy=Policy.ALL_OR_NOTHING)
    await books.falsify("bar", f"DELETE FROM tickets WHERE order_id = '{order.order_id}'")
    await books.falsify("bar", "UPDATE stock SET on_hand = on_hand + 1, sold = sold - 1")

    assert counts(await books.audit()) == {Column.HALF: 1}


async def test_an_all_or_nothing_order_decided_in_part_is_half(books: Books) -> None:
    order = await books.place(policy=Policy.ALL_OR_NOTHING)
    order.lines[0].outcome = Outcome.CANCELLED
    await books.journal.update(order)

    assert counts(await books.audit()) == {Column.HALF: 1}


@pytest.mark.parametrize("name", MENUS)
async def test_a_cancel_that_comes_too_late_for_one_department_leaves_no_half(books: Books, name: str) -> None:
    order = await books.place(policy=Policy.ALL_OR_NOTHING)
    await books.step(name, order, Verb.START)
    await books.cancel(order)

    assert [line.outcome for line in order.lines] == [Outcome.ACCEPTED] * 2
    assert counts(await books.audit()) == {}


async def test_an_all_or_nothing_order_that_is_suspended_is_undecided_and_not_half(books: Books) -> None:
    order = await books.place(policy=Policy.ALL_OR_NOTHING)
    order.cancel()
    await books.journal.update(order)
    await books.departments["bar"].write(transactions.suspend, [Decision(order.order_id, order.epoch)], 1000)

    assert counts(await books.audit()) == {Column.UNDECIDED: 1}
