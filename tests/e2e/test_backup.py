"""A house is copied while it works, loses everything, and is put back: what it had acknowledged by then is there."""

import asyncio
import json
from pathlib import Path

import pytest

from tests.e2e.guests import Json, line, order, outcomes
from tests.e2e.harness import House, Houses, environment, run


@pytest.fixture
def house(houses: Houses, tmp_path: Path) -> House:
    return houses.open({"bar": {"coffee": 100_000}, "kitchen": {"pasta": 100_000}})


def office(house: House, *arguments: str) -> str:
    """Run a command of `python -m ops` for a house; answers what it says."""
    settings = {"HOME": house.books.store.home, "DATABASE_URL": house.books.store.url or "", "MENUS": house.menus}
    done = run(["-m", "ops", *arguments], environment(**settings))
    return f"{done.code} {done.stdout}{done.stderr}"


async def dine(house: House, told: list[Json], orders: int) -> None:
    """Order a number of times, one after another, from eight tables at once."""
    async with house.client() as client:

        async def order_often() -> None:
            for _ in range(orders // 8):
                answer = await client.post("/orders", json=order(line("bar", "coffee"), line("kitchen", "pasta")))
                assert outcomes(answer.json()) == ["accepted", "accepted"]
                told.append(answer.json())

        await asyncio.gather(*(order_often() for _ in range(8)))


async def test_what_was_acknowledged_before_a_copy_is_there_after_it_was_put_back(house: House, tmp_path: Path) -> None:
    copies = str(tmp_path / "copies")
    before: list[Json] = []
    await dine(house, before, 80)
    if house.books.store.url is not None:
        assert office(house, "backup", copies).startswith("2 house: postgresql+psycopg://")
        return

    after: list[Json] = []
    dining = asyncio.create_task(dine(house, after, 400))
    copied = await asyncio.to_thread(office, house, "backup", copies)
    await dining
    assert copied.startswith("0 ")
    refused = await asyncio.to_thread(office, house, "restore", copies)
    assert refused.startswith("2 house: ")
    assert "in use by another process" in refused
    for program in house.programs:
        program.kill()
    for file in house.books.store.home.glob("*.db*"):
        file.unlink()

    assert office(house, "restore", copies).startswith("0 ")
    assert office(house, "settle", "--yes", "--older-than", "0").startswith("0 ")
    for program in house.programs:
        program.start()
    house.restored()

    book = tmp_path / "told.jsonl"
    book.write_text("".join(json.dumps({"order_id": each["order_id"], "answer": each}) + "\n" for each in before))
    async with house.client() as client:
        for told in before:
            answer = await client.get(f"/orders/{told['order_id']}")
            assert answer.json() == told
    audit = await asyncio.to_thread(office, house, "audit", "--acknowledged", str(book))
    # Of what came after the journal was copied the departments' copies may have tickets: all of them are settled.
    assert wrong(audit) <= {"undecided"}, audit


def wrong(audit: str) -> set[str]:
    """List the columns of an audit's table that are not zero."""
    names, counts = audit.partition(" ")[2].splitlines()[:2]
    named = zip(names.replace("stock law", "stock-law").split(), map(int, counts.split()), strict=True)
    return {name for name, count in named if count and name not in {"orders", "tickets", "acknowledged"}}
