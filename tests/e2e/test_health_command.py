"""`python -m ops.health`, as a container's health check runs it: one line, and 0 or 1."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from infra.errors import StartError
from ops import health
from tests.support.processes import Finished, environment, free_ports, run
from tests.support.systems import System, Systems
from tests.support.waiting import wait_for

MENUS = {"bar": {"coffee": 10}}


@pytest.fixture(scope="module")
def opened(systems: Systems) -> System:
    return systems.open(MENUS)


@pytest.fixture
def system(opened: System) -> System:
    return opened.restored()


@pytest.fixture(scope="module")
def failing(systems: Systems) -> Iterator[System]:
    """A system of its own whose programs cannot write, and know it."""
    system = systems.open(MENUS)
    with system.unwritable("bar"), system.unwritable("gateway"):
        wait_for(lambda: how_is(system, "bar").code, "the bar is unhealthy")
        wait_for(lambda: how_is(system, "gateway").code, "the gateway is unhealthy")
        yield system


def menus_of(system: System) -> Path:
    return system["bar"].log.parent / "menus"


def how_is(system: System, name: str, *options: str, **settings: object) -> Finished:
    menus = menus_of(system)
    ports = {"BAR_PORT": system["bar"].port, "GATEWAY_PORT": system.gateway.port}
    return run(["-m", "ops.health", *options, name], environment(MENUS=menus, **(ports | settings)))


@pytest.mark.parametrize("host", ["127.0.0.1", "0.0.0.0"])
def test_what_serves_is_healthy(system: System, host: str) -> None:
    assert how_is(system, "bar", HOST=host) == Finished(0, "SERVING\n", "")
    assert how_is(system, "gateway", HOST=host) == Finished(0, "ready\n", "")


def test_what_is_not_there_or_hangs_is_not(system: System) -> None:
    (nobody,) = free_ports(1)
    for name in ("bar", "gateway"):
        gone = how_is(system, name, PORT=nobody, BAR_PORT=nobody, GATEWAY_PORT=nobody)
        assert (gone.code, gone.stderr, len(gone.stdout.splitlines())) == (1, "", 1)
        assert "refused" in gone.stdout or "Connect call failed" in gone.stdout
    for name, told in (("bar", "Connection lost"), ("gateway", f"no response within {health.SECONDS:g} s")):
        system[name].pause()
        hung = how_is(system, name)
        system[name].resume()
        assert hung == Finished(1, f"{told}\n", "")


def test_what_cannot_write_is_not(failing: System) -> None:
    bar, gateway = how_is(failing, "bar"), how_is(failing, "gateway")
    assert (bar.code, bar.stdout) == (1, "NOT_SERVING\n")
    assert gateway.code == 1
    assert gateway.stdout.startswith('503: {"status":"not ready"')


def test_what_cannot_write_is_live(failing: System) -> None:
    """A restart would not bring its database back."""
    bar, gateway = how_is(failing, "bar", "--live"), how_is(failing, "gateway", "--live")
    assert bar == Finished(0, "NOT_SERVING\n", "")
    assert gateway == Finished(0, "live\n", "")


def test_what_hangs_is_not_live(system: System) -> None:
    system["bar"].pause()
    hung = how_is(system, "bar", "--live")
    system["bar"].resume()
    assert hung == Finished(1, "Connection lost\n", "")


def test_a_department_whose_menu_file_is_no_longer_right_is_healthy(system: System) -> None:
    """It goes on with the menu that it has."""
    menu = menus_of(system) / "bar.toml"
    text = menu.read_text()
    menu.write_text("name = ")
    healthy = how_is(system, "bar")
    menu.write_text(text)
    assert healthy == Finished(0, "SERVING\n", "")


def test_a_menu_that_nobody_knows_is_one_line(system: System) -> None:
    done = how_is(system, "terrace")
    assert done.code == 1
    assert done.stdout.startswith("there is no menu 'terrace'")


@pytest.mark.parametrize(
    ("command", "program"),
    [
        ("python -m gateway", "gateway"),
        ("/opt/venv/bin/python -m departments bar", "bar"),
        ("python -m departments --migrate kitchen", "kitchen"),
        ("python -m departments /menus/terrace.toml", "/menus/terrace.toml"),
    ],
)
def test_a_container_is_what_its_first_process_runs(command: str, program: str, tmp_path: Path) -> None:
    assert health.program_of(command.split()) == program


@pytest.mark.parametrize("command", ["/sbin/init", "python -m", "python -m departments", "python -m ops up"])
def test_another_first_process_is_reported(command: str) -> None:
    with pytest.raises(StartError, match=f"process 1 is no program of Comanda: {command}$"):
        health.program_of(command.split())
