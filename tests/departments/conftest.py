"""A department on a database of each kind."""

from collections.abc import AsyncIterator

import pytest_asyncio

from tests.departments.department_database import DepartmentDatabase


@pytest_asyncio.fixture
async def department(database_url: str) -> AsyncIterator[DepartmentDatabase]:
    department = await DepartmentDatabase.open(database_url)
    yield department
    await department.check_the_law()
    department.database.close()
