"""The station page as the server renders it."""

import pytest

from gateway.domain.access import Role
from tests.support.access_callers import nobody, paired
from tests.support.rest_app import Served

ACCEPT = {"accept": "text/html"}


async def test_a_station_lists_the_open_tickets(served: Served) -> None:
    page = await served.client.get("/stations/bar", headers=ACCEPT)
    assert page.status_code == 200
    assert 'id="station-app" data-department="bar"' in page.text


async def test_a_station_that_does_not_exist_is_not_found(served: Served) -> None:
    assert (await served.client.get("/stations/garage", headers=ACCEPT)).status_code == 404


async def test_a_tablet_opens_its_own_station_only(served: Served) -> None:
    tablet, _ = await paired(served, Role.STATION, ["bar"])
    assert (await tablet.get("/stations/bar", headers=ACCEPT)).status_code == 200
    refused = await tablet.get("/stations/kitchen", headers=ACCEPT)
    assert refused.status_code == 403
    assert "Not for you" in refused.text
    stations = await tablet.get("/stations", headers=ACCEPT)
    assert 'href="/stations/bar"' in stations.text
    assert 'href="/stations/kitchen"' not in stations.text


@pytest.mark.parametrize("path", ["/stations", "/stations/bar"])
async def test_who_is_unknown_learns_how_to_get_in(served: Served, path: str) -> None:
    refused = await nobody(served).get(path, headers=ACCEPT)
    assert refused.status_code == 401
    assert "pair this device" in refused.text
    assert 'href="/sign-in"' in refused.text
