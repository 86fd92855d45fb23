"""A restore gives every department's database a new incarnation, so that readers of its tickets begin again."""

import asyncio
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from departments import transactions
from departments.domain.positions import Position, TicketPage
from infra.errors import DatabaseError
from ops.renew import renew_copy
from tests.ops.books import MENUS, STOCK, Books
from tests.support.postgresql import new_postgresql_database
from tests.support.processes import Finished, environment, run
from tests.support.systems import write_menu


@pytest.fixture
def place_on_sqlite(tmp_path: Path) -> Iterator[tuple[Books, Mapping[str, str]]]:
    """Open empty databases, with the variables by which a command finds them."""
    yield from open_place(tmp_path, None)


@pytest.fixture(params=["sqlite", "postgresql"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[Books, Mapping[str, str]]]:
    """The same, on a database of each kind."""
    server = request.getfixturevalue("postgresql") if request.param == "postgresql" else None
    yield from open_place(tmp_path, new_postgresql_database(server) if server else None)


def open_place(tmp_path: Path, url: str | None) -> Iterator[tuple[Books, Mapping[str, str]]]:
    for name, menu in MENUS.items():
        write_menu(tmp_path / "menus", name, dict.fromkeys(menu.items, STOCK))
    books = Books(tmp_path, url)
    yield books, environment(HOME=tmp_path, MENUS=tmp_path / "menus", DATABASE_URL=url or "")
    books.close()


async def positions(books: Books) -> dict[str, Position]:
    """Where somebody stands who has read all tickets."""
    pages = {name: await page(books, name, Position()) for name in MENUS}
    return {name: Position(page.revision, page.incarnation) for name, page in pages.items()}


async def page(books: Books, name: str, position: Position) -> TicketPage:
    return await books.departments[name].read(transactions.changes, position, (), 100)


def reopened(books: Books) -> Books:
    return Books(books.home, books.postgresql)


async def command(variables: Mapping[str, str], *arguments: str) -> Finished:
    return await asyncio.to_thread(run, ["-m", "ops", *arguments], variables)


async def test_a_restore_renews_every_incarnation_and_nothing_else(
    place_on_sqlite: tuple[Books, Mapping[str, str]], tmp_path: Path
) -> None:
    books, variables = place_on_sqlite
    await books.open()
    order = await books.place()
    before = await positions(books)
    assert (await command(variables, "backup", str(tmp_path / "copies"))).code == 0
    books.close()
    done = await command(variables, "restore", str(tmp_path / "copies"))
    assert (done.code, done.stderr) == (0, "")
    after = reopened(books)
    for name, position in before.items():
        seen = await page(after, name, position)
        assert (seen.reset, [ticket.order_id for ticket in seen.tickets]) == (True, [order.order_id])
        assert seen.revision == position.after
    assert (await after.audit()).is_right
    after.close()


async def test_a_command_renews_every_incarnation(place: tuple[Books, Mapping[str, str]]) -> None:
    books, variables = place
    await books.open()
    before = await positions(books)
    books.close()
    done = await command(variables, "renew")
    assert (done.code, done.stderr, len(done.stdout.splitlines())) == (0, "", len(MENUS))
    after = reopened(books)
    for name, position in before.items():
        assert (await page(after, name, position)).reset
    after.close()


async def test_a_copy_that_is_no_department_is_refused_with_its_path(tmp_path: Path) -> None:
    copy = tmp_path / "bar.db"
    copy.touch()
    with pytest.raises(DatabaseError, match=f"^{copy} cannot be changed: no such table: department$"):
        renew_copy("bar", copy)
    renew_copy("gateway", copy)
