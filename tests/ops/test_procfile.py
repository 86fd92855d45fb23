import re
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from departments.menu_file import SHIPPED
from gateway.settings import DEPARTMENTS, GatewaySettings
from infra.errors import SettingsError, StartError
from infra.settings import read_settings
from ops.procfile import FIRST_FREE_PORT, Procfile, plan


def write_menu(folder: Path, name: str, port: int | None = None, file: str = "") -> Path:
    path = folder / f"{file or name}.toml"
    path.write_text(
        f"""\
name = "{name}"
titles = {{ en = "{name}", ko = "{name}" }}
goods = "Thing"
{f"port = {port}" if port else ""}
[[items]]
id = "thing"
titles = {{ en = "Thing", ko = "것" }}
price = 1
stock = 1
"""
    )
    return path


def addresses(variables: dict[str, str]) -> Mapping[str, str]:
    return read_settings(GatewaySettings, "gateway", variables).departments


def test_the_programs_that_ship_are_three_departments_and_the_gateway() -> None:
    procfile = plan(SHIPPED, {})
    assert [program.name for program in procfile.programs] == ["bakery", "bar", "kitchen", "gateway"]
    assert addresses(procfile.variables) == DEPARTMENTS
    assert procfile.variables == {
        "COMANDA_BAKERY_PORT": "50051",
        "COMANDA_BAR_PORT": "50052",
        "COMANDA_KITCHEN_PORT": "50053",
        "COMANDA_DEPARTMENTS": "bakery=127.0.0.1:50051,bar=127.0.0.1:50052,kitchen=127.0.0.1:50053",
    }


@pytest.mark.parametrize(
    ("environ", "expected"),
    [
        ({}, {}),
        ({"COMANDA_METRICS_PORT": "0"}, {}),
        (
            {"COMANDA_METRICS_PORT": "9464", "COMANDA_BAR_METRICS_PORT": "9465"},
            {"COMANDA_BAKERY_METRICS_PORT": "51951", "COMANDA_KITCHEN_METRICS_PORT": "51953"},
        ),
    ],
)
def test_the_programs_on_one_machine_have_metrics_on_ports_of_their_own(
    environ: dict[str, str], expected: dict[str, str]
) -> None:
    variables = plan(SHIPPED, environ).variables
    assert {name: port for name, port in variables.items() if name.endswith("METRICS_PORT")} == expected


def commands(procfile: Procfile) -> dict[str, tuple[str, ...]]:
    return {program.name: program.command for program in procfile.programs}


def test_every_program_runs_on_this_python_and_is_given_its_menu_file(tmp_path: Path) -> None:
    folder = tmp_path / "the chef's menus"
    folder.mkdir()
    path = write_menu(folder, "grill")
    assert commands(plan(folder, {})) == {
        "grill": (sys.executable, "-m", "departments", str(path)),
        "gateway": (sys.executable, "-m", "gateway"),
    }


def test_a_folder_named_relatively_is_found_from_anywhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_menu(tmp_path, "grill")
    monkeypatch.chdir(tmp_path)
    assert commands(plan(Path(), {}))["grill"][-1] == str(tmp_path / "grill.toml")


def test_a_port_comes_from_the_menu_or_narrower_from_the_environment(tmp_path: Path) -> None:
    write_menu(tmp_path, "bar", 6001)
    write_menu(tmp_path, "my-grill", 6002)
    procfile = plan(tmp_path, {"COMANDA_MY_GRILL_PORT": "7002"})
    assert addresses(procfile.variables) == {"bar": "127.0.0.1:6001", "my-grill": "127.0.0.1:7002"}
    assert procfile.variables["COMANDA_MY_GRILL_PORT"] == "7002"


def test_the_port_of_every_program_is_the_gateways_alone(tmp_path: Path) -> None:
    write_menu(tmp_path, "bar", 6001)
    write_menu(tmp_path, "grill")
    procfile = plan(tmp_path, {"COMANDA_PORT": "9000"})
    assert addresses(procfile.variables) == {"bar": "127.0.0.1:6001", "grill": f"127.0.0.1:{FIRST_FREE_PORT}"}


def test_departments_without_a_port_get_free_ones_of_their_own(tmp_path: Path) -> None:
    for name, port in (("a", None), ("b", FIRST_FREE_PORT), ("c", None), ("d", FIRST_FREE_PORT + 2), ("e", None)):
        write_menu(tmp_path, name, port)
    ports = [int(address.rpartition(":")[2]) for address in addresses(plan(tmp_path, {}).variables).values()]
    assert ports == [50055, 50054, 50057, 50056, 50058]


def test_port_0_becomes_a_port_that_the_gateway_gets(tmp_path: Path) -> None:
    write_menu(tmp_path, "bar", 6001)
    procfile = plan(tmp_path, {"COMANDA_BAR_PORT": "0"})
    assert addresses(procfile.variables) == {"bar": f"127.0.0.1:{FIRST_FREE_PORT}"}
    assert procfile.variables["COMANDA_BAR_PORT"] == str(FIRST_FREE_PORT)


def test_a_port_that_two_menus_name_is_refused(tmp_path: Path) -> None:
    write_menu(tmp_path, "bar", 6001)
    write_menu(tmp_path, "grill", 6001)
    with pytest.raises(StartError, match=r"^port 6001 is named by 2 menus; every department needs its own$"):
        plan(tmp_path, {})
    assert addresses(plan(tmp_path, {"COMANDA_GRILL_PORT": "6002"}).variables)["grill"] == "127.0.0.1:6002"


@pytest.mark.parametrize(("first", "second"), [("bar", "bar"), ("my-bar", "my_bar")])
def test_two_departments_whose_variables_are_the_same_are_refused(first: str, second: str, tmp_path: Path) -> None:
    write_menu(tmp_path, first, 6001, file="1")
    write_menu(tmp_path, second, 6002, file="2")
    with pytest.raises(StartError, match=f"^two programs are called '{second}': every menu needs a name of its own$"):
        plan(tmp_path, {})


def test_a_department_may_not_be_called_gateway(tmp_path: Path) -> None:
    write_menu(tmp_path, "gateway")
    with pytest.raises(StartError, match=r"^two programs are called 'gateway'"):
        plan(tmp_path, {})


@pytest.mark.parametrize(
    ("environ", "address"),
    [
        ({}, "127.0.0.1:6001"),
        ({"COMANDA_HOST": "0.0.0.0"}, "127.0.0.1:6001"),
        ({"COMANDA_HOST": "::"}, "127.0.0.1:6001"),
        ({"COMANDA_HOST": "10.0.0.7"}, "10.0.0.7:6001"),
        ({"COMANDA_HOST": "::1"}, "[::1]:6001"),
        ({"COMANDA_HOST": "0.0.0.0", "COMANDA_BAR_HOST": "10.0.0.7"}, "10.0.0.7:6001"),
        ({"COMANDA_GATEWAY_HOST": "10.0.0.7"}, "127.0.0.1:6001"),
    ],
)
def test_the_gateway_gets_an_address_that_it_can_reach(environ: dict[str, str], address: str, tmp_path: Path) -> None:
    write_menu(tmp_path, "bar", 6001)
    assert plan(tmp_path, environ).variables["COMANDA_DEPARTMENTS"] == f"bar={address}"


def test_a_port_that_is_not_one_is_refused_by_its_variable(tmp_path: Path) -> None:
    write_menu(tmp_path, "bar", 6001)
    with pytest.raises(SettingsError, match=r"^COMANDA_BAR_PORT='65536' is not allowed: "):
        plan(tmp_path, {"COMANDA_BAR_PORT": "65536"})


def test_a_folder_without_menus_is_refused(tmp_path: Path) -> None:
    for folder in (tmp_path, tmp_path / "nowhere"):
        with pytest.raises(StartError, match=re.escape(f"there is no menu file (*.toml) in {folder}")):
            plan(folder, {})


def test_one_malformed_menu_is_refused(tmp_path: Path) -> None:
    write_menu(tmp_path, "bar", 6001)
    (tmp_path / "grill.toml").write_text("name = 1")
    with pytest.raises(StartError, match=r"grill\.toml: name: Expected `str`, got `int`$"):
        plan(tmp_path, {})


@pytest.mark.parametrize("name", ["public", "information-schema", "pg_grill"])
def test_a_department_may_not_be_called_as_a_schema_of_postgresql(name: str, tmp_path: Path) -> None:
    write_menu(tmp_path, name)
    with pytest.raises(StartError, match=f"^a department cannot be called '{name}': "):
        plan(tmp_path, {})


@pytest.mark.parametrize(
    ("name", "value"),
    [("COMANDA_KITCHN_PORT", "1"), ("COMANDA_GATEWAY_DEADLINE", "soon"), ("COMANDA_BAR_GRACE", "ever")],
)
def test_a_setting_that_a_program_would_refuse_is_refused(name: str, value: str, tmp_path: Path) -> None:
    write_menu(tmp_path, "bar", 6001)
    write_menu(tmp_path, "kitchen", 6002)
    with pytest.raises(SettingsError, match=f"^{name}"):
        plan(tmp_path, {name: value})


def test_departments_that_were_named_by_hand_are_not_read(tmp_path: Path) -> None:
    write_menu(tmp_path, "bar", 6001)
    assert addresses(plan(tmp_path, {"COMANDA_DEPARTMENTS": "nonsense"}).variables) == {"bar": "127.0.0.1:6001"}


def test_a_program_has_its_log_format_and_its_time_to_stop(tmp_path: Path) -> None:
    write_menu(tmp_path, "bar", 6001)
    environ = {"COMANDA_GRACE": "7", "COMANDA_LINGER": "20", "COMANDA_BAR_LOG_FORMAT": "json"}
    found = [(program.writes_json, program.stop_seconds) for program in plan(tmp_path, environ).programs]
    assert found == [(True, 7.0), (False, 27.0)]
