"""All programs as `just up` runs them: one command, one terminal, nothing left behind."""

import asyncio
import json
import os
import pty
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import httpx
import pytest

from departments.menu_file import SHIPPED
from tests.support.database_contents import Books, StockRow, Store
from tests.support.processes import ROOT, accepts, environment, free_ports, processes_with
from tests.support.rest_clients import line, order, outcomes, states_of_menu
from tests.support.systems import write_menu
from tests.support.waiting import wait_for

READY_SECONDS = 60.0  # a few on a machine that has nothing else to do
STOP_SECONDS = 25.0  # likewise
GRACE = 60  # seconds: what waits for the end of a grace ends too late


# A session's leader gets the terminal on its standard input as its own.
ON_TERMINAL = """
import fcntl, os, sys, termios
fcntl.ioctl(0, termios.TIOCSCTTY, 0)
os.execv(sys.argv[1], sys.argv[1:])
"""


class Terminal:
    """Our end of a terminal."""

    def __init__(self, descriptor: int) -> None:
        """Read without waiting."""
        os.set_blocking(descriptor, False)
        self._descriptor = descriptor
        self._text = b""

    def read(self) -> bytes:
        """Return everything that was written so far."""
        with suppress(BlockingIOError):
            self._text += os.read(self._descriptor, 1 << 16)
        return self._text

    def close(self) -> None:
        """Close it, as a terminal's window is closed."""
        os.close(self._descriptor)


class Up:
    """`python -m ops up`, or another command, in a process group of its own, as a terminal runs it."""

    def __init__(self, folder: Path, url: str | None = None, menus: Path = SHIPPED, **settings: object) -> None:
        """Choose free ports for the gateway and for a department of each menu."""
        names = ["gateway", *sorted(menu.stem for menu in menus.glob("*.toml"))]
        self.ports = dict(zip(names, free_ports(len(names)), strict=True))
        self.home = folder / "50% of what?"
        self.books = Books(Store(self.home, url))
        self.temporary = folder / "tmp"
        self.temporary.mkdir()
        self._log = folder / "up.log"
        self._variables = environment(
            HOME=self.home,
            DATABASE_URL=url or "",
            MENUS="" if menus == SHIPPED else menus,
            GRACE=GRACE,
            **{f"{name.upper()}_PORT": port for name, port in self.ports.items()},
            **settings,
        ) | {"TMPDIR": str(self.temporary)}
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def output(self) -> str:
        """What was printed."""
        return self._log.read_text()

    @property
    def pid(self) -> int:
        """The process that was started."""
        assert self._process is not None
        return self._process.pid

    def start(self, *command: str) -> None:
        """Run the command."""
        command = command or (sys.executable, "-m", "ops", "up")
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                command, cwd=ROOT, env=self._variables, stdout=log, stderr=log, start_new_session=True
            )

    def start_on_terminal(self) -> "Terminal":
        """Run the command on a terminal of its own."""
        ours, theirs = pty.openpty()
        command = [sys.executable, "-c", ON_TERMINAL, sys.executable, "-m", "ops", "up"]
        self._process = subprocess.Popen(
            command, cwd=ROOT, env=self._variables, stdin=theirs, stdout=theirs, stderr=theirs, start_new_session=True
        )
        os.close(theirs)
        return Terminal(ours)

    def addresses(self) -> dict[str, str]:
        """Wait until the addresses of the menu and of the API's page are printed, and return them."""
        wait_for(lambda: "api=" in self.output, f"it is ready, as {self.output}", READY_SECONDS)
        (ready,) = [text for text in self.output.splitlines() if "ready for orders" in text]
        return dict(re.findall(r"\b(menu|api)=(http://\S+)", ready))

    def process_of(self, name: str) -> int:
        """Find the process in which a program was started last."""
        return int(re.findall(rf"started +name={name} pid=(\d+)", self.output)[-1])

    def wait(self, within: float) -> int:
        """Wait for the end of the command; return its exit code."""
        assert self._process is not None
        return self._process.wait(within)

    def left(self) -> list[int]:
        """List the processes that still run."""
        return processes_with(f"COMANDA_HOME={self.home}")

    def close(self) -> None:
        """Leave nothing behind, whatever went wrong."""
        for pid in self.left():
            os.kill(pid, signal.SIGKILL)
        if self._process is not None:
            self._process.wait()


@pytest.fixture
def new_up(tmp_path: Path) -> Iterator[Callable[..., Up]]:
    ups: list[Up] = []

    def build(url: str | None = None, menus: Path = SHIPPED, **settings: object) -> Up:
        ups.append(Up(tmp_path, url, menus, **settings))
        return ups[-1]

    yield build
    for up in ups:
        up.close()


async def test_an_order_through_the_processes_of_just_up(
    new_up: Callable[..., Up], database_url: str, order_id: str
) -> None:
    up = new_up(None if database_url.startswith("sqlite") else database_url)
    up.start()
    addresses = await asyncio.to_thread(up.addresses)

    async with httpx.AsyncClient(trust_env=False) as client:
        menu = await client.get(addresses["menu"])
        page = await client.get(addresses["api"])
        gateway = addresses["menu"].removesuffix("/menu")
        body = order(
            line("bar", "coffee", 2), line("bar", "beer"), line("kitchen", "pizza"), line("bakery", "cake"),
            order_id=order_id,
        )  # fmt: skip
        response = await client.post(f"{gateway}/orders", json=body)

    assert states_of_menu(menu) == {"bakery": "open", "bar": "open", "kitchen": "open"}
    assert (page.status_code, "text/html" in page.headers["content-type"]) == (200, True)
    assert gateway == f"http://127.0.0.1:{up.ports['gateway']}"
    assert (response.status_code, response.headers["location"]) == (201, f"/orders/{order_id}")
    assert outcomes(response.json()) == ["accepted", "out_of_stock", "accepted", "not_on_menu"]
    assert up.books.check("bar")["coffee"] == StockRow(10, 8, 0, 2)
    assert up.books.check("kitchen")["pizza"] == StockRow(5, 4, 0, 1)
    assert up.books.tickets("bar")[order_id].state == "queued"
    assert up.books.tickets("bakery")[order_id].state == "none"
    wait_for(lambda: up.books.orders()[order_id].status == "partly_accepted", "the outcome is written down")

    os.kill(up.pid, signal.SIGTERM)
    assert up.wait(STOP_SECONDS) == 0
    assert up.left() == []
    assert list(up.temporary.iterdir()) == []
    assert not [port for port in up.ports.values() if accepts(port)]
    assert "Traceback" not in up.output


async def test_a_fourth_department_needs_a_menu_file_only_and_ctrl_c_stops_it_too(
    new_up: Callable[..., Up], tmp_path: Path
) -> None:
    for name, item in (("bar", "coffee"), ("kitchen", "pizza"), ("bakery", "cookie"), ("grill", "steak")):
        write_menu(tmp_path / "menus", name, {item: 5})
    up = new_up(menus=tmp_path / "menus")
    up.start()
    addresses = await asyncio.to_thread(up.addresses)

    async with httpx.AsyncClient(trust_env=False) as client:
        menu = await client.get(addresses["menu"])
        body = order(line("grill", "steak", 2), line("bar", "coffee"))
        response = await client.post(addresses["menu"].replace("/menu", "/orders"), json=body)

        os.killpg(up.pid, signal.SIGINT)  # as a terminal does, with the client's connection still open
        code = await asyncio.to_thread(up.wait, STOP_SECONDS)

    assert states_of_menu(menu) == dict.fromkeys(["bakery", "bar", "grill", "kitchen"], "open")
    assert (response.status_code, outcomes(response.json())) == (201, ["accepted", "accepted"])
    assert code == 0
    assert up.left() == []
    assert "Traceback" not in up.output


def test_a_department_that_cannot_start_stops_the_rest_with_its_exit_code(new_up: Callable[..., Up]) -> None:
    up = new_up()
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", up.ports["bar"]))
        taken.listen()
        up.start()
        code = up.wait(READY_SECONDS)

    assert code == 2
    assert up.left() == []
    (reason,) = [text for text in up.output.splitlines() if "cannot listen" in text]
    assert reason.endswith(f"cannot listen on 127.0.0.1:{up.ports['bar']}: Address already in use")
    assert "bar" in reason
    assert reason == up.output.splitlines()[-1]
    assert "Traceback" not in up.output


@pytest.mark.parametrize(("number", "to_all"), [(signal.SIGINT, True), (signal.SIGTERM, False), (signal.SIGTERM, True)])
def test_just_itself_takes_a_signal_for_a_good_end(
    number: signal.Signals, to_all: bool, new_up: Callable[..., Up]
) -> None:
    up = new_up()
    up.start("just", "up")
    up.addresses()

    (os.killpg if to_all else os.kill)(up.pid, number)

    assert up.wait(STOP_SECONDS) == 0
    assert up.left() == []
    assert "error" not in up.output
    assert up.output.count("closing") == 3


def test_just_tells_nothing_but_the_reason_of_a_start_that_failed(new_up: Callable[..., Up]) -> None:
    up = new_up(GATEWAY_PROT=1)
    up.start("just", "up")

    assert up.wait(READY_SECONDS) == 2
    assert up.output == "ops: COMANDA_GATEWAY_PROT is no setting: did you mean COMANDA_GATEWAY_PORT?\n"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_while_it_still_loads_prints_no_traceback(number: signal.Signals, new_up: Callable[..., Up]) -> None:
    up = new_up()
    up.start("just", "up")
    wait_for(lambda: processes_with(f"COMANDA_HOME={up.home}", "ops\0up"), "Python has begun")

    os.killpg(up.pid, number)

    assert up.wait(STOP_SECONDS) == 0
    assert up.left() == []
    assert "Traceback" not in up.output


def test_a_department_that_is_stopped_is_started_again_and_the_others_go_on(new_up: Callable[..., Up]) -> None:
    up = new_up()
    up.start()
    up.addresses()
    gateway, bar = up.process_of("gateway"), up.process_of("bar")

    os.kill(bar, signal.SIGTERM)

    wait_for(lambda: up.process_of("bar") != bar and accepts(up.ports["bar"]), "the bar is back", READY_SECONDS)
    assert up.process_of("gateway") == gateway
    assert "a program ended; it is started again end='exit code 0' name=bar" in up.output


def test_nothing_is_left_where_it_is_killed(new_up: Callable[..., Up]) -> None:
    up = new_up()
    up.start()
    up.addresses()

    os.kill(up.pid, signal.SIGKILL)

    wait_for(lambda: not up.left(), "all programs have ended")


def test_a_terminal_that_is_closed_ends_it(new_up: Callable[..., Up]) -> None:
    up = new_up()
    terminal = up.start_on_terminal()
    wait_for(lambda: b"api=" in terminal.read(), "it is ready", READY_SECONDS)

    terminal.close()

    wait_for(lambda: not up.left(), "all programs have ended")


@pytest.fixture(scope="module")
def on_ipv6(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Up]:
    up = Up(tmp_path_factory.mktemp("ipv6"), HOST="::1")
    up.start()
    yield up
    up.close()


def test_all_programs_on_ipv6(on_ipv6: Up) -> None:
    addresses = on_ipv6.addresses()

    menu = httpx.get(addresses["menu"], trust_env=False)

    assert addresses["menu"] == f"http://[::1]:{on_ipv6.ports['gateway']}/menu"
    assert states_of_menu(menu) == {"bakery": "open", "bar": "open", "kitchen": "open"}


def test_times_are_logged_once_with_the_date(on_ipv6: Up) -> None:
    on_ipv6.addresses()

    for text in on_ipv6.output.splitlines():
        assert re.match(r"(bakery|bar|kitchen|gateway|up) +\| \d{4}-\d\d-\d\d \d\d:\d\d:\d\d \[", text)
        assert len(re.findall(r"\d\d:\d\d:\d\d", text)) == 1


def test_json_logs_are_json(new_up: Callable[..., Up]) -> None:
    up = new_up(LOG_FORMAT="json")
    up.start()
    wait_for(lambda: "ready for orders" in up.output, "it is ready", READY_SECONDS)
    os.kill(up.pid, signal.SIGINT)

    assert up.wait(STOP_SECONDS) == 0
    events = [json.loads(text) for text in up.output.splitlines()]
    assert {event["program"] for event in events} == {"bakery", "bar", "kitchen", "gateway", "up"}
