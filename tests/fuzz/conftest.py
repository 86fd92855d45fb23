"""A system that is fuzzed."""

from collections.abc import Iterator

import pytest

from tests.fuzz.menus import MENUS
from tests.support.database_contents import Store
from tests.support.systems import System, Systems


@pytest.fixture(scope="package")
def systems(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Systems]:
    systems = Systems(tmp_path_factory.mktemp("systems"), Store)
    yield systems
    systems.close()


@pytest.fixture(scope="package")
def closed(systems: Systems) -> System:
    """A system that turns guests away."""
    return systems.open(MENUS, GATEWAY_GUESTS="closed")


@pytest.fixture(scope="package")
def system(systems: Systems) -> System:
    return systems.open(MENUS)
