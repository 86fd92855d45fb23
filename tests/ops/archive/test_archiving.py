"""Archiving: what goes, what stays, what is refused from then on, and what the audit and the reports say."""

import asyncio
import json
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import uuid_utils

from departments import archiving as ticket_archiving
from departments import stock_audit, tables, transactions
from departments.archiving import Sums
from departments.domain.errors import OrderArchived as ArchivedAtDepartment
from departments.domain.placing import Placement, RequestedLine
from departments.domain.tickets import Decision, Ticket, TicketState, Verb
from gateway.domain.errors import OrderArchived, OrderNotFound
from gateway.domain.lines import Line
from gateway.domain.order import Order, Policy
from gateway.domain.tickets import Position
from gateway.orders.ticket_states import Page
from infra.db.database import Database
from infra.errors import DatabaseError, StartError
from ops.archive.files import SUFFIX, Header, Record, key_of, read_archive
from ops.audit.rules import Column, Finding
from tests.ops.archive.served import Served, archive_with_crashes
from tests.ops.audit.test_following import live
from tests.ops.books import MENUS, counts, record
from tests.support.orders import EUR


def again(order: Order) -> Order:
    """The order as its client sends it once more."""
    lines = [Line(line.department, line.item, line.quantity) for line in order.lines]
    return Order.new(order.order_id, order.policy, order.table, EUR, lines, 5000)


async def test_what_is_finished_goes_and_what_is_open_stays(served: Served) -> None:
    archived = await served.archive()
    stored = await served.stored()

    assert stored["gateway"] == {served.open_order.order_id, served.newest.order_id}
    assert stored["bar"] == {served.open_order.order_id, served.newest.order_id}
    assert (archived.orders, archived.files) == (7, 3)
    assert served.archived()["gateway"] == {order.order_id for order in served.placed}
    assert (await served.audit()).is_right


async def test_what_was_cancelled_of_an_order_is_in_the_files_and_its_waste_in_the_sums(served: Served) -> None:
    part = served.placed[-1]
    await served.archive()
    records: dict[str, Record] = {}
    for path in served.folder.glob(f"*{SUFFIX}"):
        header, found = read_archive(path)
        records |= {f"{header.source} {key_of(header, each)[2]}": each for each in found}
    ticket = records[f"bar {part.order_id}"]
    assert json.loads(ticket["ticket"]["cancelled_lines"]) == [
        {"line": 0, "reason": "no milk", "wasted": False},
        {"line": 2, "reason": "it fell down", "wasted": True},
    ]
    assert [step["line"] for step in ticket["steps"]] == [0, None, 2, None, None]
    (state,) = [each for each in records[f"gateway {part.order_id}"]["tickets"] if each["department"] == "bar"]
    assert json.loads(state["cancelled_lines"]) == {"0": "no milk", "2": "it fell down"}
    stock = await served.departments["bar"].read(stock_audit.stock_by_tickets)
    assert (stock.wasted["coffee"], stock.stock["coffee"].wasted) == (1, 1)


async def test_the_newest_order_stays_so_that_its_place_is_not_given_again(served: Served) -> None:
    await served.archive()
    await served.archive()

    assert served.newest.order_id in (await served.stored())["gateway"]


async def test_an_archived_order_is_never_placed_again(served: Served) -> None:
    await served.archive()
    gone, fresh = served.placed[0], str(uuid_utils.uuid7())
    with pytest.raises(OrderArchived):
        await served.journal.insert(again(gone))
    lines = [RequestedLine("coffee", 1)]
    placements = [Placement(gone.order_id, lines), Placement(fresh, lines)]
    refused, placed = await served.departments["bar"].write(transactions.place, MENUS["bar"], placements, 5000)

    assert isinstance(refused, ArchivedAtDepartment)
    assert isinstance(placed, Ticket)
    assert gone.order_id not in (await served.stored())["gateway"] | (await served.stored())["bar"]


async def test_an_order_beside_an_archived_one_in_a_batch_is_placed(served: Served) -> None:
    await served.archive()
    fresh = Order.new(str(uuid_utils.uuid7()), Policy.BEST_EFFORT, None, EUR, [Line("bar", "coffee")], 5000)
    results = await asyncio.gather(
        served.journal.insert(again(served.placed[0])), served.journal.insert(fresh), return_exceptions=True
    )

    assert [type(result) for result in results] == [OrderArchived, type(None)]
    assert await served.journal.find(fresh.order_id) == fresh


async def test_a_late_cancel_of_an_archived_ticket_changes_no_stock(served: Served) -> None:
    await served.archive()
    await served.departments["bar"].write(transactions.cancel, [Decision(served.placed[0].order_id)], 5000)

    assert (await served.audit()).is_right


async def test_an_order_that_is_asked_for_is_archived_or_unknown(served: Served) -> None:
    await served.archive()

    assert isinstance(await served.journal.missing(served.placed[0].order_id), OrderArchived)
    assert isinstance(await served.journal.missing(str(uuid_utils.uuid7())), OrderNotFound)


async def test_reports_go_on_over_archived_orders(served: Served) -> None:
    reports = served.journal.reports

    async def all_reports() -> list[object]:
        sold, _ = await reports.sold(None, None)
        sums: dict[tuple[object, ...], tuple[int, int]] = {}
        for each in sold:
            quantity, total = sums.get(each[:4], (0, 0))
            sums[each[:4]] = quantity + each.quantity, total + each.total
        counted, _ = await reports.counts(None, None)
        prepared, _ = await reports.prepared(None, None)
        measured, _ = await reports.measured(None, None)
        return [sums, counted, sorted((name, *items) for name, items, _ in prepared), len(measured)]

    before = await all_reports()
    await served.archive()

    assert await all_reports() == before


async def test_what_the_staff_do_with_a_ticket_whose_order_was_archived_is_not_kept(served: Served) -> None:
    """A department that was restored sends a snapshot of tickets that it had archived."""
    gone, database = served.placed[0], served.departments["bar"]
    incarnation, revision = "restored", (await database.read(tables.position))[0]
    ticket = (await database.read(tables.read_tickets, [gone.order_id]))[gone.order_id]
    assert isinstance(ticket, Ticket)
    ticket.state, ticket.cancelled_at_ms = TicketState.CANCELLED, ticket.moved_at_ms
    await served.archive()
    page = Page("bar", incarnation, [live("bar", ticket)], Position(incarnation, revision), is_snapshot=True)

    assert await served.journal.write_followed(page) == set()
    assert await served.journal.tickets([gone.order_id]) == {}


async def test_an_order_that_its_client_touched_meanwhile_stays(served: Served) -> None:
    """It is read, written into a file, and then found changed."""

    class Touching:
        """A database whose orders and tickets change before anything is removed."""

        def __init__(self, database: Database) -> None:
            self._database = database

        def __getattr__(self, name: str) -> Any:
            return getattr(self._database, name)

        async def write(self, *arguments: Any) -> Any:
            table = "orders" if self._database is served.journal_database else "tickets"
            await served.falsify(self._database.schema, f"UPDATE {table} SET epoch = epoch + 1")
            return await self._database.write(*arguments)

    before = await served.stored()
    archived = await served.archiver(wrap=Touching).archive()

    assert (archived.orders, archived.tickets) == (0, 0)
    assert await served.stored() == before


async def test_a_clients_log_is_compared_with_what_was_archived(served: Served) -> None:
    served.log(record(served.placed[0]))
    await served.archive()

    assert counts(await served.audit(with_log=True)).keys() <= {Column.UNDECIDED}


async def test_a_restored_journal_or_department_is_archived_once_more(served: Served) -> None:
    """What was archived in one database is back in the other one."""
    await served.archive()
    gone = served.placed[0]
    await served.falsify("gateway", f"DELETE FROM archived_orders WHERE order_id = '{gone.order_id}'")
    await served.journal.insert(gone)
    await served.journal.update(gone)

    assert (await served.audit()).is_right


@pytest.mark.parametrize("seed", range(3))
async def test_a_crash_at_any_moment_loses_nothing(served: Served, seed: int) -> None:
    everything = await served.everything()
    deaths = await archive_with_crashes(served, seed)

    assert deaths > 0
    assert await served.everything() == everything
    assert (await served.stored())["gateway"] == {served.open_order.order_id, served.newest.order_id}
    assert (await served.audit()).is_right


@pytest.mark.parametrize("failing", ["gateway", "kitchen"])
async def test_a_database_that_fails_is_named(served: Served, failing: str) -> None:
    class Failing:
        """A database of which no page can be read."""

        def __init__(self, database: Database) -> None:
            self._database = database

        def __getattr__(self, name: str) -> Any:
            return getattr(self._database, name)

        async def read(self, *arguments: Any) -> Any:
            if self._database.schema == failing:
                raise DatabaseError("disk I/O error")
            return await self._database.read(*arguments)

        def __str__(self) -> str:
            return "some:url"

    with pytest.raises(StartError, match=f"^some:url, {failing}, cannot be used: disk I/O error$"):
        await served.archiver(wrap=Failing).archive()
    assert (await served.audit()).is_right


async def test_a_removal_before_the_archive_is_on_disk_is_found(served: Served) -> None:
    """A planted bug: the file is written after the rows are removed."""
    later: list[tuple[Path, Header, Sequence[Record]]] = []

    def write_later(folder: Path, header: Header, records: Sequence[Record]) -> Path:
        later.append((folder, header, records))
        return folder

    with pytest.raises(AssertionError, match="what was removed is in no archive"):
        await archive_with_crashes(served, 0, write_later)


async def test_an_archive_that_forgets_the_sums_is_found(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    """A planted bug: tickets go, and what they took from the stock is not kept."""
    monkeypatch.setattr(ticket_archiving, "sums_of", lambda closed: Sums(Counter(), Counter()))
    await served.archive()

    assert counts(await served.audit()).keys() >= {Column.STOCK_LAW}


async def test_a_ticket_that_is_recalled_meanwhile_stays(served: Served) -> None:
    await served.step("bar", served.placed[0], Verb.RECALL, TicketState.SERVED)
    await served.archive()

    assert served.placed[0].order_id in (await served.stored())["bar"]
    assert (await served.audit()).is_right


async def test_a_department_that_forgets_what_it_archived_is_found(
    served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A planted bug: an order that was archived is placed again."""
    await served.archive()
    original = tables.open_batch
    monkeypatch.setattr(tables, "open_batch", lambda *arguments: (*original(*arguments)[:3], set()))
    again = Placement(served.placed[0].order_id, [RequestedLine("coffee", 1)])
    await served.departments["bar"].write(transactions.place, MENUS["bar"], [again], 5000)
    report = await served.audit()

    assert counts(report).keys() >= {Column.DOUBLED}
    reason = "bar has a ticket, queued, again that was archived"
    assert report.findings[Column.DOUBLED] == [Finding(Column.DOUBLED, served.placed[0].order_id, reason)]


async def test_a_journal_that_forgets_what_it_archived_is_found(served: Served) -> None:
    """What a planted bug would leave: the id is kept, and the order is placed again."""
    gone = served.placed[0]
    await served.archive()
    await served.falsify("gateway", "CREATE TABLE kept AS SELECT * FROM archived_orders")
    await served.falsify("gateway", "DELETE FROM archived_orders")
    await served.journal.insert(again(gone))
    await served.falsify("gateway", "INSERT INTO archived_orders SELECT * FROM kept")

    assert gone.order_id in {finding.subject for finding in (await served.audit()).findings[Column.DOUBLED]}


async def test_a_department_that_is_restored_has_tickets_of_archived_orders(served: Served) -> None:
    """Its copy is from before: it has the ticket, and has archived nothing."""
    before = await served.stored()
    await served.archive()
    await served.falsify("bar", "DELETE FROM archived_tickets")
    await served.falsify("bar", "UPDATE department SET archived = 0")
    back = Placement(served.placed[0].order_id, [RequestedLine("coffee", 1)])
    await served.departments["bar"].write(transactions.place, MENUS["bar"], [back], 5000)

    assert served.placed[0].order_id in before["bar"] & (await served.stored())["bar"]
    assert (await served.audit()).is_right
