"""Which processes make up the house on one machine: a department for each menu file, and the gateway."""

import shlex
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import count
from pathlib import Path

from departments.domain.menu import Menu
from departments.menu_file import menu_files, read_menu
from departments.settings import DepartmentSettings
from plumbing.errors import StartError
from plumbing.settings import read_settings, variable

FIRST_FREE_PORT = 50054

_ANY_ADDRESS = ("0.0.0.0", "::", "")  # noqa: S104 - compared with, not bound to


@dataclass(frozen=True, slots=True)
class House:
    """The processes, as honcho's Procfile has them, and the variables that they get."""

    procfile: str
    variables: dict[str, str]


def plan(folder: Path, environ: Mapping[str, str]) -> House:
    """Plan a process for each menu file of a folder; raises StartError for a malformed menu or a port named twice."""
    menus = {path: read_menu(path) for path in menu_files(folder)}
    ports = _ports(list(menus.values()), environ)
    commands = [
        f"{menu.name}: exec {shlex.quote(sys.executable)} -m departments {shlex.quote(str(path.absolute()))}"
        for path, menu in menus.items()
    ]
    commands.append(f"gateway: exec {shlex.quote(sys.executable)} -m gateway")
    variables = {variable("port", name): str(port) for name, port in ports.items()}
    addresses = {
        name: f"{own_address(read_settings(DepartmentSettings, name, environ).host)}:{port}"
        for name, port in ports.items()
    }
    variables[variable("departments")] = ",".join(f"{name}={address}" for name, address in addresses.items())
    return House("\n".join(commands) + "\n", variables)


def _ports(menus: list[Menu], environ: Mapping[str, str]) -> dict[str, int]:
    wanted: dict[str, int | None] = {}
    for menu in menus:
        # Told apart as their variables and their schemas do: my-bar and my_bar are one.
        if variable("port", menu.name) in {variable("port", name) for name in (*wanted, "gateway")}:
            raise StartError(f"two programs are called {menu.name!r}: every menu needs a name of its own")
        narrow = {name: value for name, value in environ.items() if name == variable("port", menu.name)}
        port = read_settings(DepartmentSettings, menu.name, narrow).port
        wanted[menu.name] = (port if port is not None else menu.port) or None
    taken = [port for port in wanted.values() if port is not None]
    for port in taken:
        if taken.count(port) > 1:
            raise StartError(f"port {port} is named by {taken.count(port)} menus; every department needs its own")
    free = (port for port in count(FIRST_FREE_PORT) if port not in taken)
    return {name: next(free) if port is None else port for name, port in wanted.items()}


def own_address(host: str) -> str:
    """Answer where, from this machine, a program is that listens on `host`."""
    return "127.0.0.1" if host in _ANY_ADDRESS else host
