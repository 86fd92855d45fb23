"""SIGHUP makes a running department take up its menu file anew, and nobody else notices."""

import signal

from tests.support.systems import System, Systems, write_menu
from tests.support.waiting import eventually, wait_for


async def prices(system: System) -> dict[str, int]:
    """What the bar's items cost, by the gateway's menu."""
    async with system.client() as client:
        (bar,) = (await client.get("/menu")).json()["departments"]
    assert bar["state"] == "open"
    return {item["id"]: item["price"] for item in bar["items"]}


async def test_a_department_takes_up_a_new_menu_file_and_keeps_its_own_where_the_new_one_is_bad(
    systems: Systems,
) -> None:
    system = systems.open({"bar": {"coffee": 10, "soda": 5}})
    process = system["bar"].pid
    assert await prices(system) == {"coffee": 100, "soda": 200}

    path = write_menu(system.menus, "bar", {"tea": 7, "coffee": 10})
    system["bar"].send(signal.SIGHUP)
    assert await eventually(lambda: changed(system), "the new menu is served") == {"tea": 100, "coffee": 200}

    path.write_text(path.read_text().replace("price = 100", "price = -1"))
    system["bar"].send(signal.SIGHUP)
    wait_for(lambda: "the menu stays as it is" in system["bar"].output, "the bad file is logged")
    assert "items[0].price: Expected `int` >= 0" in system["bar"].output
    assert await prices(system) == {"tea": 100, "coffee": 200}
    assert system["bar"].pid == process
    assert {item: shelf.received for item, shelf in system.books.check("bar").items()} == {
        "coffee": 10,
        "soda": 5,
        "tea": 7,
    }


async def changed(system: System) -> dict[str, int]:
    """The prices once they are not the first ones any more; nothing until then."""
    found = await prices(system)
    return found if "tea" in found else {}
