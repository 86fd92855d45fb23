"""Bugs planted on purpose, each in a process of its own: `python -m tests.simulation.planted no-tombstone`.

A plant replaces named attributes of the product, its seams, by wrong ones (see seams.py; the plants are in plants/). It
counts as caught when a simulation of the changed product finds something wrong, or when its disk writes do. A seam that
the product no longer has is an error.
"""

import argparse
import re
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from tests.simulation import plants
from tests.simulation.seams import PLANTS, Catcher, Plant

__all__ = ["PLANTS", "Plant", "Verdict", "judge", "plant_now", "plants"]

SEEDS = 60
ORDERS = 40
SECONDS = 60
"""Of the processor, for one plant: how busy the machine is does not matter."""


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
    """Plant a bug in this process; raises MissingSeam."""
    (plant,) = (plant for plant in PLANTS if plant.name == name)
    plant.plant()


def _run(plant: Plant) -> int:
    plant.plant()
    begun = time.process_time()
    seed, text = (0, _check_durability()) if plant.catcher == "durability" else _search(plant)
    if unreached := plant.unreached():
        print(f"never called: {', '.join(unreached)}")
        return 1
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
    from tests.simulation.plans import Plan
    from tests.simulation.quiet import be_quiet
    from tests.simulation.run import simulate

    be_quiet()
    draw: Callable[[int, int], Plan] = getattr(Plan, catcher)
    findings = simulate(draw(seed, ORDERS)).findings
    return str(findings)[:300] if findings.count else ""


def _check_durability() -> str:
    from tests.simulation.durability import faults_of_pragmas

    return "; ".join(faults_of_pragmas())


if __name__ == "__main__":
    sys.exit(main())
