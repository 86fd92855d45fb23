"""The setting that names the restaurant, in every program's database and in every command."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from infra.errors import StartError
from ops.databases import opened_databases
from tests.ops.books import MENUS, STOCK, Books
from tests.support.postgresql import new_postgresql_database
from tests.support.processes import environment, run
from tests.support.systems import write_menu


@pytest.fixture
def menus(tmp_path: Path) -> Path:
    for name, menu in MENUS.items():
        write_menu(tmp_path / "menus", name, dict.fromkeys(menu.items, STOCK))
    return tmp_path / "menus"


def tenants(variables: Mapping[str, str]) -> dict[str, str]:
    """Return the restaurant of each program's database."""
    with opened_databases(variables) as (journal, departments):
        return {name: database.tenant for name, database in {"gateway": journal, **departments}.items()}


def test_every_database_is_opened_for_the_restaurant_that_is_named(tmp_path: Path, menus: Path) -> None:
    variables = {"COMANDA_HOME": str(tmp_path), "COMANDA_MENUS": str(menus)}
    assert tenants(variables) == {"gateway": "main", "bar": "main", "kitchen": "main"}
    assert set(tenants({**variables, "COMANDA_RESTAURANT": "north-2"}).values()) == {"north-2"}
    assert tenants({**variables, "COMANDA_BAR_RESTAURANT": "south"})["bar"] == "south"


@pytest.mark.parametrize("name", ["North", "2north", "north side", "it's", "노스", "n" * 41])
def test_a_name_that_is_no_id_is_refused(tmp_path: Path, menus: Path, name: str) -> None:
    variables = {"COMANDA_HOME": str(tmp_path), "COMANDA_MENUS": str(menus), "COMANDA_RESTAURANT": name}
    with pytest.raises(StartError, match=f"^COMANDA_RESTAURANT='?.*{name[1:]}"), opened_databases(variables):
        pytest.fail("it is open")


async def test_commands_are_for_the_restaurant_that_is_named(tmp_path: Path, menus: Path, postgresql: str) -> None:
    url = new_postgresql_database(postgresql)
    north, south = (Books(tmp_path, url, restaurant) for restaurant in ("north", "south"))
    for books in (north, south):
        await books.open()
        await books.place()
    lost = await south.place()
    await south.falsify("bar", f"DELETE FROM tickets WHERE restaurant = 'south' AND order_id = '{lost.order_id}'")
    assert (await north.audit()).is_right
    assert not (await south.audit()).is_right
    for books in (north, south):
        books.close()

    codes = []
    for restaurant in ("north", "south"):
        variables = environment(HOME=tmp_path, MENUS=menus, DATABASE_URL=url, RESTAURANT=restaurant)
        done = [run(["-m", "ops", command], variables) for command in ("migrate", "audit", "settle")]
        codes += [(each.code, each.stderr) for each in done]
    assert codes == [(code, "") for code in (0, 0, 0, 0, 1, 0)]
