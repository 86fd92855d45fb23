"""Which programs `up` runs on one machine: a department for each menu file, and the gateway."""

import sys
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import count
from pathlib import Path

from departments.domain.menu import Menu
from departments.menu_file import menu_files, read_menu
from departments.settings import DepartmentSettings, refuse_reserved_name
from gateway.settings import GatewaySettings
from infra.addresses import Address
from infra.errors import StartError
from infra.metrics_server import metrics_port
from infra.setting_names import refuse_unknown_names
from infra.settings import read_settings, variable

FIRST_FREE_PORT = 50054

_ANY_ADDRESS = ("0.0.0.0", "::", "")  # noqa: S104 - compared with, not bound to


@dataclass(frozen=True, slots=True)
class Program:
    """A program to run: `command` starts it, and it may take `stop_seconds` to stop by itself.

    `complaint` is how the line begins on which it writes why it cannot start.
    """

    name: str
    command: tuple[str, ...]
    writes_json: bool
    stop_seconds: float
    complaint: bytes

    @property
    def is_gateway(self) -> bool:
        """Return whether this is the gateway, and not a department."""
        return self.name == "gateway"


@dataclass(frozen=True, slots=True)
class Procfile:
    """The programs, departments first, and the environment variables that all of them get."""

    programs: tuple[Program, ...]
    variables: dict[str, str]


def plan(folder: Path, environ: Mapping[str, str]) -> Procfile:
    """Plan a program for each menu file of a folder, and the gateway.

    Raises StartError for a malformed menu, a port named twice, and whatever is wrong with a setting of any program.
    """
    menus = {path: read_menu(path) for path in menu_files(folder)}
    names = [menu.name for menu in menus.values()]
    refuse_unknown_names(environ, names)
    ports = _ports(list(menus.values()), environ)
    variables = {variable("port", name): str(port) for name, port in ports.items()}
    variables |= _metrics_ports(ports, environ)
    settings = {name: read_settings(DepartmentSettings, name, environ) for name in names}
    addresses = {name: Address.of(own_address(settings[name].host), port) for name, port in ports.items()}
    variables[variable("departments")] = ",".join(f"{name}={address}" for name, address in addresses.items())
    programs = [
        _program(menu.name, ("departments", str(path.absolute())), settings[menu.name], settings[menu.name].grace)
        for path, menu in menus.items()
    ]
    gateway = read_settings(GatewaySettings, "gateway", {**environ, **variables})
    programs.append(_program("gateway", ("gateway",), gateway, gateway.linger + gateway.grace))
    return Procfile(tuple(programs), variables)


def _program(
    name: str, module: tuple[str, ...], settings: DepartmentSettings | GatewaySettings, stop_seconds: float
) -> Program:
    command = (sys.executable, "-m", *module)
    return Program(name, command, settings.log_format == "json", stop_seconds, f"{' '.join(module)}: ".encode())


def _ports(menus: list[Menu], environ: Mapping[str, str]) -> dict[str, int]:
    wanted: dict[str, int | None] = {}
    for menu in menus:
        # Compared as environment variables and schemas are: my-bar and my_bar are the same.
        if variable("port", menu.name) in {variable("port", name) for name in (*wanted, "gateway")}:
            raise StartError(f"two programs are called {menu.name!r}: every menu needs a name of its own")
        refuse_reserved_name(menu.name)
        narrow = {name: value for name, value in environ.items() if name == variable("port", menu.name)}
        port = read_settings(DepartmentSettings, menu.name, narrow).port
        wanted[menu.name] = (port if port is not None else menu.port) or None
    taken = [port for port in wanted.values() if port is not None]
    for port in taken:
        if taken.count(port) > 1:
            raise StartError(f"port {port} is named by {taken.count(port)} menus; every department needs its own")
    free = (port for port in count(FIRST_FREE_PORT) if port not in taken)
    return {name: next(free) if port is None else port for name, port in wanted.items()}


def _metrics_ports(ports: Mapping[str, int], environ: Mapping[str, str]) -> dict[str, str]:
    """Return the variables that keep departments off COMANDA_METRICS_PORT, which here is the gateway's alone.

    Where it is not set, each program derives a port from its own; 0 is right for all of them.
    """
    if environ.get(variable("metrics_port"), "").strip() in ("", "0"):
        return {}
    derived = {variable("metrics_port", name): str(metrics_port(None, port)) for name, port in ports.items()}
    return {name: port for name, port in derived.items() if not environ.get(name, "").strip()}


def own_address(host: str) -> str:
    """Return the host at which this machine reaches a program that listens on `host`."""
    return "127.0.0.1" if host in _ANY_ADDRESS else host
