"""The command `demo`: runs the programs of a made-up restaurant, and an evening in it, until a signal stops them.

What it writes is in a folder of its own, which is removed at the end.
"""

import argparse
import asyncio
import secrets
import sys
import tempfile
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path

from infra.errors import StartError
from infra.interrupts import has_held_any
from infra.logs import configure_logs
from infra.setting_names import KEY
from infra.stop_signals import StopSignals
from infra.supervise import end
from ops.child import START_FAILED, Child
from ops.demo.director import OFFICE, Director, make_station_keys
from ops.demo.evening import evening
from ops.demo.place import HOST, MENUS, choose_ports, read_menus, variables
from ops.output import Output, OwnLines
from ops.printing import show
from ops.procfile import plan
from ops.refusals import Refused
from ops.staff.rest import Rest
from ops.up import run_children

OWN_NAME = "demo"
DEFAULT_PORT = 8000
LEAST_SPEED, MOST_SPEED = 0.1, 20.0
READY_PAUSE = 0.2

EPILOG = """
  python -m ops demo                 something happens every second or two
  python -m ops demo --speed 3       three times as fast
  python -m ops demo --seed 7        another evening; the same seed is the same evening

exit code: 0 a signal ended it, 2 it could not start
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.epilog = EPILOG
    parser.add_argument("--seed", type=int, default=1, help="which evening it is (default: 1)")
    parser.add_argument("--speed", type=_speed, default=1.0, help="how many times as fast as usual (default: 1)")
    parser.add_argument("--port", type=int, default=DEFAULT_PORT, help=f"where the pages are (default: {DEFAULT_PORT})")


def run(arguments: argparse.Namespace, environ: Mapping[str, str]) -> int:
    """Run the demo until a signal stops it; returns the exit code."""
    with tempfile.TemporaryDirectory(prefix="comanda-demo-") as folder:
        return asyncio.run(Demo(arguments, environ, Path(folder)).run())


class Demo:
    """A restaurant's programs, and who works and eats there."""

    def __init__(self, arguments: argparse.Namespace, environ: Mapping[str, str], folder: Path) -> None:
        """`folder` gets the databases, and what the programs write; raises StartError where a port is taken."""
        self._menus = read_menus()
        self._seed, self._speed = arguments.seed, arguments.speed
        ports = choose_ports(arguments.port, self._menus)
        self._url = f"http://{HOST}:{ports['gateway']}"
        self._keys = {OFFICE: f"comanda_{secrets.token_urlsafe(32)}"}
        own = variables(environ, folder, ports, self._keys[OFFICE])
        procfile = plan(MENUS, own)
        self._programs = procfile.programs
        self._variables = {**procfile.variables, **own}
        self._log = folder / "log"

    async def run(self) -> int:
        """Run until a signal; returns the exit code."""
        signals = StopSignals()
        if has_held_any():
            return 0
        with self._log.open("wb") as file:
            names = [*(program.name for program in self._programs), OWN_NAME]
            output = Output(file.fileno(), names, coloured=False, on_failure=signals.stop.set)
            configure_logs(OWN_NAME, "info", "console", OwnLines(output, OWN_NAME, is_json=False))
            children = [Child(program, self._variables, output) for program in self._programs]
            reasons = await self._run(children, signals)
        for reason in reasons:
            print(reason, file=sys.stderr)
        return START_FAILED if reasons else 0

    async def _run(self, children: list[Child], signals: StopSignals) -> list[str]:
        """Run the programs, and the evening with them; returns the reasons why some could not start."""
        running = asyncio.create_task(run_children(children, signals))
        happening = asyncio.create_task(self._happen(children))
        stopping = asyncio.create_task(signals.stop.wait())
        await asyncio.wait({running, happening, stopping}, return_when=asyncio.FIRST_COMPLETED)
        signals.stop.set()
        is_over = happening.done()
        await end([happening])
        reasons = await running
        await stopping
        if is_over:
            happening.result()
        return reasons

    async def _happen(self, children: list[Child]) -> None:
        departments = {child.program.name: child for child in children if not child.program.is_gateway}
        while not await asyncio.to_thread(self._is_ready):  # noqa: ASYNC110 - another program becomes ready
            await asyncio.sleep(READY_PAUSE)
        address = await asyncio.to_thread(self._prepare)
        show(f"\n  A made-up evening is on. Open this, once, within 15 minutes:\n\n    {address}\n")
        show("  Ctrl-C ends it, and leaves nothing behind.\n")
        await Director(self._new_rest, departments, self._speed).run(evening(self._seed, self._menus))

    def _is_ready(self) -> bool:
        """Return whether orders can be placed."""
        with closing(self._new_rest(OFFICE)) as office:
            try:
                office.get("health", "ready")
            except (StartError, Refused):
                return False
            return True

    def _prepare(self) -> str:
        """Make a key for each station; return the address that makes a browser the manager's, and leads to `/demo`."""
        with closing(self._new_rest(OFFICE)) as office:
            self._keys.update(make_station_keys(office, self._menus))
            made = office.send("POST", "access", "keys", body={"name": "visitor", "role": "manager"})
            code = office.send("POST", "access", "keys", made["key"]["id"], "pairing-codes", body={})
            return f"{self._url}{code['path']}"

    def _new_rest(self, name: str) -> Rest:
        """Return a connection to the gateway with the key of the office or of a station; guests have none."""
        return Rest(self._url, {KEY: self._keys.get(name, "")})


def _speed(text: str) -> float:
    """Return a speed; raises ArgumentTypeError."""
    try:
        speed = float(text)
    except ValueError:
        speed = 0.0
    if not LEAST_SPEED <= speed <= MOST_SPEED:
        raise argparse.ArgumentTypeError(f"{text!r} is not allowed: expected {LEAST_SPEED} to {MOST_SPEED}")
    return speed
