import asyncio
import gc
import os
import sys
from collections.abc import Iterator

import pytest
import uvloop

from infra.runtime import GARBAGE, SWITCH_SECONDS, run


@pytest.fixture(autouse=True)
def interpreter_as_it_was() -> Iterator[None]:
    seconds, threshold, policy = sys.getswitchinterval(), gc.get_threshold(), os.sched_getscheduler(0)
    yield
    os.sched_setscheduler(0, policy, os.sched_param(0))
    sys.setswitchinterval(seconds)
    gc.set_threshold(*threshold)


def test_a_program_runs_to_its_end_on_an_interpreter_set_up_for_it() -> None:
    seen: list[object] = []
    gc.unfreeze()  # what all tests share is frozen; so it is again by the program

    async def program() -> None:
        await asyncio.sleep(0)
        loop = asyncio.get_running_loop()
        seen.append((type(loop), sys.getswitchinterval(), gc.get_threshold(), gc.get_freeze_count() > 0))

    run(program())
    assert seen == [(uvloop.Loop, pytest.approx(SWITCH_SECONDS), GARBAGE, True)]


def scheduling_of_a_program() -> list[int]:
    seen: list[int] = []

    async def program() -> None:
        seen.append(os.sched_getscheduler(0))

    run(program())
    return seen


def test_a_program_does_not_interrupt_those_that_wake_it() -> None:
    assert scheduling_of_a_program() == [os.SCHED_BATCH]


def test_what_an_operator_chose_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "sched_getscheduler", lambda _: os.SCHED_RR)

    async def program() -> None:
        monkeypatch.undo()

    run(program())
    assert os.sched_getscheduler(0) == os.SCHED_OTHER


def test_where_a_program_may_not_say_so_it_runs_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(os, "sched_setscheduler", refuse)
    seen = scheduling_of_a_program()
    monkeypatch.undo()
    assert seen == [os.SCHED_OTHER]


def test_what_a_program_raises_is_raised() -> None:
    async def program() -> None:
        raise OSError("the lights went out")

    with pytest.raises(OSError, match="the lights went out"):
        run(program())
