"""Attacks on access that were tried: each is refused, and leaves nothing behind."""

import asyncio
import json
import re
import statistics
import time
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from gateway.access.guest_limits import GuestLimit
from gateway.access.policy import AccessPolicy
from gateway.access.secrets import fast_hash
from gateway.access.signing_in import TABLES_A_MINUTE
from gateway.domain.access import Action, Guests, Role
from gateway.rest.access_check import COOKIE
from gateway.web.assets import assets
from tests.support.access import access_parts
from tests.support.access_callers import (
    ORIGIN,
    SHELL,
    add_person,
    at_table,
    browser,
    key_of,
    nobody,
    paired,
    sign_in,
    with_key,
)
from tests.support.event_stream import follow
from tests.support.keys import KEY
from tests.support.order_path import QUICK
from tests.support.rest_app import Served, problem, serve
from tests.support.waiting import until

CLOSED = AccessPolicy(Guests.CLOSED, first_key=KEY)
TABLES = AccessPolicy(Guests.TABLES, limits_guests=True, first_key=KEY)
FORM = {"content-type": "application/x-www-form-urlencoded"}
COFFEE = {"lines": [{"department": "bar", "item": "coffee"}]}
NAME = COOKIE.decode()


@pytest.fixture
async def closed(tmp_path: Path) -> AsyncIterator[Served]:
    """A restaurant that turns guests away."""
    async with serve(f"sqlite:///{tmp_path}/closed.db", policy=CLOSED) as served:
        yield served


@pytest.fixture
async def tables(tmp_path: Path) -> AsyncIterator[Served]:
    """A restaurant whose guests open their tables' codes, behind a proxy."""
    limit = GuestLimit(3, 5)
    url = f"sqlite:///{tmp_path}/tables.db"
    async with serve(url, policy=TABLES, limit=limit, proxies=("10.0.0.0/8",), retry_policy=QUICK) as served:
        yield served


def cookie_of(tablet: httpx.AsyncClient) -> str:
    value = tablet.cookies[NAME]
    assert value
    return value


async def made_by(served: Served, what: str) -> list[str]:
    """Whose lines of a kind the audit log has, the newest first."""
    return [line.who for line in await served.access.administration.audit(100) if line.what == what]


# Requests forged by another site.


@pytest.mark.parametrize(
    "headers",
    [
        {"origin": "https://evil.example"},
        {"origin": "null"},
        {"origin": "http://gateway.test.evil.example"},
        {"origin": "https://gateway.test"},
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site", "origin": ORIGIN},
        {"sec-fetch-site": "none"},
        {},
    ],
)
async def test_another_site_changes_nothing_with_a_session(closed: Served, headers: dict[str, str]) -> None:
    tablet, _ = await paired(closed, Role.MANAGER)
    forged = nobody(closed, cookie=f"{NAME}={cookie_of(tablet)}", **headers)
    for method, path in (("POST", "/orders"), ("DELETE", "/access/table-codes"), ("POST", "/sign-out")):
        response = await forged.request(method, path, json=COFFEE if path == "/orders" else None)
        assert problem(response, 403)["title"] == "From another site"
    assert (await tablet.get("/orders")).json()["orders"] == []


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", None])
async def test_a_form_is_no_order(closed: Served, kind: str | None) -> None:
    tablet, _ = await paired(closed, Role.MANAGER)
    headers = {} if kind is None else {"content-type": kind}
    problem(await tablet.post("/orders", content=json.dumps(COFFEE), headers=headers), 415)


async def test_an_image_changes_nothing(tables: Served) -> None:
    code = await tables.access.administration.table_code("7")
    victim = nobody(tables, **{"sec-fetch-dest": "image", "sec-fetch-site": "cross-site"})
    assert problem(await victim.get(f"/t/{code}"), 403)["title"] == "From another site"
    assert not victim.cookies


async def test_nobody_is_signed_in_by_another_site(closed: Served) -> None:
    await add_person(closed)
    victim = nobody(closed, origin="https://evil.example")
    form = {"name": "Ada", "pin": "271828"}
    assert (await victim.post("/sign-in", data=form)).status_code == 403
    assert (await victim.post("/pair/none", data={})).status_code == 403
    assert not victim.cookies


# Sessions.


async def test_a_session_that_was_planted_is_worth_nothing_after_the_sign_in(closed: Served) -> None:
    await add_person(closed)
    tablet, _ = await paired(closed, Role.STATION, ["bar"])
    before = cookie_of(tablet)
    assert (await sign_in(tablet)).status_code == 200
    assert cookie_of(tablet) != before
    planted = nobody(closed, cookie=f"{NAME}={before}")
    assert (await planted.get("/me")).json()["roles"] == ["visitor"]


async def test_a_made_up_session_is_not_taken_over(closed: Served) -> None:
    await add_person(closed)
    fixed = "A" * 43
    victim = browser(closed)
    victim.cookies.set(NAME, fixed)
    assert (await sign_in(victim)).status_code == 200
    assert (await nobody(closed, cookie=f"{NAME}={fixed}").get("/me")).json()["roles"] == ["visitor"]


@pytest.mark.parametrize("everywhere", [False, True])
async def test_a_cookie_is_worth_nothing_after_the_sign_out(closed: Served, everywhere: bool) -> None:
    await add_person(closed)
    mine, other = browser(closed), browser(closed)
    for tablet in (mine, other):
        assert (await sign_in(tablet)).status_code == 200
    kept = cookie_of(mine)
    assert (await mine.post("/sign-out?everywhere=true" if everywhere else "/sign-out")).status_code == 303
    assert (await nobody(closed, cookie=f"{NAME}={kept}").get("/me")).json()["name"] is None
    assert (await other.get("/me")).json()["name"] == (None if everywhere else "Ada")


async def test_a_person_who_leaves_a_tablet_leaves_it_paired(closed: Served) -> None:
    await add_person(closed)
    tablet, _ = await paired(closed, Role.STATION, ["bar"])
    await sign_in(tablet)
    assert (await tablet.get("/me")).json()["roles"] == ["visitor", "station", "waiter"]
    await tablet.post("/sign-out")
    told = (await tablet.get("/me")).json()
    assert (told["person"], told["roles"]) == (None, ["visitor", "station"])


async def test_a_person_is_asked_again_after_idle_minutes(closed: Served) -> None:
    await add_person(closed)
    tablet, _ = await paired(closed, Role.STATION, ["bar"])
    await sign_in(tablet)
    closed.restaurant.clock.now += 599
    assert (await tablet.get("/me")).json()["person"] == "Ada"  # to look on is no use of the tablet
    closed.restaurant.clock.now += 2
    assert (await tablet.get("/me")).json()["person"] is None


async def test_a_person_who_left_does_not_come_back_by_what_others_do_on_the_device(closed: Served) -> None:
    """Somebody else takes a step as the station; then the session is read anew."""
    await add_person(closed)
    tablet, _ = await paired(closed, Role.STATION, ["bar"])
    await sign_in(tablet)
    closed.restaurant.clock.now += 601
    order = "8e03978e-40d5-43dd-bc93-6894a57f9324"
    closed.watches["bar"].change(order)
    step = {"verb": "start", "expected": "queued", "step_id": "s"}
    moved = await tablet.post(f"/tickets/bar/{order}/moves", json=step)
    assert moved.json()["moved_by"] == "the station"
    await closed.access.check.access.refresh()
    assert (await tablet.get("/me")).json()["person"] is None
    closed.restaurant.clock.now += 61
    assert (await tablet.get("/me")).json()["person"] is None


async def test_a_session_ends_when_nobody_uses_it(closed: Served) -> None:
    tablet, _ = await paired(closed, Role.STATION, ["bar"])
    closed.restaurant.clock.now += 29 * 86_400
    assert (await tablet.get("/me")).json()["name"] == "the station"
    closed.restaurant.clock.now += 31 * 86_400
    assert (await tablet.get("/me")).json()["name"] is None


async def test_a_session_ends_however_much_it_is_used(closed: Served) -> None:
    tablet, _ = await paired(closed, Role.STATION, ["bar"])
    for _ in range(15):
        assert (await tablet.get("/me")).json()["name"] == "the station"
        closed.restaurant.clock.now += 25 * 86_400
    assert (await tablet.get("/me")).json()["name"] is None


async def test_the_cookie_is_for_this_site_alone(tables: Served) -> None:
    code = await tables.access.administration.table_code("7")
    opened = await nobody(tables).get(f"/t/{code}")
    for part in ("HttpOnly", "Path=/", "SameSite=lax"):
        assert part.lower() in opened.headers["set-cookie"].lower()
    assert "secure" not in opened.headers["set-cookie"].lower()


# Keys, PINs and codes.


@pytest.mark.parametrize(
    "value",
    ["Bearer", "Bearer ", "Bearer x", f"Basic {KEY}", f"Bearer {KEY[:-1]}", f"Bearer {KEY}k", KEY, "", "Bearer \x7f"],
)
async def test_a_wrong_key_is_nobodys_not_a_guests(served: Served, value: str) -> None:
    for method, path in (("GET", "/me"), ("POST", "/orders"), ("GET", "/menu")):
        response = await nobody(served, authorization=value).request(method, path, json=COFFEE)
        assert problem(response, 401)["title"] == "Sign in first"
        assert response.headers["www-authenticate"] == "Bearer"


async def test_keys_that_are_guessed_cost_little_and_are_noted_once_a_minute(closed: Served) -> None:
    guesser = nobody(closed)
    for number in range(300):
        response = await guesser.get("/orders", headers={"authorization": f"Bearer comanda_{number:043}"})
        assert response.status_code == 401
    assert len(await made_by(closed, "wrong key")) == 1


async def test_a_wrong_key_takes_as_long_as_a_right_one(closed: Served) -> None:
    access = closed.access.check.access

    def seconds(key: bytes) -> float:
        begun = time.perf_counter()
        for _ in range(50):
            hashed = access.known.key_ids.get(fast_hash(key))
        assert hashed is None or key == KEY.encode()
        return time.perf_counter() - begun

    right, near, far = (
        statistics.median(seconds(key) for _ in range(20))
        for key in (KEY.encode(), KEY[:-1].encode() + b"x", b"comanda_" + b"z" * 43)
    )
    assert max(right, near, far) < 3 * min(right, near, far)


async def test_pins_are_slowed_down_and_nobody_is_locked_out(closed: Served) -> None:
    await add_person(closed)
    stranger = nobody(closed)
    statuses = [(await sign_in(stranger, pin=f"00000{n}")).status_code for n in range(8)]
    assert statuses == [401] * 5 + [429] * 3
    refused = await sign_in(stranger)
    assert problem(refused, 429)["title"] == "Too often"
    assert 1 <= int(refused.headers["retry-after"]) <= 60
    tablet, _ = await paired(closed, Role.STATION, ["bar"])
    assert (await sign_in(tablet)).status_code == 200
    closed.restaurant.clock.now += 61
    assert (await sign_in(stranger)).status_code == 200
    assert len(await made_by(closed, "wrong PIN")) == 5


async def test_many_pins_at_once_are_no_way_around(closed: Served) -> None:
    await add_person(closed)
    stranger = nobody(closed)
    tries = [sign_in(stranger, pin=f"{n:06}") for n in range(30)]
    statuses = [response.status_code for response in await asyncio.gather(*tries)]
    assert statuses.count(401) == 5
    assert statuses.count(429) == 25


async def test_a_short_pin_works_on_a_paired_device_only(closed: Served) -> None:
    await add_person(closed, pin="2718")
    assert (await sign_in(browser(closed), pin="2718")).status_code == 401
    tablet, _ = await paired(closed, Role.WAITER)
    assert (await sign_in(tablet, pin="2718")).status_code == 200


async def test_a_name_that_nobody_has_is_refused_as_a_wrong_pin(closed: Served) -> None:
    await add_person(closed)
    texts = {problem(await sign_in(nobody(closed), name=name, pin="999999"), 401)["detail"] for name in ("Ada", "Eve")}
    assert len(texts) == 1


async def test_a_pairing_code_works_once_and_for_15_minutes(closed: Served) -> None:
    key_id, _ = await key_of(closed, Role.WAITER)
    make = closed.access.administration.make_pairing_code
    code = await make(SHELL, key_id)
    assert (await browser(closed).get(f"/pair/{code}")).status_code == 200  # a preview does not use it up
    assert (await browser(closed).post(f"/pair/{code}")).status_code == 303
    assert (await browser(closed).post(f"/pair/{code}")).status_code == 401
    late = await make(SHELL, key_id)
    closed.restaurant.clock.now += 901
    assert (await browser(closed).post(f"/pair/{late}")).status_code == 401
    of_revoked = await make(SHELL, key_id)
    await closed.access.administration.revoke_key(SHELL, key_id)
    assert (await browser(closed).post(f"/pair/{of_revoked}")).status_code == 401


async def test_table_codes_of_others_and_of_before_are_refused(tables: Served, served: Served) -> None:
    foreign = await served.access.administration.table_code("7")
    own = await tables.access.administration.table_code("7")
    name, _, signature = own.partition(".")
    forged = [foreign, f"{name}.", f"OA.{signature}", name, f"{own}x", f"{name}.{'A' * 22}"]
    for code in forged:
        tables.restaurant.clock.now += 120
        assert problem(await nobody(tables).get(f"/t/{code}"), 401)
    guest = await at_table(tables, "7")
    assert (await guest.get("/me")).json()["table"] == "7"
    tables.restaurant.clock.now += 120
    await tables.access.administration.void_table_codes(SHELL)
    await tables.access.check.access.refresh()
    assert problem(await nobody(tables).get(f"/t/{own}"), 401)
    assert (await guest.get("/me")).json()["table"] is None


# Rights.


async def test_an_order_is_read_by_its_id_and_not_found_otherwise(tables: Served) -> None:
    mine, other = await at_table(tables, "7"), await at_table(tables, "8")
    placed = (await mine.post("/orders", json=COFFEE)).json()
    assert placed["table"] == "7"
    assert (await mine.get(f"/orders/{placed['order_id']}")).status_code == 200
    for path in ("/orders", "/orders?table=7", f"/tickets/bar/{placed['order_id']}", "/reports/sales", "/access/keys"):
        assert problem(await other.get(path), 401)
    assert problem(await nobody(tables).get(f"/orders/{placed['order_id']}"), 401)


@pytest.mark.parametrize("more", [{"role": "manager"}, {"owner": 1}, {"status": "accepted"}, {"session": "x"}])
async def test_a_body_gives_nobody_more(served: Served, more: dict[str, object]) -> None:
    problem(await nobody(served).post("/orders", json=COFFEE | more), 400)
    person = {"name": "Eve", "role": "waiter", "pin": "123456"}
    problem(await served.client.post("/access/people", json=person | {"person_id": "x"}), 400)
    problem(await served.client.post("/access/people", json=person | {"role": "service"}), 400)


async def test_who_did_it_is_not_what_the_body_says(closed: Served) -> None:
    await add_person(closed)
    tablet, _ = await paired(closed, Role.STATION, ["bar"])
    await sign_in(tablet)
    order = "8e03978e-40d5-43dd-bc93-6894a57f9324"
    closed.watches["bar"].change(order)
    step = {"verb": "start", "expected": "queued", "step_id": "s", "moved_by": "the owner"}
    moved = await tablet.post(f"/tickets/bar/{order}/moves", json=step)
    assert moved.json()["moved_by"] == "Ada"


@pytest.mark.parametrize("name", ["a\r\nSet-Cookie: x=1", "a\nb", "\x00", "a\x7f"])
async def test_a_name_holds_no_line_break(served: Served, name: str) -> None:
    problem(await served.client.post("/access/keys", json={"name": name, "role": "waiter"}), 400)


@pytest.mark.parametrize("query", ["?next=https://evil.example", "?redirect=//evil.example"])
async def test_nothing_leads_to_another_site(tables: Served, query: str) -> None:
    code = await tables.access.administration.table_code("7")
    opened = await nobody(tables).get(f"/t/{code}{query}")
    assert opened.status_code in (303, 400)
    assert opened.headers.get("location", "/") == "/"


@pytest.mark.parametrize("code", ["%3Cscript%3Ealert(1)", "%22%3E%3Cimg%20src=x%3E", "a%0d%0ab"])
async def test_a_page_shows_a_code_as_text(closed: Served, code: str) -> None:
    page = await nobody(closed).get(f"/pair/{code}")
    assert "<script>" not in page.text
    assert "<img" not in page.text
    assert "script-src 'self';" in page.headers["content-security-policy"]


# Guests' limits, and proxies.


async def test_guests_are_limited_by_table(tables: Served) -> None:
    guest = await at_table(tables, "7")
    statuses = [(await guest.post("/orders", json=COFFEE)).status_code for _ in range(4)]
    assert statuses == [201, 201, 201, 429]
    refused = await guest.post("/orders", json=COFFEE)
    assert problem(refused, 429)["title"] == "Too often"
    assert 1 <= int(refused.headers["retry-after"]) <= 60
    assert (await (await at_table(tables, "8")).post("/orders", json=COFFEE)).status_code == 201
    assert (await tables.client.post("/orders", json=COFFEE)).status_code == 201
    tables.restaurant.clock.now += 61
    statuses = [(await guest.post("/orders", json=COFFEE)).status_code for _ in range(3)]
    assert statuses == [201, 201, 429], "five orders of the table are open"
    order_id = (await tables.client.get("/orders?table=7")).json()["orders"][0]["order_id"]
    assert (await guest.delete(f"/orders/{order_id}")).status_code in (200, 202)
    assert (await guest.post("/orders", json=COFFEE)).status_code == 201


async def test_whoever_has_a_code_fills_neither_the_audit_log_nor_the_database(tables: Served) -> None:
    """A code that is opened again by who sits there does nothing, and others open so many a minute from an address."""
    code = await tables.access.administration.table_code("7")
    lines = len(await tables.access.administration.audit(1000))
    guest = await at_table(tables, "7")
    for _ in range(5):
        assert (await guest.get(f"/t/{code}")).headers.get("set-cookie") is None
    assert len(await tables.access.administration.sessions(1000)) == 1
    statuses = [(await nobody(tables).get(f"/t/{code}")).status_code for _ in range(TABLES_A_MINUTE)]
    assert statuses == [303] * (TABLES_A_MINUTE - 1) + [429]
    assert len(await tables.access.administration.audit(1000)) == lines
    tables.restaurant.clock.now += 61
    await at_table(tables, "8")


async def test_another_table_is_another_session(tables: Served) -> None:
    guest = await at_table(tables, "7")
    code = await tables.access.administration.table_code("8")
    assert (await guest.get(f"/t/{code}")).status_code == 303
    assert (await guest.get("/me")).json()["table"] == "8"


async def test_an_ipv6_client_is_counted_by_its_network(tables: Served) -> None:
    """It has 2^64 addresses: each of them is no new client."""
    await add_person(tables)
    statuses = []
    for number in range(7):
        transport = httpx.ASGITransport(app=tables.app, client=(f"2001:db8::{number}", 1))  # type: ignore[arg-type]
        async with httpx.AsyncClient(transport=transport, base_url=ORIGIN) as caller:
            statuses.append((await sign_in(caller, name=f"nobody {number}")).status_code)
            await caller.get("/orders", headers={"authorization": "Bearer x"})
    assert statuses == [401] * 5 + [429] * 2
    assert len(await made_by(tables, "wrong key")) == 1


async def test_an_order_sent_again_is_not_another_open_one(tables: Served) -> None:
    guest = await at_table(tables, "7")
    body = COFFEE | {"order_id": "8e03978e-40d5-43dd-bc93-6894a57f9324"}
    for _ in range(7):
        tables.restaurant.clock.now += 61
        assert (await guest.post("/orders", json=body)).status_code == 201


async def test_an_address_is_believed_from_a_trusted_proxy_only(tables: Served) -> None:
    await add_person(tables)
    for client_address, forwarded, expected in (
        ("127.0.0.1", "203.0.113.9", "127.0.0.1"),
        ("10.1.2.3", "203.0.113.9", "203.0.113.9"),
        ("10.1.2.3", "198.51.100.1, 203.0.113.9, 10.9.9.9", "203.0.113.9"),
        ("10.1.2.3", "evil", "10.1.2.3"),
        ("10.1.2.3", "", "10.1.2.3"),
    ):
        transport = httpx.ASGITransport(app=tables.app, client=(client_address, 1))  # type: ignore[arg-type]
        headers = {"x-forwarded-for": forwarded}
        async with httpx.AsyncClient(transport=transport, base_url=ORIGIN, headers=headers) as caller:
            await caller.post("/sign-in", json={"name": "Eve", "pin": "123456"})
        (last, *_) = await tables.access.administration.audit(1)
        assert (last.what, last.subject, last.origin) == ("wrong PIN", "Eve", expected)


async def test_under_tls_the_cookie_is_secure_and_browsers_stay(tables: Served) -> None:
    code = await tables.access.administration.table_code("7")
    transport = httpx.ASGITransport(app=tables.app, client=("10.0.0.9", 1))  # type: ignore[arg-type]
    headers = {"x-forwarded-proto": "https"}
    async with httpx.AsyncClient(transport=transport, base_url=ORIGIN, headers=headers) as caller:
        opened = await caller.get(f"/t/{code}")
        assert re.match(r"__Host-comanda_session=", opened.headers["set-cookie"])
        assert "secure" in opened.headers["set-cookie"].lower()
        assert "max-age" in opened.headers["strict-transport-security"]
    assert "strict-transport-security" not in (await tables.client.get("/menu")).headers


# Revocation.


async def test_another_gateway_sees_what_was_revoked(closed: Served) -> None:
    """Both watch; the one that was not asked refuses within 2 seconds."""
    served = closed
    other = access_parts(served.restaurant.database, served.restaurant.service, served.restaurant.clock.pair, CLOSED)
    await other.check.access.start()
    key_id, secret = await key_of(served, Role.WAITER)
    await other.check.access.refresh()
    assert other.check.access.of_key(secret.encode()).key_id == key_id
    watching = asyncio.create_task(other.check.access.watch())
    begun = time.monotonic()
    assert (await served.client.delete(f"/access/keys/{key_id}")).status_code == 200
    problem(await with_key(served, secret).get("/orders"), 401)
    await until(lambda: key_id not in other.check.access.known.keys)
    assert time.monotonic() - begun < 2
    watching.cancel()


async def test_events_end_with_the_right_to_them(closed: Served) -> None:
    key_id, secret = await key_of(closed, Role.STATION, ["bar"])
    async with follow(closed.app, "/events?departments=bar", authorization=f"Bearer {secret}") as station:
        await station.up_to_date()
        assert (await closed.client.delete(f"/access/keys/{key_id}")).status_code == 200
        await until(lambda: station.is_complete)
    async with follow(closed.app, "/events?departments=bar", authorization=f"Bearer {secret}") as station:
        await until(lambda: station.is_complete)
        assert station.status == 401


async def test_a_removed_person_and_another_pin_end_sessions(closed: Served) -> None:
    person_id = await add_person(closed)
    phone = browser(closed)
    await sign_in(phone)
    await closed.client.put(f"/access/people/{person_id}/pin", json={"pin": "314159"})
    assert (await phone.get("/me")).json()["name"] is None
    assert (await sign_in(phone)).status_code == 401
    assert (await sign_in(phone, pin="314159")).status_code == 200
    await closed.client.delete(f"/access/people/{person_id}")
    assert (await phone.get("/me")).json()["name"] is None
    assert (await sign_in(phone, pin="314159")).status_code == 401


async def test_the_audit_log_has_who_did_what_to_what_and_from_where(closed: Served) -> None:
    await add_person(closed)
    await sign_in(browser(closed))
    placed = (await closed.client.post("/orders", json=COFFEE)).json()["order_id"]
    await closed.client.delete(f"/orders/{placed}")
    lines = (await closed.client.get("/access/audit")).json()["lines"]
    assert [(line["who"], line["what"]) for line in lines] == [
        ("manager", "order cancelled"),
        ("guest", "sign-in"),
        ("test", "person added"),
        ("first start", "key made"),
    ]
    assert lines[0]["subject"] == placed
    assert lines[1]["origin"] == "127.0.0.1"
    rights = [Action.ORDER_LIST]
    _, secret = await key_of(closed, Role.SERVICE, rights=rights)
    problem(await with_key(closed, secret).get("/access/audit"), 403)


# Pages.


@pytest.mark.parametrize("path", ["/", "/sign-in", "/pair/abc"])
async def test_a_page_has_no_script_of_its_own(closed: Served, path: str) -> None:
    page = await nobody(closed, accept="text/html").get(path)
    assert page.status_code == 200
    assert page.headers["content-type"].startswith("text/html")
    assert re.findall(r"<script [^>]*>", page.text) == [
        '<script type="application/json" id="page-data">',
        f'<script type="module" src="{assets().address("shell.js")}">',
    ]
    policy = page.headers["content-security-policy"]
    for part in ("default-src 'none'", "frame-ancestors 'none'", "require-trusted-types-for 'script'"):
        assert part in policy


async def test_who_may_not_gets_a_page_in_a_browser(closed: Served) -> None:
    page = await nobody(closed, accept="text/html,*/*;q=0.8").get("/orders")
    assert (page.status_code, page.headers["content-type"]) == (401, "text/html; charset=utf-8")
    assert 'href="/sign-in"' in page.text


async def test_signing_in_by_the_pages_form(closed: Served) -> None:
    await add_person(closed)
    phone = browser(closed)
    wrong = await phone.post("/sign-in", data={"name": "Ada", "pin": "000000"})
    assert (wrong.status_code, "The name or the PIN is wrong" in wrong.text) == (401, True)
    right = await phone.post("/sign-in", data={"name": "Ada", "pin": "271828"})
    assert (right.status_code, right.headers["location"]) == (303, "/waiter")
    assert "Ada" in (await phone.get("/sign-in")).text


async def test_every_response_has_its_headers(served: Served) -> None:
    for path in ("/menu", "/schema/openapi.json", "/", "/schema", "/assets/favicon-32x32.png", "/nowhere"):
        for headers in (await served.client.get(path)).headers, (await nobody(served).get(path)).headers:
            assert headers["x-content-type-options"] == "nosniff"
    assert "cache-control" not in (await served.client.get("/assets/favicon-32x32.png")).headers
    page = await served.client.get("/schema")
    assert "script-src 'self' 'sha256-" in page.headers["content-security-policy"]
    assert "frame-ancestors 'none'" in page.headers["content-security-policy"]
    assert (await served.order("bar coffee")).headers["cache-control"] == "no-store"
