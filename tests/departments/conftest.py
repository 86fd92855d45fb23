"""A desk on a database of each kind."""

from collections.abc import AsyncIterator

import pytest_asyncio

from tests.departments.desks import Desk


@pytest_asyncio.fixture
async def desk(database_url: str) -> AsyncIterator[Desk]:
    desk = await Desk.open(database_url)
    yield desk
    await desk.check_the_law()
    desk.database.close()
