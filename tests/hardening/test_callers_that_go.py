"""A caller that goes away while its transaction runs."""

import asyncio
import gc
import threading
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from infra.db.database import Database


class Refused(Exception):
    """What a script says to its caller."""


async def test_what_a_transaction_refuses_a_caller_that_is_gone_is_nobodys_fault(tmp_path: Path) -> None:
    faults: list[dict[str, Any]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, fault: faults.append(fault))
    database = Database(f"sqlite:///{tmp_path}/notes.db", schema="notes")
    begun, gone = threading.Event(), threading.Event()

    def refuse(connection: sa.Connection) -> None:
        begun.set()
        gone.wait(10)
        raise Refused

    def note(connection: sa.Connection) -> int:
        return 1

    caller = asyncio.create_task(database.write(refuse))
    await asyncio.to_thread(begun.wait, 10)
    caller.cancel()
    await asyncio.wait([caller])
    gone.set()

    assert await database.write(note) == 1
    gc.collect()
    assert not faults
    database.close()
