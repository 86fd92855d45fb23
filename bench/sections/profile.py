"""Where the time of each program goes, by py-spy: it looks 200 times a second at who holds the interpreter."""

import subprocess
import sys
from collections import Counter
from pathlib import Path

from bench import wrk
from bench.plan import Plan
from bench.programs import Program
from bench.results import Profile
from bench.stage import Stage

CONNECTIONS = 64
SAMPLES_A_SECOND = 200
PROFILED = ("comanda-sqlite", "async")
SHOWN = 12
PY_SPY = Path(sys.executable).parent / "py-spy"


def windows(plan: Plan, names: tuple[str, ...]) -> int:
    """Count the windows."""
    return len([name for name in PROFILED if name in names]) if plan.profile_seconds else 0


def run(stage: Stage) -> None:
    """Profile the gateway and one department of each, under load."""
    for name in PROFILED if stage.plan.profile_seconds else ():
        if name not in stage.names:
            continue
        stage.show.say(name)
        system = stage.system(name)
        system.settle()
        load = wrk.start(stage.script, system.port, CONNECTIONS, stage.plan.profile_seconds + 2)
        looking = [(p, _look(stage, p)) for p in (system.gateways[0], system.departments[0])]
        looks = stage.plan.profile_seconds * SAMPLES_A_SECOND
        stage.results.profiles += [_profile(name, p.name, looks, path, spy) for p, (path, spy) in looking]
        wrk.finish(load)
        stage.show.advance()


def _look(stage: Stage, program: Program) -> "tuple[Path, subprocess.Popen[bytes]]":
    path = stage.folder / f"{program.pid}.stacks"
    command = [str(PY_SPY), "record", "--format", "raw", "--rate", str(SAMPLES_A_SECOND), "--output", str(path)]
    command += ["--gil", "--duration", str(stage.plan.profile_seconds), "--pid", str(program.pid)]
    return path, subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def _profile(system: str, program: str, looks: int, path: Path, spy: "subprocess.Popen[bytes]") -> Profile:
    spy.wait()
    functions = own_time(path.read_text())
    packages: Counter[str] = Counter()
    for function, samples in functions.items():
        packages[package(function)] += samples
    return Profile(
        system,
        program,
        looks,
        functions.total(),
        dict(packages.most_common(SHOWN)),
        dict(functions.most_common(SHOWN)),
    )


def own_time(stacks: str) -> Counter[str]:
    """Count samples by the function on top of the stack: `name (file)`, the outermost first in py-spy's lines."""
    counts: Counter[str] = Counter()
    for line in stacks.splitlines():
        stack, _, samples = line.rpartition(" ")
        top = stack.rpartition(";")[2]
        counts[top.rpartition(":")[0] + ")" if ":" in top else top] += int(samples)
    return counts


def package(function: str) -> str:
    """Name the package, or the module of the standard library, that a function is in."""
    file = function.rpartition("(")[2].rstrip(")")
    return file.partition("/")[0].removesuffix(".py")
