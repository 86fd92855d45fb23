"""Characters that a database may stumble over, on SQLite and on PostgreSQL."""

from tests.support.rest_app import Json, Served, problem


async def test_a_nul_character_is_refused_and_stops_no_other_order(served_on_any: Served) -> None:
    for field in ("table", "item", "note"):
        wish: Json = {"department": "bar", "item": "coffee"}
        bad: Json = {"lines": [wish]}
        (bad if field == "table" else wish)[field] = "a\0b"
        refusal = problem(await served_on_any.client.post("/orders", json=bad), 400)
        assert refusal["value"] == "a\0b"
    assert problem(await served_on_any.client.get("/orders?table=%00"), 400)["field"] == "table"
    assert (await served_on_any.order("bar coffee", table="7")).status_code == 201
    assert len((await served_on_any.client.get("/orders")).json()["orders"]) == 1


async def test_every_other_character_is_kept(served_on_any: Served) -> None:
    text = "".join(map(chr, (1, 9, 10, 0x7F, 0x85, 0x2028, 0xFFFE, 0xFFFF, 0x1F355, 0x10FFFF))) + "\\u0000'\"%s"
    body = {
        "table": text,
        "lines": [{"department": "bar", "item": text, "note": text}, {"department": "bar", "item": "coffee"}],
    }
    placed = (await served_on_any.client.post("/orders", json=body)).json()
    await served_on_any.restaurant.settle()
    found = (await served_on_any.client.get(f"/orders/{placed['order_id']}")).json()
    assert found == placed
    assert found["table"] == found["lines"][0]["item"] == found["lines"][0]["note"] == text
    listed = (await served_on_any.client.get("/orders", params={"table": text})).json()["orders"]
    assert listed == [placed]


async def test_a_query_for_nothing_that_there_is_finds_nothing(served_on_any: Served) -> None:
    for query in ("cursor=999999999999999999", "table=%FF", "table=%ED%A0%80", "table=%27%3B--"):
        response = await served_on_any.client.get(f"/orders?{query}")
        assert response.status_code == 200
        assert response.json() == {"orders": [], "next": None}
