"""A department and a gateway that are attacked, as real processes."""

from collections.abc import Generator, Iterator

import pytest

from tests.e2e.books import Store
from tests.e2e.harness import House, Houses, Program

MENUS = {"bar": {"coffee": 1_000_000, "soda": 5}, "kitchen": {"pizza": 1_000_000}}
RECEIVE_SECONDS = 1.5
PING_TIMEOUT = 1.8  # in place of 20 s: a peer that is gone is found within 3


@pytest.fixture(scope="package")
def houses(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Houses]:
    houses = Houses(tmp_path_factory.mktemp("houses"), Store)
    yield houses
    houses.close()


@pytest.fixture(scope="package")
def house(houses: Houses) -> House:
    return houses.open(MENUS, RECEIVE_SECONDS=RECEIVE_SECONDS, PING_TIMEOUT=PING_TIMEOUT)


@pytest.fixture
def bar(house: House) -> Iterator[Program]:
    """The bar; whatever a test did to it, the same process lives when it is over."""
    pid = house["bar"].pid
    yield house["bar"]
    assert house["bar"].is_running
    assert house["bar"].pid == pid


@pytest.fixture
def gateway(house: House) -> Iterator[Program]:
    """The gateway, likewise."""
    pid = house.gateway.pid
    yield house.gateway
    assert house.gateway.is_running
    assert house.gateway.pid == pid


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Show the programs' logs below a failure."""
    report = yield
    if report.failed and isinstance(item, pytest.Function):
        for value in item.funcargs.values():
            if isinstance(value, Houses):
                report.sections += list(value.logs())
    return report
