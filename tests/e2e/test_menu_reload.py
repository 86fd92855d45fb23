"""SIGHUP makes a running department take up its menu file anew, and nobody else notices."""

import signal

from tests.e2e.harness import House, Houses, eventually, wait_for, write_menu


async def prices(house: House) -> dict[str, int]:
    """What the bar's items cost, by the gateway's menu."""
    async with house.client() as client:
        (bar,) = (await client.get("/menu")).json()["departments"]
    assert bar["state"] == "open"
    return {item["id"]: item["price"] for item in bar["items"]}


async def test_a_department_takes_up_a_new_menu_file_and_keeps_its_own_where_the_new_one_is_bad(houses: Houses) -> None:
    house = houses.open({"bar": {"coffee": 10, "soda": 5}})
    process = house["bar"].pid
    assert await prices(house) == {"coffee": 100, "soda": 200}

    path = write_menu(house.menus, "bar", {"tea": 7, "coffee": 10})
    house["bar"].send(signal.SIGHUP)
    assert await eventually(lambda: changed(house), "the new menu is served") == {"tea": 100, "coffee": 200}

    path.write_text(path.read_text().replace("price = 100", "price = -1"))
    house["bar"].send(signal.SIGHUP)
    wait_for(lambda: "the menu stays as it is" in house["bar"].output, "the bad file is logged")
    assert "items[0].price: Expected `int` >= 0" in house["bar"].output
    assert await prices(house) == {"tea": 100, "coffee": 200}
    assert house["bar"].pid == process
    assert {item: shelf.received for item, shelf in house.books.check("bar").items()} == {
        "coffee": 10,
        "soda": 5,
        "tea": 7,
    }


async def changed(house: House) -> dict[str, int]:
    """The prices once they are not the first ones any more; nothing until then."""
    found = await prices(house)
    return found if "tea" in found else {}
