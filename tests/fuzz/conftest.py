"""A system that is fuzzed."""

from collections.abc import Iterator

import pytest

from tests.e2e.books import Store
from tests.e2e.harness import System, Systems
from tests.fuzz.menus import MENUS


@pytest.fixture(scope="package")
def system(tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    systems = Systems(tmp_path_factory.mktemp("systems"), Store)
    try:
        yield systems.open(MENUS)
    finally:
        systems.close()
