"""Bugs planted on purpose, each in a process of its own: `python -m tests.simulation.planted no-tombstone`.

A plant is a change of the product's source, made while it is imported. It counts as caught when a simulation of the
changed product finds something wrong, or when its disk writes do. A plant that no longer fits the source is an error.
"""

import argparse
import importlib.machinery
import importlib.util
import subprocess
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from importlib.abc import MetaPathFinder
from types import CodeType, ModuleType
from typing import Literal

SEEDS = 60
ORDERS = 40
SECONDS = 100


@dataclass(frozen=True, slots=True)
class Edit:
    """In a module, one passage that stands there once, and what takes its place."""

    module: str
    old: str
    new: str


@dataclass(frozen=True, slots=True)
class Plant:
    """A bug, and what has to catch it: simulations of a kind, from a seed on, or a look at the pragmas."""

    name: str
    edits: Sequence[Edit]
    caught_by: Literal["draw", "hard", "wavering", "durability"] = "draw"
    first: int = 0


def _plant(
    name: str,
    module: str,
    old: str,
    new: str,
    caught_by: Literal["draw", "hard", "wavering", "durability"] = "draw",
    first: int = 0,
) -> Plant:
    return Plant(name, [Edit(module, old, new)], caught_by, first)


PLANTS = [
    _plant("no-tombstone", "departments.desk", "    store.insert_tickets(connection, unknown)\n", ""),
    Plant(
        "stock-read-outside-the-transaction",
        [
            Edit(
                "departments.department",
                "answers = await self._database.write(desk.place, self.menu, placements, _now_ms())",
                "stock = (await self._database.read(desk.shelves)).stock\n"
                "        answers = await self._database.write(desk.place, self.menu, placements, _now_ms(), stock)",
            ),
            Edit("departments.desk", "Sequence[Placement], now_ms: int)", "Sequence[Placement], now_ms: int, stock)"),
            Edit("departments.desk", "    stock = store.read_stock(connection)\n    before", "    before"),
        ],
    ),
    _plant("stock-not-checked", "departments.domain.stock", "if quantity > self.on_hand:", "if quantity < 0:"),
    _plant(
        "department-answers-before-its-commit",
        "departments.department",
        "answers = await self._database.write(desk.place, self.menu, placements, _now_ms())",
        """
        def rehearse(connection):
            trial = connection.begin_nested()
            answers = desk.place(connection, self.menu, placements, _now_ms())
            trial.rollback()
            return answers

        import asyncio

        answers = await self._database.write(rehearse)
        write = self._database.write(desk.place, self.menu, placements, _now_ms())
        asyncio.get_running_loop().create_task(write)""",
    ),
    _plant(
        "gateway-asks-before-its-commit",
        "gateway.ordering",
        "            known = await self._journal.insert(order)\n",
        "            self._journal.insert(order)\n            known = None\n",
    ),
    _plant(
        "gateway-asks-and-then-writes",
        "gateway.ordering",
        "            known = await self._journal.insert(order)\n",
        "            self._ask_all(running)\n"
        "            await asyncio.wait([running.heard])\n"
        "            known = await self._journal.insert(order)\n",
    ),
    _plant("no-fencing", "gateway.journal", "[orders.c.order_id, orders.c.owner],", "[orders.c.order_id],", first=5),
    _plant(
        "retry-with-a-new-id",
        "gateway.floor",
        "order_ids=[order.order_id for order in orders],\n        tables",
        "order_ids=[str(__import__('uuid').uuid4()) for order in orders],\n        tables",
    ),
    _plant(
        "decision-not-durable-before-it-is-settled",
        "gateway.ordering",
        "        try:\n            await self._journal.update(order)\n        finally",
        "        try:\n            self._journal.update_later(order)\n        finally",
        "hard",
    ),
    _plant(
        "replay-not-answered-from-the-store",
        "departments.desk",
        "ticket = tickets.get(placement.order_id)\n        if ticket is None:",
        "if ticket := None:\n            pass\n        else:",
    ),
    _plant("cancel-does-not-restock", "departments.desk", "shelf.put_back(line.quantity, held=held)", "continue"),
    _plant("confirm-does-not-sell", "departments.desk", "shelf.confirm(line.quantity)", "continue"),
    _plant(
        "expiry-without-tombstone",
        "gateway.domain.order",
        "            self.owed[department] = Goal.CANCEL\n            for line in self.shares[department]:\n",
        "            del self.owed[department]\n            for line in self.shares[department]:\n",
    ),
    _plant(
        "expiry-of-what-may-have-been-accepted",
        "gateway.ordering",
        "if not order.answered or order.created_at_ms",
        "if order.created_at_ms",
    ),
    _plant(
        "resume-forgets-orders",
        "gateway.ordering",
        "        await self._take_over()\n        if self._journal",
        "        await self._journal.claim(CLAIMED_AT_ONCE)\n        if self._journal",
    ),
    _plant(
        "duplicates-in-a-batch-taken-twice",
        "departments.desk",
        "            tickets[placement.order_id] = ticket\n            new.append(ticket)\n",
        "            new.append(ticket)\n",
    ),
    _plant(
        "decided-before-all-have-answered",
        "gateway.domain.order",
        "if self.policy is Policy.BEST_EFFORT or self.owed:",
        "if self.policy is Policy.BEST_EFFORT:",
    ),
    _plant(
        "what-became-due-during-a-knock-is-forgotten",
        "gateway.backlog",
        "            if name in order.owed:\n                self._orders[order.order_id] = order",
        "            if name in order.owed:\n                pass",
        "wavering",
    ),
    _plant(
        "an-order-handed-over-comes-back",
        "gateway.ordering",
        "return running if running is not None and running.order is order else None",
        "return running or self._remember(order, heard=True)",
        first=7,
    ),
    _plant(
        "another-order-is-taken-under-a-known-id",
        "gateway.ordering",
        "            if not running.order.asks_the_same(order):",
        "            if not order.order_id:",
    ),
    _plant(
        "told-before-it-is-on-record",
        "gateway.ordering",
        "        if _is_firm(running):\n            return order",
        "        if order:\n            return order",
        first=27,
    ),
    _plant(
        "synchronous-normal",
        "plumbing.database",
        '"synchronous=FULL"',
        '"synchronous=NORMAL"',
        "durability",
    ),
    _plant("synchronous-off", "plumbing.database", '"synchronous=FULL"', '"synchronous=OFF"', "durability"),
]


class _Planter(importlib.machinery.SourceFileLoader):
    """Loads a module with a plant in its source."""

    def __init__(self, name: str, path: str, edits: Sequence[Edit]) -> None:
        super().__init__(name, path)
        self._edits = edits

    def get_code(self, fullname: str) -> CodeType:
        source = self.get_source(fullname) or ""
        for edit in self._edits:
            if source.count(edit.old) != 1:
                raise SystemExit(f"the plant no longer fits {edit.module}: {source.count(edit.old)} times {edit.old!r}")
            source = source.replace(edit.old, edit.new)
        return compile(source, self.path, "exec")


class _Finder(MetaPathFinder):
    def __init__(self, edits: Sequence[Edit]) -> None:
        self._edits = edits
        self.planted: set[str] = set()

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        edits = [edit for edit in self._edits if edit.module == fullname]
        if not edits:
            return None
        spec = importlib.machinery.PathFinder.find_spec(fullname, path)
        assert spec is not None
        assert spec.origin is not None
        spec.loader = _Planter(fullname, spec.origin, edits)
        self.planted.add(fullname)
        return spec


def main() -> int:
    """With a name: 0 where that plant is caught. Without: run all, each on its own, and report."""
    parser = argparse.ArgumentParser(prog="python -m tests.simulation.planted")
    parser.add_argument("name", nargs="?", choices=[plant.name for plant in PLANTS])
    parser.add_argument("--processes", type=int, default=2)
    arguments = parser.parse_args()
    if arguments.name:
        (plant,) = (plant for plant in PLANTS if plant.name == arguments.name)
        return _run(plant)
    with ThreadPoolExecutor(arguments.processes) as pool:
        results = list(pool.map(run_apart, PLANTS))
    missed = [plant.name for plant, (caught, _) in zip(PLANTS, results, strict=True) if not caught]
    for plant, (caught, text) in zip(PLANTS, results, strict=True):
        print(f"{'caught' if caught else 'MISSED'}  {plant.name}: {text}")
    print(f"{len(PLANTS) - len(missed)} of {len(PLANTS)} planted bugs were caught")
    return int(bool(missed))


def run_apart(plant: Plant) -> tuple[bool, str]:
    """Run a plant in a process of its own; tells whether it was caught, and by what."""
    command = [sys.executable, "-m", "tests.simulation.planted", plant.name]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=2 * SECONDS, check=False)
    except subprocess.TimeoutExpired:
        return False, "it took too long"
    return done.returncode == 0 and done.stdout.startswith("caught"), (done.stdout + done.stderr).strip()


def plant_now(name: str) -> None:
    """Plant a bug in whatever this process imports from here on."""
    (plant,) = (plant for plant in PLANTS if plant.name == name)
    sys.meta_path.insert(0, _Finder(plant.edits))


def _run(plant: Plant) -> int:
    finder = _Finder(plant.edits)
    sys.meta_path.insert(0, finder)
    begun = time.monotonic()
    text = _check_durability() if plant.caught_by == "durability" else _simulate(plant)
    missing = {edit.module for edit in plant.edits} - finder.planted
    assert not missing, f"{missing} was never imported"
    print(f"{'caught by' if text else 'not caught'} {text} in {time.monotonic() - begun:.1f} s")
    return int(not text)


def _simulate(plant: Plant) -> str:
    from tests.simulation.quiet import be_quiet
    from tests.simulation.run import Plan, simulate

    be_quiet()
    draw = {"draw": Plan.draw, "hard": Plan.hard, "wavering": Plan.wavering}[plant.caught_by]
    begun = time.monotonic()
    for seed in range(plant.first, plant.first + SEEDS):
        result = simulate(draw(seed, ORDERS))
        if result.findings.count:
            return f"seed {seed}: {str(result.findings)[:300]}"
        if time.monotonic() - begun > SECONDS:
            break
    return ""


def _check_durability() -> str:
    from tests.simulation.durability import faults_of_pragmas

    return "; ".join(faults_of_pragmas())


if __name__ == "__main__":
    sys.exit(main())
