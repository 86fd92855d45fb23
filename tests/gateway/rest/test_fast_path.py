"""The fast path does for its routes what Litestar would (guards, hooks, errors, ...), or refuses the route."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Annotated, Any

import httpx
import pytest
from litestar import Litestar, Request, Response, Router, get, post
from litestar.config.app import AppConfig
from litestar.config.compression import CompressionConfig
from litestar.connection import ASGIConnection
from litestar.di import NamedDependency, Provide
from litestar.exceptions import (
    ImproperlyConfiguredException,
    LitestarException,
    NotAuthorizedException,
    PermissionDeniedException,
)
from litestar.handlers import BaseRouteHandler, HTTPRouteHandler
from litestar.params import Body, FromHeader, FromPath, FromQuery, HeaderParameter
from litestar.types import ASGIApp

from gateway.orders.service import OrderService
from gateway.rest.app import routes, without_other_libraries, wrap
from gateway.rest.fast_path import FastPath
from gateway.rest.methods import HeadAndOptions
from gateway.rest.orders import place_order
from gateway.rest.request_metrics import RequestMetrics
from gateway.rest.requests import RequestReader
from gateway.rest.schemas import OrderRequest
from tests.support.rest_app import Json, Served, client, problem

COFFEE: Json = {"lines": [{"department": "bar", "item": "coffee"}]}
WAYS = ["/orders", "http://gateway//orders"]
"""The fast path, and Litestar's own, which serves a path in another spelling."""

Options = dict[str, Any]
AnyConnection = ASGIConnection[Any, Any, Any, Any]


async def place(
    data: Annotated[OrderRequest, Body()],
    service: NamedDependency[OrderService],
    requests: NamedDependency[RequestReader],
    name: FromHeader[str | None] = None,
) -> Response[Json]:
    """Place an order; return its id and the header."""
    order = await service.place(requests.order(data))
    return Response({"order_id": order.order_id, "name": name})


def placing(**options: Any) -> HTTPRouteHandler:
    """Make a handler: apps that share one share what Litestar remembers of the first of them."""
    return post("/orders", fast_path=True, **options)(place)


def app_with(served: Served, layer: str, **options: Any) -> ASGIApp:
    """Build an app whose app, router or handler has something besides."""
    if layer == "handler":
        return assembled(served, placing(**options))
    if layer == "router":
        return assembled(served, Router("/", route_handlers=[placing()], **options))
    return assembled(served, placing(), **options)


def assembled(served: Served, *routes: Any, **options: Any) -> ASGIApp:
    return wrap(served.create_litestar(*routes, **options))


async def posted(app: ASGIApp, path: str = "/orders", **options: Any) -> httpx.Response:
    async with client(app) as caller:
        return await caller.post(path, **({"json": COFFEE} | options))


def deny(connection: AnyConnection, handler: BaseRouteHandler) -> None:
    raise NotAuthorizedException("no key, no order")


async def deny_later(connection: AnyConnection, handler: BaseRouteHandler) -> None:
    await asyncio.sleep(0)
    raise PermissionDeniedException("not this one")


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("layer", ["app", "router", "handler"])
@pytest.mark.parametrize(("guard", "status"), [(deny, 401), (deny_later, 403)])
async def test_a_guard_of_any_layer_keeps_an_order_out(
    served: Served, guard: Any, status: int, layer: str, way: str
) -> None:
    refusal = problem(await posted(app_with(served, layer, guards=[guard]), way), status)
    assert refusal["detail"] in ("no key, no order", "not this one")
    assert served.restaurant.bar.calls == []


@pytest.mark.parametrize("way", WAYS)
async def test_the_products_own_route_runs_the_guards_of_its_router(served: Served, way: str) -> None:
    app = assembled(served, Router("/", route_handlers=[place_order], guards=[deny]))
    problem(await posted(app, way), 401)
    assert served.restaurant.bar.calls == []


@pytest.mark.parametrize("way", WAYS)
async def test_a_guard_sees_a_real_connection_and_its_handler_once(served: Served, way: str) -> None:
    seen: list[Any] = []

    async def look(connection: AnyConnection, handler: BaseRouteHandler) -> None:
        assert isinstance(connection, Request)
        seen.append(
            (connection.headers["x-key"], connection.url.path.strip("/"), await connection.json(), handler.opt["mark"])
        )
        assert connection.route_handler.handler_name == "place"
        assert isinstance(connection.app, Litestar)

    response = await posted(app_with(served, "handler", guards=[look], mark=5), way, headers={"x-key": "k"})
    assert response.status_code == 201
    assert len(seen) == 1
    key, path, body, mark = seen[0]
    assert (key, path, mark) == ("k", "orders", 5)
    assert body.lines[0].item == "coffee"


async def test_guards_run_from_the_outside_in_and_the_first_that_denies_is_the_last(served: Served) -> None:
    ran: list[str] = []

    def noting(name: str, *, denies: bool = False) -> Callable[[AnyConnection, BaseRouteHandler], None]:
        def guard(connection: AnyConnection, handler: BaseRouteHandler) -> None:
            ran.append(name)
            if denies:
                raise PermissionDeniedException

        return guard

    router = Router("/", route_handlers=[placing(guards=[noting("handler")])], guards=[noting("router", denies=True)])
    problem(await posted(assembled(served, router, guards=[noting("app")])), 403)
    assert ran == ["app", "router"]


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("layer", ["app", "router", "handler"])
async def test_hooks_of_any_layer_run_around_a_handler(served: Served, layer: str, way: str) -> None:
    ran: list[str] = []

    async def before(request: Request[Any, Any, Any]) -> None:
        ran.append(f"before {request.method}")

    def after(response: Response[Any]) -> Response[Any]:
        ran.append("after")
        response.headers["x-after"] = "yes"
        response.set_cookie("seen", "1")
        return response

    async def at_the_end(request: Request[Any, Any, Any]) -> None:
        ran.append("end")

    app = app_with(served, layer, before_request=before, after_request=after, after_response=at_the_end)
    response = await posted(app, way)
    assert response.status_code == 201
    assert ran == ["before POST", "after", "end"]
    assert response.headers["x-after"] == "yes"
    assert response.cookies["seen"] == "1"


@pytest.mark.parametrize("way", WAYS)
async def test_a_response_that_a_hook_returns_is_sent_and_the_handler_is_not_called(served: Served, way: str) -> None:
    async def before(request: Request[Any, Any, Any]) -> Response[str]:
        return Response("closed today", status_code=503, media_type="text/plain")

    response = await posted(app_with(served, "router", before_request=before), way)
    assert (response.status_code, response.text) == (503, "closed today")
    assert served.restaurant.bar.calls == []


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("layer", ["app", "router", "handler"])
async def test_what_a_layer_adds_to_responses_is_added(served: Served, layer: str, way: str) -> None:
    response = await posted(app_with(served, layer, response_headers={"x-ours": "ours"}), way)
    assert response.headers["x-ours"] == "ours"


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("layer", ["router", "handler"])
async def test_an_exception_handler_of_a_layer_makes_the_response(served: Served, layer: str, way: str) -> None:
    def teapot(request: Request[Any, Any, Any], error: Exception) -> Response[str]:
        return Response(f"{type(error).__name__} at {request.route_handler}", status_code=418, media_type="text/plain")

    app = app_with(served, layer, exception_handlers={PermissionDeniedException: teapot}, guards=[deny_later])
    response = await posted(app, way)
    assert response.status_code == 418
    assert response.text.startswith("PermissionDeniedException at ")


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("layer", ["router", "handler"])
async def test_a_dependency_of_a_nearer_layer_is_the_one_that_counts(served: Served, layer: str, way: str) -> None:
    calls: list[str] = []

    def nearer() -> RequestReader:
        calls.append("nearer")
        return served.requests

    async def nearer_later() -> RequestReader:
        await asyncio.sleep(0)
        return nearer()

    for provide in (
        Provide(nearer, sync_to_thread=False),
        Provide(nearer_later),
        Provide(nearer_later, use_cache=True),
    ):
        app = app_with(served, layer, dependencies={"requests": provide})
        for _ in range(2):
            assert (await posted(app, way)).status_code == 201
    assert len(calls) == 5


@pytest.mark.parametrize("way", WAYS)
async def test_a_dependency_that_fails_is_a_fault_that_is_logged(
    served: Served, way: str, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail() -> RequestReader:
        raise ZeroDivisionError

    app = app_with(served, "router", dependencies={"requests": Provide(fail, sync_to_thread=False)})
    assert problem(await posted(app, way), 500)["title"] == "A fault in the gateway"
    assert "a handler failed" in capsys.readouterr().out


@pytest.mark.parametrize("way", WAYS)
async def test_a_header_is_passed_as_it_is_or_not_at_all(served: Served, way: str) -> None:
    app = app_with(served, "app")
    assert (await posted(app, way, headers={"name": "Ann"})).json()["name"] == "Ann"
    assert (await posted(app, way)).json()["name"] is None


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(
    ("made", "status", "content"),
    [
        ({"a": 1}, 201, b'{"a":1}'),
        (Response({"a": 1}, status_code=202, cookies={"c": "1"}), 202, b'{"a":1}'),
        (Response("text", media_type="text/plain"), 201, b"text"),
        (Response({"a": 1j}, type_encoders={complex: str}), 201, b'{"a":"1j"}'),
    ],
)
async def test_whatever_a_handler_makes_is_written_as_litestar_would(
    served: Served, made: Any, status: int, content: bytes, way: str
) -> None:
    @post("/orders", fast_path=True, sync_to_thread=False)
    def make(data: Annotated[OrderRequest, Body()]) -> Any:
        return made

    response = await posted(assembled(served, make), way)
    assert (response.status_code, response.content) == (status, content)


@pytest.mark.parametrize("way", WAYS)
async def test_what_cannot_be_written_is_a_fault_that_is_logged(
    served: Served, way: str, capsys: pytest.CaptureFixture[str]
) -> None:
    @post("/orders", fast_path=True)
    async def make(data: Annotated[OrderRequest, Body()]) -> Response[object]:
        return Response(object())

    problem(await posted(assembled(served, make), way), 500)
    assert "a handler failed" in capsys.readouterr().out


@pytest.mark.parametrize("way", WAYS)
async def test_an_error_after_the_response_has_begun_sends_no_second_response(served: Served, way: str) -> None:
    async def fail(request: Request[Any, Any, Any]) -> None:
        raise ZeroDivisionError

    app = app_with(served, "handler", after_response=fail)
    sent: list[str] = []

    async def recording(scope: Any, receive: Any, send: Any) -> None:
        async def record(message: Any) -> None:
            sent.append(message["type"])
            await send(message)

        await app(scope, receive, record)

    with pytest.raises((ZeroDivisionError, LitestarException)):
        await posted(recording, way)
    assert sent == ["http.response.start", "http.response.body"]


async def test_a_hook_before_everything_is_sent_sees_the_fast_path_too(served: Served) -> None:
    sent: list[str] = []

    async def before_send(message: Any, scope: Any) -> None:
        sent.append(message["type"])

    await posted(app_with(served, "app", before_send=[before_send]))
    assert sent == ["http.response.start", "http.response.body"]


# What the fast path would not honour, it refuses.


def pass_on(app: ASGIApp) -> ASGIApp:
    return app


async def needs_a_request(request: Request[Any, Any, Any]) -> RequestReader:
    raise AssertionError("never called")


async def cleans_up() -> AsyncIterator[int]:
    yield 1


def _wrong_handlers() -> Iterator[tuple[HTTPRouteHandler, str]]:
    @post("/orders", fast_path=True)
    async def query(data: Annotated[OrderRequest, Body()], fast: FromQuery[bool]) -> None:
        """Take a query."""

    @post("/orders", fast_path=True)
    async def number(
        data: Annotated[OrderRequest, Body()], x: Annotated[int, HeaderParameter(name="X-Number")]
    ) -> None:
        """Take a header that is a number."""

    @post("/orders", fast_path=True)
    async def nothing() -> None:
        """Take no body."""

    @post("/orders", fast_path=True)
    async def form(data: Annotated[Json, Body(media_type="application/x-www-form-urlencoded")]) -> None:
        """Take a form."""

    @post("/orders", fast_path=True)
    async def raw(data: Annotated[OrderRequest, Body()], request: Request[Any, Any, Any]) -> None:
        """Take a request."""

    @post("/orders/{number:int}", fast_path=True)
    async def one(data: Annotated[OrderRequest, Body()], number: FromPath[int]) -> None:
        """Take a path of many."""

    @get("/orders", fast_path=True)
    async def reading() -> None:
        """Read."""

    yield query, "the parameter fast"
    yield number, "the header X-Number"
    yield nothing, "a body that is not JSON"
    yield form, "a body that is not JSON"
    yield raw, "the parameter request"
    yield one, "parameters in the path"
    yield reading, "the method GET"


@pytest.mark.parametrize(("handler", "obstacle"), list(_wrong_handlers()), ids=str)
async def test_a_handler_that_the_fast_path_would_not_serve_right_is_refused_at_the_start(
    served: Served, handler: HTTPRouteHandler, obstacle: str
) -> None:
    with pytest.raises(ImproperlyConfiguredException, match=f"fast path, which does not honour .*{obstacle}"):
        assembled(served, handler)


@pytest.mark.parametrize(
    ("layer", "options", "obstacle"),
    [
        ("app", {"middleware": [pass_on]}, "middleware"),
        ("router", {"middleware": [pass_on]}, "middleware"),
        ("handler", {"middleware": [pass_on]}, "middleware"),
        ("handler", {"cache": True}, "a cache"),
        ("app", {"compression_config": CompressionConfig("gzip")}, "compression_config"),
        ("app", {"allowed_hosts": ["gateway.test"]}, "allowed_hosts"),
        ("router", {"type_decoders": [(lambda _: False, lambda *_: None)]}, "type decoders"),
        ("router", {"dependencies": {"requests": Provide(needs_a_request)}}, "the dependency requests"),
        ("router", {"dependencies": {"requests": Provide(cleans_up)}}, "the dependency requests"),
    ],
)
async def test_a_layer_that_the_fast_path_would_leave_out_is_refused_at_the_start(
    served: Served, layer: str, options: Options, obstacle: str
) -> None:
    with pytest.raises(ImproperlyConfiguredException, match=f"does not honour .*{obstacle}"):
        app_with(served, layer, **options)


# Requests.


async def test_a_client_who_leaves_in_the_middle_of_a_body_has_ordered_nothing(
    served: Served, capsys: pytest.CaptureFixture[str]
) -> None:
    events = [{"type": "http.request", "body": b'{"lines"', "more_body": True}, {"type": "http.disconnect"}]
    sent: list[Any] = []

    async def receive() -> Any:
        return events.pop(0)

    async def send(event: Any) -> None:
        sent.append(event)

    scope: Any = {
        "type": "http",
        "method": "POST",
        "path": "/orders",
        "query_string": b"",
        "headers": [(b"host", b"x")],
    }
    await served.app(scope, receive, send)
    assert served.restaurant.bar.calls == []
    assert "a handler failed" not in capsys.readouterr().out


async def test_a_response_is_what_litestar_would_make_of_it(served: Served) -> None:
    placed = await served.order("bar coffee 2", "kitchen meat")
    looked_at = await served.client.get(placed.headers["location"])
    assert json.loads(placed.content) == json.loads(looked_at.content)
    assert placed.headers["content-type"] == looked_at.headers["content-type"] == "application/json"
    assert placed.headers["content-length"] == str(len(placed.content))


@pytest.mark.parametrize("path", ["/orders", "/api/restaurants"])
async def test_other_methods_pass(served: Served, path: str) -> None:
    response = await served.client.options(path)
    assert response.status_code == 204
    assert "POST" in response.headers["allow"]


@pytest.mark.parametrize("path", ["/orders/", "//orders"])
async def test_a_path_that_litestar_takes_for_the_same_is_served(served: Served, path: str) -> None:
    response = await served.client.post(f"http://gateway{path}", json=COFFEE)
    assert response.status_code == 201


async def test_both_ways_write_the_same_response(served: Served) -> None:
    body = COFFEE | {"order_id": "8e03978e-40d5-43dd-bc93-6894a57f9324"}
    headers = {"x-request-id": "the-same"}
    fast, own = [await served.client.post(way, json=body, headers=headers) for way in WAYS]
    assert fast.content == own.content
    assert fast.headers == own.headers


async def test_a_host_that_litestar_refuses_is_refused(served: Served) -> None:
    response = await served.client.post("/orders", json=COFFEE, headers={"host": "a b"})
    assert problem(response, 400)["detail"] == "Invalid host header"


async def test_the_products_orders_take_the_fast_path(served: Served) -> None:
    fast_path = FastPath(served.create_litestar(*routes()), RequestMetrics())
    assert set(fast_path.routes) == {"/orders", "/api/restaurants"}
    for route in fast_path.routes.values():
        assert not route.needs_request, "it pays for guards and hooks that it has not"


async def test_a_guest_whom_nothing_limits_costs_a_look_at_two_headers(served: Served) -> None:
    async def fail(*_: object) -> None:
        raise AssertionError("access was asked")

    app = wrap(served.create_litestar(*routes()))
    served.access.check.admit = fail  # type: ignore[method-assign,assignment]
    async with client(app, {}) as guest:
        assert (await guest.post("/orders", json=COFFEE)).status_code == 201
    for headers in ({"authorization": "Bearer x"}, {"cookie": "a=b"}):
        async with client(app, headers) as caller:
            assert (await caller.post("/orders", json=COFFEE)).status_code == 500


async def test_litestar_is_not_called_for_a_plain_order(served: Served) -> None:
    litestar = served.create_litestar(*routes())

    async def fail(*_: object) -> None:
        raise AssertionError("Litestar was called")

    litestar.asgi_handler = fail
    assert (await posted(wrap(litestar))).status_code == 201
    with pytest.raises(AssertionError, match="Litestar was called"):
        await posted(wrap(litestar), WAYS[1])


@pytest.mark.parametrize("cors_origins", [[], ["https://orders.example.org"]])
async def test_the_server_may_start_and_stop_the_app(served: Served, cors_origins: list[str]) -> None:
    events = [{"type": "lifespan.startup"}, {"type": "lifespan.shutdown"}]
    sent: list[str] = []

    async def receive() -> Any:
        return events.pop(0)

    async def send(event: Any) -> None:
        sent.append(event["type"])

    scope: Any = {"type": "lifespan"}
    await served.create_app(cors_origins=cors_origins)(scope, receive, send)
    assert sent == ["lifespan.startup.complete", "lifespan.shutdown.complete"]


def test_plugins_for_libraries_that_happen_to_be_installed_change_no_route() -> None:
    """Litestar adds pydantic's, whose encoders and decoders would keep every route off the fast path."""
    own, other = HeadAndOptions(), type("PydanticInitPlugin", (), {"__module__": "litestar.plugins.pydantic.plugins"})()
    plugins: list[Any] = [own, other]

    config = without_other_libraries(AppConfig(plugins=plugins))

    assert config.plugins is plugins  # the list that Litestar goes through next
    assert plugins == [own]
