"""The command `up`: runs every program as a child of this process, and writes their lines to one stream.

A program that cannot start at all ends all of them: its own line about the reason is the last one. SIGINT and SIGTERM
stop the gateway, then the departments: a gateway that finishes its requests needs them. A second signal is passed on,
a third kills. SIGHUP is passed on to the departments.
"""

import argparse
import asyncio
import os
import signal
import sys
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import suppress
from functools import partial

import structlog

from departments.menu_folder import menu_folder
from gateway.settings import GatewaySettings
from infra.interrupts import has_held_any
from infra.logs import Format, configure_logs
from infra.settings import read_settings
from infra.stop_signals import StopSignals
from infra.supervise import in_background
from ops.child import START_FAILED, Child, NotStarted
from ops.output import Output, OwnLines
from ops.procfile import Procfile, plan

OWN_NAME = "up"
MORE_SECONDS = 10.0
"""How long a program may take to stop beyond its own limits, before it is killed."""

log = structlog.get_logger("up")


def run(_arguments: argparse.Namespace, environ: Mapping[str, str]) -> int:
    """Run a department for each menu file and the gateway, until a signal stops them; returns the exit code."""
    procfile = plan(menu_folder(environ), environ)
    style = read_settings(GatewaySettings, "", environ).log_format
    return asyncio.run(run_up(procfile, environ, style, is_stopped=has_held_any))


async def run_up(
    procfile: Procfile, environ: Mapping[str, str], style: Format, *, is_stopped: Callable[[], bool]
) -> int:
    """Run the programs on this terminal until a signal stops them; returns the exit code.

    `is_stopped` returns whether a signal came before this began. This process's own lines are in `style`.
    """
    signals = StopSignals()
    if is_stopped():
        return 0
    names = [*(program.name for program in procfile.programs), OWN_NAME]
    coloured = sys.stdout.isatty() and not environ.get("NO_COLOR")
    output = Output(sys.stdout.fileno(), names, coloured=coloured, on_failure=signals.stop.set)
    configure_logs(OWN_NAME, "info", style, OwnLines(output, OWN_NAME, is_json=style == "json"))
    reasons = await run_programs(procfile, environ, output, signals)
    for reason in reasons:
        print(reason, file=sys.stderr)
    return START_FAILED if reasons else 0


async def run_programs(
    procfile: Procfile, environ: Mapping[str, str], output: Output, signals: StopSignals
) -> list[str]:
    """Run the programs until a signal stops them; returns the reasons why some could not start."""
    return await run_children(
        [Child(program, {**environ, **procfile.variables}, output) for program in procfile.programs], signals
    )


async def run_children(children: Sequence[Child], signals: StopSignals) -> list[str]:
    """Run children until a signal stops them; returns the reasons why some could not start."""
    departments = [child for child in children if not child.program.is_gateway]
    asyncio.get_running_loop().add_signal_handler(signal.SIGHUP, _hangup_handler(departments, signals))
    keeping = {asyncio.create_task(child.keep()): child for child in children}
    waiting = asyncio.create_task(signals.stop.wait())
    try:
        await asyncio.wait({waiting, *keeping}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        waiting.cancel()
        async with in_background({"urgency": partial(_urge, children, signals)}):
            for is_gateway in (True, False):
                await _stop(
                    {task for task, child in keeping.items() if child.program.is_gateway is is_gateway}, keeping
                )
    for task in keeping:
        with suppress(NotStarted):
            task.result()
    # A setting or a database that all share is wrong for all: each reason is returned once.
    reasons = {reason.partition(": ")[2]: reason for child in reversed(children) for reason in reversed(child.reasons)}
    return list(reversed(reasons.values()))


async def _stop(tasks: Collection["asyncio.Task[None]"], keeping: Mapping["asyncio.Task[None]", Child]) -> None:
    """Stop some of the programs, and wait until they have ended; kill those that take too long."""
    children = [keeping[task] for task in tasks]
    for child in children:
        child.stop()
    _, late = await asyncio.wait(tasks, timeout=max(child.program.stop_seconds for child in children) + MORE_SECONDS)
    for task in late:
        log.error("a program does not stop; it is killed", name=keeping[task].program.name)
        keeping[task].send(signal.SIGKILL)
    await asyncio.wait(tasks)


async def _urge(children: Sequence[Child], signals: StopSignals) -> None:
    """Pass the second signal on to the programs that got the first, and kill all with the third."""
    await signals.hurry.wait()
    for child in children:
        if child.is_stopping:
            child.stop()
    await signals.force.wait()
    for child in children:
        child.stop()
        child.send(signal.SIGKILL)


def _hangup_handler(departments: Sequence[Child], signals: StopSignals) -> Callable[[], None]:
    """Return the handler of SIGHUP: it goes to the departments, unless it says that the terminal was closed."""
    terminals = [number for number in range(3) if os.isatty(number)]

    def hang_up() -> None:
        if terminals and not any(map(os.isatty, terminals)):
            signals.stop.set()
            return
        for department in departments:
            department.send(signal.SIGHUP)

    return hang_up
