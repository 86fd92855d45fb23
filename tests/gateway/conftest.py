"""A restaurant for the tests of the gateway, with and without its REST face."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

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


@pytest.fixture
async def served_on_any(database_url: str) -> AsyncIterator[Served]:
    """The same on SQLite and on PostgreSQL."""
    async with serve(database_url) as served:
        yield served
