"""A route that Litestar serves without the fast path: it works as usual, and its problems are the gateway's."""

from typing import Annotated, Any
from uuid import UUID

import httpx
import msgspec
import pytest
from litestar import Request, get, post
from litestar.di import NamedDependency, Provide
from litestar.exceptions import PermissionDeniedException, ValidationException
from litestar.handlers import BaseRouteHandler
from litestar.params import Body, CookieParameter, FromQuery, HeaderParameter, QueryParameter

from gateway.domain.currencies import Currency
from gateway.rest.app import wrap
from tests.support.ready_apps import MAX_BODY
from tests.support.rest_app import Served, client, problem

pytestmark = pytest.mark.asyncio(loop_scope="module")

NOTHING = object()


class Tip(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """The body of a route that the product does not have."""

    amount: Annotated[int, msgspec.Meta(ge=1, le=10_000)]
    reason: Annotated[str, msgspec.Meta(max_length=5)] = ""


@post("/tips")
async def tip(data: Annotated[Tip, Body()], currency: NamedDependency[Currency]) -> Tip:
    """Return the body."""
    assert currency == "EUR"
    return data


async def send(served: Served, *routes: Any, path: str = "/tips", **options: Any) -> httpx.Response:
    app = wrap(served.create_litestar(*routes))
    async with client(app) as caller:
        return await caller.request(options.pop("method", "POST"), path, **options)


async def test_it_takes_what_fits(shared: Served) -> None:
    response = await send(shared, tip, json={"amount": 5.0, "reason": "cafe\u0301"})
    assert response.status_code == 201
    assert response.json() == {"amount": 5, "reason": "café"}


@pytest.mark.parametrize(
    ("body", "field", "value", "allowed"),
    [
        (b'{"amount": 0}', "amount", 0, "expected a whole number of 1 to 10000"),
        (b'{"amount": "5"}', "amount", "5", "expected a whole number of 1 to 10000"),
        (b'{"amount": 2.5}', "amount", 2.5, "expected a whole number of 1 to 10000"),
        (b'{"amount": null}', "amount", None, "expected a whole number of 1 to 10000"),
        (b"{}", "amount", NOTHING, "expected a whole number of 1 to 10000"),
        (b'{"amount": 5, "to": "Ann"}', "to", "Ann", "expected an object with amount, reason"),
        (b'{"amount": 5, "reason": "too long"}', "reason", "too long", "expected text of 0 to 5 characters"),
        (b"[]", "body", "[...]", "expected an object with amount, reason"),
        (b"null", "body", None, "expected an object with amount, reason"),
        (b"", "body", NOTHING, "expected JSON in UTF-8"),
        (b"five", "body", NOTHING, "expected JSON in UTF-8"),
        (b'{"reason": "\\ud800"}', "body", NOTHING, "expected JSON in UTF-8"),
    ],
)
async def test_it_names_the_field_the_value_and_what_is_allowed(
    shared: Served, body: bytes, field: str, value: object, allowed: str
) -> None:
    refusal = problem(await send(shared, tip, content=body, headers={"content-type": "application/json"}), 400)
    assert refusal["title"] == "A field is not allowed"
    assert refusal["field"] == field
    assert refusal.get("value", NOTHING) == value
    assert refusal["allowed"].startswith(allowed)


async def test_it_refuses_what_is_no_plain_json_and_what_is_too_large(shared: Served) -> None:
    for headers in (
        {"content-type": "text/plain"},
        {},
        {"content-type": "application/json", "content-encoding": "gzip"},
    ):
        problem(await send(shared, tip, content=b'{"amount": 5}', headers=headers), 415)
    large = b" " * (MAX_BODY + 1)
    problem(await send(shared, tip, content=large, headers={"content-type": "application/json"}), 413)
    assert problem(await send(shared, tip, path="/tips?x=1", json={"amount": 5}), 400)["field"] == "x"


async def test_its_guards_run(shared: Served) -> None:
    def deny(connection: Any, handler: BaseRouteHandler) -> None:
        raise PermissionDeniedException("not yours")

    guarded = post("/tips", guards=[deny])(tip.fn)
    assert problem(await send(shared, guarded, json={"amount": 5}), 403)["detail"] == "not yours"


async def test_its_body_may_be_left_out_where_it_says_so(shared: Served) -> None:
    @post("/tips")
    async def maybe(data: Annotated[Tip | None, Body()] = None) -> bool:
        return data is None

    assert (await send(shared, maybe)).json() is True
    assert (await send(shared, maybe, json=None)).json() is True
    assert (await send(shared, maybe, json={"amount": 1})).json() is False


async def test_it_may_read_its_body_by_itself(shared: Served) -> None:
    @post("/tips")
    async def own(request: Request[Any, Any, Any]) -> Any:
        return await request.json()

    assert (await send(shared, own, json={"amount": [1]})).json() == {"amount": [1]}
    problem(await send(shared, own, content=b"{", headers={"content-type": "application/json"}), 400)


@pytest.mark.parametrize(
    ("query", "headers", "field", "value", "allowed"),
    [
        ("", {"x-who": str(UUID(int=1))}, "since", NOTHING, "expected a whole number of at least 1"),
        ("since=x", {"x-who": str(UUID(int=1))}, "since", "x", "expected a whole number of at least 1"),
        ("since=1", {}, "X-Who", NOTHING, "expected a UUID"),
        ("since=1", {"x-who": "Ann"}, "X-Who", "Ann", "expected a UUID"),
        (
            "since=1",
            {"x-who": str(UUID(int=1)), "cookie": "seat=12"},
            "seat",
            "12",
            "expected text of 0 to 1 characters",
        ),
        ("since=1&pages=2", {"x-who": str(UUID(int=1))}, "pages", "2", "expected one of page, since"),
    ],
)
async def test_it_names_its_parameters_as_they_are_sent(
    shared: Served, query: str, headers: dict[str, str], field: str, value: object, allowed: str
) -> None:
    @get("/tips")
    async def listed(
        after: Annotated[int, QueryParameter(name="since", ge=1)],
        who: Annotated[UUID, HeaderParameter(name="X-Who")],
        seat: Annotated[str, CookieParameter(max_length=1)] = "",
        page: FromQuery[list[int] | None] = None,
    ) -> None:
        """Take some of everything."""

    refusal = problem(await send(shared, listed, method="GET", path=f"/tips?{query}", headers=headers), 400)
    assert refusal["field"] == field
    assert refusal.get("value", NOTHING) == value
    assert refusal["allowed"] == allowed


async def test_a_parameter_that_is_a_list_may_be_given_more_than_once(shared: Served) -> None:
    @get("/tips")
    async def pages(page: FromQuery[list[int]]) -> list[int]:
        return page

    assert (await send(shared, pages, method="GET", path="/tips?page=1&page=2")).json() == [1, 2]


async def test_the_detail_of_an_exception_of_the_handler_is_kept(shared: Served) -> None:
    @get("/tips")
    async def refuse() -> None:
        raise ValidationException("no tips today")

    assert problem(await send(shared, refuse, method="GET"), 400)["detail"] == "no tips today"


async def test_a_dependency_of_the_wrong_kind_is_a_fault_that_is_logged(
    shared: Served, capsys: pytest.CaptureFixture[str]
) -> None:
    wrong = post("/tips", dependencies={"currency": Provide(lambda: 5, sync_to_thread=False)})(tip.fn)
    body = problem(await send(shared, wrong, json={"amount": 5}), 500)
    assert body["title"] == "A fault in the gateway"
    assert "a handler failed" in capsys.readouterr().out
