"""Databases with a table of notes."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from infra.db.database import Database
from tests.infra.db.notes import prepared
from tests.support.postgresql import new_postgresql_database


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    """A database of each kind in turn."""
    database = prepared(database_url)
    yield database
    database.close()


@pytest.fixture
def postgresql_database(postgresql: str) -> Iterator[Database]:
    """A database on PostgreSQL."""
    database = prepared(new_postgresql_database(postgresql))
    yield database
    database.close()


@pytest.fixture
def sqlite_database(tmp_path: Path) -> Iterator[Database]:
    """A database on SQLite."""
    database = prepared(f"sqlite:///{tmp_path}/notes.db")
    yield database
    database.close()
