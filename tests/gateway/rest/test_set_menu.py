"""The set menu: choices in English and Korean, and the text for each outcome."""

import asyncio

import pytest

from tests.support.fake_departments import STOCK
from tests.support.orders import new_id
from tests.support.rest_app import Served, problem, serve
from tests.support.waiting import until

DRINKS = [("coffee", "커피"), ("soda", "소다"), ("beer", "맥주"), ("wine", "와인")]
MEALS = [("pasta", "파스타"), ("pizza", "피자"), ("meat", "고기 요리"), ("fish", "생선 요리")]
DESSERTS = [("cookie", "쿠키"), ("donut", "도넛"), ("brownie", "브라우니"), ("gelato", "젤라또")]
TEXTS = {
    "coffee": "Delivery!",
    "soda": "Delivery!",
    "beer": "Drink out of stock",
    "wine": "Drink not Found",
    "pasta": "Delivery!",
    "pizza": "Delivery!",
    "meat": "Meal out of stock",
    "fish": "Meal not Found",
    "cookie": "Delivery!",
    "donut": "Delivery!",
    "brownie": "Dessert not Found",
    "gelato": "Dessert out of stock",
}


@pytest.mark.parametrize("language", [0, 1])
@pytest.mark.parametrize("number", range(4))
async def test_every_choice_gets_its_counters_text(served: Served, number: int, language: int) -> None:
    wishes = [menu[number] for menu in (DRINKS, MEALS, DESSERTS)]
    response = await served.set_menu(*(wish[language] for wish in wishes))
    assert response.status_code == 201
    body = response.json()
    assert response.headers["location"] == f"/orders/{body['order_id']}"
    assert list(body) == ["order_id", "drink", "meal", "dessert"]
    assert [body[field] for field in ("drink", "meal", "dessert")] == [TEXTS[wish[0]] for wish in wishes]


async def test_a_choice_is_one_of_the_item_whatever_its_language(served: Served) -> None:
    await served.set_menu("coffee", "고기 요리", "donut")
    await served.set_menu("커피", "meat", "도넛")
    assert served.restaurant.bar.stock["coffee"] == STOCK["bar"]["coffee"] - 2
    assert served.restaurant.bakery.stock["donut"] == STOCK["bakery"]["donut"] - 2


async def test_stock_runs_out_one_by_one(served: Served) -> None:
    texts = [(await served.set_menu("soda", "pasta", "cookie")).json()["drink"] for _ in range(6)]
    assert texts == ["Delivery!"] * 5 + ["Drink out of stock"]


async def test_a_set_menu_of_which_nothing_is_accepted_is_201_all_the_same(served: Served) -> None:
    response = await served.set_menu("wine", "fish", "brownie")
    assert response.status_code == 201


async def test_a_set_menu_is_an_ordinary_order(served: Served) -> None:
    response = await served.set_menu("커피", "meat", "brownie")
    found = (await served.client.get(response.headers["location"])).json()
    assert [(line["department"], line["item"], line["quantity"], line["outcome"]) for line in found["lines"]] == [
        ("bar", "coffee", 1, "accepted"),
        ("kitchen", "meat", 1, "out_of_stock"),
        ("bakery", "brownie", 1, "not_on_menu"),
    ]
    assert found["total"] == 350


async def test_while_a_department_is_away_its_text_says_so(served: Served) -> None:
    served.restaurant.kitchen.go_away()
    order_id = new_id()
    response = await served.set_menu("coffee", "pizza", "cookie", order_id=order_id)
    assert response.status_code == 202
    assert response.headers["location"] == f"/orders/{order_id}"
    assert response.json() == {
        "order_id": order_id,
        "drink": "Delivery!",
        "meal": "Meal pending: the kitchen cannot be reached, it is still being tried",
        "dessert": "Delivery!",
    }
    served.restaurant.kitchen.come_back()
    await served.restaurant.settle()
    again = await served.set_menu("coffee", "pizza", "cookie", order_id=order_id)
    assert again.status_code == 201
    assert again.json()["meal"] == "Delivery!"


async def test_a_meal_that_never_came_says_so(served: Served) -> None:
    served.restaurant.kitchen.go_away()
    order_id = new_id()
    await served.set_menu("coffee", "pizza", "cookie", order_id=order_id)
    served.restaurant.clock.now += 301
    order = await served.restaurant.service.find(order_id)
    await until(lambda: order.status != "pending")
    again = await served.set_menu("coffee", "pizza", "cookie", order_id=order_id)
    assert again.status_code == 201
    assert again.json()["meal"] == "Meal not served: the kitchen did not answer in time"


async def test_a_set_menu_that_was_cancelled_says_so(served: Served) -> None:
    order_id = new_id()
    await served.set_menu("coffee", "pizza", "brownie", order_id=order_id)
    await served.client.delete(f"/orders/{order_id}")
    again = await served.set_menu("coffee", "pizza", "brownie", order_id=order_id)
    assert again.status_code == 201
    assert again.json() == {
        "order_id": order_id,
        "drink": "Drink cancelled",
        "meal": "Meal cancelled",
        "dessert": "Dessert not Found",
    }


async def test_the_same_set_menu_again_has_no_second_effect(served: Served) -> None:
    order_id = new_id()
    responses = await asyncio.gather(
        *(served.set_menu("coffee", "pizza", "cookie", order_id=order_id) for _ in range(5))
    )
    assert {response.status_code for response in responses} == {201}
    assert len({response.content for response in responses}) == 1
    assert served.restaurant.bar.stock["coffee"] == 9


async def test_another_choice_with_a_known_id_is_a_conflict(served: Served) -> None:
    order_id = new_id()
    await served.set_menu("coffee", "pizza", "cookie", order_id=order_id)
    assert problem(await served.set_menu("soda", "pizza", "cookie", order_id=order_id), 409)["order_id"] == order_id
    assert problem(await served.order("bar coffee", order_id=order_id), 409)["order_id"] == order_id


async def test_two_set_menus_never_share_an_id(served: Served) -> None:
    ids = {(await served.set_menu("coffee", "pasta", "cookie")).json()["order_id"] for _ in range(8)}
    assert len(ids) == 8


async def test_without_a_bakery_there_is_no_set_menu(tmp_path: object) -> None:
    async with serve(f"sqlite:///{tmp_path}/gateway.db", ["bar", "kitchen"]) as served:
        body = problem(await served.set_menu("coffee", "pizza", "cookie"), 400)
        assert body["field"] == "dessert"
        assert body["value"] == "bakery"
        assert body["allowed"] == "expected one of bar, kitchen"
        assert served.restaurant.bar.calls == []
