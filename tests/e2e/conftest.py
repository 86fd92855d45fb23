"""Systems of real processes, on each kind of database in turn."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.database_contents import Store
from tests.support.postgresql import new_postgresql_database
from tests.support.systems import Systems


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def systems(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Systems]:
    """Open systems on one kind of database; they close with the last test of the module that uses it."""
    server = request.getfixturevalue("postgresql") if request.param == "postgresql" else None

    def new_store(home: Path) -> Store:
        return Store(home, new_postgresql_database(server) if server else None)

    systems = Systems(tmp_path_factory.mktemp(f"systems-{request.param}"), new_store)
    yield systems
    systems.close()
