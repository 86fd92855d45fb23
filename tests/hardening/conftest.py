"""A department and a gateway that are attacked, as real processes."""

from collections.abc import Iterator

import pytest

from tests.support.database_contents import Store
from tests.support.processes import Program
from tests.support.systems import System, Systems

MENUS = {"bar": {"coffee": 1_000_000, "soda": 5}, "kitchen": {"pizza": 1_000_000}}
RECEIVE_SECONDS = 1.5
PING_TIMEOUT = 1.8  # in place of 20 s: a peer that is gone is found within 3


@pytest.fixture(scope="package")
def systems(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Systems]:
    systems = Systems(tmp_path_factory.mktemp("systems"), Store)
    yield systems
    systems.close()


@pytest.fixture(scope="package")
def system(systems: Systems) -> System:
    return systems.open(MENUS, RECEIVE_SECONDS=RECEIVE_SECONDS, PING_TIMEOUT=PING_TIMEOUT)


@pytest.fixture
def bar(system: System) -> Iterator[Program]:
    """The bar; whatever a test did to it, the same process lives when it is over."""
    pid = system["bar"].pid
    yield system["bar"]
    assert system["bar"].is_running
    assert system["bar"].pid == pid


@pytest.fixture
def gateway(system: System) -> Iterator[Program]:
    """The gateway, likewise."""
    pid = system.gateway.pid
    yield system.gateway
    assert system.gateway.is_running
    assert system.gateway.pid == pid
