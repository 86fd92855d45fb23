"""`/menu` with all departments, and `/health`."""

from pathlib import Path

from tests.support.rest_app import Served, serve
from tests.support.waiting import until


async def test_the_menu_shows_every_department_with_titles_prices_and_live_stock(served: Served) -> None:
    await served.order("bar coffee 3")
    body = (await served.client.get("/menu")).json()
    assert (body["currency"], body["currency_exponent"]) == ("EUR", 2)
    assert [department["name"] for department in body["departments"]] == ["bar", "kitchen", "bakery"]
    bar = body["departments"][0]
    assert bar["state"] == "open"
    assert bar["titles"] == {"en": "Bar", "ko": "바"}
    assert bar["items"][0] == {
        "id": "coffee",
        "titles": {"en": "Coffee", "ko": "coffee"},
        "price": 350,
        "available": 7,
        "on_sale": True,
        "category": None,
        "prep_seconds": None,
    }
    assert bar["items"][2]["available"] == 0


async def test_the_menu_shows_what_is_off_sale_what_is_unlimited_and_what_kind_it_is(served: Served) -> None:
    bar = served.restaurant.bar
    bar.off_sale, bar.unlimited = {"soda"}, {"beer"}
    bar.kinds = {"coffee": ("hot", 90)}
    coffee, soda, beer = (await served.client.get("/menu")).json()["departments"][0]["items"]
    assert (coffee["on_sale"], coffee["available"], coffee["category"], coffee["prep_seconds"]) == (True, 10, "hot", 90)
    assert (soda["on_sale"], soda["available"]) == (False, 5)
    assert (beer["on_sale"], beer["available"]) == (True, None)


async def test_the_menu_shows_the_currency_that_is_configured_with_its_exponent(tmp_path: Path) -> None:
    async with serve(f"sqlite:///{tmp_path}/gateway.db", currency="JPY") as served:
        body = (await served.client.get("/menu")).json()
        assert (body["currency"], body["currency_exponent"]) == ("JPY", 0)


async def test_a_department_that_is_away_is_shown_as_such_and_the_others_as_they_are(served: Served) -> None:
    await until(lambda: served.restaurant.kitchen.was_reached)
    served.restaurant.kitchen.go_away()
    departments = (await served.client.get("/menu")).json()["departments"]
    assert [department["state"] for department in departments] == ["open", "unreachable", "open"]
    assert departments[1]["titles"] == {"en": "Kitchen", "ko": "주방"}
    assert departments[1]["items"] == []


async def test_it_lives(served: Served) -> None:
    response = await served.client.get("/health/live")
    assert response.status_code == 200
    assert response.json()["status"] == "live"


async def test_it_is_ready_once_every_department_has_been_there(tmp_path: Path) -> None:
    async with serve(f"sqlite:///{tmp_path}/gateway.db", away=["kitchen"]) as served:
        await until(lambda: served.restaurant.bar.was_reached and served.restaurant.bakery.was_reached)
        response = await served.client.get("/health/ready")
        assert response.status_code == 503
        assert response.json() == {
            "status": "not ready",
            "departments": {"bar": "reachable", "kitchen": "unreachable", "bakery": "reachable"},
            "unreadable_orders": 0,
        }
        served.restaurant.kitchen.come_back()
        await until(lambda: served.restaurant.kitchen.was_reached)
        response = await served.client.get("/health/ready")
        assert response.status_code == 200
        assert response.json()["status"] == "ready"


async def test_a_department_that_stays_away_keeps_the_gateway_unready_for_a_while_only(tmp_path: Path) -> None:
    async with serve(f"sqlite:///{tmp_path}/gateway.db", away=["kitchen"]) as served:
        for seconds in (0.0, 3600.0, -86_400.0):
            served.restaurant.clock.set_ahead = seconds  # the time of day makes no difference
            assert (await served.client.get("/health/ready")).status_code == 503
        served.restaurant.clock.now += 10
        response = await served.client.get("/health/ready")
        assert response.status_code == 200
        assert response.json()["departments"]["kitchen"] == "unreachable"


async def test_a_department_that_goes_away_later_does_not_make_the_gateway_unready(served: Served) -> None:
    await until(lambda: all(department.was_reached for department in served.restaurant.departments.values()))
    served.restaurant.kitchen.go_away()
    await served.order("kitchen pizza")
    response = await served.client.get("/health/ready")
    assert response.status_code == 200
    assert response.json()["departments"]["kitchen"] == "unreachable"


async def test_a_gateway_that_cannot_write_its_journal_is_not_ready(served: Served) -> None:
    await until(lambda: all(department.was_reached for department in served.restaurant.departments.values()))
    assert (await served.client.get("/health/ready")).status_code == 200
    served.restaurant.database.is_read_only = True
    served.restaurant.clock.now += 1.5  # what was found out before holds for a second
    assert (await served.client.get("/health/ready")).status_code == 503
    served.restaurant.database.is_read_only = False
    assert (await served.client.get("/health/ready")).status_code == 200


async def test_whether_it_can_write_is_not_tried_with_every_question(served: Served) -> None:
    await until(lambda: all(department.was_reached for department in served.restaurant.departments.values()))
    before = served.restaurant.database.writes
    for _ in range(5):
        await served.client.get("/health/ready")
    assert served.restaurant.database.writes == before + 1
