"""Between the write of a batch and its acknowledgement there is an fsync: shown by the system calls themselves."""

import shutil
from pathlib import Path

import pytest

from tests.simulation.durability import faults_of_calls, faults_of_pragmas, trace


@pytest.fixture(autouse=True)
def _strace() -> None:
    assert shutil.which("strace"), "these tests watch system calls: apt-get install strace"


def test_the_writing_connection_has_the_pragmas_that_durability_needs() -> None:
    assert faults_of_pragmas() == []


@pytest.mark.parametrize("program", ["department", "gateway"])
def test_no_batch_is_acknowledged_before_an_fsync_of_what_was_written(tmp_path: Path, program: str) -> None:
    assert faults_of_calls(trace(tmp_path, program)) == []


@pytest.mark.parametrize("program", ["department", "gateway"])
def test_the_calls_show_a_database_that_does_not_wait_for_the_disk(tmp_path: Path, program: str) -> None:
    faults = faults_of_calls(trace(tmp_path, program, "synchronous-normal"))
    assert any("before an fsync" in fault for fault in faults)
