"""The audit beside archiving: an order that is archived while it is read is right."""

from collections.abc import Awaitable, Callable
from typing import Any, cast

from departments import slices as ticket_slices
from gateway.orders import slices as order_slices
from infra.db.database import Database
from ops.audit.auditor import Auditor
from ops.audit.report import Report
from tests.ops.books import Books


class Meanwhile:
    """A database with which something happens right after a script has read it."""

    def __init__(self, database: Database, script: object, then: Callable[[], Awaitable[None]]) -> None:
        self._database = database
        self._script = script
        self._then = then

    def __getattr__(self, name: str) -> Any:
        return getattr(self._database, name)

    async def read(self, script: Any, *arguments: Any) -> Any:
        result = await self._database.read(script, *arguments)
        if script is self._script:
            await self._then()
        return result


async def archive_order(books: Books, order_id: str) -> None:
    await books.falsify("gateway", f"INSERT INTO archived_orders VALUES ('main', '{order_id}')")
    await books.falsify("gateway", f"DELETE FROM orders WHERE order_id = '{order_id}'")


async def archive_ticket(books: Books, order_id: str) -> None:
    await books.falsify("kitchen", f"INSERT INTO archived_tickets VALUES ('main', '{order_id}')")
    await books.falsify("kitchen", f"DELETE FROM tickets WHERE order_id = '{order_id}'")
    await books.falsify("kitchen", "INSERT INTO archived_stock VALUES ('main', 'pizza', 1, 0)")


async def audit(books: Books, name: str, script: object, then: Callable[[], Awaitable[None]]) -> Report:
    databases = {"gateway": books.journal_database, **books.departments}
    databases[name] = cast("Database", Meanwhile(databases[name], script, then))
    return await Auditor(databases.pop("gateway"), databases, pause=0.05).audit()


async def test_an_order_that_is_archived_after_it_was_read_is_not_there_again(books: Books) -> None:
    order = await books.place()
    report = await audit(books, "gateway", order_slices.orders_between, lambda: archive_order(books, order.order_id))

    assert report.is_right


async def test_a_ticket_that_is_archived_with_its_order_after_it_was_read_is_not_there_again(books: Books) -> None:
    order = await books.place()

    async def archive() -> None:
        await archive_order(books, order.order_id)
        await archive_ticket(books, order.order_id)

    assert (await audit(books, "kitchen", ticket_slices.tickets_between, archive)).is_right
