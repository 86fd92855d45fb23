"""Every registered route with every role, own and foreign department and order, compared with the table of access."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
import pytest_asyncio
from litestar import Litestar, WebSocket, get, websocket
from litestar.exceptions import ImproperlyConfiguredException

from gateway.access.policy import AccessPolicy
from gateway.domain.access import NAMEABLE, TABLE, Action, Condition, Guests, Role
from gateway.rest.access_check import actions_of, handlers_of, require_actions
from gateway.rest.app import api_description, create_litestar, routes
from tests.gateway.rest.access_cases import OWN, OWN_TABLE, Case, cases_of
from tests.support.access_callers import add_person, at_table, key_of, nobody, paired, sign_in, with_key
from tests.support.keys import KEY
from tests.support.ready_apps import pages
from tests.support.rest_app import Served, serve

pytestmark = pytest.mark.asyncio(loop_scope="module")

REFUSED = {"Sign in first", "Not allowed"}


def litestar_of(served: Served) -> Litestar:
    """Return the product's app, with a demo's page, and without a default for routes that name no action."""
    plugins = [pages(served.restaurant.clock.pair.wall, is_demo=True)]
    return create_litestar(*served.parts, routes(), max_body=1024, plugins=plugins, openapi_config=api_description())


@dataclass(frozen=True)
class Known:
    """A caller, with what the table is asked for it."""

    client: httpx.AsyncClient
    roles: tuple[Role, ...]
    table: str | None = None
    rights: frozenset[Action] = frozenset()


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def callers(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[dict[str, Known]]:
    async with AsyncExitStack() as stack:

        async def restaurant(guests: Guests) -> Served:
            folder: Path = tmp_path_factory.mktemp(guests)
            policy = AccessPolicy(guests, first_key=KEY)
            return await stack.enter_async_context(serve(f"sqlite:///{folder}/gateway.db", policy=policy, is_demo=True))

        closed, tables = await restaurant(Guests.CLOSED), await restaurant(Guests.TABLES)
        is_open = await restaurant(Guests.OPEN)
        await add_person(closed)
        tablet, _ = await paired(closed, Role.STATION, [OWN])
        shared, _ = await paired(closed, Role.STATION, [OWN])
        assert (await sign_in(shared)).status_code == 200
        rights = frozenset({Action.ORDER_LIST, Action.STOCK_CHANGE})
        yield {
            "visitor": Known(nobody(closed), (Role.VISITOR,)),
            "nobody at a table": Known(nobody(tables), (Role.VISITOR,)),
            "guest": Known(nobody(is_open), (Role.GUEST,)),
            "guest at a table": Known(await at_table(tables, OWN_TABLE), (Role.GUEST,), table=OWN_TABLE),
            "station key": Known(with_key(closed, (await key_of(closed, Role.STATION, [OWN]))[1]), (Role.STATION,)),
            "station tablet": Known(tablet, (Role.STATION,)),
            "waiter key": Known(with_key(closed, (await key_of(closed, Role.WAITER))[1]), (Role.WAITER,)),
            "waiter on a station's tablet": Known(shared, (Role.STATION, Role.WAITER)),
            "manager key": Known(with_key(closed, KEY), (Role.MANAGER,)),
            "service": Known(
                with_key(closed, (await key_of(closed, Role.SERVICE, rights=rights))[1]), (Role.SERVICE,), rights=rights
            ),
            "service with all rights": Known(
                with_key(closed, (await key_of(closed, Role.SERVICE, rights=NAMEABLE))[1]),
                (Role.SERVICE,),
                rights=NAMEABLE,
            ),
        }


def is_allowed(known: Known, case: Case) -> bool:
    """Read the table."""
    return any(_permits(TABLE[case.action][role], known, case) for role in known.roles)


def _permits(condition: Condition, known: Known, case: Case) -> bool:
    facts = {
        Condition.NEVER: False,
        Condition.ANY: True,
        Condition.OWN_TABLE: known.table is None or case.table in (None, known.table),
        Condition.OWN_ORDER: case.order_id is not None,
        Condition.OWN_DEPARTMENT: case.narrows or case.department == OWN,
        Condition.QUEUED: case.state == "queued",
        Condition.NAMED: case.action in known.rights,
    }
    return facts[condition]


async def test_every_route_does_what_the_table_says(shared: Served, callers: dict[str, Known]) -> None:
    seen: set[tuple[str, Action]] = set()
    count = 0
    for method, path, handler in handlers_of(litestar_of(shared).routes):
        for action in actions_of(handler):
            for case in cases_of(method, path, action):
                for name, known in callers.items():
                    response = await known.client.request(case.method, case.path, json=case.body)
                    assert response.status_code < 500 or case.department, f"{name}: {case}: {response.text}"
                    was_allowed = not is_refusal(response)
                    assert was_allowed is is_allowed(known, case), f"{name}: {case}: {response.status_code}"
                    seen.add((name, action))
                    count += 1
    assert {action for _, action in seen} == set(Action) - {Action.SESSION_CLOSE}
    assert len(seen) == len(callers) * (len(Action) - 1)
    assert count > 900


def is_refusal(response: httpx.Response) -> bool:
    """Whether a response is that of a caller who may not; a HEAD has no body to tell it by."""
    if response.request.method == "HEAD":
        is_code = response.request.url.path.startswith("/t/")
        return response.status_code in (401, 403) and not is_code
    kind = response.headers.get("content-type", "")
    return kind == "application/problem+json" and response.json()["title"] in REFUSED


async def test_a_list_has_what_the_caller_may_see(callers: dict[str, Known]) -> None:
    tablet, manager = callers["station tablet"].client, callers["manager key"].client
    assert {each["department"] for each in (await manager.get("/stock")).json()["stock"]} <= {
        "bar",
        "kitchen",
        "bakery",
    }
    assert {each["department"] for each in (await tablet.get("/stock")).json()["stock"]} <= {OWN}


async def test_all_events_are_for_those_who_see_all(callers: dict[str, Known]) -> None:
    for name, known in callers.items():
        response = await known.client.head("/events")
        sees_all = bool({Role.WAITER, Role.MANAGER} & set(known.roles)) or known.rights >= NAMEABLE
        assert (response.status_code == 200) is sees_all, name


async def test_a_client_is_told_what_it_may(callers: dict[str, Known]) -> None:
    for name, known in callers.items():
        told: Any = (await known.client.get("/me")).json()
        may = {
            action
            for action, row in TABLE.items()
            for role in known.roles
            if row[role] is not Condition.NEVER and (row[role] is not Condition.NAMED or action in known.rights)
        }
        assert set(told["rights"]) == may, name


async def test_a_route_without_an_action_does_not_start() -> None:
    @get("/secret")
    async def secret() -> str:
        return "secret"

    with pytest.raises(ImproperlyConfiguredException, match="declares no action"):
        require_actions(Litestar([secret], openapi_config=None).routes)


async def test_a_route_that_nothing_checks_does_not_start() -> None:
    @websocket("/secret")
    async def secret(socket: WebSocket[Any, Any, Any]) -> None:
        await socket.accept()

    with pytest.raises(ImproperlyConfiguredException, match="access is not checked"):
        require_actions(Litestar([secret], openapi_config=None).routes)
