"""What stands between the server and the handlers that take orders in; the rest is shown over HTTP."""

import json
from typing import Any

import pytest
from litestar.exceptions import InternalServerException

from gateway.direct import Direct
from tests.gateway.served import MAX_BODY, Served, problem

SCOPE: dict[str, Any] = {"type": "http", "method": "POST", "headers": []}


async def test_a_guest_who_leaves_in_the_middle_of_a_body_has_ordered_nothing(served: Served) -> None:
    events = [{"type": "http.request", "body": b'{"lines"', "more_body": True}, {"type": "http.disconnect"}]
    sent: list[Any] = []

    async def receive() -> Any:
        return events.pop(0)

    async def send(event: Any) -> None:
        sent.append(event)

    direct = Direct(served.house, MAX_BODY).behind(served.app)
    with pytest.raises(InternalServerException, match="disconnected"):
        await direct({**SCOPE, "route_handler": None}, receive, send)  # type: ignore[arg-type]
    assert sent == []


async def test_an_answer_is_what_litestar_would_make_of_it(served: Served) -> None:
    placed = await served.order("bar coffee 2", "kitchen meat")
    looked_at = await served.guest.get(placed.headers["location"])
    assert json.loads(placed.content) == json.loads(looked_at.content)
    assert placed.headers["content-type"] == looked_at.headers["content-type"] == "application/json"
    assert placed.headers["content-length"] == str(len(placed.content))


@pytest.mark.parametrize("path", ["/orders", "/api/restaurants"])
async def test_other_methods_pass(served: Served, path: str) -> None:
    answer = await served.guest.options(path)
    assert answer.status_code == 204
    assert "POST" in answer.headers["allow"]


@pytest.mark.parametrize("path", ["/orders/", "//orders"])
async def test_a_path_that_litestar_takes_for_the_same_is_served(served: Served, path: str) -> None:
    answer = await served.guest.post(f"http://gateway{path}", json={"lines": [{"department": "bar", "item": "coffee"}]})
    assert answer.status_code == 201


async def test_a_host_that_litestar_refuses_is_refused(served: Served) -> None:
    body = {"lines": [{"department": "bar", "item": "coffee"}]}
    answer = await served.guest.post("/orders", json=body, headers={"host": "a b"})
    assert problem(answer, 400)["detail"] == "Invalid host header"
