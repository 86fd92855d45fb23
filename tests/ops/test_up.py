"""Small stand-ins for the programs, run as `just up` runs the real ones."""

import asyncio
import json
import os
import re
import signal
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import structlog

from infra.logs import configure_logs
from infra.stop_signals import StopSignals
from ops import child, up
from ops.child import Child
from ops.output import Output, OwnLines
from ops.procfile import Program
from ops.up import run_children
from tests.support.plain_logs import log_plainly
from tests.support.waiting import FACT_SECONDS

HEAD = """
import os, signal, sys, time
name = sys.argv[1]
def say(text): print(text, flush=True)
def on(number, text, code=None):
    def handle(*_):
        say(text)
        if code is not None: sys.exit(code)
    signal.signal(number, handle)
"""

SERVES = "on(signal.SIGTERM, 'closing', 0)\nsay('open')\nwhile True: time.sleep(60)"


class Stand:
    """The stand-ins under test: what they wrote, and how they ended."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._log = folder / "log"
        self.descriptor = os.open(self._log, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        self.signals: StopSignals
        self.children: list[Child]
        self.running: asyncio.Task[list[str]]

    @asynccontextmanager
    async def run(self, *, json: bool = False, stop_seconds: float = 5.0, **scripts: str) -> AsyncIterator["Stand"]:
        programs = []
        for name, script in scripts.items():
            path = self._folder / f"{name}.py"
            path.write_text(HEAD + script)
            command = (sys.executable, str(path), name)
            programs.append(Program(name, command, json, stop_seconds, f"{name}: ".encode()))
        self.signals = StopSignals()
        output = Output(self.descriptor, [*scripts, "up"], coloured=False, on_failure=self.signals.stop.set)
        configure_logs("up", "info", "json" if json else "console", OwnLines(output, "up", is_json=json))
        self.children = [Child(each, {**os.environ, "STAND_IN": "1"}, output) for each in programs]
        self.running = asyncio.create_task(run_children(self.children, self.signals))
        yield self
        self.signals.stop.set()
        self.signals.hurry.set()
        self.signals.force.set()
        await asyncio.wait([self.running])

    @property
    def text(self) -> str:
        return self._log.read_text()

    @property
    def lines(self) -> list[str]:
        return [re.sub(r" +\| ", ": ", line) for line in self.text.splitlines() if not line.startswith("up ")]

    async def see(self, text: str, times: int = 1) -> None:
        """Wait until it was written."""
        async with asyncio.timeout(FACT_SECONDS):
            while self.text.count(text) < times:  # noqa: ASYNC110 - the fact that is waited for
                await asyncio.sleep(0.01)

    def pid(self, name: str) -> int:
        """Find the latest process of a program."""
        return int(re.findall(rf"started +name={name} pid=(\d+)", self.text)[-1])

    async def end(self) -> list[str]:
        async with asyncio.timeout(FACT_SECONDS):
            return await self.running


@pytest.fixture
def stand(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Stand]:
    monkeypatch.setattr(child, "FIRST_SECONDS", 0.01)
    for module in (child, up):  # loggers keep to the first stream that they wrote to
        monkeypatch.setattr(module, "log", structlog.get_logger("up"))
    stand = Stand(tmp_path)
    yield stand
    os.close(stand.descriptor)
    log_plainly()


async def test_the_gateway_stops_first_then_the_departments(stand: Stand) -> None:
    async with stand.run(bar=SERVES, gateway=SERVES):
        await stand.see("open", 2)
        os.kill(os.getpid(), signal.SIGTERM)
        assert await stand.end() == []
    assert stand.lines[-2:] == ["gateway: closing", "bar: closing"]


async def test_a_program_that_is_held_starts_again_only_when_it_is_released(stand: Stand) -> None:
    async with stand.run(gateway=SERVES, bar=SERVES) as running:
        await stand.see("open", 2)
        bar = next(each for each in running.children if each.program.name == "bar")
        bar.hold()
        await stand.see("closing")
        bar.release()
        await stand.see("open", 3)
        bar.hold()
        await stand.see("closing", 2)
        os.kill(os.getpid(), signal.SIGTERM)
        assert await stand.end() == []
    assert stand.text.count("started ") == 3
    assert "it is started again" not in stand.text


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
async def test_a_program_that_ends_is_started_again_and_the_others_go_on(stand: Stand, number: signal.Signals) -> None:
    async with stand.run(bar=SERVES, gateway=SERVES):
        await stand.see("open", 2)
        gateway = stand.pid("gateway")
        os.kill(stand.pid("bar"), number)
        await stand.see("open", 3)
        end = "killed by SIGKILL" if number is signal.SIGKILL else "exit code 0"
        assert f"a program ended; it is started again end='{end}' name=bar seconds=0.01" in stand.text
        assert stand.pid("gateway") == gateway


async def test_the_delay_grows(stand: Stand) -> None:
    async with stand.run(bar="sys.exit(1)", gateway=SERVES):
        await stand.see("started again", 4)
        assert re.findall(r"seconds=([\d.]+)", stand.text)[:4] == ["0.01", "0.02", "0.04", "0.08"]


async def test_a_program_that_cannot_start_ends_all_with_its_reason(stand: Stand) -> None:
    async with stand.run(bar="say('bar: the port is taken'); sys.exit(2)", kitchen=SERVES, gateway=SERVES):
        assert await stand.end() == ["bar: the port is taken"]
        assert "the port is taken" not in stand.text
        assert "started again" not in stand.text


async def test_a_reason_that_several_programs_have_is_returned_once(stand: Stand) -> None:
    script = "say(f'{name}: no database'); sys.exit(2)"
    async with stand.run(bar=script, kitchen=script, gateway="say('gateway: no journal'); sys.exit(2)"):
        reasons = await stand.end()
    assert len({reason.partition(": ")[2] for reason in reasons}) == len(reasons)
    assert set(reasons) <= {"bar: no database", "kitchen: no database", "gateway: no journal"}


async def test_a_program_that_has_run_is_tried_again_whatever_keeps_it_from_starting(stand: Stand) -> None:
    script = """
if os.path.exists(__file__ + '.seen'):
    say('bar: the menu is bad'); sys.exit(2)
open(__file__ + '.seen', 'w'); say('open'); time.sleep(60)
"""
    async with stand.run(bar=script, gateway=SERVES):
        await stand.see("open", 2)
        os.kill(stand.pid("bar"), signal.SIGKILL)
        await stand.see("the menu is bad", 3)
        assert not stand.running.done()
        assert "bar: bar: the menu is bad" in stand.lines


async def test_a_second_signal_is_passed_on_and_a_third_kills(stand: Stand) -> None:
    stubborn = "on(signal.SIGTERM, 'not yet')\nsay('open')\nwhile True: time.sleep(60)"
    async with stand.run(bar=SERVES, gateway=stubborn, stop_seconds=60):
        await stand.see("open", 2)
        for times in (1, 2):
            os.kill(os.getpid(), signal.SIGINT)
            await stand.see("gateway | not yet", times)
        assert "bar     | closing" not in stand.text
        os.kill(os.getpid(), signal.SIGINT)
        assert await stand.end() == []


async def test_a_program_that_does_not_stop_is_killed(stand: Stand, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(up, "MORE_SECONDS", 0.0)
    ignoring = "signal.signal(signal.SIGTERM, signal.SIG_IGN)\nsay('open')\ntime.sleep(60)"
    async with stand.run(bar=ignoring, gateway=SERVES, stop_seconds=0.5):
        await stand.see("open", 2)
        stand.signals.stop.set()
        assert await stand.end() == []
        assert "a program does not stop; it is killed name=bar" in stand.text


async def test_a_hangup_is_passed_on_to_the_departments(stand: Stand) -> None:
    script = "on(signal.SIGHUP, 'new menu')\n" + SERVES
    async with stand.run(bar=script, kitchen=script, gateway=script):
        await stand.see("open", 3)
        os.kill(os.getpid(), signal.SIGHUP)
        await stand.see("new menu", 2)
        stand.signals.stop.set()
        assert await stand.end() == []
    assert sorted(line for line in stand.lines if "new menu" in line) == ["bar: new menu", "kitchen: new menu"]


async def test_json_stays_json(stand: Stand) -> None:
    script = 'on(signal.SIGTERM, \'{"event": "closing"}\', 0)\nsay(\'{"event": "open"}\')\ntime.sleep(60)'
    async with stand.run(bar=script, gateway=script, json=True):
        await stand.see('"open"', 2)
        stand.signals.stop.set()
        await stand.end()
    events = [json.loads(line) for line in stand.text.splitlines()]
    assert [event["event"] for event in events].count("closing") == 2
    assert {event.get("program") for event in events if event["event"] == "started"} == {"up"}


async def test_lines_of_any_length_are_passed_on_whole(stand: Stand) -> None:
    async with stand.run(bar="print('x' * 300_000); print('end', end=''); sys.exit(1)", gateway=SERVES):
        await stand.see("bar     | end\n")
        assert f"bar     | {'x' * 300_000}\n" in stand.text


async def test_all_programs_stop_when_the_reader_of_their_lines_has_gone(stand: Stand) -> None:
    reads, writes = os.pipe()
    os.dup2(writes, stand.descriptor)
    os.close(writes)
    async with stand.run(bar="while True: say('more'); time.sleep(0.01)", gateway=SERVES):
        os.close(reads)
        assert await stand.end() == []
