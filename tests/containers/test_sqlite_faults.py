"""The stack on SQLite, while its programs are killed and stopped, and after its volumes are lost."""

import asyncio
import json
import os
import shutil
from pathlib import Path

import pytest

from tests.containers.stack import PROGRAMS, OpenSqlite, SqliteSystem
from tests.support.recorded_clients import MENUS, Party, ResponseLog
from tests.support.rest_clients import Json, Load, line, order
from tests.support.waiting import wait_for

OWNER = 10001  # the number of the programs' user

PAUSE = 0.2  # seconds between two orders of a client: two cores have to serve all of the containers, and them

pytestmark = [pytest.mark.containers, pytest.mark.timeout(300)]


@pytest.fixture(scope="module")
def system(open_sqlite: OpenSqlite) -> SqliteSystem:
    return open_sqlite(MENUS)


async def test_whatever_is_killed_nothing_is_lost(system: SqliteSystem, tmp_path: Path) -> None:
    with ResponseLog(tmp_path / "told.jsonl") as book:
        party = Party([system.url], book, seed=1, pause=PAUSE)
        async with party.celebrating(8):
            for name in ("kitchen", "gateway"):
                await system.crash_and_return(system[name])
            await system.crash_and_return(*(system[name] for name in PROGRAMS))

    assert party.surprises == []
    assert len(book.orders) > 50
    wait_for(lambda: not system.books.unfinished(), "all is decided")
    assert system.wrong(book.path) == {}


async def test_it_stops_by_itself_and_responds_to_what_it_has_received(system: SqliteSystem) -> None:
    running = system.containers()
    load = Load(system, PAUSE)
    async with load:
        while load.responses < 100:  # noqa: ASYNC110 - a count tells nobody
            await asyncio.sleep(0.01)
        await asyncio.to_thread(system.compose, "stop", "gateway")
    system.compose("stop")

    # Whoever comes when nobody listens any more is turned away; whoever was let in gets a response.
    assert [
        each for each in load.wrong if not str(each).startswith(("ConnectError", "ReadError", "RemoteProtocol"))
    ] == []
    assert [each.inspect()["State"]["ExitCode"] for each in running] == [0] * len(PROGRAMS)
    system.up()
    assert system.wrong() == {}


async def test_a_backup_is_put_back_into_new_volumes(system: SqliteSystem, tmp_path: Path) -> None:
    before: list[Json] = []
    async with system.client() as client:
        for _ in range(20):
            response = await client.post("/orders", json=order(line("bar", "coffee"), line("bakery", "cookie")))
            before.append(response.json())
    async with Load(system, PAUSE):
        told = await asyncio.to_thread(system.ops, "backup", "/backup")
    kept = tmp_path / "kept"
    shutil.copytree(system.volume("backup"), kept)
    for copy in kept.iterdir():
        os.chown(copy, OWNER, OWNER)  # only their owner may read copies, and a copy of a copy is ours

    system.compose("down", "--volumes")
    system.compose("up", "--no-start", "--no-build")
    restored = system.ops("restore", "/mnt", mount=kept)
    system.up()
    system.gather_books(tmp_path / "home")

    assert len(told.splitlines()) == len(restored.splitlines()) == len(PROGRAMS)
    book = tmp_path / "told.jsonl"
    book.write_text("".join(json.dumps({"order_id": each["order_id"], "answer": each}) + "\n" for each in before))
    async with system.client() as client:
        for each in before:
            assert (await client.get(f"/orders/{each['order_id']}")).json() == each
    # Tickets of orders that came after the journal was copied are all that may be left over.
    assert set(system.wrong(book)) <= {"doubled"}
