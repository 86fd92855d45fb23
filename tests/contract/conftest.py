"""A bar, as the gateway's client meets it."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.contract.department_programs import DepartmentProgram, open_program


@pytest.fixture
async def bar(tmp_path: Path) -> AsyncIterator[DepartmentProgram]:
    """A real bar, with the stock of its menu file."""
    async with open_program("bar", tmp_path) as program:
        yield program


@pytest.fixture
async def full_bar(tmp_path: Path) -> AsyncIterator[DepartmentProgram]:
    """A real bar, with plenty of everything."""
    async with open_program("bar", tmp_path, stock=100_000) as program:
        yield program
