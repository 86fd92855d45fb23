"""A restaurant for the tests of the gateway."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.gateway.fakes import Restaurant


@pytest.fixture
async def restaurant(tmp_path: Path) -> AsyncIterator[Restaurant]:
    """An open restaurant with three departments, on SQLite."""
    restaurant = Restaurant(f"sqlite:///{tmp_path}/gateway.db")
    await restaurant.open()
    yield restaurant
    restaurant.database.is_broken = False
    restaurant.database.way.set()
    for department in restaurant.departments.values():
        department.ears.set()
        department.mouth.set()
    await restaurant.close()
