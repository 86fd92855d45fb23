"""Where a demo runs: its folder, its ports, and the settings of its programs."""

from collections.abc import Collection, Iterator, Mapping
from contextlib import closing
from pathlib import Path

from departments.domain.menu import Menu
from departments.menu_file import menu_files, read_menu
from infra.errors import StartError
from infra.settings import PREFIX, variable
from infra.sockets import bind

MENUS = Path(__file__).parent / "menus"

ORDER = ("kitchen", "bar", "bakery")
"""The order in which pages show the departments."""

HOST = "127.0.0.1"
LAST_PORT = 65_535

PASSED_ON = frozenset({variable("time_zone"), variable("log_level")})
"""Settings of the user's that hold for the demo, too. Others are a real restaurant's."""


def read_menus() -> dict[str, Menu]:
    """Return the menus of the demo by department, in their order."""
    menus = {menu.name: menu for menu in map(read_menu, menu_files(MENUS))}
    return {name: menus[name] for name in ORDER}


def variables(environ: Mapping[str, str], home: Path, ports: Mapping[str, int], key: str) -> dict[str, str]:
    """Return the environment of the programs: ours, without settings but these. `ports` has the gateway's, too."""
    inherited = {name: text for name, text in environ.items() if not name.startswith(PREFIX) or name in PASSED_ON}
    own = {
        "home": home,
        "menus": MENUS,
        "host": HOST,
        "first_key": key,
        "demo": True,
        "grace": 1,
        "retry_cap": 1,
        "metrics_port": 0,
        **{f"{name}_port": port for name, port in ports.items()},
        "departments": ",".join(f"{name}={HOST}:{port}" for name, port in ports.items() if name != "gateway"),
    }
    return inherited | {variable(name): str(value) for name, value in own.items()}


def choose_ports(first: int, departments: Collection[str]) -> dict[str, int]:
    """Return `first` for the gateway, and the next ports that nobody uses for departments; raises StartError."""
    try:
        _try(first)
    except StartError as error:
        raise StartError(f"{error}; `just demo --port {first + 10}` takes another port") from None
    free = _free(first + 1)
    return {"gateway": first, **{name: next(free) for name in departments}}


def _free(first: int) -> Iterator[int]:
    for port in range(first, LAST_PORT + 1):
        try:
            _try(port)
        except StartError:
            continue
        yield port
    raise StartError(f"there is no free port from {first} on")


def _try(port: int) -> None:
    """Raise StartError where somebody listens on a port."""
    with closing(bind(HOST, port)):
        pass
