"""`/demo`, which shows pages in frames, and which only a demo has."""

import re
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
import pytest_asyncio

from gateway.domain.access import Role
from tests.support.access_callers import SHELL, browser, key_of
from tests.support.rest_app import Served, serve

ACCEPT = {"accept": "text/html"}


@pytest_asyncio.fixture
async def demo(tmp_path: Path) -> AsyncIterator[Served]:
    async with serve(f"sqlite:///{tmp_path}/demo.db", is_demo=True) as served:
        yield served


def directives(response: httpx.Response) -> dict[str, str]:
    parts = (each.strip().partition(" ") for each in response.headers["content-security-policy"].split(";"))
    return {name: value for name, _, value in parts}


async def test_a_restaurant_has_no_such_page_and_its_pages_are_in_nobodys_frame(served: Served) -> None:
    missing = await served.client.get("/demo", headers=ACCEPT)
    assert missing.status_code == 404
    for path in ("/", "/stations/bar", "/sign-in"):
        policy = directives(await served.client.get(path, headers=ACCEPT))
        assert policy["frame-ancestors"] == "'none'"
        assert "frame-src" not in policy


async def test_a_demo_shows_pages_that_it_may_frame(demo: Served) -> None:
    page = await demo.client.get("/demo", headers=ACCEPT)
    assert page.status_code == 200
    paths = re.findall(r'<iframe [^>]*src="([^"]+)"', page.text)
    assert paths[0] == "/stations/bar,kitchen,bakery"
    for path in paths:
        framed = await demo.client.get(path, headers=ACCEPT)
        assert framed.status_code == 200
        assert directives(framed)["frame-ancestors"] == "'self'"
    assert directives(page)["frame-src"] == "'self'"


async def test_a_demo_frames_nothing_of_others_and_is_framed_by_nobody_else(served: Served, demo: Served) -> None:
    policy = directives(await demo.client.get("/demo", headers=ACCEPT))
    usual = directives(await served.client.get("/", headers=ACCEPT))
    own = {"frame-src", "frame-ancestors"}
    assert {name for name in policy if policy[name] != usual.get(name)} == own
    assert {policy[name] for name in own} == {"'self'"}


async def test_who_pairs_in_a_demo_is_led_to_its_page(demo: Served) -> None:
    key_id, _ = await key_of(demo, Role.MANAGER)
    code = await demo.access.administration.make_pairing_code(SHELL, key_id)
    paired = await browser(demo).post(f"/pair/{code}")
    assert paired.headers["location"] == "/demo"


@pytest.mark.parametrize(("role", "page"), [(Role.WAITER, "/waiter"), (Role.STATION, "/stations")])
async def test_who_may_not_open_it_is_led_to_a_page_of_their_own(demo: Served, role: Role, page: str) -> None:
    key_id, _ = await key_of(demo, role, ["bar"] if role == Role.STATION else [])
    code = await demo.access.administration.make_pairing_code(SHELL, key_id)
    paired = await browser(demo).post(f"/pair/{code}")
    assert paired.headers["location"] == page
