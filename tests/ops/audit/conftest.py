"""Databases for the audit, of both kinds."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway.domain.order import Policy
from tests.ops.books import STOCK, Books
from tests.support.postgresql import new_postgresql_database


@pytest.fixture(params=["sqlite", "postgresql"])
def empty_books(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Books]:
    server = request.getfixturevalue("postgresql") if request.param == "postgresql" else None
    books = Books(tmp_path, new_postgresql_database(server) if server else None)
    yield books
    books.close()


@pytest.fixture
async def books(empty_books: Books) -> Books:
    """Open databases with one order of each kind."""
    await empty_books.open()
    await empty_books.place()
    await empty_books.place(policy=Policy.ALL_OR_NOTHING)
    await empty_books.place(policy=Policy.ALL_OR_NOTHING, coffees=STOCK)  # refused
    return empty_books
