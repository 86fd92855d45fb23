"""`python -m tests.torture --kills 250 --orders 20000`: the long version, with its progress and a table at the end."""

import argparse
import asyncio
import random
import shutil
import sys
import tempfile
import time
from collections.abc import Callable
from math import inf
from pathlib import Path

import uvloop

from tests.torture.run import Plan, Result, torture
from tests.torture.site import Server, Site

AUDIT_SECONDS = 30.0
QUIET_SECONDS = 30.0  # between two lines of progress where there is no terminal


def main() -> None:
    """Torture a system; exit code 1 if anything was wrong."""
    parser = argparse.ArgumentParser(prog="python -m tests.torture", description=__doc__)
    parser.add_argument("--kills", type=int, default=250)
    parser.add_argument("--orders", type=int, default=20_000)
    parser.add_argument("--database", choices=["sqlite", "postgresql"], default="postgresql")
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(10**6))
    parser.add_argument("--clients", type=int, default=48)
    parser.add_argument("--pause", type=float, default=0.2, help="seconds between two orders of a client, on average")
    parser.add_argument("--at-once", type=int, default=3, help="things that are broken at the same time")
    parser.add_argument("--watchers", type=int, default=20, help="who follow the departments' changes")
    parser.add_argument("--seconds", type=float, default=inf, help="end after so long, however many were killed")
    arguments = parser.parse_args()
    plan = Plan(
        arguments.seed,
        arguments.kills,
        arguments.orders,
        arguments.clients,
        arguments.pause,
        audit_every=AUDIT_SECONDS,
        at_once=arguments.at_once,
        watchers=arguments.watchers,
        seconds=arguments.seconds,
    )
    folder = Path(tempfile.mkdtemp(prefix="comanda-torture-"))
    print(f"seed {plan.seed}, {arguments.database}, in {folder}", flush=True)
    began = shown = time.monotonic()

    def progress(text: str) -> None:
        nonlocal shown
        now = time.monotonic()
        if sys.stdout.isatty():
            print(f"\r{now - began:6.0f} s  {text}", end="", flush=True)
        elif now - shown > QUIET_SECONDS:
            print(f"{now - began:6.0f} s  {text}", flush=True)
            shown = now

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        result, logs = runner.run(_run(folder, arguments.database, plan, progress))
    print(f"\n{result.report()}")
    print(f"took {time.monotonic() - began:.0f} s")
    if result.wrong:
        (folder / "logs.txt").write_text(logs)
        print("\n".join(["WRONG:", *result.wrong, f"everything is kept in {folder}"]))
        sys.exit(1)
    shutil.rmtree(folder)


async def _run(folder: Path, database: str, plan: Plan, progress: "Callable[[str], None]") -> "tuple[Result, str]":
    server = Server(folder / "postgresql") if database == "postgresql" else None
    site = Site(folder, server, replicas=2 if server else 1)
    try:
        await site.open()
        result = await torture(site, folder, plan, progress)
        return result, "\n".join(f"--- {title}\n{text}" for title, text in site.program_logs())
    finally:
        await site.close()
        if server is not None:
            server.close()


if __name__ == "__main__":
    main()
