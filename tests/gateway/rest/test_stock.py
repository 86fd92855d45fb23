"""`/stock`: what is on hand, and what the staff change, over the whole app."""

import pytest

from tests.support.event_stream import follow
from tests.support.rest_app import Json, Served, problem

CHANGES = "/stock/bar/latte/changes"
SALE = "/stock/bar/latte/sale"
DELIVERY: Json = {"reason": "delivery", "delta": 24, "change_id": "c1", "changed_by": "Ada"}
COUNT: Json = {"reason": "count", "count": 12, "expected": 9, "change_id": "c2"}


async def test_the_list_has_every_item_or_those_of_a_department(served: Served) -> None:
    served.staff["bar"].stock("latte", 9)
    served.staff["bar"].stock("beer", 0)
    served.staff["kitchen"].stock("pizza", 3)
    body = (await served.client.get("/stock")).json()
    assert [(each["department"], each["item"], each["on_hand"]) for each in body["stock"]] == [
        ("bar", "beer", 0),
        ("bar", "latte", 9),
        ("kitchen", "pizza", 3),
    ]
    assert body["unreachable"] == []
    body = (await served.client.get("/stock?department=kitchen")).json()
    assert [each["item"] for each in body["stock"]] == ["pizza"]
    assert (
        problem(await served.client.get("/stock?department=pub"), 400)["allowed"]
        == "expected one of bakery, bar, kitchen"
    )


async def test_a_change_is_made_once_and_seen_by_everybody(served: Served) -> None:
    served.staff["bar"].stock("latte", 9)
    async with follow(served.app) as client:
        await client.up_to_date()
        for _ in range(2):
            changed = (await served.client.post(CHANGES, json=DELIVERY)).json()
            assert changed["on_hand"] == 33
        await client.until(lambda screen: screen.stock["bar", "latte"] == changed)


async def test_a_count_of_another_figure_gets_the_stock_as_it_is_and_its_last_change(served: Served) -> None:
    served.staff["bar"].stock("latte", 9)
    await served.client.post(CHANGES, json=DELIVERY)
    refusal = problem(await served.client.post(CHANGES, json=COUNT), 409)
    assert refusal["detail"] == "latte has 33 on hand, not 9"
    assert refusal["stock"]["on_hand"] == 33
    assert (refusal["last_change"]["changed_by"], refusal["last_change"]["delta"]) == ("Ada (manager)", 24)
    assert refusal["last_change"]["changed_at"] == "2025-06-15T15:06:40.000Z"


async def test_a_change_id_of_another_change_is_refused_with_the_stock_as_it_is(served: Served) -> None:
    served.staff["bar"].stock("latte", 9)
    await served.client.post(CHANGES, json=DELIVERY)
    refusal = problem(await served.client.post(CHANGES, json={**DELIVERY, "delta": 25}), 409)
    assert refusal["title"] == "The change id is taken"
    assert (refusal["stock"]["on_hand"], refusal["last_change"]["delta"]) == (33, 24)


@pytest.mark.parametrize(
    ("path", "detail"),
    [
        ("/stock/pub/latte", "there is no department pub: there are bakery, bar, kitchen"),
        ("/stock/bar/mocha", "bar has no item mocha: it has latte"),
    ],
)
async def test_what_there_is_not_is_a_404_that_names_what_there_is(served: Served, path: str, detail: str) -> None:
    served.staff["bar"].stock("latte", 9)
    for response in (
        await served.client.post(f"{path}/changes", json=DELIVERY),
        await served.client.get(f"{path}/changes"),
        await served.client.put(f"{path}/sale", json={"on_sale": False}),
    ):
        assert problem(response, 404)["detail"] == detail


async def test_a_department_that_cannot_be_reached_is_a_503(served: Served) -> None:
    served.staff["bar"].stock("latte", 9)
    served.watches["bar"].go_away()
    for response in (
        await served.client.post(CHANGES, json=DELIVERY),
        await served.client.get(CHANGES),
        await served.client.put(SALE, json={"on_sale": False}),
    ):
        problem(response, 503)
        assert response.headers["retry-after"] == "1"


async def test_an_item_is_taken_off_sale_and_put_back(served: Served) -> None:
    served.staff["bar"].stock("latte", 9)
    for on_sale in (False, False, True):
        response = await served.client.put(SALE, json={"on_sale": on_sale, "changed_by": "Ada"})
        assert response.json()["on_sale"] is on_sale


async def test_the_pages_of_the_changes_have_every_change_once_the_newest_first(served: Served) -> None:
    served.staff["bar"].stock("latte", 0)
    for number in range(5):
        await served.client.post(CHANGES, json={**DELIVERY, "delta": number + 1, "change_id": f"c{number}"})
    found: list[int] = []
    cursor = ""
    for _ in range(3):
        page = (await served.client.get(f"{CHANGES}?limit=2{cursor}")).json()
        found += [change["delta"] for change in page["changes"]]
        cursor = f"&cursor={page['next']}"
    assert found == [5, 4, 3, 2, 1]
    assert page["next"] is None
