"""`python -m tests.simulation --seeds 1000 --orders 200`: the long simulation; `--seed 17` replays one."""

import argparse
import multiprocessing
import sys
import time
from collections import Counter
from functools import partial

from tests.simulation.audit import FAULTS
from tests.simulation.run import run_seed


def main() -> int:
    """Run seeds, show progress, and exit with 1 where anything was wrong."""
    parser = argparse.ArgumentParser(prog="python -m tests.simulation", description="Simulate whole restaurants.")
    parser.add_argument("--seeds", type=int, default=1000, help="how many")
    parser.add_argument("--first", type=int, default=0, help="the first seed")
    parser.add_argument("--seed", type=int, help="run only this one, twice, and compare the traces")
    parser.add_argument("--orders", type=int, default=200, help="orders in each")
    parser.add_argument("--processes", type=int, default=2)
    arguments = parser.parse_args()
    if arguments.seed is not None:
        return _replay(arguments.seed, arguments.orders)
    seeds = range(arguments.first, arguments.first + arguments.seeds)
    return _run_all(seeds, arguments.orders, arguments.processes)


def _replay(seed: int, orders: int) -> int:
    results = [run_seed(orders, seed) for _ in range(2)]
    for result in results:
        print(f"seed {seed}: trace {result.trace}, {result.steps} steps, {result.virtual:.1f} s of virtual time")
        print(result.findings)
    return int(results[0].trace != results[1].trace or bool(results[0].findings.count))


def _run_all(seeds: range, orders: int, processes: int) -> int:
    begun, done, bad = time.monotonic(), 0, []
    totals: Counter[str] = Counter()
    slowest = 0.0
    with multiprocessing.get_context("spawn").Pool(processes) as pool:
        for result in pool.imap_unordered(partial(run_seed, orders), seeds):
            done += 1
            totals += Counter({
                "orders": orders, "acknowledged": result.acknowledged, "requests": result.requests,
                "calls": result.calls, "deaths": result.deaths, "commits": result.commits, "steps": result.steps,
                "changes": result.changes, "resets": result.resets, "staff's changes": result.staff_changes,
                "archived": result.archived, "virtual seconds": int(result.virtual),
            })  # fmt: skip
            slowest = max(slowest, result.converged)
            totals += Counter({kind: len(texts) for kind, texts in result.findings.wrong.items()})
            if result.findings.count:
                bad.append(result.seed)
                print(f"\nseed {result.seed} (--seed {result.seed} --orders {orders}):\n{result.findings}", flush=True)
            if done % 20 == 0 or done == len(seeds):
                print(f"{done}/{len(seeds)} seeds, {time.monotonic() - begun:.0f} s, {len(bad)} bad", flush=True)
    facts = ["orders", "acknowledged", *FAULTS, "requests", "calls", "deaths", "commits", "staff's changes"]
    facts += ["changes", "resets", "archived", "steps", "virtual seconds"]
    print(", ".join(f"{fact} {totals[fact]}" for fact in facts))
    print(f"slowest convergence {slowest:.1f} s after the last fault; {time.monotonic() - begun:.0f} s in all")
    return int(bool(bad))


if __name__ == "__main__":
    sys.exit(main())
