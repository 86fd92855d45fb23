"""Bugs planted on purpose, each in a process of its own: `python -m tests.simulation.planted no-tombstone`.

A plant is a change of the product's source, made while it is imported. It counts as caught when a simulation of the
changed product finds something wrong, or when its disk writes do. A plant that no longer fits the source is an error.
"""

import argparse
import importlib.machinery
import importlib.util
import re
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from importlib.abc import MetaPathFinder
from types import CodeType, ModuleType
from typing import Literal

SEEDS = 60
ORDERS = 40
SECONDS = 60
"""Of the processor, for one plant: how busy the machine is does not matter."""

Catcher = Literal[
    "draw",
    "hard",
    "wavering",
    "reconfigured",
    "frozen",
    "echo",
    "torn",
    "forgetful",
    "calm",
    "restored",
    "clocks",
    "clocks_and_deaths",
    "durability",
]


@dataclass(frozen=True, slots=True)
class Edit:
    """In a module, one passage that stands there once, and what takes its place."""

    module: str
    old: str
    new: str


@dataclass(frozen=True, slots=True)
class Plant:
    """A bug, and what has to catch it: a simulation of a kind, or a look at the pragmas.

    `seed` is known to catch it. Where the product has changed since, others are tried from there on.
    """

    name: str
    edits: Sequence[Edit]
    catcher: Catcher = "draw"
    seed: int = 0


def _plant(name: str, module: str, old: str, new: str, catcher: Catcher = "draw", seed: int = 0) -> Plant:
    return Plant(name, [Edit(module, old, new)], catcher, seed)


PLANTS = [
    _plant(
        "price-not-compared",
        "departments.domain.placing",
        "line.expected_price is not None and line.expected_price != item.price",
        "False",
    ),
    Plant(
        "stock-taken-although-the-price-differs",
        [
            Edit(
                "departments.domain.placing",
                "        outcome, price = Outcome.PRICE_CHANGED, item.price\n",
                "        stock[line.item].take(line.quantity, hold=hold)\n"
                "        outcome, price = Outcome.PRICE_CHANGED, item.price\n",
            ),
            Edit(
                "departments.transactions",
                "for ticket in new for line in ticket.accepted())",
                "for ticket in new for line in ticket.lines if line.item in stock)",
            ),
        ],
    ),
    _plant(
        "expected-price-not-sent-again",
        "gateway.department_client.convert",
        "        expected_prices=_expected_prices(lines),\n",
        "        expected_prices=[] if any(order.epoch for order in orders) else _expected_prices(lines),\n",
    ),
    _plant(
        "another-expected-price-is-the-same-order",
        "gateway.domain.lines",
        "            other.expected_price,\n",
        "            self.expected_price,\n",
    ),
    _plant("currency-not-kept", "gateway.orders.tables", "        Currency(currency),\n", '        Currency("EUR"),\n'),
    _plant("no-tombstone", "departments.transactions", "    tables.insert_tickets(connection, unknown)\n", ""),
    Plant(
        "stock-read-outside-the-transaction",
        [
            Edit(
                "departments.app",
                "tickets = await self._database.write(transactions.place, self.menu, placements, _now_ms())",
                "stock = (await self._database.read(transactions.stock_levels)).stock\n"
                "        tickets = await self._database.write(\n"
                "            transactions.place, self.menu, placements, _now_ms(), stock\n"
                "        )",
            ),
            Edit(
                "departments.transactions",
                "Sequence[Placement], now_ms: int)",
                "Sequence[Placement], now_ms: int, stock)",
            ),
            Edit("departments.transactions", "tickets, stock = tables.open_batch(", "tickets, _ = tables.open_batch("),
        ],
        "echo",
    ),
    _plant("stock-not-checked", "departments.domain.stock", "if quantity > self.on_hand:", "if quantity < 0:", "echo"),
    _plant(
        "department-responds-before-its-commit",
        "departments.app",
        "tickets = await self._database.write(transactions.place, self.menu, placements, _now_ms())",
        """
        def rehearse(connection):
            trial = connection.begin_nested()
            tickets = transactions.place(connection, self.menu, placements, _now_ms())
            trial.rollback()
            return tickets

        import asyncio

        tickets = await self._database.write(rehearse)
        write = self._database.write(transactions.place, self.menu, placements, _now_ms())
        asyncio.get_running_loop().create_task(write)""",
    ),
    _plant(
        "gateway-answers-before-its-commit",
        "gateway.orders.service",
        "            known = await self._journal.insert(order)\n",
        "            self._journal.insert(order)\n            known = None\n",
    ),
    _plant(
        "gateway-asks-and-then-writes",
        "gateway.orders.service",
        "            known = await self._journal.insert(order)\n",
        "            in_flight.recorded()\n"
        "            self._delivery.ask_all(in_flight)\n"
        "            await asyncio.wait([in_flight.response])\n"
        "            in_flight.phase = in_flight.phase.RECORDING\n"
        "            known = await self._journal.insert(order)\n",
    ),
    Plant(
        "no-fencing",
        [
            Edit("gateway.orders.tables", "[orders.c.order_id, orders.c.owner],", "[orders.c.order_id],"),
            Edit("gateway.orders.tables", "        version=orders.c.epoch,\n", ""),
        ],
        "frozen",
    ),
    _plant(
        "no-epoch-at-the-department", "departments.domain.tickets", "if decision.epoch < self.epoch or", "if", "echo", 6
    ),
    _plant(
        "a-living-gateways-orders-are-claimed",
        "gateway.orders.leases",
        "if ended_now := ended(others):",
        "if ended_now := others:",
        "calm",
    ),
    _plant(
        "retry-with-a-new-id",
        "gateway.department_client.convert",
        "order_ids=[order.order_id for order in orders],\n        tables",
        "order_ids=[str(__import__('uuid').uuid4()) for order in orders],\n        tables",
    ),
    _plant(
        "decision-not-durable-before-departments-get-it",
        "gateway.orders.recording",
        "        await self._journal.update(in_flight.order)\n        in_flight.decision_written(state)\n",
        "        self._journal.update_later(in_flight.order)\n        in_flight.decision_written(state)\n",
        "frozen",
    ),
    _plant(
        "replay-not-answered-from-the-store",
        "departments.transactions",
        "ticket = tickets.get(placement.order_id)\n        if ticket is None:",
        "if ticket := None:\n            pass\n        else:",
    ),
    _plant(
        "cancel-does-not-restock",
        "departments.transactions",
        "item_stock.put_back(line.quantity, held=held)",
        "continue",
    ),
    _plant("confirm-does-not-sell", "departments.transactions", "item_stock.confirm(line.quantity)", "continue"),
    _plant(
        "suspend-does-not-hold", "departments.transactions", "item_stock.suspend(line.quantity)", "continue", "echo"
    ),
    _plant(
        "suspend-skipped",
        "gateway.domain.order",
        "Goal.SUSPEND if is_confirmed else Goal.CANCEL",
        "Goal.CANCEL",
        "echo",
    ),
    _plant(
        "suspended-and-forgotten",
        "gateway.domain.order",
        "            self._confirm_all()  # by test",
        "            self.owed.clear()  # by test",
        "echo",
    ),
    _plant(
        "expiry-without-tombstone",
        "gateway.domain.order",
        "            self.owed[department] = Goal.CANCEL\n            for line in self.shares",
        "            del self.owed[department]\n            for line in self.shares",
        "draw",
        2,
    ),
    _plant(
        "expiry-of-what-may-have-been-accepted",
        "gateway.domain.order",
        "return self.policy is Policy.BEST_EFFORT and not self.response_recorded",
        "return self.policy is Policy.BEST_EFFORT and self.response_recorded is None",
        "forgetful",
    ),
    _plant(
        "resume-skipped-on-start",
        "gateway.orders.ownership",
        "        await self._claim()\n\n    async def keep",
        "\n    async def keep",
        "draw",
    ),
    _plant(
        "a-write-of-unknown-fate-is-forgotten",
        "gateway.orders.ownership",
        "                    await self._find_unknown()",
        "                    pass",
        "torn",
    ),
    _plant(
        "duplicates-in-a-batch-taken-twice",
        "departments.transactions",
        "            tickets[placement.order_id] = ticket\n            new.append(ticket)\n",
        "            new.append(ticket)\n",
        "draw",
        1,
    ),
    _plant(
        "decided-before-all-have-answered",
        "gateway.domain.order",
        "elif goal in self.owed.values() or (goal is Goal.SUSPEND and self.owed):",
        "elif goal is Goal.SUSPEND and self.owed:",
        "echo",
    ),
    _plant(
        "nothing-is-held", "gateway.department_client.convert", "holds=[goal is Goal.HOLD]", "holds=[False]", "echo"
    ),
    _plant(
        "what-became-due-during-a-probe-is-forgotten",
        "gateway.orders.backlog",
        "if self._orders.get(order.order_id) is order and order.epoch == epoch:",
        "if order.order_id in self._orders:",
        "wavering",
        2,
    ),
    _plant(
        "another-order-is-taken-under-a-known-id",
        "gateway.orders.service",
        "if placed is not order and not placed.asks_the_same(order):",
        "if not order.order_id:",
        "echo",
    ),
    _plant(
        "returned-before-it-is-on-record",
        "gateway.orders.service",
        "return in_flight.is_written and not (order.epoch or in_flight.is_response_written) and not may_be_elsewhere",
        "return True",
        "frozen",
        19,
    ),
    _plant(
        "a-streams-response-is-taken-for-whichever-batch-waits-first",
        "gateway.department_client.stream",
        "waiting = self._waiting.get(response.number)",
        "waiting = next(iter(self._waiting.values()), None)",
        "draw",
    ),
    Plant(
        "a-refusal-ends-a-confirm",
        [
            Edit(
                "gateway.orders.delivery",
                "        if goal not in PLACING and not isinstance(error, Unreachable):\n",
                "        if goal is Goal.CONFIRM and not isinstance(error, (Unreachable, NotConfigured)):\n"
                "            del order.owed[name]\n"
                "            return\n"
                "        if goal not in PLACING and not isinstance(error, Unreachable):\n",
            )
        ],
        "reconfigured",
    ),
    Plant(
        "a-missing-department-ends-a-cancel",
        [
            Edit(
                "gateway.orders.delivery",
                "        if goal not in PLACING and not isinstance(error, Unreachable):\n",
                "        if goal is Goal.CANCEL and isinstance(error, NotConfigured):\n"
                "            order.record_response(name, goal, TicketResult(TicketState.CANCELLED, []))\n"
                "            return\n"
                "        if goal not in PLACING and not isinstance(error, Unreachable):\n",
            ),
            Edit(
                "gateway.orders.delivery",
                "from gateway.domain.lines import TicketResult\n",
                "from gateway.domain.lines import TicketResult, TicketState\n",
            ),
        ],
        "reconfigured",
    ),
    _plant(
        "waste-is-put-back-on-hand",
        "departments.transactions",
        "        if step.wastes:\n",
        "        if False:\n",
        "echo",
    ),
    _plant(
        "a-step-id-is-ignored",
        "departments.transactions",
        "taken = tables.read_step(connection, move.order_id, move.step_id)",
        "taken = None",
        "echo",
    ),
    _plant(
        "a-step-is-not-compared-with-the-expected-state",
        "departments.transactions",
        "if ticket.state is not move.expected:",
        "if not move.expected:",
        "echo",
    ),
    _plant(
        "batch-stock-with-the-first-revision",
        "departments.transactions",
        "revision + len(placements) - 1)",
        "revision)",
        "echo",
    ),
    _plant(
        "position-without-incarnation",
        "departments.domain.positions",
        "if self.incarnation and self.incarnation != incarnation:",
        "if not incarnation:",
        "restored",
    ),
    Plant(
        "expiry-by-the-wall-clock",
        [
            Edit("gateway.orders.expiry", "self._monotonic = clock.monotonic", "self._monotonic = clock.wall"),
            Edit(
                "gateway.orders.service",
                "            monotonic=clock.monotonic,\n            random",
                "            monotonic=clock.wall,\n            random",
            ),
        ],
        "clocks",
    ),
    _plant(
        "an-order-from-the-journal-waits-until-its-time-of-day",
        "gateway.orders.expiry",
        "age = max(self._wall() - order.created_at_ms / 1000, 0.0)",
        "age = self._wall() - order.created_at_ms / 1000",
        "clocks_and_deaths",
        14,
    ),
    Plant(
        "a-lease-by-the-gateways-wall-clock",
        [
            Edit(
                "gateway.orders.service",
                "            monotonic=clock.monotonic,\n            is_in_flight",
                "            monotonic=clock.wall,\n            is_in_flight",
            ),
            Edit("gateway.orders.leases", "min(now - self._observed_at, self._lease / 2)", "now - self._observed_at"),
        ],
        "clocks",
    ),
    Plant(
        "a-lease-by-the-databases-clock",
        [
            Edit(
                "gateway.orders.leases",
                "values(renewals=gateways.c.renewals + 1)",
                'values(renewals=sa.cast(sa.func.julianday("now") * 86_400_000, sa.BigInteger) + 6000)',
            ),
            Edit(
                "gateway.orders.leases",
                "if ended_now := ended(others):",
                "now = connection.execute(sa.select(sa.func.julianday('now'))).scalar_one() * 86_400_000\n"
                "    if ended_now := {number: until for number, until in others.items() if until < now}:",
            ),
        ],
        "clocks",
    ),
    _plant("synchronous-normal", "infra.db.engines", '"synchronous=FULL"', '"synchronous=NORMAL"', "durability"),
    _plant("synchronous-off", "infra.db.engines", '"synchronous=FULL"', '"synchronous=OFF"', "durability"),
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


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether a planted bug was caught, where, and what was found."""

    plant: Plant
    caught: bool
    seed: int
    text: str

    def __str__(self) -> str:
        word = "caught" if self.caught else "MISSED"
        return f"{word}  {self.plant.name} ({self.plant.catcher} {self.seed}): {self.text}"


def main() -> int:
    """With a name: 0 where that plant is caught. Without: run all, each on its own, and report."""
    parser = argparse.ArgumentParser(prog="python -m tests.simulation.planted")
    parser.add_argument("name", nargs="?", choices=[plant.name for plant in PLANTS])
    parser.add_argument("--clean", type=int, metavar="SEED", help="run what catches it, without the plant")
    parser.add_argument("--processes", type=int, default=2)
    arguments = parser.parse_args()
    if arguments.name:
        (plant,) = (plant for plant in PLANTS if plant.name == arguments.name)
        return _run(plant) if arguments.clean is None else _run_clean(plant, arguments.clean)
    verdicts = []
    with ThreadPoolExecutor(arguments.processes) as pool:
        for verdict in pool.map(judge, PLANTS):
            verdicts.append(verdict)
            print(verdict, flush=True)
    caught = sum(verdict.caught for verdict in verdicts)
    print(f"{caught} of {len(PLANTS)} planted bugs were caught")
    return int(caught < len(PLANTS))


def judge(plant: Plant) -> Verdict:
    """Run a plant in a process of its own, and the simulation that catches it without the plant: it has to pass."""
    done = _child(plant.name)
    if done.returncode or not (match := re.match(r"caught (\d+) (.*)", done.stdout, re.DOTALL)):
        return Verdict(plant, False, plant.seed, (done.stdout + done.stderr).strip())
    seed, text = int(match[1]), match[2].strip()
    clean = _child(plant.name, "--clean", str(seed))
    if clean.returncode:
        return Verdict(plant, False, seed, f"it fails without the plant, too: {clean.stdout} {clean.stderr}")
    return Verdict(plant, True, seed, text)


def _child(*arguments: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "tests.simulation.planted", *arguments]
    try:
        return subprocess.run(command, capture_output=True, text=True, timeout=20 * SECONDS, check=False)
    except subprocess.TimeoutExpired:
        return subprocess.CompletedProcess(command, 1, "", "it took too long")


def plant_now(name: str) -> None:
    """Plant a bug in whatever this process imports from here on."""
    (plant,) = (plant for plant in PLANTS if plant.name == name)
    sys.meta_path.insert(0, _Finder(plant.edits))


def _run(plant: Plant) -> int:
    finder = _Finder(plant.edits)
    sys.meta_path.insert(0, finder)
    begun = time.process_time()
    seed, text = (0, _check_durability()) if plant.catcher == "durability" else _search(plant)
    missing = {edit.module for edit in plant.edits} - finder.planted
    assert not missing, f"{missing} was never imported"
    print(f"{'caught' if text else 'not caught'} {seed} {text} in {time.process_time() - begun:.1f} s")
    return int(not text)


def _run_clean(plant: Plant, seed: int) -> int:
    text = _check_durability() if plant.catcher == "durability" else _simulate(plant.catcher, seed)
    print(text)
    return int(bool(text))


def _search(plant: Plant) -> tuple[int, str]:
    end = time.process_time() + SECONDS
    seed = plant.seed
    for seed in range(plant.seed, plant.seed + SEEDS):
        if text := _simulate(plant.catcher, seed):
            return seed, text
        if time.process_time() > end:
            break
    return seed, ""


def _simulate(catcher: Catcher, seed: int) -> str:
    from tests.simulation.quiet import be_quiet
    from tests.simulation.run import Plan, simulate

    be_quiet()
    draw: Callable[[int, int], Plan] = getattr(Plan, catcher)
    findings = simulate(draw(seed, ORDERS)).findings
    return str(findings)[:300] if findings.count else ""


def _check_durability() -> str:
    from tests.simulation.durability import faults_of_pragmas

    return "; ".join(faults_of_pragmas())


if __name__ == "__main__":
    sys.exit(main())
