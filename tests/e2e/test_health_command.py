"""`python -m ops.health`, as a container's health check runs it: one line, and 0 or 1."""

from pathlib import Path

import pytest

from infra.errors import StartError
from ops import health
from tests.e2e.harness import Finished, House, Houses, environment, free_ports, run, wait_for


@pytest.fixture
def house(houses: Houses) -> House:
    return houses.open({"bar": {"coffee": 10}})


def how_is(house: House, name: str, **settings: object) -> Finished:
    menus = house["bar"].log.parent / "menus"
    ports = {"BAR_PORT": house["bar"].port, "GATEWAY_PORT": house.gateway.port}
    return run(["-m", "ops.health", name], environment(MENUS=menus, **(ports | settings)))


@pytest.mark.parametrize("host", ["127.0.0.1", "0.0.0.0"])
def test_what_serves_is_healthy(house: House, host: str) -> None:
    assert how_is(house, "bar", HOST=host) == Finished(0, "SERVING\n", "")
    assert how_is(house, "gateway", HOST=host) == Finished(0, "ready\n", "")


def test_what_is_not_there_or_hangs_is_not(house: House) -> None:
    (nobody,) = free_ports(1)
    for name in ("bar", "gateway"):
        gone = how_is(house, name, PORT=nobody, BAR_PORT=nobody, GATEWAY_PORT=nobody)
        assert (gone.code, gone.stderr, len(gone.stdout.splitlines())) == (1, "", 1)
        assert "refused" in gone.stdout or "Connect call failed" in gone.stdout
    for name, told in (("bar", "Connection lost"), ("gateway", f"no response within {health.SECONDS:g} s")):
        house[name].pause()
        hung = how_is(house, name)
        house[name].resume()
        assert hung == Finished(1, f"{told}\n", "")


def test_what_cannot_write_is_not(house: House) -> None:
    with house.unwritable("bar"), house.unwritable("gateway"):
        wait_for(lambda: how_is(house, "gateway").code, "the gateway is unhealthy")
        bar, gateway = how_is(house, "bar"), how_is(house, "gateway")
    assert (bar.code, bar.stdout) == (1, "NOT_SERVING\n")
    assert gateway.code == 1
    assert gateway.stdout.startswith('503: {"status":"not ready"')


def test_a_menu_that_nobody_knows_is_one_line(house: House) -> None:
    done = how_is(house, "terrace")
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
def test_another_first_process_is_told(command: str) -> None:
    with pytest.raises(StartError, match=f"process 1 is no program of Comanda: {command}$"):
        health.program_of(command.split())
