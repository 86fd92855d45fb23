"""The audit of a client's log: what was acknowledged has to be so in the journal."""

import uuid

import pytest

from departments import transactions
from departments.domain.tickets import Decision, Verb
from gateway.domain.lines import Outcome
from gateway.domain.order import Policy
from infra.errors import StartError
from ops.audit.rules import Column
from tests.ops.books import Books, counts, record


async def test_what_the_staff_cancelled_makes_no_order_half(books: Books) -> None:
    """Also where the gateway has met with the cancelled ticket, as it delivered a decision once more."""
    order = await books.place(policy=Policy.ALL_OR_NOTHING)
    books.log(record(order))
    await books.step("bar", order, Verb.CANCEL)
    order.lines[0].outcome = Outcome.CANCELLED
    await books.journal.update(order)

    assert counts(await books.audit(with_log=True)) == {}


async def test_an_acknowledged_line_that_nobody_cancelled_and_is_cancelled_is_lost(books: Books) -> None:
    order = await books.place()
    books.log(record(order))
    await books.step("kitchen", order, Verb.CANCEL)
    for line in order.lines:
        line.outcome = Outcome.CANCELLED
    await books.journal.update(order)
    await books.departments["bar"].write(transactions.cancel, [Decision(order.order_id)], 1000)

    report = await books.audit(with_log=True)
    assert counts(report) == {Column.LOST: 1}
    assert [finding.reason for finding in report.findings[Column.LOST]] == [
        "line 0 was acknowledged as accepted, and is cancelled"
    ]


async def test_what_was_acknowledged_is_compared_with_the_journal(books: Books) -> None:
    order = await books.place()
    books.log(record(order), record(order), {"order_id": order.order_id, "cancel": True})
    report = await books.audit(with_log=True)

    assert counts(report) == {}
    assert report.acknowledged == 1


async def test_an_acknowledged_order_that_is_not_in_the_journal_is_lost(books: Books) -> None:
    order = await books.place()
    books.log(record(order) | {"order_id": str(uuid.uuid4())})

    assert counts(await books.audit(with_log=True)) == {Column.LOST: 1}


async def test_an_acknowledged_line_that_is_not_accepted_any_more_is_lost(books: Books) -> None:
    order = await books.place()
    books.log(record(order))
    await books.cancel(order)

    assert counts(await books.audit(with_log=True)) == {Column.LOST: 1}


async def test_an_acknowledged_order_that_its_client_cancels_is_not_lost(books: Books) -> None:
    order = await books.place()
    books.log(record(order), {"order_id": order.order_id, "cancel": True})
    await books.cancel(order)

    assert counts(await books.audit(with_log=True)) == {}


async def test_a_refused_line_that_is_made_after_all_is_doubled(books: Books) -> None:
    order = await books.place()
    books.log(record(order, status="refused", lines=[{"outcome": "out_of_stock"}] * 2))

    assert counts(await books.audit(with_log=True)) == {Column.DOUBLED: 1}


async def test_other_lines_than_were_acknowledged_are_lost(books: Books) -> None:
    order = await books.place()
    books.log(record(order, lines=[{"outcome": "accepted"}]))

    assert counts(await books.audit(with_log=True)) == {Column.LOST: 1}


async def test_a_record_that_is_cut_off_is_ignored(books: Books) -> None:
    order = await books.place()
    books.log(record(order))
    with books.client_log.open("a") as file:
        file.write('{"order_id": "')

    assert (await books.audit(with_log=True)).acknowledged == 1


@pytest.mark.parametrize("text", ["no JSON", '{"order_id": ""}', '{"answer": null}'])
async def test_a_client_log_of_another_format_is_refused_with_the_line_number(books: Books, text: str) -> None:
    books.client_log.write_text(f'{{"order_id": "a"}}\n{text}\n')

    with pytest.raises(StartError, match=r"client\.jsonl, line 2: "):
        await books.audit(with_log=True)


async def test_a_missing_client_log_is_refused(books: Books) -> None:
    with pytest.raises(StartError, match=r"client\.jsonl cannot be read: No such file"):
        await books.audit(with_log=True)
