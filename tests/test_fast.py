"""Which functions `just test-fast` takes for ones that start a process."""

import asyncio
import subprocess
import sys

import pytest

from tests.support.fast import starts_processes
from tests.support.orders import order
from tests.support.postgresql_cluster import running_cluster
from tests.support.systems import Systems


def runs() -> None:
    subprocess.run([sys.executable, "-c", ""], check=True)


async def runs_beside() -> None:
    await asyncio.create_subprocess_exec(sys.executable, "-c", "")


def runs_within() -> None:
    def inner() -> None:
        runs()

    inner()


class Runner:
    def run(self) -> None:
        runs_within()


def uses_a_runner() -> None:
    Runner().run()


@pytest.mark.parametrize("function", [runs, runs_beside, runs_within, uses_a_runner, running_cluster, Systems])
def test_what_starts_a_process_is_found(function: object) -> None:
    assert starts_processes(function)


@pytest.mark.parametrize("function", [order, test_what_starts_a_process_is_found])
def test_what_starts_none_is_fast(function: object) -> None:
    assert not starts_processes(function)
