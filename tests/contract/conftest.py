"""A bar, as the gateway's client meets it."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.contract.floors import Floor, open_floor


@pytest.fixture
async def bar(tmp_path: Path) -> AsyncIterator[Floor]:
    """A real bar, with the stock of its menu file."""
    async with open_floor("bar", tmp_path) as floor:
        yield floor


@pytest.fixture
async def full_bar(tmp_path: Path) -> AsyncIterator[Floor]:
    """A real bar, with plenty of everything."""
    async with open_floor("bar", tmp_path, stock=100_000) as floor:
        yield floor
