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
    body = (await served.guest.get("/stock")).json()
    assert [(each["department"], each["item"], each["on_hand"]) for each in body["stock"]] == [
        ("bar", "beer", 0),
        ("bar", "latte", 9),
        ("kitchen", "pizza", 3),
    ]
    assert body["unreachable"] == []
    body = (await served.guest.get("/stock?department=kitchen")).json()
    assert [each["item"] for each in body["stock"]] == ["pizza"]
    assert (
        problem(await served.guest.get("/stock?department=pub"), 400)["allowed"]
        == "expected one of bakery, bar, kitchen"
    )


async def test_a_change_is_made_once_and_seen_by_everybody(served: Served) -> None:
    served.staff["bar"].stock("latte", 9)
    async with follow(served.app) as client:
        await client.up_to_date()
        for _ in range(2):
            changed = (await served.guest.post(CHANGES, json=DELIVERY)).json()
            assert changed["on_hand"] == 33
        await client.until(lambda screen: screen.stock["bar", "latte"] == changed)


async def test_a_count_of_another_figure_gets_the_stock_as_it_is_and_its_last_change(served: Served) -> None:
    served.staff["bar"].stock("latte", 9)
    await served.guest.post(CHANGES, json=DELIVERY)
    refusal = problem(await served.guest.post(CHANGES, json=COUNT), 409)
    assert refusal["detail"] == "latte has 33 on hand, not 9"
    assert refusal["stock"]["on_hand"] == 33
    assert (refusal["last_change"]["changed_by"], refusal["last_change"]["delta"]) == ("Ada", 24)
    assert refusal["last_change"]["changed_at"] == "2025-06-15T15:06:40.000Z"


async def test_a_change_id_of_another_change_is_refused(served: Served) -> None:
    served.staff["bar"].stock("latte", 9)
    await served.guest.post(CHANGES, json=DELIVERY)
    refusal = problem(await served.guest.post(CHANGES, json={**DELIVERY, "delta": 25}), 409)
    assert refusal["title"] == "The change id is taken"


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
        await served.guest.post(f"{path}/changes", json=DELIVERY),
        await served.guest.get(f"{path}/changes"),
        await served.guest.put(f"{path}/sale", json={"on_sale": False}),
    ):
        assert problem(response, 404)["detail"] == detail


async def test_a_department_that_cannot_be_reached_is_a_503(served: Served) -> None:
    served.staff["bar"].stock("latte", 9)
    served.watches["bar"].go_away()
    for response in (
        await served.guest.post(CHANGES, json=DELIVERY),
        await served.guest.get(CHANGES),
        await served.guest.put(SALE, json={"on_sale": False}),
    ):
        problem(response, 503)
        assert response.headers["retry-after"] == "1"


async def test_an_item_is_taken_off_sale_and_put_back(served: Served) -> None:
    served.staff["bar"].stock("latte", 9)
    for on_sale in (False, False, True):
        response = await served.guest.put(SALE, json={"on_sale": on_sale, "changed_by": "Ada"})
        assert response.json()["on_sale"] is on_sale


async def test_the_pages_of_the_changes_have_every_change_once_the_newest_first(served: Served) -> None:
    served.staff["bar"].stock("latte", 0)
    for number in range(5):
        await served.guest.post(CHANGES, json={**DELIVERY, "delta": number + 1, "change_id": f"c{number}"})
    found: list[int] = []
    cursor = ""
    for _ in range(3):
        page = (await served.guest.get(f"{CHANGES}?limit=2{cursor}")).json()
        found += [change["delta"] for change in page["changes"]]
        cursor = f"&cursor={page['next']}"
    assert found == [5, 4, 3, 2, 1]
    assert page["next"] is None


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"reason": "theft"}, "reason"),
        ({"reason": "off_sale"}, "reason"),
        ({"change_id": ""}, "change_id"),
        ({"change_id": "x" * 65}, "change_id"),
        ({"change_id": "\0"}, "change_id"),
        ({"changed_by": "x" * 65}, "changed_by"),
        ({"changed_by": "\0"}, "changed_by"),
        ({"delta": None}, "delta"),
        ({"delta": 0}, "delta"),
        ({"delta": -1}, "delta"),
        ({"delta": 1_000_000_001}, "delta"),
        ({"delta": 1.5}, "delta"),
        ({"reason": "waste"}, "delta"),
        ({"reason": "correction", "delta": 0}, "delta"),
        ({"count": 3}, "count"),
        ({"expected": 3}, "expected"),
        ({"reason": "count"}, "delta"),
        ({"reason": "count", "delta": None}, "count"),
        ({"reason": "count", "delta": None, "count": 3}, "expected"),
        ({"reason": "count", "delta": None, "count": -1, "expected": 3}, "count"),
        ({"colour": "red"}, "colour"),
    ],
)
async def test_a_change_that_means_nothing_is_refused(served: Served, fields: Json, field: str) -> None:
    served.staff["bar"].stock("latte", 9)
    refusal = problem(await served.guest.post(CHANGES, json={**DELIVERY, **fields}), 400)
    assert refusal["field"] == field
    assert served.watches["bar"].stock["latte"].on_hand == 9


async def test_what_a_reason_allows_is_said(served: Served) -> None:
    refusal = problem(await served.guest.post(CHANGES, json={**DELIVERY, "reason": "waste"}), 400)
    assert refusal["allowed"] == "expected -1000000000 to -1 with waste"
    refusal = problem(await served.guest.post(CHANGES, json={**DELIVERY, "reason": "correction", "delta": 0}), 400)
    assert refusal["allowed"] == "expected -1000000000 to 1000000000, and not 0 with correction"


@pytest.mark.parametrize(
    ("body", "field"),
    [({}, "on_sale"), ({"on_sale": 0}, "on_sale"), ({"on_sale": True, "changed_by": "\0"}, "changed_by")],
)
async def test_a_sale_that_means_nothing_is_refused(served: Served, body: Json, field: str) -> None:
    assert problem(await served.guest.put(SALE, json=body), 400)["field"] == field


@pytest.mark.parametrize("query", ["limit=0", "limit=201", "cursor=x", "before=1"])
async def test_a_query_of_the_changes_that_means_nothing_is_refused(served: Served, query: str) -> None:
    served.staff["bar"].stock("latte", 9)
    assert problem(await served.guest.get(f"{CHANGES}?{query}"), 400)["field"] == query.partition("=")[0]
