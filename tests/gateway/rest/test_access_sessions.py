"""Sessions: listed, ended one by one and all, and asked for a PIN again before keys and people change."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from gateway.access.policy import AccessPolicy
from gateway.domain.access import Guests, Role
from gateway.rest.problems import SIGN_IN_AGAIN
from tests.support.access_callers import add_person, at_table, browser, nobody, paired, sign_in
from tests.support.keys import KEY
from tests.support.rest_app import Json, Served, problem, serve

LONG = 301
"""Seconds after which a sign-in is too long ago."""

TILL: Json = {"name": "till", "role": "waiter"}


@pytest.fixture
async def tables(tmp_path: Path) -> AsyncIterator[Served]:
    """A restaurant whose guests open their tables' codes."""
    async with serve(f"sqlite:///{tmp_path}/g.db", policy=AccessPolicy(Guests.TABLES, first_key=KEY)) as served:
        yield served


async def manager(served: Served, name: str = "Eve") -> httpx.AsyncClient:
    """Return the browser of a manager who has just signed in."""
    await add_person(served, name, Role.MANAGER, "314159")
    found = browser(served)
    assert (await sign_in(found, name, "314159")).status_code == 200
    return found


async def sessions(asking: httpx.AsyncClient, path: str = "/access/sessions") -> list[dict[str, Any]]:
    """Return the list of sessions."""
    response = await asking.get(path)
    assert response.status_code == 200, response.text
    found: list[dict[str, Any]] = response.json()["sessions"]
    return found


# The PIN is asked for again.


async def test_a_pin_is_asked_for_again_before_keys_change(tables: Served) -> None:
    eve = await manager(tables)
    assert (await eve.post("/access/keys", json=TILL)).status_code == 200
    tables.restaurant.clock.now += LONG
    refused = problem(await eve.post("/access/keys", json=TILL), 403)
    assert (refused["type"], refused["title"]) == (SIGN_IN_AGAIN, "Enter the PIN again")
    assert (await eve.get("/access/keys")).status_code == 200, "to look on needs no PIN"
    assert (await eve.get("/orders")).status_code == 200
    assert (await sign_in(eve, "Eve", "314159")).status_code == 200
    assert (await eve.post("/access/keys", json=TILL)).status_code == 200


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", "/access/keys", TILL),
        ("DELETE", "/access/keys/none", None),
        ("POST", "/access/keys/none/pairing-codes", None),
        ("POST", "/access/people", {"name": "Bob", "role": "waiter", "pin": "123456"}),
        ("PUT", "/access/people/none/pin", {"pin": "123456"}),
        ("DELETE", "/access/people/none", None),
        ("DELETE", "/access/table-codes", None),
        ("DELETE", "/access/sessions", None),
        ("DELETE", "/access/sessions/none", None),
    ],
)
async def test_every_change_of_access_needs_a_recent_sign_in(
    tables: Served, method: str, path: str, body: Json | None
) -> None:
    eve = await manager(tables)
    tables.restaurant.clock.now += LONG
    assert problem(await eve.request(method, path, json=body), 403)["type"] == SIGN_IN_AGAIN
    assert (await tables.client.request(method, path, json=body)).status_code in (200, 404), "a key needs none"


async def test_a_managers_device_is_asked_for_a_managers_pin(tables: Served) -> None:
    """To pair it is a sign-in; a waiter's PIN, or leaving the device, is none for what a manager may."""
    await add_person(tables)
    await add_person(tables, "Eve", Role.MANAGER, "314159")
    tablet, _ = await paired(tables, Role.MANAGER)
    assert (await tablet.post("/access/keys", json=TILL)).status_code == 200
    tables.restaurant.clock.now += LONG
    problem(await tablet.post("/access/keys", json=TILL), 403)
    await sign_in(tablet)
    assert problem(await tablet.post("/access/keys", json=TILL), 403)["type"] == SIGN_IN_AGAIN
    await tablet.post("/sign-out")
    assert problem(await tablet.post("/access/keys", json=TILL), 403)["type"] == SIGN_IN_AGAIN
    await sign_in(tablet, "Eve", "314159")
    assert (await tablet.post("/access/keys", json=TILL)).status_code == 200


async def test_the_page_asks_whoever_is_signed_in_for_the_pin(tables: Served) -> None:
    eve = await manager(tables)
    page = (await eve.get("/sign-in")).text
    assert 'name="pin"' in page
    assert 'value="Eve"' in page
    tables.restaurant.clock.now += LONG
    refused = await eve.post("/access/keys", json=TILL, headers={"accept": "text/html"})
    assert (refused.status_code, 'href="/sign-in"' in refused.text) == (403, True)
    assert (await eve.post("/sign-in", data={"name": "Eve", "pin": "314159"})).status_code == 303
    assert (await eve.post("/access/keys", json=TILL)).status_code == 200


# The list.


async def test_sessions_are_listed_with_who_on_which_device_since_when_and_the_last_use(tables: Served) -> None:
    await add_person(tables)
    eve = await manager(tables)
    tablet, _ = await paired(tables, Role.STATION, ["bar"])
    await sign_in(tablet)
    await at_table(tables, "7")
    tables.restaurant.clock.now += 60
    await tablet.get("/me")
    found = await sessions(eve)
    assert sorted((each["person"], each["device"], each["table"]) for each in found if each["person"]) == [
        ("Ada", "the station", None),
        ("Eve", None, None),
    ]
    assert [each["table"] for each in found if each["table"]] == ["7"]
    assert len(found) == 3, "the tablet's session before the sign-in has ended"
    assert [each["person"] for each in found if each["is_own"]] == ["Eve"]
    (ada,) = [each for each in found if each["person"] == "Ada"]
    assert ada["since"] < ada["used_at"]


async def test_a_session_that_was_ended_is_nobodys(tables: Served) -> None:
    await add_person(tables)
    eve = await manager(tables)
    phone = browser(tables)
    await sign_in(phone)
    (ada,) = [each for each in await sessions(eve) if each["person"] == "Ada"]
    left = (await eve.delete(f"/access/sessions/{ada['id']}")).json()["sessions"]
    assert [each["person"] for each in left] == ["Eve"]
    assert (await phone.get("/me")).json()["name"] is None
    problem(await eve.delete(f"/access/sessions/{ada['id']}"), 404)
    (last,) = await tables.access.administration.audit(1)
    assert (last.who, last.what, last.subject) == ("Eve", "session ended", ada["id"])


async def test_all_sessions_end_but_that_which_asks(tables: Served) -> None:
    eve = await manager(tables)
    tablet, _ = await paired(tables, Role.STATION, ["bar"])
    guest = await at_table(tables, "7")
    left = (await eve.delete("/access/sessions")).json()["sessions"]
    assert [(each["person"], each["is_own"]) for each in left] == [("Eve", True)]
    for other in (tablet, guest):
        assert (await other.get("/me")).json()["roles"] == ["visitor"]
    assert (await tables.client.delete("/access/sessions")).json()["sessions"] == []
    assert (await eve.get("/me")).json()["name"] is None


async def test_sessions_that_have_ended_by_themselves_are_not_listed(tables: Served) -> None:
    await at_table(tables, "7")
    assert len(await sessions(tables.client)) == 1
    tables.restaurant.clock.now += 3 * 3600 + 1
    assert await sessions(tables.client) == []


async def test_people_see_their_own_sessions(tables: Served) -> None:
    await manager(tables)
    await add_person(tables)
    phone, other = browser(tables), browser(tables)
    for each in (phone, other):
        await sign_in(each)
    found = await sessions(phone, "/me/sessions")
    assert [each["person"] for each in found] == ["Ada", "Ada"]
    assert sorted(each["is_own"] for each in found) == [False, True]
    assert await sessions(nobody(tables), "/me/sessions") == []
