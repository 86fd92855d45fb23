"""The office as the server renders it: its pages, their days, and who may open them."""

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from gateway.domain.access import Role
from gateway.domain.days import Calendar
from gateway.web.office_page import PARTS
from gateway.web.office_range import Range, range_of
from tests.gateway.web.test_documents import data_of
from tests.support.access_callers import key_of, nobody, with_key
from tests.support.rest_app import Served

ACCEPT = {"accept": "text/html"}

BERLIN = Calendar(ZoneInfo("Europe/Berlin"))


def range_at(now: str, name: str | None = None, day: str | None = None) -> Range:
    return range_of(BERLIN, int(datetime.fromisoformat(now).timestamp() * 1000), name, day)


@pytest.mark.parametrize("part", PARTS)
async def test_a_manager_opens_each_page_by_its_address(served: Served, part: str) -> None:
    page = await served.client.get("/office" if part == "today" else f"/office/{part}", headers=ACCEPT)
    assert page.status_code == 200
    assert page.text.count('aria-current="page"') == 2, "in the header and among the office's pages"
    data = data_of(page.text)
    assert data["data"]["part"] == part
    assert data["data"]["departments"] == ["bakery", "bar", "kitchen"]
    assert f'type="module" src="{data["static"]}office/{part}.js"' in page.text


async def test_a_page_that_does_not_exist_is_not_found(served: Served) -> None:
    assert (await served.client.get("/office/nowhere", headers=ACCEPT)).status_code == 404


async def test_others_are_refused_in_plain_words(served: Served) -> None:
    _, secret = await key_of(served, Role.WAITER)
    refused = await with_key(served, secret).get("/office", headers=ACCEPT)
    assert (refused.status_code, "Not for you" in refused.text) == (403, True)
    unknown = await nobody(served).get("/office", headers=ACCEPT)
    assert (unknown.status_code, "Sign in first" in unknown.text) == (401, True)


def test_a_day_is_from_midnight_to_midnight_of_the_restaurant() -> None:
    today = range_at("2026-05-02T00:30+02:00")
    assert (today.name, today.first_day, today.from_, today.to) == (
        "today",
        "2026-05-02",
        "2026-05-01T22:00:00Z",
        "2026-05-02T22:00:00Z",
    )
    yesterday = range_at("2026-05-02T00:30+02:00", "yesterday")
    assert (yesterday.first_day, yesterday.last_day, yesterday.to) == ("2026-05-01", "2026-05-01", today.from_)


def test_seven_days_end_with_today() -> None:
    week = range_at("2026-05-07T12:00+02:00", "week")
    assert (week.first_day, week.last_day) == ("2026-05-01", "2026-05-07")


def test_the_day_on_which_the_clocks_are_set_back_has_25_hours() -> None:
    day = range_at("2026-11-01T12:00+01:00", day="2026-10-25")
    assert (day.name, day.from_, day.to) == ("day", "2026-10-24T22:00:00Z", "2026-10-25T23:00:00Z")


@pytest.mark.parametrize("day", ["", "tomorrow", "2026-02-30", "2026-05-03", "0001-01-01", "9999-12-31"])
def test_a_day_that_is_none_or_to_come_is_today(day: str) -> None:
    assert range_at("2026-05-02T12:00+02:00", day=day).name == "today"
