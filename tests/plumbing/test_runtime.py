import asyncio
import gc
import sys
from collections.abc import Iterator

import pytest
import uvloop

from plumbing.runtime import GARBAGE, SWITCH_SECONDS, run


@pytest.fixture(autouse=True)
def interpreter_as_it_was() -> Iterator[None]:
    seconds, threshold = sys.getswitchinterval(), gc.get_threshold()
    yield
    sys.setswitchinterval(seconds)
    gc.set_threshold(*threshold)
    gc.unfreeze()


def test_a_program_runs_to_its_end_on_an_interpreter_set_up_for_it() -> None:
    seen: list[object] = []

    async def program() -> None:
        await asyncio.sleep(0)
        loop = asyncio.get_running_loop()
        seen.append((type(loop), sys.getswitchinterval(), gc.get_threshold(), gc.get_freeze_count() > 0))

    run(program())
    assert seen == [(uvloop.Loop, pytest.approx(SWITCH_SECONDS), GARBAGE, True)]


def test_what_a_program_raises_is_raised() -> None:
    async def program() -> None:
        raise OSError("the lights went out")

    with pytest.raises(OSError, match="the lights went out"):
        run(program())
