"""A backup is taken while orders are placed, and restored: what was acknowledged before the backup is there."""

import asyncio
import json
from pathlib import Path

import pytest

from tests.support.processes import environment, run
from tests.support.rest_clients import Json, line, order, outcomes
from tests.support.systems import System, Systems


@pytest.fixture
def system(systems: Systems, tmp_path: Path) -> System:
    return systems.open({"bar": {"coffee": 100_000}, "kitchen": {"pasta": 100_000}})


def ops(system: System, *arguments: str) -> str:
    """Run a command of `python -m ops` for a system; return its exit code and output."""
    settings = {"HOME": system.books.store.home, "DATABASE_URL": system.books.store.url or "", "MENUS": system.menus}
    done = run(["-m", "ops", *arguments], environment(**settings))
    return f"{done.code} {done.stdout}{done.stderr}"


async def dine(system: System, told: list[Json], orders: int) -> None:
    """Order a number of times, one after another, from eight tables at once."""
    async with system.client() as client:

        async def order_often() -> None:
            for _ in range(orders // 8):
                response = await client.post("/orders", json=order(line("bar", "coffee"), line("kitchen", "pasta")))
                assert outcomes(response.json()) == ["accepted", "accepted"]
                told.append(response.json())

        await asyncio.gather(*(order_often() for _ in range(8)))


async def test_what_was_acknowledged_before_a_copy_is_there_after_it_was_put_back(
    system: System, tmp_path: Path
) -> None:
    copies = str(tmp_path / "copies")
    before: list[Json] = []
    await dine(system, before, 80)
    if system.books.store.url is not None:
        assert ops(system, "backup", copies).startswith("2 ops: postgresql+psycopg://")
        return

    after: list[Json] = []
    dining = asyncio.create_task(dine(system, after, 400))
    copied = await asyncio.to_thread(ops, system, "backup", copies)
    await dining
    assert copied.startswith("0 ")
    refused = await asyncio.to_thread(ops, system, "restore", copies)
    assert refused.startswith("2 ops: ")
    assert "in use by another process" in refused
    for program in system.programs:
        program.kill()
    for file in system.books.store.home.glob("*.db*"):
        file.unlink()

    assert ops(system, "restore", copies).startswith("0 ")
    assert ops(system, "settle", "--yes", "--older-than", "0").startswith("0 ")
    for program in system.programs:
        program.start()
    system.restored()

    book = tmp_path / "told.jsonl"
    book.write_text("".join(json.dumps({"order_id": each["order_id"], "answer": each}) + "\n" for each in before))
    async with system.client() as client:
        for told in before:
            response = await client.get(f"/orders/{told['order_id']}")
            assert response.json() == told
    audit = await asyncio.to_thread(ops, system, "audit", "--acknowledged", str(book))
    # Of what came after the journal was copied the departments' copies may have tickets: all of them are settled.
    assert wrong(audit) <= {"undecided"}, audit


def wrong(audit: str) -> set[str]:
    """List the columns of an audit's table that are not zero."""
    names, counts = audit.partition(" ")[2].splitlines()[:2]
    named = zip(names.replace("stock law", "stock-law").split(), map(int, counts.split()), strict=True)
    return {name for name, count in named if count and name not in {"orders", "tickets", "acknowledged"}}
