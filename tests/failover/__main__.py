"""`python -m tests.failover --rounds 3`: every fault so often, with its progress and a table at the end."""

import argparse
import asyncio
import random
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import uvloop

from tests.failover.cluster import Cluster, running_cluster
from tests.failover.faults import FAULTS, Duration
from tests.failover.proof import Proof, Round, prove
from tests.failover.site import Site


def main() -> None:
    """Prove that a cluster fails over without loss; exit code 1 if anything was wrong."""
    parser = argparse.ArgumentParser(prog="python -m tests.failover", description=__doc__)
    parser.add_argument("--rounds", type=int, default=3, help="how often each fault happens")
    parser.add_argument("--fault", action="append", choices=list(FAULTS), help="only this fault; may be repeated")
    parser.add_argument("--clients", type=int, default=8)
    parser.add_argument("--pause", type=float, default=0.2, help="seconds between two orders of a client, on average")
    parser.add_argument("--stop", type=float, default=45.0, help="seconds for which a primary is stopped")
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(10**6))
    arguments = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="comanda-failover-"))
    print(f"seed {arguments.seed}, in {folder}", flush=True)
    began = time.monotonic()
    signal.signal(signal.SIGTERM, _end)

    def progress(text: str) -> None:
        print(f"{time.monotonic() - began:6.0f} s  {text}", flush=True)

    with running_cluster() as cluster, asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        progress("three etcd members and three servers work")
        try:
            rounds, proof = runner.run(_run(cluster, folder, arguments, progress))
        except BaseException:
            _keep_logs(folder, cluster.logs())
            raise
        print(f"\n{table(rounds)}\n\n{_totals(proof)}")
        if any(each.wrong for each in rounds):
            _keep_logs(folder, cluster.logs())
            print(f"WRONG; everything is kept in {folder}")
            sys.exit(1)
    shutil.rmtree(folder)


async def _run(
    cluster: Cluster, folder: Path, arguments: argparse.Namespace, progress: Callable[[str], None]
) -> "tuple[list[Round], Proof]":
    site = Site(folder, await asyncio.to_thread(cluster.new_database, "comanda"), replicas=2)
    plan = [fault for _ in range(arguments.rounds) for fault in arguments.fault or FAULTS]
    try:
        await site.open()
        progress("two gateways and two of each department work")
        return await prove(
            cluster,
            site,
            folder,
            plan,
            Duration(stop=arguments.stop),
            progress,
            clients=arguments.clients,
            pause=arguments.pause,
            seed=arguments.seed,
        )
    finally:
        _keep_logs(folder, site.program_logs())
        await site.close()


def table(rounds: "Sequence[Round]") -> str:
    """Write a line for each fault, in Markdown; each time is counted from the one in the column before."""
    lines = [
        "| fault | rounds | lost | doubled | half | promoted | standby | orders | outcomes | pause (s) |",
        "| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |",
    ]
    for fault in dict.fromkeys(each.fault for each in rounds):
        these = [each for each in rounds if each.fault == fault]
        sums = [str(sum(each.audit.get(name, 0) for each in these)) for name in ("lost", "doubled", "half")]
        promotions = [each.promotion for each in these if each.promotion is not None]
        standbys = [each.standby for each in these if each.standby is not None]
        times = [
            promotions,
            standbys,
            [each.taken for each in these],
            [each.decided for each in these],
            [each.pause for each in these],
        ]
        lines.append(f"| {' | '.join([fault, str(len(these)), *sums, *map(_range, times)])} |")
    return "\n".join(lines)


def _totals(proof: "Proof") -> str:
    statuses = ", ".join(f"{count} x {status or 'no response'}" for status, count in sorted(proof.statuses.items()))
    return f"{proof.orders} orders, {len(proof.log.orders)} acknowledged; responses: {statuses}"


def _range(seconds: "Sequence[float]") -> str:
    return f"{min(seconds):.1f} to {max(seconds):.1f}" if seconds else "none"


def _end(number: int, _frame: object) -> None:
    """End as after an error: nothing that was started is left."""
    sys.exit(128 + number)


def _keep_logs(folder: Path, logs: "Iterable[tuple[str, str]]") -> None:
    with (folder / "logs.txt").open("a") as file:
        file.writelines(f"--- {title}\n{text}\n" for title, text in logs)


if __name__ == "__main__":
    main()
