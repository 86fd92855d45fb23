"""A system that is fuzzed."""

from collections.abc import Iterator

import pytest

from tests.fuzz.menus import MENUS
from tests.support.database_contents import Store
from tests.support.systems import System, Systems


@pytest.fixture(scope="package")
def system(tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    systems = Systems(tmp_path_factory.mktemp("systems"), Store)
    try:
        yield systems.open(MENUS)
    finally:
        systems.close()
