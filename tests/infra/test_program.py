"""The skeleton of a program: its exit codes, and the order in which a run is undone."""

import asyncio
import os
import signal

import pytest

from infra.errors import SettingsError
from infra.interrupts import INTERRUPTED
from infra.program import START_FAILED, exit_codes, program


def test_a_start_error_is_one_line_and_its_exit_code(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as exit_, exit_codes("bar"):
        raise SettingsError("COMANDA_PORT='x' is not allowed: expected int")
    assert exit_.value.code == START_FAILED
    assert capsys.readouterr().err == "bar: COMANDA_PORT='x' is not allowed: expected int\n"


def test_an_interrupt_is_its_exit_code() -> None:
    with pytest.raises(SystemExit) as exit_, exit_codes("bar"):
        raise KeyboardInterrupt
    assert exit_.value.code == INTERRUPTED


def test_a_fault_keeps_its_traceback() -> None:
    with pytest.raises(ZeroDivisionError), exit_codes("bar"):
        raise ZeroDivisionError


async def forever() -> None:
    await asyncio.Event().wait()


async def test_what_a_run_opened_is_closed_in_reverse_order() -> None:
    closed: list[str] = []

    async def work() -> None:
        try:
            await forever()
        finally:
            closed.append("background")

    async def drain() -> None:
        closed.append("drain")

    async with program() as running:
        running.on_exit(lambda: closed.append("close"))
        sock = running.listen("127.0.0.1", 0)
        running.on_exit(lambda: closed.append(f"socket {sock.fileno() >= 0}"))
        running.on_exit_await(drain)
        await running.in_background({"work": work})
        await asyncio.sleep(0)
    assert closed == ["background", "drain", "socket True", "close"]
    assert sock.fileno() == -1


async def test_a_run_that_fails_is_closed_too() -> None:
    closed: list[str] = []

    async def run() -> None:
        async with program() as running:
            running.on_exit(lambda: closed.append("close"))
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await run()
    assert closed == ["close"]


async def test_a_close_that_fails_does_not_keep_the_others_from_closing() -> None:
    closed: list[str] = []

    async def fail() -> None:
        raise ZeroDivisionError

    async def run() -> None:
        async with program() as running:
            running.on_exit(lambda: closed.append("close"))
            running.on_exit_await(fail)

    with pytest.raises(ZeroDivisionError):
        await run()
    assert closed == ["close"]


async def test_signals_are_counted_from_the_beginning_of_a_run() -> None:
    async with program() as running:
        os.kill(os.getpid(), signal.SIGTERM)
        await asyncio.wait_for(running.signals.stop.wait(), 10)
        assert not running.signals.hurry.is_set()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().remove_signal_handler(number)


async def test_a_run_without_tls_follows_no_certificates() -> None:
    async def renew(_contexts: object) -> None:
        raise AssertionError

    before = asyncio.all_tasks()
    async with program() as running:
        await running.follow_certificates(None, renew)
        assert asyncio.all_tasks() == before
