"""A house that is fuzzed."""

from collections.abc import Iterator

import pytest

from tests.e2e.books import Store
from tests.e2e.harness import House, Houses
from tests.fuzz.menus import MENUS


@pytest.fixture(scope="package")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    houses = Houses(tmp_path_factory.mktemp("houses"), Store)
    try:
        yield houses.open(MENUS)
    finally:
        houses.close()
