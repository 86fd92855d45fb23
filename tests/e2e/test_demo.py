"""`python -m ops demo`, with the programs that it starts."""

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.support.processes import ROOT, accepts, environment, free_ports, processes_with
from tests.support.waiting import wait_for

READY_SECONDS = 60.0
STOP_SECONDS = 30.0
AWAY_SECONDS = 60.0

Json = dict[str, Any]


class Running:
    """A demo, in a process group of its own, as a terminal runs it."""

    def __init__(self, folder: Path, *command: str) -> None:
        self.folder = folder / "tmp"
        self.folder.mkdir()
        self.port = free_ports(1)[0]
        self.log = folder / "out"
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                [*command, "--port", str(self.port), "--speed", "8"],
                cwd=ROOT,
                env=environment() | {"TMPDIR": str(self.folder)},
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    @property
    def output(self) -> str:
        return self.log.read_text()

    def address(self) -> str:
        """Wait for the one address, and return it."""
        wait_for(lambda: "/pair/" in self.output or self.process.poll() is not None, "it is on", READY_SECONDS)
        (address,) = re.findall(r"http://\S+", self.output)
        return str(address)

    def log_of_programs(self) -> str:
        return "".join(path.read_text() for path in self.folder.glob("*/log"))

    def left(self) -> list[int]:
        return processes_with(f"COMANDA_HOME={self.folder}")

    def end(self, number: signal.Signals) -> int:
        os.killpg(self.process.pid, number)
        return self.process.wait(STOP_SECONDS)

    def close(self) -> None:
        """Leave nothing behind, whatever went wrong."""
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        wait_for(lambda: not self.left(), "all programs have ended")


@pytest.fixture
def running(tmp_path: Path) -> Iterator[Running]:
    demo = Running(tmp_path, sys.executable, "-m", "ops", "demo")
    yield demo
    demo.close()


@pytest.fixture
def by_just(tmp_path: Path) -> Iterator[Running]:
    demo = Running(tmp_path, "just", "demo")
    yield demo
    demo.close()


def test_an_evening_from_its_one_address_to_ctrl_c(running: Running) -> None:
    address = running.address()
    with httpx.Client(base_url=f"http://127.0.0.1:{running.port}", trust_env=False) as browser:
        paired = browser.post(address, headers={"sec-fetch-site": "same-origin"})
        assert paired.headers["location"] == "/demo"
        page = browser.get("/demo", headers={"accept": "text/html"})
        assert page.text.count("<iframe") >= 2

        def tickets(**query: str) -> list[Json]:
            found: list[Json] = browser.get("/tickets", params=query).raise_for_status().json()["tickets"]
            return found

        wait_for(lambda: tickets(state="served"), "something is served", READY_SECONDS)
        log = running.log_of_programs
        wait_for(lambda: "closing" in log(), "a department leaves", AWAY_SECONDS)
        leaves = re.findall(r"closing +department=(\w+)", log())[0]
        wait_for(lambda: starts(log(), leaves) > 1, f"the {leaves} comes back", AWAY_SECONDS)
        served = len(tickets(state="served", department=leaves))
        wait_for(lambda: len(tickets(state="served", department=leaves)) > served, "it works again", AWAY_SECONDS)
        assert "Traceback" not in log()

    assert running.end(signal.SIGINT) == 0
    assert running.left() == []
    assert list(running.folder.iterdir()) == []
    assert not accepts(running.port)
    assert "Traceback" not in running.output


def starts(log: str, name: str) -> int:
    return len(re.findall(rf"started +name={name} ", log))


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_just_takes_a_signal_for_a_good_end(number: signal.Signals, by_just: Running) -> None:
    by_just.address()

    assert by_just.end(number) == 0
    assert by_just.left() == []
    assert list(by_just.folder.iterdir()) == []


def test_nothing_runs_on_where_it_is_killed(running: Running) -> None:
    running.address()

    os.kill(running.process.pid, signal.SIGKILL)

    wait_for(lambda: not running.left(), "all programs have ended")
