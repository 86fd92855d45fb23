"""Programs that tests fork rather than start: they are what a start would have made of them."""

import os
import signal
import sqlite3
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path
from typing import IO

import pytest

from tests.support.forked import Forked, can_be_forked
from tests.support.processes import Program, environment, free_ports, run, start_and_wait
from tests.support.waiting import STOP_SECONDS, wait_for

BAR = ["-m", "departments", "bar"]


@contextmanager
def forked(arguments: list[str], variables: Mapping[str, str]) -> Iterator[tuple[Forked, IO[bytes]]]:
    reading, writing = os.pipe()
    process = Forked(arguments, variables, writing, writing)
    os.close(writing)
    with os.fdopen(reading, "rb") as output:
        yield process, output


@pytest.fixture
def variables(tmp_path: Path) -> dict[str, str]:
    return environment(HOME=tmp_path, PORT=0)


def test_its_arguments_and_settings_are_its_own(tmp_path: Path, variables: dict[str, str]) -> None:
    for name in ("bar", "kitchen"):
        with forked(["-m", "departments", name, "--migrate"], variables) as (process, _):
            assert process.wait(STOP_SECONDS) == 0
    assert {path.name for path in tmp_path.glob("*.db")} == {"bar.db", "kitchen.db"}
    with closing(sqlite3.connect(tmp_path / "bar.db")) as database:
        assert database.execute("SELECT count(*) FROM tickets").fetchone() == (0,)


def test_its_exit_code_and_what_it_wrote_are_known(variables: dict[str, str]) -> None:
    with forked(["-m", "gateway"], variables | {"COMANDA_PORT": "high"}) as (process, output):
        assert process.wait(STOP_SECONDS) == process.poll() == 2
        assert b"COMANDA_PORT='high' is not allowed" in output.read()


def test_a_signal_that_ended_it_is_its_exit_code(variables: dict[str, str]) -> None:
    with forked(BAR, variables) as (process, output):
        assert b" open " in output.readline()
        assert process.poll() is None
        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(0.01)
        process.send_signal(signal.SIGKILL)
        assert process.wait(STOP_SECONDS) == -signal.SIGKILL
        process.send_signal(signal.SIGTERM)  # nobody is there, and nobody else gets it


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_it_takes_signals_as_a_program_that_was_started(number: signal.Signals, variables: dict[str, str]) -> None:
    with forked(BAR, variables) as (process, output):
        assert b" open " in output.readline()
        process.send_signal(number)
        assert process.wait(STOP_SECONDS) == 0
        assert b"Traceback" not in output.read()


def test_a_program_is_a_process_that_serves_and_can_be_started_again(tmp_path: Path) -> None:
    (port,) = free_ports(1)
    program = Program("bar", BAR, environment(HOME=tmp_path, BAR_PORT=port), port, tmp_path)
    try:
        program.restart()
        first = program.pid
        program.kill()
        program.restart()
        assert os.getpgid(program.pid) == os.getpgid(0)
        assert program.pid != first
        assert program.terminate() == 0
    finally:
        program.close()
    wait_for(lambda: program.output.count(" open ") == 2, "both have written")


@pytest.mark.parametrize("arguments", [["-m", "ops", "sell"], ["-m", "gateway", "--nothing"]])
def test_a_run_is_the_same_forked_and_started(arguments: list[str], variables: dict[str, str]) -> None:
    forked = run(arguments, variables)
    assert forked.code == 2
    assert forked == start_and_wait(arguments, variables)


@pytest.mark.parametrize("name", ["LD_PRELOAD", "PYTHONHASHSEED", "TZ"])
def test_what_a_process_reads_when_it_starts_cannot_be_given_to_a_fork(name: str, variables: dict[str, str]) -> None:
    assert can_be_forked(BAR, variables) == ("COVERAGE_PROCESS_CONFIG" not in os.environ)
    assert not can_be_forked(BAR, variables | {name: "1"})


@pytest.mark.parametrize("arguments", [["-c", "pass"], ["-m", "bench"], ["-m"]])
def test_only_programs_and_commands_are_forked(arguments: list[str], variables: dict[str, str]) -> None:
    assert not can_be_forked(arguments, variables)
