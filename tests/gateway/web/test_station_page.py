"""The station page as the server renders it."""

from pathlib import Path

import pytest

from gateway.access.policy import AccessPolicy
from gateway.domain.access import Guests, Role
from tests.support.access_callers import SHELL, browser, key_of, nobody, paired
from tests.support.keys import KEY
from tests.support.rest_app import Served, serve

ACCEPT = {"accept": "text/html"}


async def test_a_station_lists_the_open_tickets(served: Served) -> None:
    page = await served.client.get("/stations/bar", headers=ACCEPT)
    assert page.status_code == 200
    assert 'id="station-app"' in page.text
    assert '"departments":["bar"]' in page.text


async def test_a_station_that_does_not_exist_is_not_found(served: Served) -> None:
    assert (await served.client.get("/stations/garage", headers=ACCEPT)).status_code == 404


async def test_a_tablet_opens_its_own_station_only(served: Served) -> None:
    tablet, _ = await paired(served, Role.STATION, ["bar"])
    assert (await tablet.get("/stations/bar", headers=ACCEPT)).status_code == 200
    refused = await tablet.get("/stations/kitchen", headers=ACCEPT)
    assert refused.status_code == 403
    assert "Not for you" in refused.text


async def test_a_device_is_led_to_its_station_when_it_is_paired(served: Served) -> None:
    key_id, _ = await key_of(served, Role.STATION, ["bar"])
    code = await served.access.administration.make_pairing_code(SHELL, key_id)
    tablet = browser(served)
    assert (await tablet.post(f"/pair/{code}")).headers["location"] == "/stations"
    assert (await tablet.get("/stations", headers=ACCEPT)).headers["location"] == "/stations/bar"


@pytest.mark.parametrize(("role", "page"), [(Role.WAITER, "/waiter"), (Role.MANAGER, "/office")])
async def test_a_device_begins_with_the_page_of_its_role(served: Served, role: Role, page: str) -> None:
    key_id, _ = await key_of(served, role)
    code = await served.access.administration.make_pairing_code(SHELL, key_id)
    assert (await browser(served).post(f"/pair/{code}")).headers["location"] == page


async def test_a_station_that_cannot_order_is_led_to_its_tickets(tmp_path: Path) -> None:
    async with serve(f"sqlite:///{tmp_path}/gateway.db", policy=AccessPolicy(Guests.CLOSED, first_key=KEY)) as closed:
        tablet, _ = await paired(closed, Role.STATION, ["bar"])
        assert (await tablet.get("/", headers=ACCEPT)).headers["location"] == "/stations"
        visitor = await nobody(closed).get("/", headers=ACCEPT)
        assert (visitor.status_code, "Here the staff take your order" in visitor.text) == (200, True)


async def test_a_tablet_of_several_departments_chooses(served: Served) -> None:
    tablet, _ = await paired(served, Role.STATION, ["bar", "bakery"])
    stations = await tablet.get("/stations", headers=ACCEPT)
    assert 'href="/stations/bar"' in stations.text
    assert 'href="/stations/bakery"' in stations.text
    assert 'href="/stations/kitchen"' not in stations.text


async def test_the_address_may_name_several_departments(served: Served) -> None:
    tablet, _ = await paired(served, Role.STATION, ["bar", "bakery"])
    assert '"departments":["bar","bakery"]' in (await tablet.get("/stations/bar,bakery", headers=ACCEPT)).text
    assert (await tablet.get("/stations/bar,kitchen", headers=ACCEPT)).status_code == 403
    assert (await served.client.get("/stations/bar,garage", headers=ACCEPT)).status_code == 404


@pytest.mark.parametrize("path", ["/stations", "/stations/bar"])
async def test_who_is_unknown_learns_how_to_get_in(served: Served, path: str) -> None:
    refused = await nobody(served).get(path, headers=ACCEPT)
    assert refused.status_code == 401
    assert "pair this device" in refused.text
    assert 'href="/sign-in"' in refused.text
