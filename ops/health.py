"""`python -m ops.health`: checks one program on this machine, for a container's health check.

It imports little, because it runs every few seconds.
"""

from infra.imports import leave_rich_out

if __name__ == "__main__":
    leave_rich_out()

import argparse
import asyncio
import http.client
import os
import sys
from pathlib import Path

from departments.menu_file import find_menu, read_menu
from departments.menu_folder import menu_folder
from departments.settings import DepartmentSettings
from gateway.settings import GatewaySettings
from infra.errors import StartError
from infra.grpc.health_client import check_health
from infra.settings import read_settings
from infra.tls import find_credentials
from ops.procfile import own_address

SECONDS = 4.0


def main() -> None:
    """Print the program's state in one line; exit code 0 where it serves, or with --live runs, 1 where it does not."""
    parser = argparse.ArgumentParser(prog="python -m ops.health", description="Check a program on this machine.")
    parser.add_argument("program", nargs="?", help="gateway, or a menu (default: what process 1 runs, in a container)")
    parser.add_argument(
        "--live", action="store_true", help="ask whether it runs, whatever the state of its database: else restart it"
    )
    arguments = parser.parse_args()
    try:
        name = arguments.program or program_of(_first_process())
        text = _gateway(arguments.live) if name == "gateway" else _department(name)
    except TimeoutError:
        text = f"no response within {SECONDS:g} s"
    except (StartError, OSError, http.client.HTTPException) as error:
        text = str(error) or type(error).__name__
    print(text)
    sys.exit(text not in ({"live", "SERVING", "NOT_SERVING"} if arguments.live else {"ready", "SERVING"}))


def _gateway(is_live_enough: bool) -> str:
    state = "live" if is_live_enough else "ready"
    settings = read_settings(GatewaySettings, "gateway", os.environ)
    connection = http.client.HTTPConnection(own_address(settings.host), settings.port, timeout=SECONDS)
    connection.request("GET", f"/health/{state}")
    response = connection.getresponse()
    return state if response.status == http.HTTPStatus.OK else f"{response.status}: {response.read().decode()}"


def _department(name: str) -> str:
    path = find_menu(name, menu_folder(os.environ))
    try:
        menu = read_menu(path)
        name, port = menu.name, menu.port
    except StartError:
        # The file was changed, and is not right: the program goes on with the menu that it has.
        name, port = path.stem, None
        if read_settings(DepartmentSettings, name, os.environ).port is None:
            raise
    settings = read_settings(DepartmentSettings, name, os.environ)
    credentials = find_credentials(name, settings, [])
    address = own_address(settings.host), settings.listening_port(port)
    return asyncio.run(check_health(*address, credentials, SECONDS))


def program_of(command: list[str]) -> str:
    """Return the program's name by its command, `… -m gateway` or `… -m departments bar`; raises StartError."""
    match command[command.index("-m") + 1 :] if "-m" in command else []:
        case ["gateway", *_]:
            return "gateway"
        case ["departments", *arguments] if menus := [each for each in arguments if not each.startswith("-")]:
            return menus[0]
    raise StartError(f"process 1 is no program of Comanda: {' '.join(command)}")


def _first_process() -> list[str]:
    return Path("/proc/1/cmdline").read_text().rstrip("\0").split("\0")


if __name__ == "__main__":
    main()
