import re
from pathlib import Path

import msgspec
import pytest

from departments.settings import DepartmentSettings
from gateway.settings import GatewaySettings
from infra.errors import SettingsError
from infra.setting_names import DEPARTMENT_FIELDS, GATEWAY_FIELDS, OF_CONTAINERS, refuse_unknown_names
from infra.settings import PREFIX, variable
from tests.support.processes import ROOT


def check(*names: str, departments: list[str] | None = None, value: str = "1") -> None:
    refuse_unknown_names(dict.fromkeys(names, value), departments)


@pytest.mark.parametrize(
    ("kind", "names"), [(GatewaySettings, GATEWAY_FIELDS), (DepartmentSettings, DEPARTMENT_FIELDS)]
)
def test_the_names_are_those_of_the_programs(kind: type[msgspec.Struct], names: frozenset[str]) -> None:
    assert names == set(kind.__struct_fields__)


def test_the_names_that_containers_need_are_known() -> None:
    files: list[Path] = [*ROOT.glob("docker-compose*.yml"), *ROOT.glob("deploy/*"), *ROOT.glob(".ci/*")]
    used = {name for file in files if file.is_file() for name in re.findall(rf"\b{PREFIX}\w+", file.read_text())}
    assert used >= {variable(field) for field in OF_CONTAINERS}
    check(*used)


@pytest.mark.parametrize(
    "name",
    ["COMANDA_PORT", "COMANDA_GATEWAY_PORT", "COMANDA_MENUS", "COMANDA_BAR_MENUS", "COMANDA_MY_BAR_TLS_KEY", "PATH"],
)
def test_a_name_that_any_program_of_the_system_reads_is_let_be(name: str) -> None:
    check(name)


@pytest.mark.parametrize(
    ("name", "nearest"),
    [
        ("COMANDA_PROT", "COMANDA_PORT"),
        ("COMANDA_DATABSE_URL", "COMANDA_DATABASE_URL"),
        ("COMANDA_LOGLEVEL", "COMANDA_LOG_LEVEL"),
        ("COMANDA_MAX_LINE", "COMANDA_MAX_LINES"),
        ("COMANDA_GATEWAY_DEDLINE", "COMANDA_GATEWAY_DEADLINE"),
        ("COMANDA_GATEWAY_MENUS", "COMANDA_GATEWAY_HOME"),
        ("COMANDA_BAR_DEADLINE", "COMANDA_DEADLINE"),
        ("COMANDA__PORT", "COMANDA_PORT"),
    ],
)
def test_a_name_that_no_program_reads_is_refused_with_the_nearest(name: str, nearest: str) -> None:
    with pytest.raises(SettingsError, match=f"^{name} is no setting: did you mean COMANDA_") as refusal:
        check(name)
    if name != "COMANDA_GATEWAY_MENUS":
        assert str(refusal.value).endswith(f"did you mean {nearest}?")


def test_a_name_like_none_is_refused_too() -> None:
    with pytest.raises(SettingsError, match=r"^COMANDA_XQZJ is no setting: docs/settings\.md lists all$"):
        check("COMANDA_XQZJ")


def test_every_unknown_name_is_reported_in_one_line() -> None:
    with pytest.raises(SettingsError) as refusal:
        check("COMANDA_PROT", "COMANDA_HOEM")
    assert str(refusal.value) == (
        "COMANDA_HOEM is no setting: did you mean COMANDA_HOME?; COMANDA_PROT is no setting: did you mean COMANDA_PORT?"
    )


def test_an_empty_value_counts_as_not_there() -> None:
    check("COMANDA_PROT", value=" ")


def test_where_all_departments_are_known_another_ones_name_is_refused() -> None:
    check("COMANDA_KITCHEN_PORT", "COMANDA_MY_BAR_PORT", departments=["kitchen", "my-bar"])
    with pytest.raises(SettingsError, match="did you mean COMANDA_KITCHEN_PORT"):
        check("COMANDA_KITCHN_PORT", departments=["kitchen", "my-bar"])
    with pytest.raises(SettingsError, match="COMANDA_HTTP_PORT is no setting"):
        check("COMANDA_HTTP_PORT", departments=["kitchen", "my-bar"])
