"""A pytest plugin that shows, below a failed test, what the programs of its fixtures have written last."""

from collections.abc import Generator, Iterable
from typing import Protocol, runtime_checkable

import pytest


@runtime_checkable
class HasProgramLogs(Protocol):
    """The value of a fixture that runs programs."""

    def program_logs(self) -> Iterable[tuple[str, str]]:
        """Return (title, text) of what each program has written last."""


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Add a section for each program to the report of a failure."""
    report = yield
    if report.failed and isinstance(item, pytest.Function):
        report.sections += sections(item.funcargs.values())
    return report


def sections(values: Iterable[object]) -> list[tuple[str, str]]:
    """Return the sections of all values that have programs' logs."""
    return [section for value in values if isinstance(value, HasProgramLogs) for section in value.program_logs()]
