"""A restaurant for the tests of the gateway, with and without its REST face."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from tests.support.order_path import Restaurant
from tests.support.rest_app import Served, serve


@pytest.fixture
async def restaurant(tmp_path: Path) -> AsyncIterator[Restaurant]:
    """An open restaurant with three departments, on SQLite."""
    restaurant = Restaurant(f"sqlite:///{tmp_path}/gateway.db")
    await restaurant.open()
    yield restaurant
    restaurant.repair()
    await restaurant.close()


@pytest.fixture
async def served(tmp_path: Path) -> AsyncIterator[Served]:
    """A restaurant that takes orders over HTTP, on SQLite."""
    async with serve(f"sqlite:///{tmp_path}/gateway.db") as served:
        yield served


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def shared(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Served]:
    """One such restaurant for all tests of a module, which must not notice each other."""
    async with serve(f"sqlite:///{tmp_path_factory.mktemp('gateway')}/gateway.db") as served:
        yield served


@pytest.fixture
async def served_on_any(database_url: str) -> AsyncIterator[Served]:
    """The same on SQLite and on PostgreSQL."""
    async with serve(database_url) as served:
        yield served
