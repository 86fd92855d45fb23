"""Databases for archiving, of both kinds, with orders that were served."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.ops.archive.served import Served
from tests.support.postgresql import new_postgresql_database


@pytest.fixture(params=["sqlite", "postgresql"])
def empty(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Served]:
    server = request.getfixturevalue("postgresql") if request.param == "postgresql" else None
    served = Served(tmp_path, new_postgresql_database(server) if server else None)
    yield served
    served.close()


@pytest.fixture
async def served(empty: Served) -> Served:
    """Open databases with some orders of each kind, all of them finished, and one that is still being made."""
    await empty.open()
    await empty.some_orders()
    return empty
