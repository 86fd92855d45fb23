"""`python -m tests.fuzz --frames 100000 --cases 20000 --role-cases 10000`: the long versions, with their figures."""

import argparse
import asyncio
import sys
import tempfile
import time
from pathlib import Path

from tests.fuzz import frames, rest
from tests.fuzz.menus import MENUS
from tests.fuzz.roles import ROLES
from tests.support.database_contents import Store
from tests.support.systems import System, Systems


class Progress:
    """Tells every few seconds how far it is."""

    def __init__(self, total: int) -> None:
        """Of how many."""
        self._total = total
        self._begin = self._told = time.monotonic()

    def __call__(self, done: int, besides: str = "") -> None:
        """Tell, unless it was told just now."""
        now = time.monotonic()
        if now - self._told > 5:
            self._told = now
            print(f"  {done:,} of {self._total:,}, {now - self._begin:.0f} s{besides}", file=sys.stderr, flush=True)


def main() -> None:
    """Fuzz a system of its own; exit code 1 where anything was wrong."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz")
    parser.add_argument("--frames", type=int, default=100_000, help="frames and messages at a department")
    parser.add_argument("--cases", type=int, default=20_000, help="cases over the REST API")
    parser.add_argument("--role-cases", type=int, default=0, help="cases over the REST API for each role")
    parser.add_argument("--seed", type=int, default=time.time_ns() % 1_000_000)
    arguments = parser.parse_args()
    print(f"seed {arguments.seed}")
    with tempfile.TemporaryDirectory() as folder:
        systems = Systems(Path(folder), Store)
        try:
            faults = _fuzz(systems.open(MENUS), systems.open(MENUS, GATEWAY_GUESTS="closed"), arguments)
            if faults:
                print(
                    *(f"== {title}\n{text[-20_000:]}" for title, text in systems.program_logs()),
                    sep="\n",
                    file=sys.stderr,
                )
        finally:
            systems.close()
    sys.exit(1 if faults else 0)


def _fuzz(system: System, closed: System, arguments: argparse.Namespace) -> int:
    faults = 0
    if arguments.frames:
        progress, begin = Progress(arguments.frames), time.monotonic()

        def tell_frames(attack: frames.Attack) -> None:
            progress(attack.mutated, f", grown by {attack.grown:.1f} MiB, {len(attack.faults)} faults")

        attack, honest = asyncio.run(frames.besiege(system, arguments.frames, arguments.seed, tell_frames))
        print(f"department, {time.monotonic() - begin:.0f} s: {attack}")
        print(f"  honest clients meanwhile: {honest}")
        faults += len(attack.faults)
    if arguments.cases:
        progress, begin = Progress(arguments.cases), time.monotonic()

        def show_cases(responses: rest.Responses) -> None:
            progress(responses.cases)

        responses = rest.fuzz_gateway(system, arguments.cases, arguments.seed, show_cases)
        print(f"gateway, {time.monotonic() - begin:.0f} s: {responses}")
        faults += len(responses.faults)
    if arguments.role_cases:
        faults += sum(
            _fuzz_role(name, closed if known.is_closed else system, arguments) for name, known in ROLES.items()
        )
    return faults


def _fuzz_role(name: str, system: System, arguments: argparse.Namespace) -> int:
    progress, begin = Progress(arguments.role_cases), time.monotonic()

    def show_cases(responses: rest.Responses) -> None:
        progress(responses.cases)

    known = ROLES[name]
    responses = rest.fuzz(
        system.url, rest.ITEMS, arguments.role_cases, arguments.seed, show_cases, known.headers(system), known.may
    )
    refused = f"{responses.refused} of them such as it may not make"
    print(f"{name}, {time.monotonic() - begin:.0f} s: {responses.cases} cases, {refused}", *responses.faults, sep="\n")
    return len(responses.faults)


if __name__ == "__main__":
    main()
