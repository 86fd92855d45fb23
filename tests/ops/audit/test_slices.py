"""The audit reads in slices: whatever their size, it finds the same, and keeps no more than one in memory."""

import uuid

import pytest

from departments.domain.placing import Placement, RequestedLine
from departments.domain.tickets import TicketSource, Verb
from gateway.domain.order import Policy
from ops.audit.rules import Column
from tests.ops.books import Books, counts


async def with_faults(books: Books) -> None:
    """Plant one fault of each kind among orders whose ids are in no order of time."""
    for _ in range(3):
        sale = Placement(str(uuid.uuid4()), [RequestedLine("coffee", 1)], source=TicketSource.COUNTER)
        await books.sell("bar", sale)
    lost, doubled, half, withdrawn = [
        await books.place(policy=policy)
        for policy in (Policy.BEST_EFFORT, Policy.BEST_EFFORT, Policy.ALL_OR_NOTHING, Policy.BEST_EFFORT)
    ]
    await books.step("bar", withdrawn, Verb.CANCEL)
    await books.falsify("kitchen", f"DELETE FROM tickets WHERE order_id = '{lost.order_id}'")
    await books.falsify("gateway", f"DELETE FROM orders WHERE order_id = '{doubled.order_id}'")
    await books.falsify("bar", f"DELETE FROM tickets WHERE order_id = '{half.order_id}'")
    await books.sell("kitchen", Placement("no uuid", [RequestedLine("pizza", 1)]))
    await books.sell("bar", Placement("ffff is none either", [RequestedLine("coffee", 1)]))
    await books.place_half()


@pytest.mark.parametrize("slice_size", [1, 2, 5])
async def test_slices_of_any_size_find_the_same(books: Books, slice_size: int) -> None:
    await with_faults(books)
    whole, sliced = await books.audit(), await books.audit(slice_size=slice_size)

    found = {Column.LOST: 1, Column.DOUBLED: 3, Column.HALF: 1, Column.WITHDRAWN: 1, Column.UNDECIDED: 1}
    assert counts(whole) == found | {Column.STOCK_LAW: 2}
    assert sorted(sliced.table().splitlines()) == sorted(whole.table().splitlines())


async def test_a_slice_ends_where_the_source_with_the_most_rows_is_full(books: Books) -> None:
    """A department may have sold any number of tickets over its counter between two orders."""
    for _ in range(6):
        sale = Placement(f"00000000-{uuid.uuid4().hex[:4]}-4000-8000-000000000000", [RequestedLine("coffee", 1)])
        sale.source = TicketSource.COUNTER
        await books.sell("bar", sale)
    report = await books.audit(slice_size=2)

    assert report.is_right
    assert (report.orders, report.counter_sales) == (3, 6)
